/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "turn/turn.h"

/*
 * Test only: the protocol that an owner of a turn machine relies on, checked on every decision. Unit tests and the fuzz target
 * share it. Returns what is broken, or NULL.
 */
struct turn_check {
	bool is_hinted;	   /* HINT .. GO_ON or the end of the utterance */
	bool is_listening; /* LISTEN .. END or FORGET */
	bool is_settling;  /* END .. TAKEN or FORGET */
	bool is_paused;	   /* PAUSE .. RESUME, FLUSH, or hold */
	msec_t last_at;
	uint32_t count[TURN_ACT_COUNT];
};

static inline const char *turn_check_out(struct turn_check *c, const struct turn_out *out)
{
	bool is_open = c->is_listening || c->is_settling;
	const char *broken = NULL;

	if (out->at < c->last_at)
		broken = "decisions go back in time";
	if (out->speech_at && (out->speech_end_at < out->speech_at || out->speech_end_at > out->at))
		broken = "speech ends before it begins or in the future";
	c->last_at = out->at;
	c->count[out->act]++;

	switch (out->act) {
	case TURN_LISTEN:
		if (is_open)
			broken = "listen inside an utterance";
		c->is_listening = true;
		c->is_hinted = false;
		break;
	case TURN_HINT:
		if (!c->is_listening || c->is_hinted)
			broken = "hint twice or without an utterance";
		c->is_hinted = true;
		break;
	case TURN_GO_ON:
		if (!c->is_listening || !c->is_hinted)
			broken = "goes on without a hint";
		c->is_hinted = false;
		break;
	case TURN_END:
		if (!c->is_listening)
			broken = "end without an utterance";
		c->is_listening = false;
		c->is_settling = true;
		break;
	case TURN_TAKEN:
		if (!c->is_settling)
			broken = "taken without an end";
		c->is_settling = false;
		break;
	case TURN_FORGET:
		if (!is_open)
			broken = "forget without an utterance";
		c->is_listening = c->is_settling = false;
		break;
	case TURN_PAUSE:
		if (c->is_paused || !c->is_listening)
			broken = "pause twice or without a voice";
		c->is_paused = true;
		break;
	case TURN_RESUME:
		if (!c->is_paused)
			broken = "resume without pause";
		c->is_paused = false;
		break;
	case TURN_FLUSH:
		c->is_paused = false;
		break;
	case TURN_SILENCE:
	case TURN_DIGITS:
	case TURN_NODDED:
		if (is_open || c->is_paused)
			broken = "silence or digits while somebody speaks";
		break;
	case TURN_ACT_COUNT:
		broken = "no decision at all";
		break;
	}

	return broken;
}

/* After the outbox was emptied. */
static inline const char *turn_check_state(struct turn_check *c, const struct turn *t)
{
	bool is_listening = t->state == TURN_CALLER || t->state == TURN_LULL || t->state == TURN_DOUBT ||
		t->state == TURN_HUSHED;

	if (t->state == TURN_HELD)
		c->is_paused = false;
	if (t->lost)
		return "a decision was lost";
	if (c->is_listening != is_listening)
		return "the owner's recogniser and the state disagree";
	if (c->is_settling != (t->state == TURN_SETTLE))
		return "settle and the state disagree";
	if (c->is_paused != (t->state == TURN_HUSHED))
		return "pause and the state disagree";
	if (t->state == TURN_THINK && t->floor != TURN_FLOOR_THINKING)
		return "thinking without the floor";
	if ((t->state == TURN_OURS || t->state == TURN_DOUBT) && t->floor != TURN_FLOOR_SPEAKING)
		return "speaking without the floor";
	if (t->state <= TURN_SETTLE && t->floor != TURN_FLOOR_FREE)
		return "the caller's turn without the floor";

	return NULL;
}
