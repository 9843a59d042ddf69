/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/openai/chat.h"
#include "flow/calendar.h"

/* ---- what is asked ---------------------------------------------------------------------------------------------------- */

/* What holds for everybody who is on the telephone, after the user's own instructions. */
static const char manners[] =
	"You are speaking with a caller on the telephone. Answer in one or two short sentences, as people speak: no lists, no markup, no "
	"emoji, no abbreviations. Ask one thing at a time. What the caller says comes from speech recognition and may be wrong: when it makes no "
	"sense, ask. Text in square brackets is no speech, it tells what happens on the line.";

/* Tools that every call has; the pipeline carries them out once the reply has been spoken. */
static const char own_tools[] =
	"[{\"type\":\"function\",\"function\":{\"name\":\"transfer\",\"description\":\"Puts the caller through to a person. Say first that you do it.\","
	"\"parameters\":{\"type\":\"object\",\"properties\":{\"reason\":{\"type\":\"string\",\"description\":\"why, in a few words\"}},"
	"\"required\":[\"reason\"]}}},"
	"{\"type\":\"function\",\"function\":{\"name\":\"hang_up\",\"description\":\"Ends the call. Say goodbye first.\","
	"\"parameters\":{\"type\":\"object\",\"properties\":{\"reason\":{\"type\":\"string\"}},\"required\":[\"reason\"]}}}]";

static json_t *message(const char *role, const char *text)
{
	/* stringn with "nocheck" would let broken UTF-8 out; what a recogniser gives is checked here. */
	json_t *content = json_string(text);

	return json_pack("{s:s, s:o}", "role", role, "content", content ? content : json_string("[inaudible]"));
}

static json_t *system_message(const struct chat_call *call)
{
	static const char *const weekdays[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
	int32_t day = (int32_t)(call->local_s / 86400);
	int32_t minute = (int32_t)(call->local_s % 86400 / 60);
	struct civil date = calendar_civil(day);
	auto_free char *text = mem_format("%s%s%s\n\nIt is %s, %04d-%02d-%02d, %02d:%02d. Speak the language %s.", call->instructions,
		call->instructions[0] ? "\n\n" : "", manners, weekdays[calendar_weekday(day)], date.year, date.month, date.day, minute / 60,
		minute % 60, call->language);

	return message("system", text);
}

static void add_message(json_t *list, const struct llm_message *m)
{
	const char *id = m->call_id && *m->call_id ? m->call_id : "call", *tool = m->tool ? m->tool : "tool";

	switch (m->role) {
	case LLM_SYSTEM:
		json_array_append_new(list, message("system", m->text));
		break;
	case LLM_USER:
		json_array_append_new(list, message("user", m->text));
		break;
	case LLM_ASSISTANT:
		json_array_append_new(list, message("assistant", m->text));
		break;
	case LLM_TOOL_CALL:
		json_array_append_new(list, json_pack("{s:s, s:n, s:[{s:s, s:s, s:{s:s, s:s}}]}", "role", "assistant", "content", "tool_calls",
			"id", id, "type", "function", "function", "name", tool, "arguments", m->text));
		break;
	case LLM_TOOL_RESULT:
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "role", "tool", "tool_call_id", id, "content", m->text));
		break;
	}
}

/* What has just happened, as the caller's message. NULL: the history ends with it already. */
static char *turn_text(const struct llm_turn *turn)
{
	switch (turn->cause) {
	case LLM_ON_START:
		return mem_strdup("[The call begins: greet the caller.]");
	case LLM_ON_TEXT:
		return turn->text[0] ? mem_strdup(turn->text) : mem_strdup("[The caller said something that was not understood.]");
	case LLM_ON_DTMF:
		return mem_format("[The caller pressed %s on the keypad.]", turn->text);
	case LLM_ON_SILENCE:
		return mem_strdup("[The caller says nothing.]");
	case LLM_ON_TOOL_RESULT:
		break;
	}

	return NULL;
}

static json_t *all_tools(const char *tools_json)
{
	json_t *all = json_loads(own_tools, 0, NULL), *more = tools_json ? json_loads(tools_json, 0, NULL) : NULL;

	if (json_is_array(more))
		json_array_extend(all, more);
	json_decref(more);

	return all;
}

char *chat_request(const struct chat_params *p, const struct chat_call *call, const struct llm_turn *turn)
{
	json_t *messages = json_array(), *root, *extra = p->extra_json ? json_loads(p->extra_json, 0, NULL) : NULL;
	auto_free char *last = turn_text(turn);
	char *text;

	json_array_append_new(messages, system_message(call));
	for (size_t i = 0; i < turn->history_count; i++)
		add_message(messages, &turn->history[i]);
	if (last)
		json_array_append_new(messages, message("user", last));
	root = json_pack("{s:s, s:b, s:{s:b}, s:o, s:o}", "model", p->model, "stream", 1, "stream_options", "include_usage", 1, "messages",
		messages, "tools", all_tools(call->tools_json));
	if (p->temperature >= 0)
		json_object_set_new(root, "temperature", json_real(p->temperature));
	if (p->max_tokens)
		json_object_set_new(root, p->max_tokens_key ? p->max_tokens_key : "max_tokens", json_integer(p->max_tokens));
	if (extra)
		json_object_update(root, extra);
	text = json_dumps(root, JSON_COMPACT);
	json_decref(extra);
	json_decref(root);

	return text;
}

