/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/openai/stt_openai.h"
#include <ctype.h>
#include <jansson.h>
#include "audio/wav.h"
#include "providers/openai/server.h"

#define BOUNDARY "tipring-7d1f0c52a9"

enum { ANSWER_MAX = 64 << 10 };

struct engine {
	struct stt_port port;
	struct openai_server server;
	char *name, *model, *prompt;
	uint32_t stream_count;
};

struct stream {
	struct stt_stream base;
	struct engine *engine;
	struct stt_callbacks cb;
	uint32_t rate_hz;
	char language[16]; /* "en" */

	uint32_t id; /* of the utterance; 0: none */
	int16_t *pcm;
	size_t n, cap;
	size_t sent_n; /* of them in the request that runs or ran; 0: none */
	bool is_ending;
	int64_t ended_us;

	struct web_request *request;
	char *answer; /* its body so far */
	size_t answer_n;
	char *text;	  /* what it said; NULL: not yet */
	uv_timer_t timer; /* of no time: a final is told from the loop */
};

/* ---- what is sent ------------------------------------------------------------------------------------------------------ */

static void put_field(FILE *out, const char *name, const char *value)
{
	fprintf(out, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", name, value);
}

/* multipart/form-data, RFC 7578. The caller frees it. */
static char *form(const struct stream *s, size_t *ret_n)
{
	uint8_t head[WAV_HEADER_BYTES];
	char *body = NULL;
	FILE *out = open_memstream(&body, ret_n);

	if (!out)
		return NULL;
	put_field(out, "model", s->engine->model);
	put_field(out, "response_format", "json");
	put_field(out, "language", s->language);
	if (s->engine->prompt)
		put_field(out, "prompt", s->engine->prompt);
	fputs("--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"turn.wav\"\r\nContent-Type: audio/wav\r\n\r\n", out);
	wav_header(head, (int)s->rate_hz, 1, s->n);
	fwrite(head, 1, sizeof(head), out);
	fwrite(s->pcm, sizeof(*s->pcm), s->n, out);
	fputs("\r\n--" BOUNDARY "--\r\n", out);
	fclose(out);

	return body;
}

/* ---- what comes back --------------------------------------------------------------------------------------------------- */

static void forget_answer(struct stream *s)
{
	web_cancel(s->request);
	s->request = NULL;
	free(s->answer);
	free(s->text);
	s->answer = s->text = NULL;
	s->answer_n = 0;
	s->sent_n = 0;
	uv_timer_stop(&s->timer);
}

static void fail(struct stream *s, int err, const char *words)
{
	uint32_t id = s->id;

	forget_answer(s);
	s->id = 0;
	s->cb.on_error(s->cb.arg, id, err, words);
}

static void tell_final(struct stream *s)
{
	char *text = s->text;
	struct stt_final final = {.text = text, .confidence = 1, .audio_ms = (uint32_t)(s->n * 1000 / s->rate_hz),
		.wait_us = (uint32_t)MIN(clock_us() - s->ended_us, (int64_t)UINT32_MAX)};
	uint32_t id = s->id;

	s->text = NULL;
	forget_answer(s);
	s->id = 0;
	s->cb.on_final(s->cb.arg, id, &final);
	free(text);
}

static void on_timer(uv_timer_t *timer)
{
	struct stream *s = timer->data;

	if (s->text)
		tell_final(s);
	else
		fail(s, -TR_ELIMIT, "the request could not be sent: too many are under way");
}

static void on_data(void *arg, const char *bytes, size_t n)
{
	struct stream *s = arg;

	n = MIN(n, ANSWER_MAX - s->answer_n);
	s->answer = mem_realloc(s->answer, s->answer_n + n + 1);
	memcpy(s->answer + s->answer_n, bytes, n);
	s->answer_n += n;
	s->answer[s->answer_n] = '\0';
}

/* Lower case words with one blank between, as all recognisers give them. Without ASCII marks, but for those inside words ("o'clock", "10:30"). */
static char *plain(const char *text)
{
	size_t n = strlen(text), at = 0;
	char *ret = mem_zalloc(n + 1);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		bool is_inner = at && ret[at - 1] != ' ' && i + 1 < n && (isalnum((unsigned char)text[i + 1]) || (unsigned char)text[i + 1] >= 0x80);

		if (isalnum(c) || c >= 0x80 || c == '+' || c == '$' || c == '%' || (ispunct(c) && is_inner && strchr("'.:,-@", c)))
			ret[at++] = (char)tolower(c);
		else if (at && ret[at - 1] != ' ')
			ret[at++] = ' ';
	}
	while (at && ret[at - 1] == ' ')
		at--;
	ret[at] = '\0';

	return ret;
}

static void on_end(void *arg, const struct web_end *end)
{
	struct stream *s = arg;
	char words[260];

	s->request = NULL;
	if (end->err && !s->is_ending) {
		forget_answer(s); /* it was ahead of time: the end tries again */
		return;
	}
	if (end->err) {
		openai_fault_words(end, words, sizeof(words));
		fail(s, end->err, words);
		return;
	}

	json_t *root = json_loadb(s->answer ? s->answer : "", s->answer_n, 0, NULL);
	const char *text = json_string_value(json_object_get(root, "text"));

	s->text = text ? plain(text) : NULL;
	json_decref(root);
	if (!s->text)
		fail(s, -TR_EENGINE, "the answer holds no text");
	else if (s->is_ending)
		tell_final(s);
	else
		s->cb.on_partial(s->cb.arg, s->id, s->text, true);
}

