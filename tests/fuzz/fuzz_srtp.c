/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/*
 * Anything that arrives on an encrypted stream: the first byte chooses the suite, the rest is opened as RTP and as RTCP (nobody
 * without the key may get through), sealed and opened again (which has to give it back), and damaged (which must not).
 */
static struct srtp *make(enum srtp_suite suite, bool is_sender, uint8_t mki_n)
{
	struct srtp_key key = {.suite = suite, .mki_n = mki_n, .mki = {1, 2, 3, 4}};
	struct srtp *s;

	memset(key.bytes, 0x42, sizeof(key.bytes));

	return srtp_new(&s, &key, is_sender) == 0 ? s : NULL;
}

typedef int transform(struct srtp *s, uint8_t *bytes, size_t n, size_t *ret_n);

static void try(struct srtp *tx, struct srtp *rx, transform *seal, transform *open, const uint8_t *data, size_t n)
{
	uint8_t wire[LIMIT_RTP_PACKET_BYTES], bytes[LIMIT_RTP_PACKET_BYTES];
	size_t wire_n, got;

	memcpy(bytes, data, n);
	assert(open(rx, bytes, n, &got) != 0);
	memcpy(wire, data, n);
	if (n > sizeof(wire) - SRTP_EXTRA_BYTES || seal(tx, wire, n, &wire_n) != 0)
		return;
	assert(wire_n <= n + SRTP_EXTRA_BYTES);
	for (size_t i = 0; i < wire_n; i += 1 + wire_n / 8) {
		memcpy(bytes, wire, wire_n);
		bytes[i] ^= 0x10;
		assert(open(rx, bytes, wire_n, &got) != 0);
	}
	memcpy(bytes, wire, wire_n);
	assert(open(rx, bytes, wire_n, &got) == 0 && got == n && memcmp(bytes, data, n) == 0);
	memcpy(bytes, wire, wire_n);
	assert(open(rx, bytes, wire_n, &got) == -TR_ESTATE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 1 || n > LIMIT_RTP_PACKET_BYTES)
		return 0;

	enum srtp_suite suite = (enum srtp_suite)(1 + data[0] % (SRTP_SUITE_COUNT - 1));
	uint8_t mki_n = data[0] & 0x80 ? 4 : 0;
	struct srtp *tx = make(suite, true, mki_n), *rx = make(suite, false, mki_n);

	if (tx && rx) {
		try(tx, rx, srtp_seal, srtp_open, data + 1, n - 1);
		try(tx, rx, srtcp_seal, srtcp_open, data + 1, n - 1);
	}
	srtp_free(tx);
	srtp_free(rx);

	return 0;
}
