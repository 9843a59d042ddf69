/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/stt_pocketsphinx.h"
#include "providers/embedded/listener.h"
#include "providers/embedded/recogniser.h"

/* Decoders of the same grammars. The engine has one set; those that it replaced live until their last decoder comes back. */
struct set {
	struct recogniser_model *model;
	struct list free;
	uint32_t decoder_count, busy;
};

struct decoder {
	struct list link; /* among the free ones */
	struct set *set;
	struct recogniser *recogniser;
};

struct engine {
	struct stt_port port;
	struct listener_pool pool;
	char *model_dir;
	uint32_t want; /* decoders */
	struct set *set;
	struct compute_lane load_lane;
	struct list loads; /* the first is at work */
	uint32_t load_count;
	bool without_partials;
	struct stt_pocketsphinx_stats stats;
};

/*
 * A set in the making: one step (the model, then each decoder) a job, so that a single compute thread serves calls between. The first
 * set is in use from its first decoder on, and grows beside the work.
 */
struct load {
	struct list link;
	struct engine *engine;
	struct compute_job job;
	struct stt_grammar *grammars;
	size_t grammar_count;
	struct set *set;
	struct recogniser *fresh; /* the step's outcome */
	stt_pocketsphinx_loaded_fn *on_loaded;
	void *arg;
	msec_t begun;
	int err;
	struct port_fault fault;
};

struct stream {
	struct listener listener;
	struct engine *engine;

	/* of the loop */
	char *context; /* NULL: anything */
	struct decoder *decoder; /* held from begin until the worker is through */

	/* of the worker */
	size_t work_context;
	int16_t *pcm; /* the utterance */
	size_t n, cap;
	bool is_continued; /* live decoding began anew behind the text so far */
};

static struct stream *of(struct listener *l)
{
	return container_of(l, struct stream, listener);
}

/* ---- on a compute thread ---------------------------------------------------------------------------------------------- */

/* Live decoding, for guesses, when they are wanted. */
static bool begin_live(struct stream *s)
{
	if (s->engine->without_partials || !s->listener.has_partials)
		return true;

	return recogniser_start(s->decoder->recogniser, s->work_context) == 0;
}

static bool ps_start(struct listener *l, const void *wish)
{
	struct stream *s = of(l);

	s->work_context = *(const size_t *)wish;
	s->n = 0;
	s->is_continued = false;

	return begin_live(s);
}

static bool ps_hear(struct listener *l, const int16_t *pcm, size_t n)
{
	struct stream *s = of(l);

	if (s->n + n > s->cap) {
		s->cap = MAX(2 * s->cap, s->n + n + LISTENER_HZ);
		s->pcm = mem_realloc(s->pcm, s->cap * sizeof(*s->pcm));
	}
	memcpy(s->pcm + s->n, pcm, n * sizeof(*pcm));
	s->n += n;
	recogniser_feed(s->decoder->recogniser, pcm, n);

	return true;
}

static void ps_guess(struct listener *l)
{
	struct stream *s = of(l);
	char text[sizeof(l->result.text)] = "";
	size_t known = 0;

	if (s->is_continued && l->result.text[0])
		known = (size_t)snprintf(text, sizeof(text) / 2, "%s", l->result.text);
	known = MIN(known, sizeof(text) / 2 - 1);
	if (known)
		text[known++] = ' ';
	if (recogniser_guess(s->decoder->recogniser, text + known, sizeof(text) - known))
		listener_guess(l, text);
}

static void take_result(const struct recogniser_result *from, struct listener_result *ret)
{
	buf_copy(ret->text, sizeof(ret->text), from->text);
	ret->confidence = from->confidence;
	ret->word_count = from->word_count;
	for (size_t i = 0; i < from->word_count; i++) {
		const struct recogniser_word *w = &from->words[i];

		ret->words[i] = (struct listener_word){.start_ms = w->start_ms, .end_ms = w->end_ms, .confidence = w->confidence};
		buf_copy(ret->words[i].text, sizeof(ret->words[i].text), w->text);
	}
}

/* The whole utterance anew. Live decoding starts over behind it, should speech go on. */
static bool ps_settle(struct listener *l, bool is_end, struct listener_result *ret)
{
	struct stream *s = of(l);
	struct recogniser *r = s->decoder->recogniser;
	struct recogniser_result result = {0};

	if (is_end && !listener_flush(l))
		return false;
	recogniser_stop(r);
	if (recogniser_decode(r, s->work_context, s->pcm, s->n, &result) < 0)
		return false;
	take_result(&result, ret);
	s->is_continued = true;

	return is_end || begin_live(s);
}

static void ps_stop(struct listener *l)
{
	recogniser_stop(of(l)->decoder->recogniser);
}

/* ---- on the loop ------------------------------------------------------------------------------------------------------ */

static struct set *set_free(struct set *set)
{
	if (!set)
		return NULL;

