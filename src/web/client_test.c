/* SPDX-License-Identifier: Apache-2.0 */
#include "web/client.h"
#include "web/standin_test.h"

static struct fixture {
	uv_loop_t loop;
	struct web_client *client;
	struct standin *server;
	char url[80];
} f;

struct heard {
	char text[4000];
	int ends, err;
	long status;
	int64_t retry_after_ms;
	char words[200], body[200];
	struct web_request *request;
	bool cancels; /* on the first bytes */
	struct heard *follower; /* asked for on the first bytes */
};

static void on_end(void *arg, const struct web_end *end);

static void on_data(void *arg, const char *bytes, size_t n)
{
	struct heard *h = arg;
	size_t at = strlen(h->text);

	if (h->follower) {
		struct web_ask ask = {.url = f.url, .on_data = on_data, .on_end = on_end, .arg = h->follower};

		assert_int_equal(web_send(f.client, &h->follower->request, &ask), 0);
		h->follower = NULL;
	}

	snprintf(h->text + at, sizeof(h->text) - at, "%.*s", (int)n, bytes);
	if (h->cancels)
		web_cancel(h->request);
}

static void on_end(void *arg, const struct web_end *end)
{
	struct heard *h = arg;

	h->ends++;
	h->err = end->err;
	h->status = end->status;
	h->retry_after_ms = end->retry_after_ms;
	buf_copy(h->words, sizeof(h->words), end->words);
	buf_copy(h->body, sizeof(h->body), end->body);
}

static void begin(const struct standin_answer *answers, size_t count)
{
	f.server = standin_start(answers, count);
	snprintf(f.url, sizeof(f.url), "http://127.0.0.1:%u/x", f.server->port);
	uv_loop_init(&f.loop);
	assert_int_equal(web_client_new(&f.client, &f.loop), 0);
}

static void finish(void)
{
	web_client_free(f.client);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f.loop), 0);
	standin_stop(f.server);
}

static void ask_for(struct heard *h, struct web_ask ask)
{
	*h = (struct heard){.cancels = h->cancels, .follower = h->follower};
	ask.url = ask.url ? ask.url : f.url;
	ask.on_data = on_data;
	ask.on_end = on_end;
	ask.arg = h;
	assert_int_equal(web_send(f.client, &h->request, &ask), 0);
	assert_int_equal(h->ends, 0); /* never from inside */
}

static void await(struct heard *h)
{
	while (!h->ends)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static void answers_stream_and_connections_stay(void **state)
{
	static const struct standin_answer answers[] = {{200, NULL, {"one ", "two ", "three"}, .pause_ms = 10}, {200, NULL, {"again"}}};
	static const char *const headers[] = {"X-Key: abc", NULL};
	struct heard h = {0};

	begin(answers, ARRAY_LEN(answers));
	ask_for(&h, (struct web_ask){.body = "{\"a\":1}", .body_n = 7, .headers = headers});
	await(&h);
	assert_int_equal(h.err, 0);
	assert_string_equal(h.text, "one two three");
	assert_non_null(strstr(f.server->requests[0], "POST /x HTTP/1.1"));
	assert_non_null(strstr(f.server->requests[0], "X-Key: abc\r\n"));
	assert_non_null(strstr(f.server->requests[0], "\r\n\r\n{\"a\":1}"));
	ask_for(&h, (struct web_ask){0});
	await(&h);
	assert_string_equal(h.text, "again");
	assert_non_null(strstr(f.server->requests[1], "GET /x HTTP/1.1"));
	assert_int_equal(atomic_load(&f.server->connections), 1);
	finish();
}

static void an_answer_may_ask_for_more(void **state)
{
	static const struct standin_answer answers[] = {{200, NULL, {"a", "b"}, .pause_ms = 30}, {200, NULL, {"next"}}};
	struct heard follower = {0}, h = {.follower = &follower};

	begin(answers, ARRAY_LEN(answers));
	ask_for(&h, (struct web_ask){0});
	await(&h);
	await(&follower);
	assert_string_equal(h.text, "ab");
	assert_string_equal(follower.text, "next");
	finish();
}

static void what_goes_wrong_is_told(void **state)
{
	static const struct standin_answer answers[] = {
		{429, "Retry-After: 7\r\n", {"{\"error\":\"slow down\"}"}},
		{401, NULL, {"no"}},
		{503, NULL, {NULL}},
		{200, NULL, {"half"}, .breaks_off = true},
		{0},
		{200, NULL, {"late"}, .wait_ms = 3000},
	};
	static const int errors[] = {-TR_ELIMIT, -TR_EAUTH, -TR_EENGINE, -TR_ETRANSPORT, -TR_ETRANSPORT, -TR_ETIMEDOUT};
	struct heard h = {0};

	begin(answers, ARRAY_LEN(answers));
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		ask_for(&h, (struct web_ask){.total_ms = i == 5 ? 50 : 0});
		await(&h);
		assert_int_equal(h.err, errors[i]);
		assert_true(h.words[0]);
		if (i < 3)
			assert_int_equal(h.status, answers[i].status);
		if (i == 0) {
			assert_string_equal(h.body, "{\"error\":\"slow down\"}");
			assert_string_equal(h.text, "");
			assert_int_equal(h.retry_after_ms, 7000);
		}
	}
	ask_for(&h, (struct web_ask){.url = "http://127.0.0.1:1/"});
	await(&h);
	assert_int_equal(h.err, -TR_ETRANSPORT);
	ask_for(&h, (struct web_ask){.url = "http://nobody.invalid/"});
	await(&h);
	assert_int_equal(h.err, -TR_EDNS);
	ask_for(&h, (struct web_ask){.url = "file:///etc/passwd"});
	await(&h);
	assert_int_equal(h.err, -TR_ETRANSPORT);
	finish();
}

/* From outside, from its own callback, and with the client. */
static void nothing_follows_a_cancel(void **state)
{
	static const struct standin_answer answers[] = {{200, NULL, {"a"}, .wait_ms = 200}, {200, NULL, {"a", "b", "c"}, .pause_ms = 20}, {200, NULL, {"done"}},
		{200, NULL, {"a"}, .wait_ms = 200}};
	struct heard first = {0}, second = {.cancels = true}, third = {0}, fourth = {0};

	begin(answers, ARRAY_LEN(answers));
	ask_for(&first, (struct web_ask){0});
	while (!atomic_load(&f.server->next))
		uv_run(&f.loop, UV_RUN_NOWAIT);
	web_cancel(first.request);
	ask_for(&second, (struct web_ask){0});
	while (!second.text[0])
		uv_run(&f.loop, UV_RUN_ONCE);
	ask_for(&third, (struct web_ask){0});
	await(&third);
	assert_string_equal(third.text, "done");
	assert_string_equal(second.text, "a");
	assert_int_equal(first.ends + second.ends, 0);
	ask_for(&fourth, (struct web_ask){0});
	while (atomic_load(&f.server->next) < 4)
		uv_run(&f.loop, UV_RUN_NOWAIT);
	finish();
	assert_int_equal(fourth.ends, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_stream_and_connections_stay),
		cmocka_unit_test(an_answer_may_ask_for_more),
		cmocka_unit_test(what_goes_wrong_is_told),
		cmocka_unit_test(nothing_follows_a_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
