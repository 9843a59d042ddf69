/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/answer.h"

/*
 * Voice is what the detector calls so and what is not far below the talker's own level: in babble the pauses of the nearest talker
 * are pauses. A passage is speech without a long pause; a person's first one is short and followed by the pause in which an answer is
 * expected, and the shorter the words, the shorter the pause that proves it.
 */
enum {
	FRAME_MS = 20,
	ON_PROB = 140,
	OFF_PROB = 90,
	ONSET_FRAMES = 3,
	ONSET_WINDOW = 5,
	NOISE_MS = 100,	       /* voiced less than that is a click, a cough, a breath */
	PASSAGE_GAP_MS = 1200, /* a longer pause begins another passage */
	MACHINE_MS = 3000,     /* nobody says hello for so long */
	GOES_ON_MS = 1800,     /* after "human": speech that began so soon after it... */
	GOES_ON_LONG_MS = 3600, /* ...and lasts so long was a machine's greeting with a pause in it */
	REVISE_MS = 20000,     /* a verdict for a person is left alone after that */
	SILENCE_MS = 5000,
	BEEP_SPEECH_MS = 400,  /* speech before a tone makes it a beep */
	BEEP_REST_MS = 140,    /* from its end, known 40 ms late, to our first word */
	NO_BEEP_MS = 4000,     /* silence behind a machine's words */
	SCREENER_MS = 1000,    /* the same behind a screener's */
	MENU_MS = 2000,
	TURNS_MOST = 3,
	LONGEST_MS = 180000,
};

#define BELOW_TALKER_DB 16.0f
#define BELOW_WHEN_OURS_DB 8.0f /* our echo is softer than the talker was */
#define LOUD_DB		-44.0f /* nobody speaks into our ear more softly */
#define ABOVE_FLOOR_DB	9.0f
#define FLOOR_START_DB	-30.0f
#define FLOOR_FALL	0.3f
#define FLOOR_RISE_DB	0.05f /* a frame */
#define TALKER_START_DB (-60.0f)
#define TALKER_RISE	0.4f
#define TALKER_FALL	0.004f

/* Percent; as measured, see docs/who-is-there.md. */
enum {
	SURE_TONE = 99,
	SURE_BEEP = 99,
	SURE_WORDS = 95,
	SURE_SHORT = 97,
	SURE_MIDDLE = 90,
	SURE_LONG = 90,
	SURE_MACHINE = 90,
	SURE_SILENCE = 95,
};

const char *answer_who_name(enum answer_who w)
{
	static const char *const names[ANSWER_WHO_COUNT] = {
		"unknown", "human", "voicemail", "screening", "ivr", "fax", "sit", "busy", "silence"};

	return (unsigned)w < ANSWER_WHO_COUNT ? names[w] : "?";
}

void answer_init(struct answer *a)
{
	*a = (struct answer){.talker_db = TALKER_START_DB, .floor_db = FLOOR_START_DB};
}

/* ---- events --------------------------------------------------------------------------------------------------------------- */

static struct answer_event *tell(struct answer *a, enum answer_event_kind kind)
{
	struct answer_event *ev = &a->out[(a->head + a->count) % ANSWER_OUTBOX];

	/* Three at most come of one input. */
	assert(a->count < ANSWER_OUTBOX);
	a->count++;
	*ev = (struct answer_event){.kind = kind, .who = a->who, .at_ms = a->now_ms};

	return ev;
}

bool answer_take(struct answer *a, struct answer_event *ret)
{
	if (!a->count)
		return false;

	*ret = a->out[a->head];
	a->head = (uint8_t)((a->head + 1) % ANSWER_OUTBOX);
	a->count--;

	return true;
}

static struct answer_event *decide(struct answer *a, enum answer_who who, uint8_t confidence)
{
	bool is_revised = a->who != ANSWER_UNKNOWN;

	a->who = who;
	a->verdict_ms = a->now_ms;

	struct answer_event *ev = tell(a, ANSWER_EV_VERDICT);

	ev->confidence = confidence;
	ev->is_revised = is_revised;
	ev->speech_ms = a->has_first ? a->now_ms - a->first_ms : 0;

	return ev;
}

static void our_turn(struct answer *a, bool is_after_beep)
{
	a->speak_at_ms = 0;
	a->turns++;
	a->spoken_at_turn = a->spoken_ms;
	tell(a, ANSWER_EV_SPEAK)->is_after_beep = is_after_beep;
}

/* ---- speech --------------------------------------------------------------------------------------------------------------- */

static bool is_voiced(struct answer *a, const struct answer_frame *f)
{
	if (f->is_idle || f->tone->tone_ms)
		return false;

	float db = f->tone->level_db;
	bool is_speech = f->prob >= (a->is_voice ? OFF_PROB : ON_PROB);

	a->floor_db = db < a->floor_db ? a->floor_db + (db - a->floor_db) * FLOOR_FALL : a->floor_db + FLOOR_RISE_DB;
	is_speech = is_speech && db >= LOUD_DB && db >= a->floor_db + ABOVE_FLOOR_DB;
	if (is_speech && !f->is_ours)
		a->talker_db += (db - a->talker_db) * (db > a->talker_db ? TALKER_RISE : TALKER_FALL);

	return is_speech && db > a->talker_db - (f->is_ours ? BELOW_WHEN_OURS_DB : BELOW_TALKER_DB);
}

