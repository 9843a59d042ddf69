/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/openai/tts_openai.h"
#include "base/list.h"
#include <jansson.h>
#include "audio/resample.h"
#include "providers/openai/server.h"

enum { PCM_HZ = 24000, PART = 480 }; /* samples that are resampled at once */

struct engine {
	struct tts_port port;
	struct openai_server server;
	char *name, *model, *voice;
	uint32_t rate_hz;
	uint32_t session_count;
};

/* A text that waits or is spoken. */
struct job {
	struct list link;
	uint32_t id;
	char *text;
};

struct session {
	struct tts_session base;
	struct engine *engine;
	struct tts_callbacks cb;
	char *voice;
	struct list jobs; /* the first is under way */
	uint32_t job_count;
	struct web_request *request; /* of the first */
	struct resample *resample;
	uint8_t odd; /* half a sample that waits for the other */
	bool has_odd, has_audio;
	uv_timer_t timer; /* of no time: a request that cannot be sent is told of from the loop */
	int err;	  /* why */
};

static void start(struct session *s);

static void drop_first(struct session *s)
{
	struct job *j = list_first(&s->jobs, struct job, link);

	list_unlink(&j->link);
	s->job_count--;
	free(j->text);
	free(j);
}

/* The first job is over. The next begins before its owner is told: it may cancel all. */
static void next(struct session *s, int err, const char *words)
{
	uint32_t id = list_first(&s->jobs, struct job, link)->id;

	s->request = NULL;
	drop_first(s);
	start(s);
	if (err)
		s->cb.on_error(s->cb.arg, id, err, words);
	else
		s->cb.on_done(s->cb.arg, id);
}

/* ---- audio ------------------------------------------------------------------------------------------------------------- */

static void give(struct session *s, const int16_t *pcm, int n)
{
	int16_t out[PART * 2];
	uint32_t id = list_first(&s->jobs, struct job, link)->id;
	int got = resample_run(s->resample, pcm, n, out);

	s->has_audio = true;
	if (got > 0)
		s->cb.on_audio(s->cb.arg, id, out, (size_t)got);
}

/* 16 bits, little-endian, cut anywhere. */
static void on_data(void *arg, const char *bytes, size_t n)
{
	struct session *s = arg;
	const struct web_request *mine = s->request;
	int16_t pcm[PART];
	int count = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)bytes[i];

		if (!s->has_odd) {
			s->odd = byte;
			s->has_odd = true;
			continue;
		}
		pcm[count++] = (int16_t)(s->odd | byte << 8);
		s->has_odd = false;
		if (count < PART && i + 1 < n)
			continue;
		give(s, pcm, count);
		if (s->request != mine) /* cancelled */
			return;
		count = 0;
	}
	if (count)
		give(s, pcm, count);
}

static void on_end(void *arg, const struct web_end *end)
{
	struct session *s = arg;
	char words[260];

	openai_fault_words(end, words, sizeof(words));
	if (!end->err && !s->has_audio)
		next(s, -TR_EENGINE, "the answer holds no audio");
	else
		next(s, end->err, words);
}

static void on_timer(uv_timer_t *timer)
{
	struct session *s = timer->data;

	next(s, s->err, err_text(s->err));
}

/* The first of those that wait. */
static void start(struct session *s)
{
	struct job *j = list_first(&s->jobs, struct job, link);
	struct web_ask ask = {.on_data = on_data, .on_end = on_end, .arg = s};

	if (!j)
		return;

	json_t *root = json_pack("{s:s, s:s, s:s, s:s}", "model", s->engine->model, "voice", s->voice, "input", j->text, "response_format", "pcm");
	char *body = root ? json_dumps(root, JSON_COMPACT) : NULL;

	resample_reset(s->resample);
	s->has_odd = s->has_audio = false;
	ask.body = body;
	ask.body_n = body ? strlen(body) : 0;
	s->err = body ? openai_post(&s->engine->server, &s->request, "/audio/speech", "application/json", &ask) : -EINVAL;
	if (s->err)
		uv_timer_start(&s->timer, on_timer, 0, 0);
	free(body);
	json_decref(root);
}

/* ---- the session ------------------------------------------------------------------------------------------------------- */

static int voice_open(struct tts_port *port, const struct tts_params *params, struct tts_session **ret, struct port_fault *ret_fault)
{
	struct engine *e = container_of(port, struct engine, port);
	struct session *s = mem_zalloc(sizeof(*s));
	int err = resample_new((int)e->rate_hz, (int)params->rate_hz, &s->resample);

	if (err) {
		free(s);
		return port_fail(ret_fault, err, "audio of %u Hz cannot become %u Hz", e->rate_hz, params->rate_hz);
	}
	s->base.ops = port->ops;
	s->engine = e;
	s->cb = params->cb;
	s->voice = mem_strdup(params->voice ? params->voice : e->voice);
	list_init(&s->jobs);
	uv_timer_init(web_client_loop(e->server.client), &s->timer);
	s->timer.data = s;
	e->session_count++;
	openai_warm_up(&e->server);
	*ret = &s->base;

	return 0;
}

static void voice_cancel(struct tts_session *base)
{
	struct session *s = container_of(base, struct session, base);

	web_cancel(s->request);
	s->request = NULL;
	uv_timer_stop(&s->timer);
	while (s->job_count)
		drop_first(s);
}

static void on_closed(uv_handle_t *handle)
{
	struct session *s = handle->data;

	resample_free(s->resample);
	free(s->voice);
	free(s);
}

static void voice_close(struct tts_session *base)
{
	struct session *s = container_of(base, struct session, base);

	voice_cancel(base);
	s->engine->session_count--;
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

static int voice_speak(struct tts_session *base, uint32_t id, const char *text, struct port_fault *ret_fault)
{
	struct session *s = container_of(base, struct session, base);

	if (strlen(text) > LIMIT_TTS_TEXT_BYTES)
		return port_fail(ret_fault, -TR_ETOOBIG, "%zu bytes of text are more than %d", strlen(text), LIMIT_TTS_TEXT_BYTES);
	if (s->job_count == LIMIT_TTS_QUEUE)
		return port_fail(ret_fault, -TR_ELIMIT, "%d texts are waiting already", LIMIT_TTS_QUEUE);

	struct job *j = mem_zalloc(sizeof(*j));

	j->id = id;
	j->text = mem_strdup(text);
	list_append(&s->jobs, &j->link);
	if (++s->job_count == 1)
		start(s);

	return 0;
}

static const struct tts_ops ops = {
	.open = voice_open,
	.close = voice_close,
	.speak = voice_speak,
	.cancel = voice_cancel,
};

/* ---- the engine -------------------------------------------------------------------------------------------------------- */

struct tts_port *tts_openai_new(struct web_client *client, const struct tts_openai_params *params)
{
	struct engine *e = mem_zalloc(sizeof(*e));

	openai_server_init(&e->server, client, params->url, params->key);
	e->name = mem_strdup(params->name);
	e->model = mem_strdup(params->model);
	e->voice = mem_strdup(params->voice);
	e->rate_hz = params->rate_hz ? params->rate_hz : PCM_HZ;
	e->port = (struct tts_port){&ops, e->name};

	return &e->port;
}

struct tts_port *tts_openai_free(struct tts_port *port)
{
	if (!port)
		return NULL;

	struct engine *e = container_of(port, struct engine, port);

	assert(e->session_count == 0);
	openai_server_done(&e->server);
	free(e->name);
	free(e->model);
	free(e->voice);
	free(e);

	return NULL;
}