	list_each(&set->free, struct decoder, link, decoder) {
		recogniser_free(decoder->recogniser);
		free(decoder);
	}
	recogniser_model_free(set->model);
	free(set);

	return NULL;
}

static void ps_give_back(struct listener *l)
{
	struct stream *s = of(l);

	if (!s->decoder)
		return;

	struct set *set = s->decoder->set;

	list_append(&set->free, &s->decoder->link);
	s->decoder = NULL;
	s->engine->stats.busy--;
	if (--set->busy == 0 && set != s->engine->set)
		set_free(set);
}

/* A decoder of the newest grammars; one that was kept from a cancelled utterance may be of older ones. */
static int ps_take(struct listener *l, struct port_fault *ret_fault)
{
	struct stream *s = of(l);
	struct engine *engine = s->engine;

	if (s->decoder && (l->is_scheduled || s->decoder->set == engine->set))
		return 0;
	ps_give_back(l);
	s->decoder = list_first(&engine->set->free, struct decoder, link);
	if (!s->decoder) {
		engine->stats.refused++;
		return port_fail(ret_fault, -TR_ELIMIT, "all %u decoders are listening to other callers", engine->set->decoder_count);
	}
	list_unlink(&s->decoder->link);
	s->decoder->set->busy++;
	engine->stats.busy++;

	return 0;
}

static void *ps_wish(struct listener *l)
{
	struct stream *s = of(l);
	size_t *context = mem_zalloc(sizeof(*context));

	*context = recogniser_model_find(s->decoder->set->model, s->context);

	return context;
}

static void ps_free(struct listener *l)
{
	struct stream *s = of(l);

	free(s->pcm);
	free(s->context);
	free(s);
}

static const struct listener_ops listener_ops = {
	.take = ps_take,
	.give_back = ps_give_back,
	.wish = ps_wish,
	.free = ps_free,
	.start = ps_start,
	.hear = ps_hear,
	.guess = ps_guess,
	.settle = ps_settle,
	.stop = ps_stop,
};

static int ps_open(struct stt_port *port, const struct stt_params *params, struct stt_stream **ret,
	struct port_fault *ret_fault)
{
	struct engine *engine = container_of(port, struct engine, port);

	if (strncasecmp(params->language ? params->language : "en", "en", 2) != 0)
		return port_fail(ret_fault, -TR_EUNSUPP, "the embedded recogniser knows English, not \"%s\"",
			params->language);

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

static int ps_set_context(struct stt_stream *base, const struct stt_context *context)
{
	struct stream *s = of(container_of(base, struct listener, base));

	free(s->context);
	s->context = context->name ? mem_strdup(context->name) : NULL;

	return 0;
}

static const struct stt_ops ops = {
	.open = ps_open,
	.close = listener_close,
	.set_context = ps_set_context,
	.set_partials = listener_set_partials,
	.begin = listener_begin,
	.feed = listener_feed,
	.pause = listener_pause,
	.resume = listener_resume,
	.end = listener_end,
	.cancel = listener_cancel,
};

/* ---- the engine ------------------------------------------------------------------------------------------------------- */

static struct set *set_new(void)
{
	struct set *set = mem_zalloc(sizeof(*set));

	list_init(&set->free);

	return set;
}

static void add_decoder(struct set *set, struct recogniser *recogniser)
{
	struct decoder *decoder = mem_zalloc(sizeof(*decoder));

	decoder->set = set;
	decoder->recogniser = recogniser;
	list_append(&set->free, &decoder->link);
	set->decoder_count++;
}

static void use_set(struct engine *engine, struct set *set, msec_t begun)
{
	struct set *old = engine->set;

	engine->set = set;
	engine->stats.load_ms = (uint32_t)(clock_ms() - begun);
	if (old && old->busy == 0)
		set_free(old);
}

/* On a compute thread. */
static void load_run(struct compute_job *job)
{
	struct load *load = container_of(job, struct load, job);

	if (!load->set->model)
		load->err = recogniser_model_load(&load->set->model, load->engine->model_dir, load->grammars,
			load->grammar_count, &load->fault);
	else
		load->err = recogniser_new(&load->fresh, load->set->model, &load->fault);
}

static void load_free(struct load *load)
{
	for (size_t i = 0; i < load->grammar_count; i++) {
		free((char *)(uintptr_t)load->grammars[i].name);
		free((char *)(uintptr_t)load->grammars[i].text.p);
	}
	free(load->grammars);
	free(load);
}

static void load_start(struct engine *engine)
{
	struct load *load = list_first(&engine->loads, struct load, link);

	if (!load)
		return;
	load->begun = clock_ms();
	compute_submit_reserved(&engine->load_lane, &load->job);
}

static void load_done(struct compute_job *job)
{
	struct load *load = container_of(job, struct load, job);
	struct engine *engine = load->engine;

	if (load->fresh)
		add_decoder(load->set, load->fresh);
	load->fresh = NULL;
	if (!load->err && load->set->decoder_count < engine->want) {
		compute_submit_reserved(&engine->load_lane, job);
		return;
	}
	list_unlink(&load->link);
	engine->load_count--;
	if (load->set == engine->set) {
		/* It has grown as far as it went. */
	} else if (load->err) {
		set_free(load->set);
	} else {
		use_set(engine, load->set, load->begun);
		engine->stats.loads++;
	}
	load_start(engine);
	if (load->on_loaded)
		load->on_loaded(load->arg, load->err, load->fault.words);
	load_free(load);
}

static struct load *load_append(struct engine *engine, struct set *set)
{
	struct load *load = mem_zalloc(sizeof(*load));

