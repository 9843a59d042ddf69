/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/vosk/stt_vosk.h"
#include <jansson.h>
#include "providers/embedded/listener.h"
#include "providers/vosk/transcript.h"
#include "providers/vosk/vosk_lib.h"

/* One recogniser. What it was made for is kept: the next utterance often wants the same. */
struct slot {
	struct list link; /* among the free ones */
	struct vosk_recogniser *recogniser;
	char *phrases;	  /* JSON; NULL: everything */
	uint64_t fed;	  /* samples since it was made: its own clock */
};

struct engine {
	struct stt_port port;
	struct listener_pool pool;
	struct vosk_lib *lib;
	struct list free;
	struct stt_vosk_stats stats;
};

struct stream {
	struct listener listener;
	struct engine *engine;

	/* of the loop */
	char *phrases;
	struct slot *slot; /* held from begin until the worker is through */

	/* of the worker */
	double before_s; /* the recogniser's time at the utterance's beginning */
	struct vosk_transcript transcript;
	char guessed[sizeof(((struct listener_result *)0)->text)];
};

static struct stream *of(struct listener *l)
{
	return container_of(l, struct stream, listener);
}

/* ---- on a compute thread ---------------------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void slot_drop(const struct vosk_lib *lib, struct slot *slot)
{
	if (slot->recogniser)
		lib->recogniser_free(slot->recogniser);
	free(slot->phrases);
	slot->recogniser = NULL;
	slot->phrases = NULL;
}

/* A recogniser for these phrases, fresh. */
static bool slot_prepare(const struct vosk_lib *lib, struct slot *slot, const char *phrases)
{
	if (slot->recogniser && is_same(slot->phrases, phrases)) {
		lib->reset(slot->recogniser);
		return true;
	}
	slot_drop(lib, slot);
	slot->phrases = phrases ? mem_strdup(phrases) : NULL;
	slot->fed = 0;
	slot->recogniser = phrases ? lib->recogniser_new_grm(lib->model, LISTENER_HZ, phrases) : lib->recogniser_new(lib->model, LISTENER_HZ);
	if (slot->recogniser)
		lib->set_words(slot->recogniser, 1);

	return slot->recogniser != NULL;
}

static bool vosk_start(struct listener *l, const void *wish)
{
	struct stream *s = of(l);

	s->transcript = (struct vosk_transcript){0};
	s->guessed[0] = 0;
	if (!slot_prepare(s->engine->lib, s->slot, wish))
		return false;
	s->before_s = (double)s->slot->fed / LISTENER_HZ;

	return true;
}

static bool vosk_hear(struct listener *l, const int16_t *pcm, size_t n)
{
	struct stream *s = of(l);
	const struct vosk_lib *lib = s->engine->lib;
	int is_end;

	s->slot->fed += n;
	is_end = lib->accept(s->slot->recogniser, pcm, (int)n);
	if (is_end < 0) {
		slot_drop(lib, s->slot);
		return false;
	}
	if (is_end)
		vosk_transcript_add(&s->transcript, lib->result(s->slot->recogniser), s->before_s);

	return true;
}

static void vosk_guess(struct listener *l)
{
	struct stream *s = of(l);
	char text[sizeof(s->guessed)];

	vosk_transcript_guess(&s->transcript, s->engine->lib->partial(s->slot->recogniser), text, sizeof(text));
	if (!strcmp(text, s->guessed))
		return;
	buf_copy(s->guessed, sizeof(s->guessed), text);
	listener_guess(l, text);
}

/* Becomes part of the transcript; the recogniser goes on behind it, should more come. */
static bool vosk_settle(struct listener *l, bool is_end, struct listener_result *ret)
{
	struct stream *s = of(l);
	const struct vosk_transcript *t = &s->transcript;

	if (!listener_flush(l))
		return false;
	vosk_transcript_add(&s->transcript, s->engine->lib->final(s->slot->recogniser), s->before_s);
	buf_copy(ret->text, sizeof(ret->text), t->text);
	ret->confidence = vosk_transcript_confidence(t);
	ret->word_count = t->word_count;
	for (size_t i = 0; i < t->word_count; i++) {
		ret->words[i] = (struct listener_word){.start_ms = t->words[i].start_ms, .end_ms = t->words[i].end_ms,
			.confidence = t->words[i].confidence};
		buf_copy(ret->words[i].text, sizeof(ret->words[i].text), t->words[i].text);
	}

	return true;
}

static void vosk_stop(struct listener *l)
{
}

/* ---- on the loop ------------------------------------------------------------------------------------------------------ */

static void vosk_give_back(struct listener *l)
{
	struct stream *s = of(l);

	if (!s->slot)
		return;
	/* At the front: what was used last is the likeliest to be wanted again. */
	list_prepend(&s->engine->free, &s->slot->link);
	s->slot = NULL;
	s->engine->stats.busy--;
}

