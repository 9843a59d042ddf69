/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/caller_script.h"

enum {
	VOICE_PROB = 140,
	FRAME_MS = 20,
	ONSET_FRAMES = 3,    /* voiced frames of... */
	ONSET_WINDOW = 5,    /* ...that many: the other side speaks */
	SPOKEN_FRAMES = 8,   /* less than that was a click or a breath, not an answer */
};

void caller_script_init(struct caller_script *s, const struct caller_script_params *params, msec_t now)
{
	*s = (struct caller_script){.p = *params, .since = now};
}

static enum caller_act speak(struct caller_script *s, msec_t now, uint32_t *ret_line)
{
	bool is_over_voice = s->state == CALLER_HEARING;

	if (s->next == s->p.line_count) {
		s->state = CALLER_DONE;
		return CALLER_HANG_UP;
	}

	*ret_line = s->next++;
	s->state = CALLER_SPEAKING;
	s->heard = (struct caller_heard){.said_at = now, .hushed_at = is_over_voice ? s->voice_end_at : 0};
	s->voiced = 0;

	return CALLER_SAY;
}

void caller_script_said(struct caller_script *s, msec_t now)
{
	if (s->state != CALLER_SPEAKING)
		return;

	s->state = CALLER_WAITING;
	s->since = now;
	s->heard.said_end_at = now;
	s->history = 0;
	s->voiced = 0;
}

/* True when the other side has just been found to speak. */
static bool watch(struct caller_script *s, bool is_voice, msec_t now)
{
	uint32_t window = s->history & ((1u << ONSET_WINDOW) - 1);

	if (!window)
		return false;
	if (is_voice && __builtin_popcount(window) == 1)
		s->voice_at = now - FRAME_MS;

	return __builtin_popcount(window) >= ONSET_FRAMES;
}

static enum caller_act wait(struct caller_script *s, bool is_voice, msec_t now, uint32_t *ret_line)
{
	if (watch(s, is_voice, now)) {
		s->state = CALLER_HEARING;
		s->voiced = ONSET_FRAMES;
		s->voice_end_at = now;
		if (!s->heard.answer_at)
			s->heard.answer_at = s->voice_at;
		return CALLER_NOTHING;
	}

	return now - s->since >= s->p.patience_ms ? speak(s, now, ret_line) : CALLER_NOTHING;
}

static enum caller_act hear(struct caller_script *s, bool is_voice, msec_t now, uint32_t *ret_line)
{
	bool is_last = s->next == s->p.line_count;
	uint32_t wait_ms = is_last ? s->p.linger_ms : s->p.lines[s->next].wait_ms;
	uint32_t interrupt_ms = is_last ? 0 : s->p.lines[s->next].interrupt_ms;

	if (is_voice) {
		s->voiced++;
		s->voice_end_at = now;
	}
	if (interrupt_ms && s->voiced >= SPOKEN_FRAMES && now - s->voice_at >= interrupt_ms)
		return speak(s, now, ret_line);
	if (interrupt_ms || now - s->voice_end_at < wait_ms) {
		/* A line that shall interrupt waits for a speech long enough, but not for ever. */
		if (now - s->voice_end_at < s->p.patience_ms)
			return CALLER_NOTHING;
	}
	if (s->voiced >= SPOKEN_FRAMES)
		return speak(s, now, ret_line);

	/* It was nothing. */
	s->state = CALLER_WAITING;
	s->heard.answer_at = 0;

	return CALLER_NOTHING;
}

enum caller_act caller_script_frame(struct caller_script *s, uint8_t prob, msec_t now, uint32_t *ret_line)
{
	bool is_voice = prob >= VOICE_PROB;

	s->history = s->history << 1 | is_voice;
	switch (s->state) {
	case CALLER_WAITING:
		return wait(s, is_voice, now, ret_line);
	case CALLER_HEARING:
		return hear(s, is_voice, now, ret_line);
	case CALLER_SPEAKING:
		if (is_voice && s->heard.hushed_at)
			s->heard.hushed_at = now;
		break;
	case CALLER_DONE:
		break;
	}

	return CALLER_NOTHING;
}
