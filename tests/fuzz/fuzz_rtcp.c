/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_span(const uint8_t *data, size_t n, struct span s)
{
	if (s.p)
		assert((const uint8_t *)s.p >= data && (const uint8_t *)s.p + s.n <= data + n);
}

/* What was read can be written as our own report and reads the same. */
static void write_again(const struct rtcp_compound *c)
{
	uint8_t buf[LIMIT_RTP_PACKET_BYTES];
	struct rtcp_compound again;
	size_t n;
	struct rtcp_report r = {
		.ssrc = c->ssrc,
		.sender = c->has_sender ? &c->sender : NULL,
		.blocks = c->blocks,
		.block_count = c->block_count,
		.cname = c->cname,
		.is_bye = c->bye_count > 0,
	};

	if (rtcp_write(&r, buf, sizeof(buf), &n) < 0)
		return;
	assert(rtcp_parse(buf, n, &again) == 0);
	assert(again.block_count == c->block_count && again.has_sender == c->has_sender && again.skipped == 0);
	assert(memcmp(again.blocks, c->blocks, sizeof(c->blocks[0]) * c->block_count) == 0);
	assert(span_eq(again.cname, c->cname));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rtcp_compound c;

	if (rtcp_parse(data, n, &c) < 0)
		return 0;
	assert(c.block_count <= LIMIT_RTCP_BLOCKS && c.bye_count <= LIMIT_RTCP_BYES);
	check_span(data, n, c.cname);
	check_span(data, n, c.reason);
	for (int i = 0; i < c.block_count; i++) {
		int64_t rtt = rtcp_rtt_us(&c.blocks[i], INT64_C(1700000000000000));

		assert(rtt >= -1 && rtt <= LIMIT_RTT_MS * INT64_C(1000));
	}
	write_again(&c);

	return 0;
}
