/* SPDX-License-Identifier: Apache-2.0 */
#include "api/repeat.h"
#include <openssl/sha.h>

#define BUSY_MS 60000 /* an answer that does not come for so long was lost with its request */

struct entry {
	bool is_used;
	uint8_t id[REPEAT_ID], body[REPEAT_ID];
	int status; /* 0: being done */
	char *text;
	msec_t at;
};

struct repeats {
	struct entry list[LIMIT_API_REPEATS];
};

struct repeats *repeats_new(void)
{
	return mem_zalloc(sizeof(struct repeats));
}

static void clear(struct entry *e)
{
	free(e->text);
	*e = (struct entry){0};
}

struct repeats *repeats_free(struct repeats *r)
{
	if (!r)
		return NULL;

	for (size_t i = 0; i < ARRAY_LEN(r->list); i++)
		clear(&r->list[i]);
	free(r);

	return NULL;
}

/* With their zeros, so that no two lists of texts are one. */
static void hash(const char *const *texts, size_t n, uint8_t ret[static REPEAT_ID])
{
	size_t bytes = 0, at = 0;

	for (size_t i = 0; i < n; i++)
		bytes += strlen(texts[i]) + 1;

	auto_free char *all = mem_zalloc(bytes);

	for (size_t i = 0; i < n; at += strlen(texts[i++]) + 1)
		strcpy(all + at, texts[i]);
	SHA256((const uint8_t *)all, bytes, ret);
}

static bool is_over(const struct entry *e, msec_t now)
{
	return now - e->at >= (e->status ? (msec_t)LIMIT_API_REPEAT_MS : (msec_t)BUSY_MS);
}

static struct entry *find(struct repeats *r, const uint8_t *id)
{
	for (size_t i = 0; i < ARRAY_LEN(r->list); i++)
		if (r->list[i].is_used && memcmp(r->list[i].id, id, REPEAT_ID) == 0)
			return &r->list[i];

	return NULL;
}

static struct entry *make(struct repeats *r)
{
	struct entry *oldest = &r->list[0];

	for (size_t i = 0; i < ARRAY_LEN(r->list); i++) {
		struct entry *e = &r->list[i];

		if (!e->is_used)
			return e;
		if (e->at < oldest->at)
			oldest = e;
	}
	clear(oldest);

	return oldest;
}

enum repeat_verdict repeat_look(struct repeats *r, const struct repeat_ask *ask, msec_t now, uint8_t ret_id[static REPEAT_ID],
	struct repeat_answer *ret_answer)
{
	uint8_t body[REPEAT_ID];
	struct entry *e;

	hash((const char *[]){ask->authorization, ask->key, ask->method, ask->path}, 4, ret_id);
	hash(&ask->body, 1, body);
	e = find(r, ret_id);
	if (e && is_over(e, now)) {
		clear(e);
		e = NULL;
	}
	if (!e) {
		e = make(r);
		e->is_used = true;
		memcpy(e->id, ret_id, REPEAT_ID);
		memcpy(e->body, body, REPEAT_ID);
		e->at = now;
		return REPEAT_NEW;
	}
	if (memcmp(e->body, body, REPEAT_ID) != 0)
		return REPEAT_OTHER;
	if (!e->status)
		return REPEAT_BUSY;
	*ret_answer = (struct repeat_answer){e->status, e->text};

	return REPEAT_SAME;
}

void repeat_done(struct repeats *r, const uint8_t id[static REPEAT_ID], int status, const char *text, msec_t now)
{
	struct entry *e = find(r, id);

	if (!e)
		return;
	if (status == 429 || status >= 500) {
		clear(e);
		return;
	}
	free(e->text);
	e->text = mem_strdup(text);
	e->status = status;
	e->at = now;
}
