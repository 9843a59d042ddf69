/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/progress.h"
#include <math.h>

#define FRAME_MS      20
#define PURE	      0.80f /* of the energy in one or two sines: a tone begins, with room for noise 6 dB below it */
#define PURE_STILL    0.65f /* it goes on */
#define SECOND	      0.08f /* less than that is no second sine */
#define STEADY	      0.02f /* of the frequency, and never finer than... */
#define STEADY_HZ     18.0f /* ...that, but for... */
#define BEAT_HZ	      30.0f /* ...what the beat of 440 and 480 Hz makes of it */
#define MISSES	      2	    /* frames without it end a tone; a phase reversal or a lost packet costs one */
#define MISSES_LOST   5	    /* ...when packets are lost, */
#define LOST_LINGERS  2	    /* which spoils the window of so many frames more */
#define FADED_DB      25.0f /* this much below its loudest frame it is over: what is left is echo */

#define MS(frames)    ((uint32_t)(frames)*FRAME_MS)

const char *progress_kind_name(enum progress_kind k)
{
	static const char *const names[PROGRESS_KIND_COUNT] = {"none", "fax", "sit", "busy", "ringing", "dial", "beep"};

	return (unsigned)k < PROGRESS_KIND_COUNT ? names[k] : "?";
}

const char *progress_sit_words(enum progress_sit sit)
{
	switch (sit) {
	case PROGRESS_SIT_INTERCEPT:
		return "the number was changed or disconnected";
	case PROGRESS_SIT_VACANT:
		return "there is no such number";
	case PROGRESS_SIT_REORDER:
		return "the network is busy";
	case PROGRESS_SIT_NO_CIRCUIT:
		return "the network has no free circuit";
	default:
		return "the network cannot put the call through";
	}
}

void progress_init(struct progress *p, int rate_hz)
{
	*p = (struct progress){.since_lost = LOST_LINGERS + 1};
	spot_init(&p->spot, rate_hz);
}

/* ---- cutting tones out --------------------------------------------------------------------------------------------------- */

static bool is_near(float a, float b)
{
	return fabsf(a - b) <= MAX(STEADY * b, b < 500 ? BEAT_HZ : STEADY_HZ);
}

/* The frame as a tone: one sine, or two in rising order. While one sounds alone, a second is noise. */
static bool is_pure(const struct spot_out *o, bool is_on, bool is_alone, float ret_hz[2])
{
	bool is_pair = o->share[1] >= SECOND && !is_alone;

	if (o->share[0] + (is_pair ? o->share[1] : 0) < (is_on ? PURE_STILL : PURE))
		return false;
	ret_hz[0] = is_pair ? MIN(o->hz[0], o->hz[1]) : o->hz[0];
	ret_hz[1] = is_pair ? MAX(o->hz[0], o->hz[1]) : 0;

	return true;
}

static bool goes_on(const struct progress_tone *t, const float hz[2])
{
	return is_near(hz[0], t->hz[0]) && (hz[1] > 0) == (t->hz[1] > 0) && (hz[1] <= 0 || is_near(hz[1], t->hz[1]));
}

static void keep(struct progress *p)
{
	if (p->tone.frames >= 2) {
		memmove(p->kept + 1, p->kept, sizeof(p->kept) - sizeof(p->kept[0]));
		p->kept[0] = p->tone;
		p->n_kept = MIN(p->n_kept + 1, PROGRESS_KEPT);
	}
	p->tone.frames = 0;
	p->misses = 0;
}

static float purity_of(const struct spot_out *o, const float hz[2])
{
	return o->share[0] + (hz[1] > 0 ? o->share[1] : 0);
}