	*load = (struct load){.engine = engine, .set = set, .job = {.run = load_run, .done = load_done}};
	list_append(&engine->loads, &load->link);
	engine->load_count++;

	return load;
}

static int load_first(struct engine *engine, const struct stt_pocketsphinx_params *params, struct port_fault *ret_fault)
{
	struct set *set = set_new();
	msec_t begun = clock_ms();
	struct recogniser *recogniser;
	int err = recogniser_model_load(&set->model, params->model_dir, params->grammars, params->grammar_count, ret_fault);

	if (!err)
		err = recogniser_new(&recogniser, set->model, ret_fault);
	if (err) {
		set_free(set);
		return err;
	}
	add_decoder(set, recogniser);
	use_set(engine, set, begun);
	if (engine->want > 1) {
		struct load *rest = load_append(engine, set);

		rest->on_loaded = params->on_grown;
		rest->arg = params->arg;
		load_start(engine);
	}

	return 0;
}

int stt_pocketsphinx_new(struct stt_port **ret, struct compute *compute, const struct stt_pocketsphinx_params *params,
	struct port_fault *ret_fault)
{
	struct engine *engine = mem_zalloc(sizeof(*engine));

	engine->port = (struct stt_port){&ops, params->name ? params->name : "embedded"};
	engine->pool = (struct listener_pool){.ops = &listener_ops, .compute = compute, .name = "PocketSphinx"};
	engine->model_dir = params->model_dir ? mem_strdup(params->model_dir) : NULL;
	engine->want = params->decoders ? params->decoders : 2 * compute_threads(compute);
	engine->without_partials = params->without_partials;
	list_init(&engine->loads);
	compute_lane_init(&engine->load_lane, compute);

	int err = load_first(engine, params, ret_fault);

	if (err) {
		stt_pocketsphinx_free(&engine->port);
		return err;
	}
	*ret = &engine->port;

	return 0;
}

struct stt_port *stt_pocketsphinx_free(struct stt_port *port)
{
	if (!port)
		return NULL;

	struct engine *engine = container_of(port, struct engine, port);

	assert(engine->pool.stream_count == 0 && engine->load_count == 0);
	set_free(engine->set);
	free(engine->model_dir);
	free(engine);

	return NULL;
}

/* ---- other grammars --------------------------------------------------------------------------------------------------- */

static struct stt_grammar copy_grammar(const struct stt_grammar *grammar)
{
	char *text = mem_zalloc(grammar->text.n + 1);

	if (grammar->text.n)
		memcpy(text, grammar->text.p, grammar->text.n);

	return (struct stt_grammar){grammar->name ? mem_strdup(grammar->name) : NULL, span(text, grammar->text.n)};
}

int stt_pocketsphinx_load(struct stt_port *port, const struct stt_grammar *grammars, size_t n,
	stt_pocketsphinx_loaded_fn *on_loaded, void *arg)
{
	struct engine *engine = container_of(port, struct engine, port);

	if (engine->load_count >= LIMIT_STT_LOADS)
		return -TR_ELIMIT;

	struct load *load = load_append(engine, set_new());

	load->grammars = mem_zalloc((n + 1) * sizeof(*load->grammars));
	load->grammar_count = n;
	for (size_t i = 0; i < n; i++)
		load->grammars[i] = copy_grammar(&grammars[i]);
	load->on_loaded = on_loaded;
	load->arg = arg;
	if (engine->load_count == 1)
		load_start(engine);

	return 0;
}

int stt_pocketsphinx_check(const char *model_dir, const struct stt_grammar *grammars, size_t n, struct port_fault *ret_fault)
{
	struct recogniser_model *model;
	int err = recogniser_model_load(&model, model_dir, grammars, n, ret_fault);

	if (!err)
		recogniser_model_free(model);

	return err;
}

struct stt_pocketsphinx_stats stt_pocketsphinx_stats(struct stt_port *port)
{
	const struct engine *engine = container_of(port, struct engine, port);
	struct stt_pocketsphinx_stats stats = engine->stats;

	stats.decoders = engine->set->decoder_count;
	stats.finals = engine->pool.finals;
	stats.audio_ms = engine->pool.audio_ms;
	stats.compute_us = engine->pool.compute_us;

	return stats;
}