/* One that was cancelled may still hold its recogniser. */
static int vosk_take(struct listener *l, struct port_fault *ret_fault)
{
	struct stream *s = of(l);
	struct engine *engine = s->engine;

	if (s->slot)
		return 0;
	s->slot = list_first(&engine->free, struct slot, link);
	if (!s->slot) {
		engine->stats.refused++;
		return port_fail(ret_fault, -TR_ELIMIT, "all %u of Vosk's recognisers are listening to other callers",
			engine->stats.recognisers);
	}
	list_unlink(&s->slot->link);
	engine->stats.busy++;

	return 0;
}

static void *vosk_wish(struct listener *l)
{
	struct stream *s = of(l);

	return s->phrases ? mem_strdup(s->phrases) : NULL;
}

static void vosk_free(struct listener *l)
{
	struct stream *s = of(l);

	free(s->phrases);
	free(s);
}

static const struct listener_ops listener_ops = {
	.take = vosk_take,
	.give_back = vosk_give_back,
	.wish = vosk_wish,
	.free = vosk_free,
	.start = vosk_start,
	.hear = vosk_hear,
	.guess = vosk_guess,
	.settle = vosk_settle,
	.stop = vosk_stop,
};

static int vosk_open(struct stt_port *port, const struct stt_params *params, struct stt_stream **ret, struct port_fault *ret_fault)
{
	struct engine *engine = container_of(port, struct engine, port);

	if (strncasecmp(params->language ? params->language : "en", "en", 2) != 0)
		return port_fail(ret_fault, -TR_EUNSUPP, "Vosk's model here is English, not \"%s\"", params->language);

	struct stream *s = mem_zalloc(sizeof(*s));
	int err = listener_init(&s->listener, &engine->pool, port->ops, params, ret_fault);

	if (err) {
		free(s);
		return err;
	}
	s->engine = engine;
	*ret = &s->listener.base;

	return 0;
}

static int vosk_set_context(struct stt_stream *base, const struct stt_context *context)
{
	struct stream *s = of(container_of(base, struct listener, base));
	json_t *list = context->phrase_count ? json_array() : NULL;

	for (size_t i = 0; i < context->phrase_count; i++)
		json_array_append_new(list, json_string(context->phrases[i]));
	if (list)
		json_array_append_new(list, json_string("[unk]"));
	free(s->phrases);
	s->phrases = list ? json_dumps(list, JSON_COMPACT) : NULL;
	json_decref(list);

	return 0;
}

static const struct stt_ops ops = {
	.open = vosk_open,
	.close = listener_close,
	.set_context = vosk_set_context,
	.set_partials = listener_set_partials,
	.begin = listener_begin,
	.feed = listener_feed,
	.pause = listener_pause,
	.resume = listener_resume,
	.end = listener_end,
	.cancel = listener_cancel,
};

/* ---- the engine ------------------------------------------------------------------------------------------------------- */

int stt_vosk_new(struct stt_port **ret, struct compute *compute, const struct stt_vosk_params *params, struct port_fault *ret_fault)
{
	msec_t begun = clock_ms();
	struct engine *engine = mem_zalloc(sizeof(*engine));
	int err = vosk_lib_open(&engine->lib, params->dir, ret_fault);

	if (err) {
		free(engine);
		return err;
	}
	engine->port = (struct stt_port){&ops, "vosk"};
	engine->pool = (struct listener_pool){.ops = &listener_ops, .compute = compute, .name = "Vosk", .skips_silence = true};
	list_init(&engine->free);
	engine->stats.recognisers = params->recognisers ? params->recognisers : 4 * compute_threads(compute);
	for (uint32_t i = 0; i < engine->stats.recognisers; i++) {
		struct slot *slot = mem_zalloc(sizeof(*slot));

		list_append(&engine->free, &slot->link);
	}
	engine->stats.load_ms = (uint32_t)(clock_ms() - begun);
	*ret = &engine->port;

	return 0;
}

struct stt_port *stt_vosk_free(struct stt_port *port)
{
	if (!port)
		return NULL;

	struct engine *engine = container_of(port, struct engine, port);

	assert(engine->pool.stream_count == 0);
	list_each(&engine->free, struct slot, link, slot) {
		slot_drop(engine->lib, slot);
		free(slot);
	}
	vosk_lib_close(engine->lib);
	free(engine);

	return NULL;
}

struct stt_vosk_stats stt_vosk_stats(struct stt_port *port)
{
	const struct engine *engine = container_of(port, struct engine, port);
	struct stt_vosk_stats stats = engine->stats;

	stats.finals = engine->pool.finals;
	stats.audio_ms = engine->pool.audio_ms;
	stats.compute_us = engine->pool.compute_us;

	return stats;
}
