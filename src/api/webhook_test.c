/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webhook.h"
#include "base/testing.h"

/* The scheme's own: HMAC-SHA256 with the decoded key over id.timestamp.body. */
static void a_known_signature_comes_out(void **state)
{
	char signature[WEBHOOK_SIGNATURE];

	assert_true(webhook_sign("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "msg_test1", 1700000000,
		"{\"type\":\"call.ended\",\"timestamp\":\"2023-11-14T22:13:20Z\",\"data\":{\"id\":\"c1\"}}", signature));
	assert_string_equal(signature, "v1,SqBhwPPaYWjsY/no7+9vQELq01xWwhFgGcll5sXVppw=");
}

static void bad_secrets_are_refused(void **state)
{
	static const char *const bad[] = {"", "whsec_", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "whsec_AAEC", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY",
		"whsec_!!ECAwQFBgcICQoLDA0ODxAREhMUFRYX"};
	char signature[WEBHOOK_SIGNATURE];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(webhook_secret_is_good(bad[i]));
		assert_false(webhook_sign(bad[i], "a", 1, "{}", signature));
	}
	assert_true(webhook_secret_is_good("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBk="));
}

static void waits_grow_to_a_day_and_end(void **state)
{
	int64_t all = 0;

	assert_int_equal(webhook_wait_ms(1, 5000), 5000);
	assert_int_equal(webhook_wait_ms(2, 5000), 5 * 60000);
	assert_int_equal(webhook_wait_ms(9, 5000), 24 * 3600000);
	assert_int_equal(webhook_wait_ms(10, 5000), 0);
	assert_int_equal(webhook_wait_ms(0, 5000), 0);
	for (uint32_t n = 1; webhook_wait_ms(n, 5000); n++)
		all += webhook_wait_ms(n, 5000);
	assert_in_range(all, INT64_C(75) * 3600000, INT64_C(76) * 3600000); /* three days */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_signature_comes_out),
		cmocka_unit_test(bad_secrets_are_refused),
		cmocka_unit_test(waits_grow_to_a_day_and_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
