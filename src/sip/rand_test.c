/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "sip/outbox.h"
#include "sip/rand.h"

/* RFC 3261 §19.3: tags that cannot be guessed; here: the same seed says the same again, another one something else. */
static void a_run_repeats_with_its_seed(void **state)
{
	uint8_t seed[32] = {1}, other[32] = {2};
	struct sip_rand a, b, c;
	char x[14] = {0}, y[14] = {0}, z[14] = {0};

	sip_rand_init(&a, seed);
	sip_rand_init(&b, seed);
	sip_rand_init(&c, other);
	for (int i = 0; i < 100; i++) {
		sip_rand_text(&a, x, 13);
		sip_rand_text(&b, y, 13);
		sip_rand_text(&c, z, 13);
		assert_string_equal(x, y);
		assert_string_not_equal(x, z);
	}
	sip_rand_text(&a, y, 13);
	assert_string_not_equal(x, y);
	sip_rand_derive(&a, SPAN_LIT("one"), x, 12);
	sip_rand_derive(&b, SPAN_LIT("one"), y, 12);
	assert_memory_equal(x, y, 12);
	sip_rand_derive(&a, SPAN_LIT("two"), y, 12);
	assert_memory_not_equal(x, y, 12);
	for (int i = 0; i < 1000; i++) {
		uint32_t v = sip_rand_range(&a, 10, 12);

		assert_in_range(v, 10, 12);
	}
}

/* First in, first out; bounded; the memory of what was taken is used again. */
static void the_outbox_is_a_bounded_queue(void **state)
{
	static char big[60000];
	struct sip_outbox o = {0};
	struct sip_dest dest = {.host = SPAN_LIT("pbx.example.com"), .port = 5060};
	struct sip_out out;
	unsigned n = 0;

	assert_false(sip_outbox_take(&o, &out));
	assert_true(sip_outbox_put(&o, SPAN_LIT("one"), &dest, 1));
	assert_true(sip_outbox_put(&o, SPAN_LIT("two"), &dest, 2));
	assert_true(sip_outbox_take(&o, &out));
	assert_span_equal(out.bytes, "one");
	assert_span_equal(out.dest.host, "pbx.example.com");
	assert_true(sip_outbox_take(&o, &out));
	assert_int_equal(out.token, 2);
	assert_false(sip_outbox_take(&o, &out));
	while (n < 10000 && sip_outbox_put(&o, span(big, sizeof(big)), &dest, n))
		n++;
	assert_in_range(n, 100, LIMIT_SIP_OUTBOX_BYTES / sizeof(big));
	while (sip_outbox_take(&o, &out))
		n--;
	assert_int_equal(n, 0);
	assert_true(sip_outbox_put(&o, span(big, sizeof(big)), &dest, 0));
	sip_outbox_done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_repeats_with_its_seed),
		cmocka_unit_test(the_outbox_is_a_bounded_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