static void note_first(struct answer *a, uint32_t at_ms)
{
	if (!a->has_first)
		a->first_ms = at_ms;
	a->has_first = true;
}

static uint32_t pause_ms(const struct answer *a)
{
	return a->now_ms - a->end_ms;
}

static uint32_t passage_ms(const struct answer *a)
{
	return a->has_run ? a->end_ms - a->run_ms : 0;
}

static void begin_passage(struct answer *a)
{
	uint32_t at_ms = a->now_ms - MIN(a->now_ms, (uint32_t)ONSET_WINDOW * FRAME_MS);

	a->has_run = true;
	a->run_ms = at_ms;
	a->voiced_ms = ONSET_FRAMES * FRAME_MS;
	note_first(a, at_ms);
}

/* What became a tone was not speech, although its beginning may have looked like it. */
static void unhear(struct answer *a, uint32_t tone_ms)
{
	if (!tone_ms || !a->has_run || a->run_ms + 2 * ONSET_WINDOW * FRAME_MS < a->now_ms - MIN(a->now_ms, tone_ms))
		return;
	a->spoken_ms -= MIN(a->spoken_ms, a->voiced_ms);
	a->has_run = a->is_voice = false;
	a->history = 0;
}

static void hear(struct answer *a, bool is_voiced)
{
	bool was_voice = a->is_voice;

	a->history = a->history << 1 | is_voiced;

	unsigned recent = (unsigned)__builtin_popcount(a->history & ((1u << ONSET_WINDOW) - 1));

	if (!was_voice)
		a->is_voice = recent >= ONSET_FRAMES;
	else if (recent == 0)
		a->is_voice = false;

	if (a->has_run && pause_ms(a) >= PASSAGE_GAP_MS)
		a->has_run = false;
	if (a->is_voice && !was_voice && !a->has_run)
		begin_passage(a);
	if (a->is_voice && is_voiced) {
		a->end_ms = a->now_ms;
		a->voiced_ms += FRAME_MS;
		a->spoken_ms += FRAME_MS;
	}
}

/* ---- verdicts ------------------------------------------------------------------------------------------------------------- */

/* The pause that makes a passage a person's greeting; 0: none does. */
static uint32_t proving_pause_ms(uint32_t passage, uint8_t *ret_confidence)
{
	static const struct {
		uint32_t up_to, pause;
		uint8_t confidence;
	} steps[] = {{1000, 500, SURE_SHORT}, {1800, 800, SURE_MIDDLE}, {MACHINE_MS, 1150, SURE_LONG}};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (passage <= steps[i].up_to) {
			*ret_confidence = steps[i].confidence;
			return steps[i].pause;
		}

	return 0;
}

static void judge_speech(struct answer *a)
{
	uint8_t confidence = 0;
	uint32_t passage = passage_ms(a), pause = proving_pause_ms(passage, &confidence);

	if (!a->has_run)
		return;
	if (passage > MACHINE_MS)
		decide(a, ANSWER_VOICEMAIL, SURE_MACHINE);
	else if (pause && pause_ms(a) >= pause && a->voiced_ms >= NOISE_MS)
		decide(a, ANSWER_HUMAN, confidence);
}

/* Was it a machine after all? */
static void judge_again(struct answer *a)
{
	if (a->has_run && a->run_ms <= a->verdict_ms + GOES_ON_MS && a->end_ms > a->verdict_ms && passage_ms(a) > GOES_ON_LONG_MS)
		decide(a, ANSWER_VOICEMAIL, SURE_MACHINE);
}

static void judge_silence(struct answer *a)
{
	if (a->now_ms - MAX(a->rings_at_ms, a->has_first ? a->end_ms : 0) >= SILENCE_MS)
		decide(a, ANSWER_SILENCE, SURE_SILENCE);
}

static bool can_be_machine(const struct answer *a)
{
	return a->who == ANSWER_UNKNOWN || a->who == ANSWER_VOICEMAIL || a->who == ANSWER_SCREENING || a->who == ANSWER_IVR ||
		a->who == ANSWER_SILENCE || (a->who == ANSWER_HUMAN && a->now_ms < REVISE_MS);
}

static void on_beep(struct answer *a, const struct progress_out *tone)
{
	/* A tone out of the blue is none, nor is one behind a few words of a person. */
	if (!can_be_machine(a) || a->spoken_ms < BEEP_SPEECH_MS || a->spoken_ms < a->spoken_at_turn + (a->turns ? BEEP_SPEECH_MS : 0))
		return;
	if (a->who != ANSWER_VOICEMAIL)
		decide(a, ANSWER_VOICEMAIL, SURE_BEEP);

	struct answer_event *ev = tell(a, ANSWER_EV_BEEP);

	ev->at_ms = a->now_ms - MIN(a->now_ms, tone->began_ms);
	ev->length_ms = tone->length_ms;
	ev->hz = tone->hz;
	if (a->turns < TURNS_MOST)
		a->speak_at_ms = a->now_ms + BEEP_REST_MS;
}

