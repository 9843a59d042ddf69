/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/turn.h"

/*
 * Guards live in due() and classify(): they turn time, voice and words into events. What an event does in which state stands in
 * the table `edges` and nowhere else.
 */

enum {
	TAKEN_TAIL_MS = 120,  /* of a voice behind its last voiced frame: consonants */
	LEAST_PREROLL_MS = 60,
	HANGOVER_FRAMES = 2, /* silent frames until a speaker counts as quiet: the hole inside a stop consonant */
	RETURN_FRAMES = 2,   /* voiced frames of the last... */
	RETURN_WINDOW = 3,   /* ...that many that end a lull: a click does not */
};

enum event {
	ON_ONSET,	/* voice where there was none */
	ON_VOICE,	/* voice again after a lull */
	ON_QUIET,	/* the speaker paused */
	ON_HINT,	/* paused long enough to prepare the final */
	ON_ENDED,	/* paused long enough for an end of turn */
	ON_NOTHING,	/* the same, and it was only a noise */
	ON_LONGEST,	/* the utterance is as long as allowed */
	ON_LASTS,	/* the voice over ours goes on */
	ON_SURE,	/* it is an interruption */
	ON_FADED,	/* it is none */
	ON_FINAL_WORDS,
	ON_FINAL_NONE,	/* no words in a long utterance */
	ON_FINAL_NOISE, /* no words in a short one */
	ON_OVERDUE,	/* the final did not come */
	ON_SILENCE,	/* nobody spoke for long */
	ON_NODDED,	/* nothing more than the nod was said */
	ON_THINK,
	ON_REPLY,
	ON_REPLY_END,
	ON_KEY,
	ON_KEYS_DONE,
	ON_HOLD,
	EVENT_COUNT,
};

/* ---- the outbox ------------------------------------------------------------------------------------------------------- */

static struct turn_out *put(struct turn *t, enum turn_act act, enum turn_reason reason, msec_t now)
{
	bool has_voice = t->voice_at != NEVER;

	if (t->out_count == TURN_OUTBOX) {
		t->lost++;
		return NULL;
	}

	struct turn_out *out = &t->out[(t->out_head + t->out_count++) % TURN_OUTBOX];

	*out = (struct turn_out){
		.act = act,
		.reason = reason,
		.at = now,
		.speech_at = has_voice ? t->voice_at : 0,
		.speech_end_at = has_voice ? t->voice_end_at : 0,
		.voiced_ms = has_voice ? t->voiced_ms : 0,
	};

	return out;
}

bool turn_take(struct turn *t, struct turn_out *ret)
{
	if (!t->out_count)
		return false;

	*ret = t->out[t->out_head];
	t->out_head = (uint8_t)((t->out_head + 1) % TURN_OUTBOX);
	t->out_count--;

	return true;
}

static uint32_t ones(uint32_t history, uint32_t window)
{
	return (uint32_t)__builtin_popcount(history & (UINT32_MAX >> (32 - window)));
}

/* ---- actions ---------------------------------------------------------------------------------------------------------- */

typedef void action_fn(struct turn *t, enum turn_reason why, msec_t now);

static bool has_utterance(const struct turn *t)
{
	return t->state == TURN_CALLER || t->state == TURN_LULL || t->state == TURN_SETTLE || t->state == TURN_DOUBT ||
		t->state == TURN_HUSHED;
}

/* The next voice is another story. */
static void forget_voice(struct turn *t)
{
	t->voice_at = NEVER;
	t->onset_at = NEVER;
	t->history = 0;
	t->voiced_ms = 0;
}

static void expect_default(struct turn *t)
{
	t->silence_ms = t->p.silence_ms;
	t->is_number = false;
	t->keys_most = t->p.keys_max;
	t->keys_gap_ms = t->p.keys_ms;
}

/* Something of the reply was heard: more than thinking, more than waiting behind a pause. */
static bool is_over_ours(const struct turn *t)
{
	return t->floor == TURN_FLOOR_SPEAKING && t->ours_at != NEVER;
}

