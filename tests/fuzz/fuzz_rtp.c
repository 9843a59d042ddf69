/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_inside(const uint8_t *data, size_t n, const uint8_t *p, size_t len)
{
	assert(p >= data && len <= n && p + len <= data + n);
}

/* Whatever is accepted lies inside the datagram, its parts do not overlap, and its header can be written again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rtp_packet p, again;
	const uint8_t *ext;
	size_t ext_len;
	uint8_t head[RTP_HEADER_BYTES];

	enum rtp_kind kind = rtp_classify(data, n);
	if (rtp_parse(data, n, &p) < 0)
		return 0;
	assert(kind == RTP_KIND_RTP || kind == RTP_KIND_RTCP);
	check_inside(data, n, p.payload, p.payload_len);
	assert(p.payload + p.payload_len + p.padding == data + n);
	if (p.csrc)
		check_inside(data, n, p.csrc, p.csrc_count * 4u);
	if (p.ext)
		assert(p.ext + p.ext_len == p.payload);
	for (unsigned id = 0; id < 256; id++)
		if (rtp_ext_find(&p, (uint8_t)id, &ext, &ext_len))
			check_inside(p.ext, p.ext_len, ext, ext_len);

	rtp_write_header(&p, head);
	assert(rtp_parse(head, sizeof(head), &again) == 0);
	assert(again.seq == p.seq && again.ts == p.ts && again.ssrc == p.ssrc && again.pt == p.pt && again.marker == p.marker);

	return 0;
}