/* A frame becomes part of the range when the next has come: the last one is an edge. */
static void settle(struct progress *p)
{
	struct progress_tone *t = &p->tone;

	if (t->frames >= 2 && p->is_fresh) {
		t->low_hz = t->low_hz > 0 ? MIN(t->low_hz, p->last_hz) : p->last_hz;
		t->high_hz = MAX(t->high_hz, p->last_hz);
		t->quiet_db = MIN(t->quiet_db, p->last_db);
	}
	p->is_fresh = false;
}

static void lengthen(struct progress *p, const float hz[2], const struct spot_out *o)
{
	struct progress_tone *t = &p->tone;
	float n = (float)MIN(t->frames, 20u);

	settle(p);
	for (int i = 0; i < 2; i++)
		t->hz[i] += (hz[i] - t->hz[i]) / (n + 1);
	t->frames = p->frame + 1 - t->at;
	t->level_db = MAX(t->level_db, o->level_db);
	p->is_fresh = p->since_lost > LOST_LINGERS;
	if (p->is_fresh)
		t->purity += (purity_of(o, hz) - t->purity) / (n + 1);
	p->last_hz = hz[0];
	p->last_db = o->level_db;
	p->misses = 0;
}

static void begin(struct progress *p, const float hz[2], const struct spot_out *o)
{
	p->tone = (struct progress_tone){.hz = {hz[0], hz[1]}, .at = p->frame, .frames = 1, .level_db = o->level_db,
		.purity = purity_of(o, hz)};
	p->is_fresh = false;
	p->misses = 0;
}

/* Takes the frame into the running tone, or ends that and may begin another. Returns true when one ended just now. */
static bool cut(struct progress *p, const struct spot_out *o, bool is_concealed)
{
	struct progress_tone *t = &p->tone;
	float hz[2] = {0, 0};
	bool is_on = t->frames > 0, is_alone = t->frames >= 3 && t->hz[1] <= 0;
	bool pure = is_pure(o, is_on, is_alone, hz), has_faded = is_on && o->level_db < t->level_db - FADED_DB && p->since_lost > LOST_LINGERS;

	if (is_on && pure && !has_faded && goes_on(t, hz)) {
		lengthen(p, hz, o);
		return false;
	}

	/* What is guessed for a lost packet says nothing; another tone ends this one at once, anything else with the second frame. */
	bool is_other = !is_concealed && is_pure(o, false, false, hz);

	if (is_on && t->frames >= 3 && !is_other && !has_faded && ++p->misses < (p->since_lost <= LOST_LINGERS ? MISSES_LOST : MISSES))
		return false;

	bool has_ended = is_on && t->frames >= 2;

	if (is_on)
		keep(p);
	if (is_other && !has_faded)
		begin(p, hz, o);

	return has_ended;
}

/* ---- judging them ---------------------------------------------------------------------------------------------------------- */

static bool is_single(const struct progress_tone *t, float hz, float off)
{
	return t->hz[1] <= 0 && fabsf(t->hz[0] - hz) <= off;
}

static bool lasts(const struct progress_tone *t, uint32_t from_ms, uint32_t to_ms)
{
	return MS(t->frames) >= from_ms && MS(t->frames) <= to_ms;
}

/* Of the telephone network's own: both sines between 340 and 640 Hz. */
static bool is_network(const struct progress_tone *t)
{
	return t->hz[0] >= 340 && t->hz[0] <= 640 && (t->hz[1] <= 0 || t->hz[1] <= 640);
}

static uint32_t end_of(const struct progress_tone *t)
{
	return t->at + t->frames;
}

/* Frames between the end of one tone and the beginning of the next. */
static uint32_t between(const struct progress_tone *before, const struct progress_tone *after)
{
	return after->at > end_of(before) ? after->at - end_of(before) : 0;
}

static bool is_alike(uint32_t a_ms, uint32_t b_ms)
{
	uint32_t more = MAX(a_ms, b_ms), less = MIN(a_ms, b_ms);

	return more - less <= MAX(60u, more / 4);
}

