/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/relay.h"
#include "net/dtls.h"
#include "rtp/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/*
 * What comes on a media port, RFC 7983: told apart by its first byte, unwrapped from a relay's channel, and what claims to be DTLS
 * given to both ends of a handshake that is under way. The input is datagrams, each behind two bytes of length.
 */
static struct dtls_identity *us, *them;

static void swallow(void *ctx, const uint8_t *bytes, size_t n)
{
	assert(rtp_classify(bytes, n) == RTP_KIND_DTLS);
}

static void classify(const uint8_t *bytes, size_t n)
{
	size_t inner = 0;
	uint16_t channel = relay_channel_of(bytes, n, &inner);
	struct rtp_packet p;

	switch (rtp_classify(bytes, n)) {
	case RTP_KIND_TURN:
		assert(!channel || inner + RELAY_CHANNEL_HEAD <= n);
		if (channel)
			(void)rtp_classify(bytes + RELAY_CHANNEL_HEAD, inner);
		break;
	case RTP_KIND_STUN:
		assert(!channel);
		break;
	case RTP_KIND_RTP:
		(void)!rtp_parse(bytes, n, &p);
		assert(!channel);
		break;
	default:
		assert(!channel);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct dtls *ends[2] = {0};

	if (!us && (dtls_identity_new(&us) != 0 || dtls_identity_new(&them) != 0))
		abort();
	for (int i = 0; i < 2; i++) {
		struct dtls_params p = {.identity = us, .peer = *dtls_identity_fingerprint(them), .is_client = i, .send = swallow};

		if (dtls_new(&ends[i], &p) != 0)
			abort();
		dtls_start(ends[i]);
	}
	while (n > 2) {
		size_t len = MIN((size_t)data[0] << 8 | data[1], n - 2);

		classify(data + 2, len);
		for (int i = 0; i < 2; i++)
			if (rtp_classify(data + 2, len) == RTP_KIND_DTLS)
				dtls_recv(ends[i], data + 2, len);
		data += len + 2;
		n -= len + 2;
	}
	/* Nobody got in without the certificate that was named. */
	for (int i = 0; i < 2; i++) {
		assert(dtls_state(ends[i]) != DTLS_DONE);
		dtls_free(ends[i]);
	}

	return 0;
}
