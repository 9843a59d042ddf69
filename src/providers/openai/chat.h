/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "agent/ports.h"

/*
 * Streaming chat completions as OpenAI wrote them down and Groq, OpenRouter, vLLM, llama.cpp, Ollama, LM Studio and others speak them: what is asked, and
 * what comes back. Pure; llm_openai.h puts it on the wire.
 */
struct chat_params {
	const char *model;
	double temperature;	/* negative: not said */
	uint32_t max_tokens;	/* 0: not said */
	const char *max_tokens_key; /* OpenAI's reasoning models refuse "max_tokens", Ollama and LM Studio know nothing else */
	const char *extra_json; /* an object whose keys are added to each request; NULL: none */
};

/* What is the same in all turns of a call. */
struct chat_call {
	const char *instructions, *language;
	const char *tools_json; /* NULL: only the call's own */
	int64_t local_s;	/* seconds since 1970 in the business' zone, when the call began */
};

/* The body of the request. The caller frees it. */
char *chat_request(const struct chat_params *p, const struct chat_call *call, const struct llm_turn *turn);

/* A tool call in the making. */
struct chat_tool {
	char *id, *name, *args;
	size_t args_n;
};

struct chat_answer {
	struct chat_tool tools[LIMIT_AGENT_TOOLS];
	uint32_t tool_count;
	uint32_t prompt_tokens, completion_tokens; /* 0: not told */
	bool has_text;
};

/*
 * One event's data. 0: text is what is to be said (may be empty; the caller frees it), tool calls are gathered in a. 1: the stream says that it is over.
 * -TR_EPARSE: no JSON, or none of a chat completion; -TR_EENGINE: the server reports an error; words say what.
 */
nodiscard int chat_take(struct chat_answer *a, const char *data, size_t n, char **ret_text, char *ret_words, size_t cap);
void chat_done(struct chat_answer *a);

/* What a server says of an error, {"error": {"message": ...}} and its relatives; NULL: nothing. Valid as long as root. */
const char *chat_error_text(const json_t *root);