/*
 * What came just before a voice is its own beginning, which is weak. But the end of what was taken already is no beginning of anything: the hiss of
 * a "yes" in front of "that is right" makes a September of it.
 */
static msec_t heard_from(const struct turn *t)
{
	msec_t from = MAX(t->voice_at - t->p.preroll_ms, t->taken_end_at + TAKEN_TAIL_MS);

	return MIN(from, t->voice_at - LEAST_PREROLL_MS);
}

static void listen(struct turn *t, enum turn_reason why, msec_t now)
{
	t->voice_at = t->onset_at;
	t->voice_end_at = now;
	t->onset_at = NEVER;
	t->voiced_ms = ones(t->history, t->p.onset_window) * t->p.frame_ms;
	t->words = TURN_WORDS_UNKNOWN;
	t->fit = TURN_FIT_UNKNOWN;
	t->is_stable = false;
	t->was_hinted = false;

	struct turn_out *out = put(t, TURN_LISTEN, why, now);

	if (out) {
		/* An onset may have waited for a final: the voice is then older than the window. */
		out->preroll_ms = (uint16_t)CLAMP(now - heard_from(t), 0, UINT16_MAX);
		out->is_barge_in = is_over_ours(t);
	}
}

static void listen_and_hush(struct turn *t, enum turn_reason why, msec_t now)
{
	listen(t, why, now);
	put(t, TURN_PAUSE, why, now);
}

static void pause_reply(struct turn *t, enum turn_reason why, msec_t now)
{
	put(t, TURN_PAUSE, why, now);
}

/* Words so far are of the past; the engine may have found none only because none had been said. */
static void go_on(struct turn *t, enum turn_reason why, msec_t now)
{
	if (t->was_hinted)
		put(t, TURN_GO_ON, why, now);
	t->was_hinted = false;
	t->is_stable = false;
	t->fit = TURN_FIT_UNKNOWN;
	if (t->words == TURN_WORDS_NONE)
		t->words = TURN_WORDS_UNKNOWN;
}

static void hint(struct turn *t, enum turn_reason why, msec_t now)
{
	t->was_hinted = true;
	put(t, TURN_HINT, why, now);
}

static void end(struct turn *t, enum turn_reason why, msec_t now)
{
	put(t, TURN_END, why, now);
}

static void forget(struct turn *t, enum turn_reason why, msec_t now)
{
	put(t, TURN_FORGET, why, now);
	forget_voice(t);
}

static void take(struct turn *t, enum turn_reason why, msec_t now)
{
	t->taken_end_at = t->voice_end_at;
	put(t, TURN_TAKEN, why, now);
	t->has_nod = false;
	t->floor = TURN_FLOOR_THINKING;
	t->ours_at = NEVER;
	expect_default(t);
	/* A voice that is heard already belongs to the next utterance: the onset window stays. */
	t->voice_at = NEVER;
	t->voiced_ms = 0;
}

static void flush(struct turn *t, enum turn_reason why, msec_t now)
{
	struct turn_out *out = put(t, TURN_FLUSH, why, now);

	if (out)
		out->is_barge_in = is_over_ours(t);
	t->has_nod = false;
	t->floor = TURN_FLOOR_FREE;
	t->idle_at = now;
}

static void false_alarm(struct turn *t, enum turn_reason why, msec_t now)
{
	put(t, TURN_FORGET, why, now);
	if (why == TURN_BY_NOD && t->is_stable && t->fit == TURN_FIT_COMPLETE && t->floor == TURN_FLOOR_SPEAKING)
		t->has_nod = t->left_ms < t->p.nod_answer_ms;
	if (t->state == TURN_HUSHED)
		put(t, TURN_RESUME, why, now);
	forget_voice(t);
}

static void free_floor(struct turn *t, enum turn_reason why, msec_t now)
{
	t->floor = TURN_FLOOR_FREE;
	t->idle_at = now;
}

static void think(struct turn *t, enum turn_reason why, msec_t now)
{
	t->has_nod = false;
	t->floor = TURN_FLOOR_THINKING;
	t->ours_at = NEVER;
}

