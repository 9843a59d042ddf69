/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "providers/openai/chat.h"
#include <jansson.h>

static const struct chat_call call = {.instructions = "Be Ann.", .language = "en-US", .local_s = 1795348800 /* Sunday, 22 November 2026, noon */};
static const struct chat_params params = {.model = "m", .temperature = 0.5, .max_tokens = 100};

static json_t *request(const struct chat_params *p, const struct llm_turn *turn)
{
	char *text = chat_request(p, &call, turn);
	json_t *root = json_loads(text, 0, NULL);

	assert_non_null(root);
	free(text);

	return root;
}

static const char *content(json_t *root, size_t i)
{
	return json_string_value(json_object_get(json_array_get(json_object_get(root, "messages"), i), "content"));
}

static void a_request_says_who_when_and_what(void **state)
{
	const struct llm_message history[] = {
		{LLM_ASSISTANT, "Hello.", NULL, NULL},
		{LLM_USER, "Are you open?", NULL, NULL},
		{LLM_TOOL_CALL, "{\"day\":\"Sunday\"}", "hours", "c1"},
		{LLM_TOOL_RESULT, "{\"open\":false}", "hours", "c1"},
	};
	struct llm_turn turn = {.cause = LLM_ON_TOOL_RESULT, .text = "", .history = history, .history_count = ARRAY_LEN(history)};
	struct chat_params p = params;
	json_t *root, *messages, *call_message;

	p.extra_json = "{\"reasoning_effort\":\"low\",\"temperature\":1}";
	p.max_tokens_key = "max_completion_tokens";
	root = request(&p, &turn);
	messages = json_object_get(root, "messages");
	assert_int_equal(json_array_size(messages), 5);
	assert_non_null(strstr(content(root, 0), "Be Ann."));
	assert_non_null(strstr(content(root, 0), "Sunday, 2026-11-22, 12:00"));
	assert_string_equal(content(root, 1), "Hello.");
	call_message = json_array_get(messages, 3);
	assert_true(json_is_null(json_object_get(call_message, "content")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(messages, 4), "tool_call_id")), "c1");
	assert_int_equal(json_integer_value(json_object_get(root, "max_completion_tokens")), 100);
	assert_string_equal(json_string_value(json_object_get(root, "reasoning_effort")), "low");
	assert_true(json_is_integer(json_object_get(root, "temperature"))); /* extra's word is the last */
	assert_int_equal(json_array_size(json_object_get(root, "tools")), 2);
	json_decref(root);
}

static void what_happens_on_the_line_is_told(void **state)
{
	static const struct {
		enum llm_cause cause;
		const char *text, *want;
	} rows[] = {
		{LLM_ON_START, "", "[The call begins"},
		{LLM_ON_TEXT, "on tuesday", "on tuesday"},
		{LLM_ON_TEXT, "", "was not understood"},
		{LLM_ON_TEXT, "\xff\xfe", "[inaudible]"},
		{LLM_ON_DTMF, "12", "pressed 12"},
		{LLM_ON_SILENCE, "", "says nothing"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *root = request(&params, &(struct llm_turn){.cause = rows[i].cause, .text = rows[i].text});

		assert_non_null(strstr(content(root, 1), rows[i].want));
		json_decref(root);
	}
}

static struct chat_answer answer;
static char said[1000], words[200];

static int take(const char *data)
{
	char *text;
	int err = chat_take(&answer, data, strlen(data), &text, words, sizeof(words));

	if (text)
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s", text);
	free(text);

	return err;
}

static int fresh(void **state)
{
	chat_done(&answer);
	said[0] = '\0';

	return 0;
}

static void text_comes_in_pieces(void **state)
{
	assert_int_equal(take("{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}"), 0);
	assert_int_equal(take("{\"choices\":[{\"delta\":{\"reasoning\":\"hm\",\"content\":null}}]}"), 0);
	assert_int_equal(take("{\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}"), 0);
	assert_false(answer.has_text);
	assert_int_equal(take("{\"choices\":[{\"delta\":{\"content\":\"We are\"}}],\"obfuscation\":\"xx\"}"), 0);
	assert_int_equal(take("{\"choices\":[{\"delta\":{\"content\":\" open.\"},\"finish_reason\":\"stop\"}]}"), 0);
	assert_int_equal(take("{\"choices\":[],\"usage\":{\"prompt_tokens\":42,\"completion_tokens\":7}}"), 0);
	assert_int_equal(take("{}"), 0);
	assert_int_equal(take("[DONE]"), 1);
	assert_string_equal(said, "We are open.");
	assert_int_equal(answer.prompt_tokens, 42);
	assert_int_equal(answer.tool_count, 0);
}

/* Each server has its own way to send a tool call. */
static void tool_calls_are_put_together(void **state)
{
	static const char *const dialects[][4] = {
		{"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}",
			"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":\"}}]}}]}",
			"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]}}]}",
			"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}}]}"},
		{"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}},"
		 "{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}}]}"},
		{"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}}]}}]}",
			"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"1}\"}}]}}]}",
			"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}}]}"},
		{"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]}}]}",
			"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":{}}}]}}]}"},
	};

	for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
		fresh(NULL);
		for (size_t k = 0; k < 4 && dialects[i][k]; k++)
			assert_int_equal(take(dialects[i][k]), 0);
		assert_int_equal(answer.tool_count, 2);
		assert_string_equal(answer.tools[0].id, "a");
		assert_string_equal(answer.tools[0].name, "f");
		assert_string_equal(answer.tools[0].args, "{\"x\":1}");
		assert_string_equal(answer.tools[1].id, "b");
		assert_string_equal(answer.tools[1].name, "g");
		assert_string_equal(answer.tools[1].args, "{}");
	}
}

static void more_tools_than_any_reply_has_are_left_out(void **state)
{
	char text[200];

	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"id\":\"i%d\",\"function\":{\"name\":\"f\"}}]}}]}", i * 1000, i);
		assert_int_equal(take(text), 0);
	}
	assert_int_equal(answer.tool_count, LIMIT_AGENT_TOOLS);
}

static void errors_in_the_stream_are_told(void **state)
{
	assert_int_equal(take("{\"error\":{\"message\":\"Rate limit\",\"code\":429}}"), -TR_EENGINE);
	assert_string_equal(words, "Rate limit");
	assert_int_equal(take("{\"error\":\"no model\"}"), -TR_EENGINE);
	assert_string_equal(words, "no model");
	assert_int_equal(take("{\"error\":null,\"choices\":[]}"), 0);
	assert_int_equal(take("{\"choices\":[{\"del"), -TR_EPARSE);
	assert_int_equal(take("[1,2]"), -TR_EPARSE);
	assert_int_equal(take("{\"choices\":{\"delta\":5}}"), 0);
	assert_int_equal(take("{\"choices\":[{\"delta\":{\"tool_calls\":[5,{\"function\":7},{\"index\":-3}]}}]}"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_says_who_when_and_what),
		cmocka_unit_test(what_happens_on_the_line_is_told),
		cmocka_unit_test_setup(text_comes_in_pieces, fresh),
		cmocka_unit_test_setup(tool_calls_are_put_together, fresh),
		cmocka_unit_test_setup(more_tools_than_any_reply_has_are_left_out, fresh),
		cmocka_unit_test_setup(errors_in_the_stream_are_told, fresh),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	chat_done(&answer);

	return failed;
}
