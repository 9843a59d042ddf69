/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "web/sse.h"

static char got[4096];
static int stop_after;

static bool note(void *arg, const char *event, const char *data, size_t n)
{
	size_t at = strlen(got);

	assert_int_equal(n, strlen(data));
	snprintf(got + at, sizeof(got) - at, "%s%s|%s", at ? ";" : "", event, data);

	return --stop_after != 0;
}

/* In pieces of every size the same comes out. */
static void read_as(const char *text, const char *want)
{
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		struct sse s;

		sse_init(&s);
		got[0] = '\0';
		stop_after = -1;
		for (size_t at = 0; at < strlen(text); at += piece)
			assert_true(sse_feed(&s, text + at, MIN(piece, strlen(text) - at), note, NULL));
		assert_true(sse_end(&s, note, NULL));
		assert_string_equal(got, want);
		sse_done(&s);
	}
}

static void events_as_servers_send_them(void **state)
{
	read_as("data: a\n\ndata: b\n\n", "|a;|b");
	read_as("data:a\r\n\r\ndata: {\"x\": 1}\r\n\r\n", "|a;|{\"x\": 1}");
	read_as(": keep-alive\n\nevent: ping\ndata: {}\n\n: x\ndata: b\n\n", "ping|{};|b");
	read_as("data: one\ndata: two\n\n", "|one\ntwo");
	read_as("data:\n\n", "|");
	read_as("id: 5\nretry: 3\nfoo\ndata: last", "|last");
	read_as("event: lost\n\ndata: a\n\n", "|a");
	read_as("\n\n\n", "");
}

static void who_has_enough_hears_no_more(void **state)
{
	struct sse s;

	sse_init(&s);
	got[0] = '\0';
	stop_after = 2;
	assert_false(sse_feed(&s, "data: a\n\ndata: b\n\ndata: c\n\n", 27, note, NULL));
	assert_string_equal(got, "|a;|b");
	sse_done(&s);
}

static void events_without_end_are_refused(void **state)
{
	static char a[1000];
	struct sse s;
	int fed = 0;

	memset(a, 'a', sizeof(a));
	sse_init(&s);
	stop_after = -1;
	while (sse_feed(&s, a, sizeof(a), note, NULL))
		assert_true(++fed < 1000);
	assert_true(s.is_broken && fed >= LIMIT_SSE_BYTES / 1000 - 1);
	sse_done(&s);

	sse_init(&s);
	for (fed = 0; sse_feed(&s, "data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 51, note, NULL); fed++)
		assert_true(fed < 10000);
	assert_true(s.is_broken);
	assert_false(sse_feed(&s, "\n\n", 2, note, NULL));
	assert_false(sse_end(&s, note, NULL));
	sse_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_as_servers_send_them),
		cmocka_unit_test(who_has_enough_hears_no_more),
		cmocka_unit_test(events_without_end_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