static void reply(struct turn *t, enum turn_reason why, msec_t now)
{
	t->floor = TURN_FLOOR_SPEAKING;
	t->ours_at = NEVER;
}

static void silence(struct turn *t, enum turn_reason why, msec_t now)
{
	put(t, TURN_SILENCE, why, now);
	expect_default(t);
	think(t, why, now);
}

static void nodded(struct turn *t, enum turn_reason why, msec_t now)
{
	put(t, TURN_NODDED, why, now);
	expect_default(t);
	think(t, why, now);
}

static void key(struct turn *t, enum turn_reason why, msec_t now)
{
	bool is_first = t->state != TURN_KEYS;

	t->has_nod = t->is_waiting = false;

	if (has_utterance(t))
		forget(t, why, now);
	if (t->floor != TURN_FLOOR_FREE)
		flush(t, why, now);

	t->keys = is_first ? 1 : (uint8_t)(t->keys + 1);
	t->key_at = now;
	forget_voice(t);
}

static void keys_done(struct turn *t, enum turn_reason why, msec_t now)
{
	put(t, TURN_DIGITS, why, now);
	expect_default(t);
	think(t, why, now);
}

static void hold(struct turn *t, enum turn_reason why, msec_t now)
{
	if (has_utterance(t))
		forget(t, why, now);
	forget_voice(t);
	t->has_nod = t->is_waiting = false;
}

/* ---- the table -------------------------------------------------------------------------------------------------------- */

/* Pseudo-states of the table: the event means nothing here; back to where our side is. */
#define NONE 0
#define S(state) ((state) + 1)
#define BACK (TURN_STATE_COUNT + 1)

static const struct edge {
	uint8_t next;
	action_fn *act;
} edges[TURN_STATE_COUNT][EVENT_COUNT] = {
	[TURN_IDLE] = {
		[ON_ONSET]	 = {S(TURN_CALLER), listen},
		[ON_SILENCE]	 = {S(TURN_THINK),  silence},
		[ON_NODDED]	 = {S(TURN_THINK),  nodded},
		[ON_THINK]	 = {S(TURN_THINK),  think},
		[ON_REPLY]	 = {S(TURN_OURS),   reply},
		[ON_KEY]	 = {S(TURN_KEYS),   key},
		[ON_HOLD]	 = {S(TURN_HELD),   hold},
	},
	[TURN_CALLER] = {
		[ON_QUIET]	 = {S(TURN_LULL),   NULL},
		[ON_LONGEST]	 = {S(TURN_SETTLE), end},
		[ON_KEY]	 = {S(TURN_KEYS),   key},
		[ON_HOLD]	 = {S(TURN_HELD),   hold},
	},
	[TURN_LULL] = {
		[ON_VOICE]	 = {S(TURN_CALLER), go_on},
		[ON_HINT]	 = {S(TURN_LULL),   hint},
		[ON_ENDED]	 = {S(TURN_SETTLE), end},
		[ON_NOTHING]	 = {S(TURN_IDLE),   forget},
		[ON_LONGEST]	 = {S(TURN_SETTLE), end},
		[ON_KEY]	 = {S(TURN_KEYS),   key},
		[ON_HOLD]	 = {S(TURN_HELD),   hold},
	},
	[TURN_SETTLE] = {
		[ON_FINAL_WORDS] = {S(TURN_THINK),  take},
		[ON_FINAL_NONE]	 = {S(TURN_THINK),  take},	/* not understood: the mind asks again */
		[ON_FINAL_NOISE] = {S(TURN_IDLE),   forget},
		[ON_OVERDUE]	 = {S(TURN_THINK),  take},
		[ON_KEY]	 = {S(TURN_KEYS),   key},
		[ON_HOLD]	 = {S(TURN_HELD),   hold},
	},
	[TURN_THINK] = {
		[ON_ONSET]	 = {S(TURN_HUSHED), listen_and_hush},	/* nothing of ours shall begin now */
		[ON_REPLY]	 = {S(TURN_OURS),   reply},
		[ON_REPLY_END]	 = {S(TURN_IDLE),   free_floor},
		[ON_KEY]	 = {S(TURN_KEYS),   key},
		[ON_HOLD]	 = {S(TURN_HELD),   hold},
	},
	[TURN_OURS] = {
		[ON_ONSET]	 = {S(TURN_DOUBT),  listen},
		[ON_REPLY_END]	 = {S(TURN_IDLE),   free_floor},
		[ON_KEY]	 = {S(TURN_KEYS),   key},
		[ON_HOLD]	 = {S(TURN_HELD),   hold},
	},
	[TURN_DOUBT] = {
		[ON_VOICE]	 = {S(TURN_DOUBT),  go_on},
		[ON_HINT]	 = {S(TURN_DOUBT),  hint},
		[ON_LASTS]	 = {S(TURN_HUSHED), pause_reply},
		[ON_SURE]	 = {S(TURN_CALLER), flush},
		[ON_FADED]	 = {BACK,	    false_alarm},
		[ON_REPLY_END]	 = {S(TURN_CALLER), free_floor},	/* it began to speak a little early */
		[ON_KEY]	 = {S(TURN_KEYS),   key},
		[ON_HOLD]	 = {S(TURN_HELD),   hold},
	},
	[TURN_HUSHED] = {
		[ON_VOICE]	 = {S(TURN_HUSHED), go_on},
		[ON_HINT]	 = {S(TURN_HUSHED), hint},
		[ON_SURE]	 = {S(TURN_CALLER), flush},
		[ON_FADED]	 = {BACK,	    false_alarm},
		[ON_REPLY]	 = {S(TURN_HUSHED), reply},		/* its audio waits behind the pause */
		[ON_REPLY_END]	 = {S(TURN_CALLER), flush},		/* nothing to resume; lifts the pause */
		[ON_KEY]	 = {S(TURN_KEYS),   key},
		[ON_HOLD]	 = {S(TURN_HELD),   hold},
	},
	[TURN_KEYS] = {
		[ON_KEY]	 = {S(TURN_KEYS),   key},
		[ON_KEYS_DONE]	 = {S(TURN_THINK),  keys_done},
		[ON_HOLD]	 = {S(TURN_HELD),   hold},
	},
};

