/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The value of an a=crypto line: what is taken is a whole key of its suite, and written again it is the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct sdp_crypto c, again;
	char text[SDP_CRYPTO_TEXT];

	if (sdp_crypto_parse(span((const char *)data, n), &c) != 0)
		return 0;
	assert(c.key.suite > SRTP_NONE && c.key.suite < SRTP_SUITE_COUNT && c.key.mki_n <= SRTP_MKI_BYTES);
	assert(sdp_crypto_parse(span_z(sdp_crypto_text(&c, text)), &again) == 0);
	assert(again.tag == c.tag && again.key.suite == c.key.suite);
	assert(memcmp(again.key.bytes, c.key.bytes, srtp_key_bytes(c.key.suite)) == 0);

	return 0;
}
