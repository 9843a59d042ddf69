/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "obs/trace.h"

struct seen {
	uint32_t count, last, broken;
};

static bool look(void *ctx, const struct trace_message *m)
{
	struct seen *s = ctx;
	uint32_t number;

	/* Message n is n spelled out, then n % 700 dots. */
	struct span rest = m->bytes, head = span_cut(&rest, ' ');

	if (!span_u32(head, &number) || rest.n != number % 700 || (s->count && number <= s->last))
		s->broken++;
	s->last = number;
	s->count++;

	return true;
}

static void add(struct trace *t, uint32_t number, const char *call_id)
{
	char text[800];
	int n = snprintf(text, sizeof(text), "%u ", number);

	memset(text + n, '.', 700);

	struct trace_message m = {.transport = "UDP", .call_id = span_z(call_id), .bytes = span(text, (size_t)n + number % 700)};

	trace_add(t, &m);
}

/* Thousands of messages through a small ring: what is kept is the newest, whole, in order. */
static void the_newest_are_kept_in_order(void **state)
{
	struct trace *t = trace_new(20000);

	for (uint32_t i = 1; i < 5000; i++) {
		struct seen s = {0};

		add(t, i, i % 3 ? "a" : "b");
		trace_each(t, span(NULL, 0), look, &s);
		assert_int_equal(s.broken, 0);
		assert_int_equal(s.last, i);
		assert_true(s.count >= MIN(i, 15u));
	}
	trace_free(t);
}

static void calls_are_told_apart(void **state)
{
	struct trace *t = trace_new(20000);
	struct seen s = {0};

	for (uint32_t i = 1; i <= 9; i++)
		add(t, i, i % 3 ? "a" : "b");
	trace_each(t, SPAN_LIT("b"), look, &s);
	assert_int_equal(s.count, 3);
	assert_int_equal(s.last, 9);
	trace_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_are_kept_in_order),
		cmocka_unit_test(calls_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