static enum turn_state state_of_floor(enum turn_floor floor)
{
	switch (floor) {
	case TURN_FLOOR_THINKING:
		return TURN_THINK;
	case TURN_FLOOR_SPEAKING:
		return TURN_OURS;
	case TURN_FLOOR_FREE:
		break;
	}

	return TURN_IDLE;
}

/* The only place where the state follows an event. False when the event means nothing in this state. */
static bool step(struct turn *t, enum event ev, enum turn_reason why, msec_t now)
{
	const struct edge *edge = &edges[t->state][ev];

	if (edge->next == NONE)
		return false;

	if (edge->act)
		edge->act(t, why, now);

	enum turn_state next = edge->next == BACK ? state_of_floor(t->floor) : (enum turn_state)(edge->next - 1);

	if (next != t->state)
		t->state_at = now;
	t->state = next;

	return true;
}

/* ---- guards ----------------------------------------------------------------------------------------------------------- */

struct verdict {
	enum event ev;
	enum turn_reason why;
};

/* How long a silence ends the turn, from what is known of the words. */
static struct verdict end_rule(const struct turn *t, uint32_t *ret_ms)
{
	const struct turn_params *p = &t->p;

	if (t->fit == TURN_FIT_COMPLETE && t->is_stable) {
		*ret_ms = p->end_complete_ms;
		return (struct verdict){ON_ENDED, TURN_BY_COMPLETE};
	}
	if (t->fit == TURN_FIT_COMPLETE) {
		*ret_ms = p->end_likely_ms;
		return (struct verdict){ON_ENDED, TURN_BY_LIKELY};
	}
	if (t->fit == TURN_FIT_OPEN || t->words == TURN_WORDS_FILLER) {
		*ret_ms = p->end_open_ms;
		return (struct verdict){ON_ENDED, TURN_BY_OPEN};
	}
	if (t->words == TURN_WORDS_NONE && t->is_stable && t->voiced_ms < p->noise_ms) {
		*ret_ms = p->end_ms;
		return (struct verdict){ON_NOTHING, TURN_BY_NOISE};
	}
	*ret_ms = t->is_number ? p->end_number_ms : p->end_ms;

