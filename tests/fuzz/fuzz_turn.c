/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/turn_check.h"

/*
 * The turn machine under any sequence of inputs: its decisions keep the protocol its owner relies on, none is lost, and silence
 * with an honest owner always leads back to a free floor.
 *
 * Input: 4 bytes of parameters, then 2 bytes an input: which, and its argument.
 */
static struct turn t;
static struct turn_check check;
static msec_t now;

static void demand(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "turn: %s in %s at %" PRId64 "\n", what, turn_state_name(t.state), now);
	abort();
}

static void collect(void)
{
	struct turn_out out;
	const char *broken;

	while (turn_take(&t, &out)) {
		broken = turn_check_out(&check, &out);
		demand(!broken, broken);
	}
	broken = turn_check_state(&check, &t);
	demand(!broken, broken);
}

static void input(uint8_t what, uint8_t arg)
{
	struct turn_frame frame = {.prob = arg, .is_ours = what & 128, .left_ms = what & 64 ? UINT32_MAX : arg * 10u};

	switch (what % 16) {
	case 0:
		turn_partial(&t, (enum turn_words)(arg % 5), (enum turn_fit)(arg / 5 % 3), arg & 128, now);
		break;
	case 1:
		turn_final(&t, (enum turn_words)(arg % 5), now);
		break;
	case 2:
		turn_think(&t, now);
		break;
	case 3:
		turn_reply(&t, now);
		break;
	case 4:
		turn_reply_end(&t, now);
		break;
	case 5:
		turn_key(&t, arg & 1, (enum turn_fit)(arg / 2 % 3), now);
		break;
	case 6:
		turn_hold(&t, now);
		break;
	case 7:
		turn_go(&t, (enum turn_floor)(arg % 3), now);
		break;
	case 8:
		turn_expect(&t, arg * 50u, arg & 1);
		break;
	case 9:
		now += arg * 20;
		turn_tick(&t, now);
		break;
	default:
		/* Several frames alike, so that short inputs get somewhere. */
		for (int i = what % 16 - 9; i > 0; i--) {
			now += 20;
			turn_frame(&t, &frame, now);
			collect();
		}
	}
	collect();
}

static void be_silent_and_honest(void)
{
	uint32_t silences = check.count[TURN_SILENCE];

	turn_go(&t, TURN_FLOOR_FREE, now);
	for (int i = 0; i < 8000 && check.count[TURN_SILENCE] == silences; i++) {
		struct turn_frame frame = {.prob = 0};

		now += 20;
		turn_frame(&t, &frame, now);
		collect();
		if (t.state == TURN_SETTLE)
			turn_final(&t, TURN_WORDS_REAL, now);
		else if (t.state == TURN_THINK || t.state == TURN_OURS)
			turn_reply_end(&t, now);
		collect();
	}
	demand(check.count[TURN_SILENCE] > silences, "stuck");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct turn_params p = turn_params_default();

	if (size < 4)
		return 0;
	if (data[0] & 1) {
		p.onset_frames = data[0];
		p.onset_window = data[1];
		p.end_ms = (uint16_t)(data[2] * 10);
		p.pause_ms = (uint16_t)(data[3] * 4);
		p.sure_ms = (uint16_t)(data[3] * 8);
		p.hint_ms = data[2];
		p.keys_max = data[1];
	}

	now = 1;
	check = (struct turn_check){0};
	turn_init(&t, &p);
	turn_go(&t, TURN_FLOOR_FREE, now);
	collect();
	for (size_t i = 4; i + 1 < size; i += 2)
		input(data[i], data[i + 1]);
	be_silent_and_honest();

	return 0;
}
