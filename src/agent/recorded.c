/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/recorded.h"

#define LONGEST_MS 15000 /* an apology is a sentence or two */

struct phrase {
	enum { PHRASE_MAKING, PHRASE_READY, PHRASE_FAILED } state;
	struct recorded_key key; /* strings are copies */
	char *voice, *language, *text;
	struct tts_session *session;
	int16_t *pcm;
	size_t n;
};

struct recorded {
	struct phrase *phrases[LIMIT_AGENT_RECORDED];
	uint32_t count;
};

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct phrase *find(const struct recorded *r, const struct recorded_key *key)
{
	for (uint32_t i = 0; i < r->count; i++) {
		struct phrase *p = r->phrases[i];

		if (p->key.tts == key->tts && p->key.rate_hz == key->rate_hz && is_same(p->voice, key->voice) &&
			is_same(p->language, key->language) && is_same(p->text, key->text))
			return p;
	}

	return NULL;
}

static void close_session(struct phrase *p)
{
	if (p->session)
		p->session->ops->close(p->session);
	p->session = NULL;
}

static void on_audio(void *arg, uint32_t id, const int16_t *pcm, size_t n)
{
	struct phrase *p = arg;
	int16_t *bigger = NULL;

	if (p->n + n <= (size_t)LONGEST_MS * p->key.rate_hz / 1000)
		bigger = realloc(p->pcm, (p->n + n) * sizeof(int16_t));
	if (!bigger)
		return;
	memcpy(bigger + p->n, pcm, n * sizeof(int16_t));
	p->pcm = bigger;
	p->n += n;
}

static void on_done(void *arg, uint32_t id)
{
	struct phrase *p = arg;

	p->state = p->n ? PHRASE_READY : PHRASE_FAILED;
	close_session(p);
}

static void on_error(void *arg, uint32_t id, int err, const char *words)
{
	struct phrase *p = arg;

	p->state = PHRASE_FAILED;
	close_session(p);
}

static void make(struct phrase *p)
{
	struct tts_params params = {
		.rate_hz = p->key.rate_hz,
		.voice = p->voice,
		.language = p->language,
		.cb = {on_audio, NULL, on_done, on_error, p},
	};

	p->state = PHRASE_MAKING;
	p->n = 0;
	if (p->key.tts->ops->open(p->key.tts, &params, &p->session, NULL)) {
		p->state = PHRASE_FAILED;
		return;
	}
	if (p->session->ops->speak(p->session, 1, p->text, NULL)) {
		p->state = PHRASE_FAILED;
		close_session(p);
	}
}

static struct phrase *phrase_free(struct phrase *p)
{
	if (!p)
		return NULL;

	close_session(p);
	free(p->voice);
	free(p->language);
	free(p->text);
	free(p->pcm);
	free(p);

	return NULL;
}

static struct phrase *phrase_new(const struct recorded_key *key)
{
	struct phrase *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;

	p->key = (struct recorded_key){.tts = key->tts, .rate_hz = key->rate_hz};
	p->voice = key->voice ? strdup(key->voice) : NULL;
	p->language = key->language ? strdup(key->language) : NULL;
	p->text = strdup(key->text);
	if (!p->text || (key->voice && !p->voice) || (key->language && !p->language))
		return phrase_free(p);

	return p;
}

void recorded_want(struct recorded *r, const struct recorded_key *key)
{
	struct phrase *p = key->tts ? find(r, key) : NULL;

	if (!key->tts || (p && p->state != PHRASE_FAILED))
		return;
	if (!p) {
		p = r->count < LIMIT_AGENT_RECORDED ? phrase_new(key) : NULL;
		if (!p)
			return;
		r->phrases[r->count++] = p;
	}
	make(p);
}

const int16_t *recorded_find(const struct recorded *r, const struct recorded_key *key, size_t *ret_n)
{
	const struct phrase *p = find(r, key);

	if (!p || p->state != PHRASE_READY)
		return NULL;

	*ret_n = p->n;

	return p->pcm;
}

struct recorded *recorded_new(void)
{
	return calloc(1, sizeof(struct recorded));
}

struct recorded *recorded_free(struct recorded *r)
{
	if (!r)
		return NULL;

	for (uint32_t i = 0; i < r->count; i++)
		phrase_free(r->phrases[i]);
	free(r);

	return NULL;
}
