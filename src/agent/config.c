/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config.h"
#include "agent/prompts.h"

/* Copies a string member in place; keeps count of what memory was out for. */
static void copy_text(const char **member, bool *failed)
{
	if (!*member)
		return;
	*member = strdup(*member);
	*failed = *failed || !*member;
}

static void drop_text(const char *member)
{
	free((void *)(uintptr_t)member);
}

static const char **texts_of(struct agent_config *c, size_t i)
{
	const char **const all[] = {&c->name, &c->instructions, &c->greeting, &c->language, &c->voice, &c->stt, &c->llm,
		&c->tts, &c->tts_fallback, &c->vad, &c->transfer_to, &c->tools_json, &c->filler, &c->apology, &c->transfer_failed};

	return i < ARRAY_LEN(all) ? all[i] : NULL;
}

struct agent_config *agent_config_copy(const struct agent_config *c)
{
	struct agent_config *copy = malloc(sizeof(*copy));
	struct turn_params *turn = NULL;
	bool failed = false;

	if (!copy)
		return NULL;

	*copy = *c;
	for (size_t i = 0; texts_of(copy, i); i++)
		copy_text(texts_of(copy, i), &failed);
	if (c->turn) {
		turn = malloc(sizeof(*turn));
		failed = failed || !turn;
		if (turn)
			*turn = *c->turn;
	}
	copy->turn = turn;
	if (c->prompts)
		prompts_ref(c->prompts);
	if (c->flow)
		copy->flow = flow_ref(c->flow);

	return failed ? agent_config_free(copy) : copy;
}

struct agent_config *agent_config_free(struct agent_config *c)
{
	if (!c)
		return NULL;

	for (size_t i = 0; texts_of(c, i); i++)
		drop_text(*texts_of(c, i));
	free((void *)(uintptr_t)c->turn);
	prompts_unref(c->prompts);
	flow_unref(c->flow);
	free(c);

	return NULL;
}

struct agent_caller_config *agent_caller_config_copy(const struct agent_caller_config *c)
{
	struct agent_caller_config *copy = malloc(sizeof(*copy));
	uint32_t n = MIN(c->line_count, LIMIT_SCRIPT_LINES);
	struct agent_caller_line *lines = calloc(n + 1, sizeof(*lines));
	bool failed = false;

	if (!copy || !lines) {
		free(copy);
		free(lines);
		return NULL;
	}

	*copy = *c;
	copy->lines = lines;
	copy->line_count = n;
	copy_text(&copy->name, &failed);
	copy_text(&copy->voice, &failed);
	copy_text(&copy->language, &failed);
	copy_text(&copy->tts, &failed);
	for (uint32_t i = 0; i < n; i++) {
		lines[i] = c->lines[i];
		if (!lines[i].text)
			lines[i].text = "";
		copy_text(&lines[i].text, &failed);
		copy_text(&lines[i].digits, &failed);
	}

	return failed ? agent_caller_config_free(copy) : copy;
}

struct agent_caller_config *agent_caller_config_free(struct agent_caller_config *c)
{
	if (!c)
		return NULL;

	for (uint32_t i = 0; i < c->line_count; i++) {
		drop_text(c->lines[i].text);
		drop_text(c->lines[i].digits);
	}
	free((void *)(uintptr_t)c->lines);
	drop_text(c->name);
	drop_text(c->voice);
	drop_text(c->language);
	drop_text(c->tts);
	free(c);

	return NULL;
}
