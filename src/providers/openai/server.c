/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/openai/server.h"
#include "providers/openai/chat.h"

enum { WARM_MS = 45000 }; /* servers keep idle connections for a minute at least */

void openai_server_init(struct openai_server *s, struct web_client *client, const char *url, const char *key)
{
	size_t n = strlen(url);

	*s = (struct openai_server){.client = client, .url = mem_strdup(url), .authorization = key ? mem_format("Authorization: Bearer %s", key) : NULL};
	while (n && s->url[n - 1] == '/')
		s->url[--n] = '\0';
}

void openai_server_done(struct openai_server *s)
{
	if (s->authorization)
		explicit_bzero(s->authorization, strlen(s->authorization));
	free(s->authorization);
	free(s->url);
}

int openai_post(struct openai_server *s, struct web_request **ret, const char *path, const char *type, const struct web_ask *ask)
{
	auto_free char *url = mem_format("%s%s", s->url, path), *content = mem_format("Content-Type: %s", type);
	const char *headers[] = {content, s->authorization, NULL};
	struct web_ask own = *ask;

	own.url = url;
	own.headers = headers;
	s->used_at = clock_ms();

	return web_send(s->client, ret, &own);
}

/* Any answer will do: it is the connection that counts. */
void openai_warm_up(struct openai_server *s)
{
	auto_free char *url = mem_format("%s/models", s->url);
	const char *headers[] = {s->authorization, NULL};
	struct web_ask web = {.url = url, .headers = headers, .total_ms = 10000};

	if (s->used_at && clock_ms() < s->used_at + WARM_MS)
		return;
	s->used_at = clock_ms();
	(void)!web_send(s->client, NULL, &web);
}

void openai_fault_words(const struct web_end *end, char *ret_words, size_t cap)
{
	json_t *root = json_loads(end->body, 0, NULL);
	const char *said = chat_error_text(root);

	snprintf(ret_words, cap, "%s%s%.120s", end->words, said ? ": " : "", said ? said : "");
	json_decref(root);
}