static void on_tone(struct answer *a, const struct progress_out *tone)
{
	static const enum answer_who verdicts[PROGRESS_KIND_COUNT] = {[PROGRESS_FAX] = ANSWER_FAX, [PROGRESS_SIT] = ANSWER_SIT,
		[PROGRESS_BUSY] = ANSWER_BUSY, [PROGRESS_DIAL] = ANSWER_BUSY};
	struct answer_event *ev;

	switch (tone->kind) {
	case PROGRESS_RINGING:
		a->rings_at_ms = a->now_ms;
		tell(a, ANSWER_EV_RINGING)->hz = tone->hz;
		break;
	case PROGRESS_BEEP:
		on_beep(a, tone);
		break;
	case PROGRESS_NONE:
		break;
	default:
		/* Behind a person's words they are what the line sends when that person has hung up. */
		if (a->who == verdicts[tone->kind] || (a->who != ANSWER_UNKNOWN && a->who != ANSWER_SILENCE && a->turns))
			return;
		note_first(a, a->now_ms - MIN(a->now_ms, tone->began_ms));
		ev = decide(a, verdicts[tone->kind], SURE_TONE);
		ev->sit = tone->sit;
		ev->hz = tone->hz;
		a->is_over = true;
		break;
	}
}

/* Silence in which a machine waits for us. */
static uint32_t waits_ms(const struct answer *a)
{
	return a->who == ANSWER_SCREENING ? SCREENER_MS : a->who == ANSWER_IVR ? MENU_MS : NO_BEEP_MS;
}

static void judge_turn(struct answer *a, uint32_t tone_ms)
{
	bool is_machine = a->who == ANSWER_VOICEMAIL || a->who == ANSWER_SCREENING || a->who == ANSWER_IVR;

	/* In noise a beep may be heard in two pieces. */
	if (a->speak_at_ms && tone_ms)
		a->speak_at_ms = a->now_ms + BEEP_REST_MS;
	if (a->speak_at_ms && a->now_ms >= a->speak_at_ms)
		our_turn(a, true);
	else if (is_machine && !a->turns && !a->speak_at_ms && !a->is_voice && pause_ms(a) >= waits_ms(a))
		our_turn(a, false);
}

void answer_frame(struct answer *a, const struct answer_frame *f)
{
	a->now_ms += FRAME_MS;
	if (a->is_over)
		return;

	hear(a, is_voiced(a, f));
	unhear(a, f->tone->tone_ms);
	if (f->is_idle) {
		/* On hold, or no packet yet: silence is what is heard, not what is not received. */
		a->rings_at_ms = a->now_ms;
		return;
	}
	if (f->tone->tone_ms)
		a->rings_at_ms = a->now_ms;
	on_tone(a, f->tone);
	if (a->who == ANSWER_UNKNOWN || a->who == ANSWER_SILENCE)
		judge_speech(a);
	else if (a->who == ANSWER_HUMAN)
		judge_again(a);
	if (a->who == ANSWER_UNKNOWN && !a->is_voice)
		judge_silence(a);
	judge_turn(a, f->tone->tone_ms);
	/* It rings for ever: somebody has to decide what to do. */
	if (a->now_ms >= LONGEST_MS && a->who == ANSWER_UNKNOWN)
		decide(a, ANSWER_SILENCE, SURE_SILENCE);
	if (a->now_ms >= LONGEST_MS || (a->who == ANSWER_HUMAN && a->now_ms - a->verdict_ms >= REVISE_MS))
		a->is_over = true;
}

void answer_hint(struct answer *a, enum answer_who who)
{
	bool is_machine = who == ANSWER_VOICEMAIL || who == ANSWER_SCREENING || who == ANSWER_IVR;
	bool can_be = a->who == ANSWER_UNKNOWN || a->who == ANSWER_SILENCE || a->who == ANSWER_VOICEMAIL ||
		(a->who == ANSWER_HUMAN && a->now_ms < REVISE_MS);

	if (is_machine && can_be && !a->turns && !a->speak_at_ms && !a->is_over && who != a->who)
		decide(a, who, SURE_WORDS);
}

void answer_again(struct answer *a)
{
	uint32_t now_ms = a->now_ms;
	float talker_db = a->talker_db;

	answer_init(a);
	a->now_ms = a->rings_at_ms = a->end_ms = now_ms;
	a->talker_db = talker_db;
}

bool answer_has_speech(const struct answer *a)
{
	return a->spoken_ms >= NOISE_MS;
}

bool answer_is_over(const struct answer *a)
{
	return a->is_over;
}