	return (struct verdict){ON_ENDED, TURN_BY_ENDPOINT};
}

static bool lull_due(const struct turn *t, uint32_t quiet_ms, struct verdict *ret)
{
	uint32_t wait_ms;
	struct verdict rule = end_rule(t, &wait_ms);

	if (quiet_ms >= wait_ms)
		*ret = rule;
	else if (quiet_ms >= t->p.hint_ms && !t->was_hinted)
		*ret = (struct verdict){ON_HINT, TURN_BY_NONE};
	else
		return false;

	return true;
}

/* Our reply is so short of its end that it need not be paused, and "yes" is an answer to it. */
static bool is_almost_over(const struct turn *t)
{
	return t->floor == TURN_FLOOR_SPEAKING && t->left_ms < t->p.answer_ms;
}

static uint32_t pause_after(const struct turn *t, msec_t now)
{
	bool is_guarded = t->ours_at != NEVER && t->voice_at - t->ours_at < t->p.guard_ms;

	return is_guarded ? t->p.guard_pause_ms : t->p.pause_ms;
}

/* The caller has spoken over our reply (or before it): an interruption, nothing, or not clear yet. */
static bool doubt_due(const struct turn *t, uint32_t quiet_ms, msec_t now, struct verdict *ret)
{
	const struct turn_params *p = &t->p;
	bool are_nods = t->words == TURN_WORDS_NOD || t->words == TURN_WORDS_FILLER || t->words == TURN_WORDS_NONE;
	bool are_trusted = t->voiced_ms >= (t->is_stable ? p->words_ms : p->words_live_ms);

	if (t->words == TURN_WORDS_REAL && are_trusted)
		*ret = (struct verdict){ON_SURE, TURN_BY_WORDS};
	else if (t->words == TURN_WORDS_NOD && are_trusted && is_almost_over(t))
		*ret = (struct verdict){ON_SURE, TURN_BY_ANSWER};
	else if (t->voiced_ms >= (are_nods ? p->sure_nod_ms : p->sure_ms))
		*ret = (struct verdict){ON_SURE, TURN_BY_VOICE};
	else if (quiet_ms >= p->give_up_ms || (quiet_ms >= p->hint_ms && t->is_stable && are_nods))
		*ret = (struct verdict){ON_FADED, t->words == TURN_WORDS_NOD ? TURN_BY_NOD : TURN_BY_NOISE};
	else if (t->state == TURN_DOUBT && t->voiced_ms >= pause_after(t, now) && !is_almost_over(t))
		*ret = (struct verdict){ON_LASTS, TURN_BY_VOICE};
	else if (quiet_ms >= p->hint_ms && !t->was_hinted)
		*ret = (struct verdict){ON_HINT, TURN_BY_NONE};
	else
		return false;

	return true;
}

/* What time and voice alone have brought about. */
static bool due(const struct turn *t, msec_t now, struct verdict *ret)
{
	uint32_t quiet_ms = (uint32_t)CLAMP(now - t->voice_end_at, 0, UINT32_MAX);
	bool is_long = t->voice_at != NEVER && now - t->voice_at >= t->p.longest_ms;

	switch (t->state) {
	case TURN_IDLE:
		if (t->has_nod && now - t->idle_at >= t->p.nod_wait_ms) {
			*ret = (struct verdict){ON_NODDED, TURN_BY_NOD};
			return true;
		}
		*ret = (struct verdict){ON_SILENCE, TURN_BY_NONE};
		return now - t->idle_at >= t->silence_ms;
	case TURN_CALLER:
		*ret = is_long ? (struct verdict){ON_LONGEST, TURN_BY_LONGEST} : (struct verdict){ON_QUIET, TURN_BY_NONE};
		return is_long || quiet_ms >= HANGOVER_FRAMES * t->p.frame_ms;
	case TURN_LULL:
		*ret = (struct verdict){ON_LONGEST, TURN_BY_LONGEST};
		return is_long || lull_due(t, quiet_ms, ret);
	case TURN_SETTLE:
		*ret = (struct verdict){ON_OVERDUE, TURN_BY_TIMEOUT};
		return now - t->state_at >= t->p.settle_ms;
	case TURN_DOUBT:
	case TURN_HUSHED:
		return doubt_due(t, quiet_ms, now, ret);
	case TURN_KEYS:
		*ret = (struct verdict){ON_KEYS_DONE, TURN_BY_KEY};
		return now - t->key_at >=
			(t->keys_fit == TURN_FIT_COMPLETE ? t->p.keys_complete_ms : t->keys_gap_ms);
	case TURN_THINK:
	case TURN_OURS:
	case TURN_HELD:
	case TURN_STATE_COUNT:
		break;
	}

	return false;
}