/* ---- what comes back -------------------------------------------------------------------------------------------------- */

static void replace(char **text, const char *by)
{
	free(*text);
	*text = mem_strdup(by);
}

/*
 * The slot of a piece. Good servers number them; others leave the index out, or give several calls the same one with ids of their own.
 */
static struct chat_tool *slot_of(struct chat_answer *a, const json_t *piece)
{
	const json_t *index = json_object_get(piece, "index");
	const char *id = json_string_value(json_object_get(piece, "id"));
	size_t i = json_is_integer(index) && json_integer_value(index) >= 0 ? (size_t)json_integer_value(index) :
		   a->tool_count ? a->tool_count - 1U : 0;

	if (id && *id)
		for (i = 0; i < a->tool_count; i++)
			if (a->tools[i].id && strcmp(a->tools[i].id, id) == 0)
				return &a->tools[i];
	if (i < a->tool_count)
		return &a->tools[i];
	if (a->tool_count == LIMIT_AGENT_TOOLS)
		return NULL;
	a->tools[a->tool_count] = (struct chat_tool){0};

	return &a->tools[a->tool_count++];
}

static void take_tool(struct chat_answer *a, const json_t *piece)
{
	const json_t *function = json_object_get(piece, "function"), *args = json_object_get(function, "arguments");
	const char *id = json_string_value(json_object_get(piece, "id")), *name = json_string_value(json_object_get(function, "name"));
	struct chat_tool *t = slot_of(a, piece);
	auto_free char *dumped = json_is_object(args) ? json_dumps(args, JSON_COMPACT) : NULL; /* not a string: some local servers */
	const char *more = json_is_string(args) ? json_string_value(args) : dumped;

	if (!t)
		return;
	if (id && *id && !t->id)
		replace(&t->id, id);
	if (name && *name && !t->name)
		replace(&t->name, name);
	if (more && t->args_n + strlen(more) <= LIMIT_SSE_BYTES) {
		size_t n = strlen(more);

		t->args = mem_realloc(t->args, t->args_n + n + 1);
		memcpy(t->args + t->args_n, more, n + 1);
		t->args_n += n;
	}
}

static void take_usage(struct chat_answer *a, const json_t *root)
{
	const json_t *usage = json_object_get(root, "usage");

	if (!json_is_object(usage))
		usage = json_object_get(json_object_get(root, "x_groq"), "usage");
	if (!json_is_object(usage))
		return;
	a->prompt_tokens = (uint32_t)CLAMP(json_integer_value(json_object_get(usage, "prompt_tokens")), 0, INT32_MAX);
	a->completion_tokens = (uint32_t)CLAMP(json_integer_value(json_object_get(usage, "completion_tokens")), 0, INT32_MAX);
}

const char *chat_error_text(const json_t *root)
{
	static const char *const keys[] = {"message", "detail"}; /* detail: FastAPI's */
	const json_t *error = json_object_get(root, "error");
	const char *text = json_string_value(error);

	if (!text)
		text = json_string_value(json_object_get(error, "message"));
	for (size_t i = 0; i < ARRAY_LEN(keys) && !text; i++)
		text = json_string_value(json_object_get(root, keys[i]));

	return text;
}

int chat_take(struct chat_answer *a, const char *data, size_t n, char **ret_text, char *ret_words, size_t cap)
{
	*ret_text = NULL;
	ret_words[0] = '\0';
	if (n == 6 && memcmp(data, "[DONE]", 6) == 0)
		return 1;

	json_t *root = json_loadb(data, n, 0, NULL), *error = json_object_get(root, "error");
	const json_t *choice = json_array_get(json_object_get(root, "choices"), 0), *delta = json_object_get(choice, "delta"), *piece;
	const char *text = json_string_value(json_object_get(delta, "content"));
	size_t i;
	int err = 0;

	if (!json_is_object(root)) {
		snprintf(ret_words, cap, "an event of the answer is no JSON object");
		err = -TR_EPARSE;
	} else if (error && !json_is_null(error)) {
		text = chat_error_text(root);
		snprintf(ret_words, cap, "%s", text ? text : "the server reports an error without words");
		err = -TR_EENGINE;
	} else {
		take_usage(a, root);
		json_array_foreach(json_object_get(delta, "tool_calls"), i, piece)
			take_tool(a, piece);
		if (text && *text) {
			*ret_text = mem_strdup(text);
			a->has_text = true;
		}
	}
	json_decref(root);

	return err;
}

void chat_done(struct chat_answer *a)
{
	for (uint32_t i = 0; i < a->tool_count; i++) {
		free(a->tools[i].id);
		free(a->tools[i].name);
		free(a->tools[i].args);
	}
	*a = (struct chat_answer){0};
}