static enum progress_sit sit_of(const struct progress_tone *a, const struct progress_tone *b)
{
	bool is_low = a->hz[0] < 932, is_high = a->hz[0] > 968, is_second_high = b->hz[0] > 1414, is_second_low = b->hz[0] < 1385;

	/* ITU-T E.180 has 950 and 1400 Hz for all of them. */
	if ((!is_low && !is_high) || (!is_second_low && !is_second_high))
		return PROGRESS_SIT_OTHER;
	if (is_low)
		return is_second_low ? PROGRESS_SIT_INTERCEPT : PROGRESS_SIT_REORDER;

	return is_second_low ? PROGRESS_SIT_VACANT : PROGRESS_SIT_NO_CIRCUIT;
}

static bool find_sit(struct progress *p, struct progress_out *ret)
{
	const struct progress_tone *c = &p->tone, *b = &p->kept[0], *a = &p->kept[1];

	if (p->n_kept < 2 || MS(c->frames) < 80 || !is_single(c, 1788, 60) || !is_single(b, 1400, 75) || !is_single(a, 950, 75))
		return false;
	if (!lasts(a, 180, 460) || !lasts(b, 180, 460) || MS(between(a, b)) > 100 || MS(between(b, c)) > 100)
		return false;

	*ret = (struct progress_out){.kind = PROGRESS_SIT, .sit = sit_of(a, b), .hz = (uint16_t)a->hz[0],
		.began_ms = MS(p->frame + 1 - a->at)};

	return true;
}

static bool find_fax(struct progress *p, bool has_speech, bool has_ended, struct progress_out *ret)
{
	const struct progress_tone *on = &p->tone, *off = &p->kept[0];
	const struct progress_tone *t = NULL;

	if (on->frames && is_single(on, 2100, 25) && MS(on->frames) >= 500)
		t = on;
	/* One burst could be a machine's beep; before anybody spoke, or twice at a fax' distance, it is none. */
	if (has_ended && is_single(off, 1100, 40) && lasts(off, 400, 640)) {
		const struct progress_tone *first = &p->kept[1];
		bool is_second = p->n_kept > 1 && is_single(first, 1100, 40) && lasts(first, 400, 640) &&
			MS(between(first, off)) >= 2400 && MS(between(first, off)) <= 3600;

		if (is_second || !has_speech)
			t = off;
	}
	if (!t)
		return false;

	*ret = (struct progress_out){.kind = PROGRESS_FAX, .hz = (uint16_t)lrintf(t->hz[0]), .began_ms = MS(p->frame + 1 - t->at)};

	return true;
}

/* Told when the third burst has begun. */
static bool find_busy(const struct progress *p, struct progress_out *ret)
{
	const struct progress_tone *third = &p->tone, *second = &p->kept[0], *first = &p->kept[1];

	if (p->n_kept < 2 || third->frames < 3 || !is_network(first) || !is_near(first->hz[0], second->hz[0]) ||
		!is_near(third->hz[0], second->hz[0]))
		return false;

	uint32_t on_a = MS(first->frames), on_b = MS(second->frames), off_a = MS(between(first, second)),
		 off_b = MS(between(second, third));

	if (!lasts(first, 140, 640) || !lasts(second, 140, 640) || off_a < 140 || off_a > 740 || !is_alike(on_a, on_b) ||
		!is_alike(off_a, off_b))
		return false;

	*ret = (struct progress_out){.kind = PROGRESS_BUSY, .hz = (uint16_t)first->hz[0], .began_ms = MS(p->frame + 1 - first->at)};

	return true;
}

static bool find_ringing(const struct progress *p, struct progress_out *ret)
{
	const struct progress_tone *t = &p->kept[0], *before = &p->kept[1];

	if (p->n_kept == 0 || p->tone.frames || !is_network(t) || p->frame + 1 - end_of(t) != 1000 / FRAME_MS)
		return false;

	bool is_double = p->n_kept > 1 && lasts(t, 300, 500) && lasts(before, 300, 500) && MS(between(before, t)) <= 300 &&
		is_near(before->hz[0], t->hz[0]);

	if (!is_double && !lasts(t, 700, 2600))
		return false;

	*ret = (struct progress_out){.kind = PROGRESS_RINGING, .hz = (uint16_t)t->hz[0],
		.began_ms = MS(p->frame + 1 - (is_double ? before->at : t->at))};

	return true;
}

