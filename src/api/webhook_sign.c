/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webhook.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define PREFIX	 "whsec_"
#define MIN_KEY	 24
#define MAX_KEY	 64
#define MAX_TEXT ((MAX_KEY + 2) / 3 * 4)

/* Bytes of the key, or 0. */
static size_t decode(const char *secret, uint8_t ret_key[static MAX_TEXT])
{
	if (strncmp(secret, PREFIX, strlen(PREFIX)) != 0)
		return 0;

	const char *text = secret + strlen(PREFIX);
	size_t n = strlen(text), padding = 0;

	if (n == 0 || n > MAX_TEXT || n % 4)
		return 0;
	for (; padding < 2 && text[n - 1 - padding] == '='; padding++)
		;

	int decoded = EVP_DecodeBlock(ret_key, (const uint8_t *)text, (int)n);
	size_t bytes = decoded > 0 ? (size_t)decoded - padding : 0;

	return bytes >= MIN_KEY && bytes <= MAX_KEY ? bytes : 0;
}

bool webhook_secret_is_good(const char *secret)
{
	uint8_t key[MAX_TEXT];

	return decode(secret, key) > 0;
}

bool webhook_sign(const char *secret, const char *id, int64_t timestamp_s, const char *body, char ret[static WEBHOOK_SIGNATURE])
{
	uint8_t key[MAX_TEXT], mac[32];
	size_t n = decode(secret, key);
	auto_free char *text = mem_format("%s.%" PRId64 ".%s", id, timestamp_s, body);
	unsigned mac_n = 0;

	if (!n || !HMAC(EVP_sha256(), key, (int)n, (const uint8_t *)text, strlen(text), mac, &mac_n))
		return false;
	memcpy(ret, "v1,", 3);
	EVP_EncodeBlock((uint8_t *)ret + 3, mac, (int)mac_n);

	return true;
}

int64_t webhook_wait_ms(uint32_t n, uint32_t first_ms)
{
	/* in units of the first wait, which is 5 s */
	static const int32_t waits[] = {1, 60, 360, 1440, 3600, 7200, 10080, 14400, 17280};

	return n >= 1 && n <= ARRAY_LEN(waits) ? (int64_t)waits[n - 1] * first_ms : 0;
}