static void take_waiting(struct turn *t, msec_t now);

void turn_tick(struct turn *t, msec_t now)
{
	struct verdict v;

	/* Each step leads to a state nearer to waiting; the bound is for the reader. */
	for (int i = 0; i < TURN_STATE_COUNT && due(t, now, &v); i++) {
		if (!step(t, v.ev, v.why, now))
			break;
		take_waiting(t, now);
	}
}

/* ---- inputs ----------------------------------------------------------------------------------------------------------- */

/* A voice while the final of the last utterance is awaited. */
static void keep_waiting(struct turn *t, bool is_voice, uint32_t heard, msec_t now)
{
	if (!is_voice)
		return;
	if (!t->is_waiting && heard >= t->p.onset_frames) {
		t->is_waiting = true;
		t->waiting_at = t->onset_at;
		t->waiting_ms = (heard - 1) * t->p.frame_ms;
	}
	t->waiting_ms += t->p.frame_ms;
	t->waiting_end_at = now;
}

/* What was said meanwhile, perhaps to its end, begins now that there is somebody to listen. */
static void take_waiting(struct turn *t, msec_t now)
{
	if (!t->is_waiting || t->state == TURN_SETTLE)
		return;

	t->is_waiting = false;
	t->onset_at = t->waiting_at;
	if (!step(t, ON_ONSET, TURN_BY_VOICE, now))
		return;
	t->voiced_ms = t->waiting_ms;
	/* The recogniser is only now about to hear it: the silence behind it counts from the hint on, so that words can come in time. */
	t->voice_end_at = MAX(t->waiting_end_at, now - t->p.hint_ms);
}

/* Outside an utterance: looks for voice. */
static void watch(struct turn *t, bool is_voice, msec_t now)
{
	uint32_t heard = ones(t->history, t->p.onset_window);

	if (heard == 0)
		t->onset_at = NEVER;
	else if (t->onset_at == NEVER)
		t->onset_at = now - t->p.frame_ms;
	if (t->state == TURN_SETTLE)
		keep_waiting(t, is_voice, heard, now);
	else if (is_voice && heard >= t->p.onset_frames && t->state != TURN_KEYS) /* keys beat voice */
		step(t, ON_ONSET, TURN_BY_VOICE, now);
}

/* Inside an utterance: off_prob keeps it alive, after a lull it takes on_prob more than once. */
static void follow(struct turn *t, const struct turn_frame *frame, msec_t now)
{
	bool is_lull = t->state == TURN_LULL || now - t->voice_end_at > HANGOVER_FRAMES * t->p.frame_ms;
	uint8_t keep = frame->is_ours ? t->p.on_prob : t->p.off_prob;

	if (is_lull && ones(t->history, RETURN_WINDOW) < RETURN_FRAMES)
		return;
	if (!is_lull && frame->prob < keep)
		return;
	if (is_lull)
		step(t, ON_VOICE, TURN_BY_VOICE, now);
	t->voiced_ms += t->p.frame_ms;
	t->voice_end_at = now;
}