static bool find_dial(const struct progress *p, struct progress_out *ret)
{
	const struct progress_tone *t = &p->tone;

	if (t->frames != 3000 / FRAME_MS || !is_network(t) || t->hz[0] > 450)
		return false;

	*ret = (struct progress_out){.kind = PROGRESS_DIAL, .hz = (uint16_t)t->hz[0], .began_ms = MS(t->frames)};

	return true;
}

/*
 * A machine's sines keep their pitch and level as no voice does. In the range of a voice's strongest harmonics they have to be longer
 * and purer to be believed, and two of them more so.
 */
static bool is_machine_made(const struct progress_tone *t)
{
	bool is_low = t->hz[0] < 700, is_pair = t->hz[1] > 0;
	float spread = t->high_hz - t->low_hz, flat = t->level_db - t->quiet_db;
	float least = is_pair ? 0.9f : is_low ? 0.88f : 0.8f;

	return t->frames >= (is_pair ? 7u : is_low ? 5u : 3u) && spread <= (t->frames >= 8 ? 7.0f : 3.5f) && flat <= 2.5f &&
		t->purity >= least;
}

static bool find_beep(const struct progress *p, bool has_ended, struct progress_out *ret)
{
	const struct progress_tone *t = &p->kept[0];

	if (!has_ended || t->hz[1] > 0 || t->hz[0] < 380 || t->hz[0] > 2150 || !lasts(t, 60, 2000) || !is_machine_made(t))
		return false;

	*ret = (struct progress_out){.kind = PROGRESS_BEEP, .hz = (uint16_t)lrintf(t->hz[0]), .began_ms = MS(p->frame + 1 - t->at),
		.length_ms = MS(t->frames)};

	return true;
}

/* No voice. 440 and 480 Hz waver too much to be called steady, but for longer than any vowel. */
static bool is_sure(const struct progress_tone *t)
{
	return is_machine_made(t) || (is_network(t) && t->frames >= 12 && t->purity >= 0.9f);
}

/* The first that fits; a tone that was told of is not told again as something else, but for the beep that ended as one. */
static void judge(struct progress *p, bool has_speech, bool has_ended, struct progress_out *ret)
{
	if (p->tone.frames && find_sit(p, ret) && p->told_at != p->tone.at + 1) {
		p->told_at = p->tone.at + 1;
		return;
	}
	if ((p->tone.frames && p->told_at == p->tone.at + 1) || (has_ended && p->told_at == p->kept[0].at + 1)) {
		*ret = (struct progress_out){0};
		return;
	}
	if (find_fax(p, has_speech, has_ended, ret) || find_busy(p, ret) || find_dial(p, ret)) {
		p->told_at = (p->tone.frames ? p->tone.at : p->kept[0].at) + 1;
		return;
	}
	if (!find_ringing(p, ret) && !find_beep(p, has_ended, ret))
		*ret = (struct progress_out){0};
}

void progress_run(struct progress *p, const int16_t *pcm, int n, bool is_concealed, bool has_speech, struct progress_out *ret)
{
	struct spot_out o;

	spot_run(&p->spot, pcm, n, &o);
	p->since_lost = is_concealed ? 0 : p->since_lost + 1;

	bool has_ended = cut(p, &o, is_concealed);

	judge(p, has_speech, has_ended, ret);
	ret->tone_ms = p->tone.frames && is_sure(&p->tone) ? MS(p->frame + 1 - p->tone.at) : 0;
	ret->level_db = o.level_db;
	p->frame++;
}
