/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/dtmf.h"

/* Any event packets at any time: never more than two reports, a start is followed by its digit, digits are known. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool is_open;

static void check(enum dtmf_state state, const struct dtmf_event *e)
{
	assert(state == DTMF_START || state == DTMF_DIGIT);
	assert(e->digit && e->digit == dtmf_digit(e->code));
	if (state == DTMF_START)
		assert(!is_open);
	is_open = state == DTMF_START;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct dtmf_recv r;
	msec_t now = 0;

	is_open = false;
	dtmf_recv_init(&r, n % 2 ? 8000 : 48000);
	for (size_t at = 0; at + 10 <= n; at += 10) {
		const uint8_t *d = data + at;
		struct rtp_packet p = {
			.seq = rtp_get16(d), .ts = rtp_get32(d + 2) & 0xffffff0f, .marker = d[5] & 0x10, .payload = d + 6,
			.payload_len = d[5] & 0x20 ? 3 : 4};
		enum dtmf_state states[2];
		struct dtmf_event e[2];
		int count = dtmf_recv_packet(&r, &p, now, states, e);

		assert(count >= 0 && count <= 2);
		for (int i = 0; i < count; i++)
			check(states[i], &e[i]);
		assert(r.is_active == is_open);
		now += d[5] & 0xc0;
		if (dtmf_recv_tick(&r, now, e) != DTMF_NONE)
			check(DTMF_DIGIT, e);
	}
	if (is_open) {
		struct dtmf_event e;

		assert(dtmf_recv_tick(&r, now + 1000, &e) == DTMF_DIGIT);
	}

	return 0;
}
