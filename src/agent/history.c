/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/history.h"

struct history {
	struct llm_message items[LIMIT_AGENT_HISTORY];
	size_t count, bytes;
};

struct history *history_new(void)
{
	return calloc(1, sizeof(struct history));
}

static void *writable(const char *s)
{
	return (void *)(uintptr_t)s; /* ours: strdup made it */
}

static size_t bytes_of(const struct llm_message *m)
{
	return strlen(m->text);
}

static void clear(struct llm_message *m)
{
	free(writable(m->text));
	free(writable(m->tool));
	free(writable(m->call_id));
}

struct history *history_free(struct history *h)
{
	if (!h)
		return NULL;

	for (size_t i = 0; i < h->count; i++)
		clear(&h->items[i]);
	free(h);

	return NULL;
}

static void drop_first(struct history *h)
{
	h->bytes -= bytes_of(&h->items[0]);
	clear(&h->items[0]);
	h->count--;
	memmove(h->items, h->items + 1, h->count * sizeof(h->items[0]));
}

static void make_room(struct history *h, size_t bytes)
{
	while (h->count && (h->count == LIMIT_AGENT_HISTORY || h->bytes + bytes > LIMIT_AGENT_HISTORY_BYTES)) {
		drop_first(h);
		/* A result whose call is gone makes no sense; chat APIs refuse it. */
		while (h->count && h->items[0].role == LLM_TOOL_RESULT)
			drop_first(h);
	}
}

int history_add(struct history *h, enum llm_role role, const char *text, const char *tool, const char *call_id)
{
	struct llm_message m = {.role = role};

	if (!*text)
		return 0;

	m.text = strndup(text, LIMIT_AGENT_HISTORY_BYTES);
	m.tool = tool ? strdup(tool) : NULL;
	m.call_id = call_id ? strdup(call_id) : NULL;
	if (!m.text || (tool && !m.tool) || (call_id && !m.call_id)) {
		clear(&m);
		return -ENOMEM;
	}

	make_room(h, bytes_of(&m));
	h->bytes += bytes_of(&m);
	h->items[h->count++] = m;

	return 0;
}

const struct llm_message *history_messages(const struct history *h, size_t *ret_count)
{
	*ret_count = h->count;

	return h->items;
}