static int send_out(struct stream *s)
{
	size_t n = 0;
	auto_free char *body = form(s, &n);
	struct web_ask ask = {.body = body, .body_n = n, .on_data = on_data, .on_end = on_end, .arg = s};

	forget_answer(s);
	s->sent_n = s->n;

	return body ? openai_post(&s->engine->server, &s->request, "/audio/transcriptions", "multipart/form-data; boundary=" BOUNDARY, &ask) : -ENOMEM;
}

/* ---- the stream -------------------------------------------------------------------------------------------------------- */

static void take(struct stream *s, const int16_t *pcm, size_t n)
{
	n = MIN(n, (size_t)LIMIT_STT_UTTERANCE_MS * s->rate_hz / 1000 - s->n);
	if (s->n + n > s->cap) {
		s->cap = MAX(2 * s->cap, s->n + n + s->rate_hz);
		s->pcm = mem_realloc(s->pcm, s->cap * sizeof(*s->pcm));
	}
	if (n)
		memcpy(s->pcm + s->n, pcm, n * sizeof(*pcm));
	s->n += n;
}

static int ear_open(struct stt_port *port, const struct stt_params *params, struct stt_stream **ret, struct port_fault *ret_fault)
{
	struct engine *e = container_of(port, struct engine, port);
	const char *language = params->language ? params->language : "en";
	struct stream *s = mem_zalloc(sizeof(*s));

	*s = (struct stream){.base.ops = port->ops, .engine = e, .cb = params->cb, .rate_hz = params->rate_hz};
	snprintf(s->language, sizeof(s->language), "%.*s", (int)strcspn(language, "-_"), language);
	uv_timer_init(web_client_loop(e->server.client), &s->timer);
	s->timer.data = s;
	e->stream_count++;
	openai_warm_up(&e->server);
	*ret = &s->base;

	return 0;
}

static void ear_cancel(struct stt_stream *base)
{
	struct stream *s = container_of(base, struct stream, base);

	forget_answer(s);
	s->id = 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct stream *s = handle->data;

	free(s->pcm);
	free(s);
}

static void ear_close(struct stt_stream *base)
{
	struct stream *s = container_of(base, struct stream, base);

	ear_cancel(base);
	s->engine->stream_count--;
	uv_close((uv_handle_t *)&s->timer, on_closed);
}

static int ear_set_context(struct stt_stream *base, const struct stt_context *context)
{
	return 0;
}

static int ear_begin(struct stt_stream *base, uint32_t id, const int16_t *preroll, size_t n, struct port_fault *ret_fault)
{
	struct stream *s = container_of(base, struct stream, base);

	if (s->id)
		return port_fail(ret_fault, -TR_ESTATE, "utterance %u is not over", s->id);
	s->id = id;
	s->n = 0;
	s->is_ending = false;
	take(s, preroll, n);

	return 0;
}

static void ear_feed(struct stt_stream *base, const int16_t *pcm, size_t n)
{
	struct stream *s = container_of(base, struct stream, base);

	if (s->id && !s->is_ending)
		take(s, pcm, n);
}

static void ear_pause(struct stt_stream *base)
{
	struct stream *s = container_of(base, struct stream, base);

	/* What cannot be sent now is tried again at the end. */
	if (s->id && !s->is_ending && send_out(s) != 0)
		s->sent_n = 0;
}

static void ear_resume(struct stt_stream *base)
{
	struct stream *s = container_of(base, struct stream, base);

	if (s->id && !s->is_ending)
		forget_answer(s);
}

static void ear_end(struct stt_stream *base)
{
	struct stream *s = container_of(base, struct stream, base);

	if (!s->id || s->is_ending)
		return;
	s->is_ending = true;
	s->ended_us = clock_us();
	if (s->text)
		uv_timer_start(&s->timer, on_timer, 0, 0);
	else if (!s->sent_n && send_out(s) != 0)
		uv_timer_start(&s->timer, on_timer, 0, 0);
}

static const struct stt_ops ops = {
	.open = ear_open,
	.close = ear_close,
	.set_context = ear_set_context,
	.begin = ear_begin,
	.feed = ear_feed,
	.pause = ear_pause,
	.resume = ear_resume,
	.end = ear_end,
	.cancel = ear_cancel,
};

/* ---- the engine -------------------------------------------------------------------------------------------------------- */

struct stt_port *stt_openai_new(struct web_client *client, const struct stt_openai_params *params)
{
	struct engine *e = mem_zalloc(sizeof(*e));

	openai_server_init(&e->server, client, params->url, params->key);
	e->name = mem_strdup(params->name);
	e->model = mem_strdup(params->model);
	e->prompt = params->prompt ? mem_strdup(params->prompt) : NULL;
	e->port = (struct stt_port){&ops, e->name};

	return &e->port;
}

struct stt_port *stt_openai_free(struct stt_port *port)
{
	if (!port)
		return NULL;

	struct engine *e = container_of(port, struct engine, port);

	assert(e->stream_count == 0);
	openai_server_done(&e->server);
	free(e->name);
	free(e->model);
	free(e->prompt);
	free(e);

	return NULL;
}
