/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/turn.h"

/* The reasons stand in turn.h, beside the fields. */
struct turn_params turn_params_default(void)
{
	return (struct turn_params){
		.on_prob = 140,
		.off_prob = 90,
		.barge_prob = 170,
		.onset_frames = 3,
		.onset_window = 5,
		.frame_ms = 20,
		.preroll_ms = 300,
		.hint_ms = 160,
		.end_ms = 500,
		.end_complete_ms = 280,
		.end_likely_ms = 400,
		.end_open_ms = 1300,
		.end_number_ms = 1000,
		.longest_ms = LIMIT_STT_UTTERANCE_MS - 1000,
		.noise_ms = 700,
		.settle_ms = 4000,
		.pause_ms = 200,
		.guard_ms = 400,
		.guard_pause_ms = 320,
		.sure_ms = 600,
		.sure_nod_ms = 1400,
		.give_up_ms = 600,
		.answer_ms = 600,
		.nod_answer_ms = 2500,
		.nod_wait_ms = 700,
		.words_ms = 120,
		.words_live_ms = 500,
		.silence_ms = 7000,
		.keys_ms = 2000,
		.keys_complete_ms = 300,
		.keys_max = 32,
	};
}

const char *turn_state_name(enum turn_state s)
{
	static const char *const names[TURN_STATE_COUNT] = {
		"idle", "caller", "lull", "settle", "think", "ours", "doubt", "hushed", "keys", "held",
	};

	return (unsigned)s < TURN_STATE_COUNT ? names[s] : "?";
}

const char *turn_act_name(enum turn_act a)
{
	static const char *const names[] = {
		"listen", "hint", "go_on", "end", "taken", "forget", "pause", "resume", "flush", "silence", "digits", "nodded",
	};

	return (unsigned)a < ARRAY_LEN(names) ? names[a] : "?";
}

const char *turn_reason_name(enum turn_reason r)
{
	static const char *const names[] = {
		"none", "endpoint", "complete", "likely", "open", "longest", "words", "no_words", "noise", "nod", "voice",
		"answer", "key", "hold", "timeout",
	};

	return (unsigned)r < ARRAY_LEN(names) ? names[r] : "?";
}
