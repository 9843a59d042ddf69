/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/ears.h"

struct ears {
	struct ears_params p;
	struct stt_stream *stream;
	enum { EARS_IDLE, EARS_HEARING, EARS_ENDING } state;
	uint32_t id;
	bool wants_partials;
	bool was_restarted; /* in this utterance: the next error is a fault */
	struct port_fault fault;

	uint32_t said;	    /* samples of the running utterance, pre-roll included */
	int16_t *kept;	    /* ring of the last audio */
	uint32_t kept_cap, kept_at, kept_n;
};

/* ---- kept audio ------------------------------------------------------------------------------------------------------------ */

static void keep(struct ears *e, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		e->kept[e->kept_at] = pcm[i];
		e->kept_at = (e->kept_at + 1) % e->kept_cap;
	}
	e->kept_n = (uint32_t)MIN(e->kept_n + n, e->kept_cap);
}

/* The last n samples as one array, which is the caller's to free; *n is lowered to what there is. */
static int16_t *last_audio(const struct ears *e, uint32_t *n)
{
	*n = MIN(*n, e->kept_n);

	int16_t *pcm = malloc((*n + 1) * sizeof(int16_t));
	uint32_t from = (e->kept_at + e->kept_cap - *n) % e->kept_cap;

	if (!pcm)
		return NULL;
	for (uint32_t i = 0; i < *n; i++)
		pcm[i] = e->kept[(from + i) % e->kept_cap];

	return pcm;
}

/* ---- the engine ------------------------------------------------------------------------------------------------------------ */

static int open_stream(struct ears *e, struct port_fault *ret_fault);

static int begin(struct ears *e, uint32_t samples, struct port_fault *ret_fault)
{
	auto_free int16_t *pcm = last_audio(e, &samples);

	if (!pcm)
		return port_fail(ret_fault, -ENOMEM, "no memory");
	if (!e->stream)
		return port_fail(ret_fault, -TR_EENGINE, "no recogniser");
	if (e->stream->ops->set_partials)
		e->stream->ops->set_partials(e->stream, e->wants_partials);
	if (++e->id == 0)
		e->id = 1;
	e->said = samples;

	return e->stream->ops->begin(e->stream, e->id, pcm, samples, ret_fault);
}

static void give_up(struct ears *e, int err, const struct port_fault *fault)
{
	e->state = EARS_IDLE;
	port_fail(&e->fault, err, "%s", fault->words);
}

/* A broken engine gets one fresh stream an utterance; a busy one (-TR_ELIMIT) has said no, and says it again. */
static void restart(struct ears *e, int err, const struct port_fault *why)
{
	struct port_fault fault = *why;
	bool was_ending = e->state == EARS_ENDING;

	if (e->was_restarted || err == -TR_ELIMIT || !e->p.stt) {
		give_up(e, err, why);
		return;
	}
	e->was_restarted = true;
	if (e->stream)
		e->stream->ops->close(e->stream);
	e->stream = NULL;
	err = open_stream(e, &fault);
	if (!err)
		err = begin(e, e->said, &fault);
	if (err) {
		give_up(e, err, &fault);
		return;
	}
	if (was_ending)
		e->stream->ops->end(e->stream);
}

static void on_partial(void *arg, uint32_t id, const char *text, bool is_stable)
{
	struct ears *e = arg;

	if (id == e->id && e->state == EARS_HEARING)
		e->p.on_partial(e->p.arg, text, is_stable);
}

static void on_final(void *arg, uint32_t id, const struct stt_final *final)
{
	struct ears *e = arg;

	if (id != e->id || e->state == EARS_IDLE)
		return;
	e->state = EARS_IDLE;
	e->p.on_final(e->p.arg, final);
}

static void on_error(void *arg, uint32_t id, int err, const char *words)
{
	struct ears *e = arg;
	struct port_fault fault;

	if (id != e->id || e->state == EARS_IDLE)
		return;
	restart(e, port_fail(&fault, err, "%s", words), &fault);
}

static int open_stream(struct ears *e, struct port_fault *ret_fault)
{
	struct stt_params p = {
		.rate_hz = e->p.rate_hz,
		.language = e->p.language,
		.cb = {on_partial, on_final, on_error, e},
	};

	return e->p.stt ? e->p.stt->ops->open(e->p.stt, &p, &e->stream, ret_fault) : 0;
}

/* ---- utterances ------------------------------------------------------------------------------------------------------------ */

void ears_set_context(struct ears *e, const struct stt_context *context)
{
	/* An engine that knows no contexts listens to everything: nothing to do about it. */
	if (e->stream && e->stream->ops->set_context)
		(void)e->stream->ops->set_context(e->stream, context);
}

void ears_frame(struct ears *e, const int16_t *pcm, size_t n)
{
	keep(e, pcm, n);
	if (e->state != EARS_HEARING)
		return;
	e->said += (uint32_t)n;
	e->stream->ops->feed(e->stream, pcm, n);
}

void ears_listen(struct ears *e, uint32_t preroll_ms, bool wants_partials)
{
	struct port_fault fault = {0};

	ears_cancel(e);
	e->state = EARS_HEARING;
	e->was_restarted = false;
	e->wants_partials = wants_partials;

	int err = begin(e, preroll_ms * (e->p.rate_hz / 1000), &fault);

	if (err)
		restart(e, err, &fault);
}

void ears_hint(struct ears *e)
{
	if (e->state == EARS_HEARING && e->stream->ops->pause)
		e->stream->ops->pause(e->stream);
}

void ears_go_on(struct ears *e)
{
	if (e->state == EARS_HEARING && e->stream->ops->resume)
		e->stream->ops->resume(e->stream);
}

void ears_end(struct ears *e)
{
	if (e->state != EARS_HEARING)
		return;
	e->state = EARS_ENDING;
	e->stream->ops->end(e->stream);
}

void ears_cancel(struct ears *e)
{
	if (e->state == EARS_IDLE)
		return;
	e->state = EARS_IDLE;
	e->stream->ops->cancel(e->stream);
}

bool ears_fault(struct ears *e, struct port_fault *ret_fault)
{
	if (!e->fault.err)
		return false;

	*ret_fault = e->fault;
	e->fault.err = 0;

	return true;
}

int ears_open(struct ears **ret, const struct ears_params *params, struct port_fault *ret_fault)
{
	struct ears *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;

	e->p = *params;
	e->kept_cap = params->rate_hz / 1000 * LIMIT_AGENT_PREROLL_MS;
	e->kept = calloc(e->kept_cap, sizeof(int16_t));
	err = e->kept ? open_stream(e, ret_fault) : -ENOMEM;
	if (err) {
		ears_close(e);
		return err;
	}
	*ret = e;

	return 0;
}

struct ears *ears_close(struct ears *e)
{
	if (!e)
		return NULL;

	if (e->stream)
		e->stream->ops->close(e->stream);
	free(e->kept);
	free(e);

	return NULL;
}