void turn_frame(struct turn *t, const struct turn_frame *frame, msec_t now)
{
	bool is_voice = frame->prob >= (frame->is_ours ? t->p.barge_prob : t->p.on_prob);

	if (t->state == TURN_HELD)
		return;

	t->history = t->history << 1 | is_voice;
	if (frame->is_ours && t->ours_at == NEVER)
		t->ours_at = now;

	if (has_utterance(t) && t->state != TURN_SETTLE) {
		follow(t, frame, now);
	} else {
		t->left_ms = frame->left_ms;
		watch(t, is_voice, now);
	}
	turn_tick(t, now);
}

void turn_partial(struct turn *t, enum turn_words words, enum turn_fit fit, bool is_stable, msec_t now)
{
	if (!has_utterance(t) || t->state == TURN_SETTLE)
		return;

	/* A live decoder has nothing to say yet: that is not "no words". */
	if (words == TURN_WORDS_NONE && !is_stable)
		words = TURN_WORDS_UNKNOWN;
	t->words = words;
	t->fit = fit;
	t->is_stable = is_stable;
	turn_tick(t, now);
}

void turn_final(struct turn *t, enum turn_words words, msec_t now)
{
	if (words == TURN_WORDS_NOD || words == TURN_WORDS_REAL)
		step(t, ON_FINAL_WORDS, TURN_BY_WORDS, now);
	else if (t->voiced_ms >= t->p.noise_ms && words != TURN_WORDS_FILLER)
		step(t, ON_FINAL_NONE, TURN_BY_NO_WORDS, now);
	else
		step(t, ON_FINAL_NOISE, TURN_BY_NO_WORDS, now);
	take_waiting(t, now);
}

void turn_think(struct turn *t, msec_t now)
{
	step(t, ON_THINK, TURN_BY_NONE, now);
}

void turn_reply(struct turn *t, msec_t now)
{
	step(t, ON_REPLY, TURN_BY_NONE, now);
}

void turn_reply_end(struct turn *t, msec_t now)
{
	step(t, ON_REPLY_END, TURN_BY_ANSWER, now);
}

void turn_expect(struct turn *t, uint32_t silence_ms, bool is_number)
{
	t->silence_ms = silence_ms ? silence_ms : t->p.silence_ms;
	t->is_number = is_number;
}

void turn_expect_keys(struct turn *t, uint32_t most, uint32_t gap_ms)
{
	t->keys_most = most ? (uint8_t)MIN(most, (uint32_t)t->p.keys_max) : t->p.keys_max;
	t->keys_gap_ms = gap_ms ? gap_ms : t->p.keys_ms;
}

void turn_key(struct turn *t, bool is_last, enum turn_fit fit, msec_t now)
{
	if (!step(t, ON_KEY, TURN_BY_KEY, now))
		return;

	t->keys_fit = fit;
	if (is_last || t->keys >= t->keys_most)
		step(t, ON_KEYS_DONE, TURN_BY_KEY, now);
}

void turn_hold(struct turn *t, msec_t now)
{
	step(t, ON_HOLD, TURN_BY_HOLD, now);
}

/* Not in the table: where it leads is the owner's knowledge. */
void turn_go(struct turn *t, enum turn_floor floor, msec_t now)
{
	if (t->state != TURN_HELD)
		return;

	t->is_waiting = false;
	t->floor = floor;
	t->ours_at = NEVER;
	t->idle_at = now;
	t->state = state_of_floor(floor);
	t->state_at = now;
}

void turn_init(struct turn *t, const struct turn_params *params)
{
	*t = (struct turn){.p = *params, .state = TURN_HELD, .voice_at = NEVER, .onset_at = NEVER, .ours_at = NEVER};
	t->p.onset_window = (uint8_t)CLAMP(t->p.onset_window, 1, 32);
	t->p.onset_frames = (uint8_t)CLAMP(t->p.onset_frames, 1, t->p.onset_window);
	t->p.frame_ms = MAX(t->p.frame_ms, 1);
	t->p.keys_max = MAX(t->p.keys_max, 1);
	t->p.off_prob = MIN(t->p.off_prob, t->p.on_prob);
	expect_default(t);
}
