/* SPDX-License-Identifier: Apache-2.0 */
#include "app/engines.h"
#include <pthread.h>
#include "app/remote.h"
#include "base/log.h"
#include "flow/flow.h"
#include "providers/embedded/answering_grammar.h"
#include "providers/embedded/compute.h"
#include "providers/embedded/flow_llm.h"
#include "providers/embedded/stt_pocketsphinx.h"
#include "providers/embedded/tts_flite.h"
#include "providers/embedded/vad_trained.h"
#include "providers/silero/silero.h"
#include "providers/vosk/stt_vosk.h"

/* Flows by name, each once: two agents with the same flow listen for the same. */
struct flow_set {
	struct flow *flows[LIMIT_STT_GRAMMARS];
	size_t count;
};

struct engines {
	uv_loop_t *loop;
	struct compute *compute;
	struct stt_port *stt, *answering, *vosk;
	struct llm_port *mind;
	struct tts_port *tts;
	struct vad_port *trained, *silero;
	struct remote *remote;
	struct flow_set flows; /* that the recogniser has */

	/* From the thread that reloads to the loop. */
	uv_async_t wake;
	bool has_wake;
	pthread_mutex_t lock;
	struct flow_set next;
	bool has_next;
};

/* ---- flows ------------------------------------------------------------------------------------------------------------ */

static const char *model_dir(void)
{
	return getenv("TIPRING_POCKETSPHINX_MODEL");
}

static void set_clear(struct flow_set *s)
{
	for (size_t i = 0; i < s->count; i++)
		flow_unref(s->flows[i]);
	s->count = 0;
}

static bool set_has(const struct flow_set *s, const struct flow *f)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(flow_name(s->flows[i]), flow_name(f)) == 0)
			return true;

	return false;
}

/* What the recogniser listens for needs words; where no flow asks anything, they are the built-in receptionist's. */
static void set_complete(struct flow_set *s)
{
	if (s->count)
		return;

	struct flow_faults *faults = mem_zalloc(sizeof(*faults));

	if (flow_load(&s->flows[0], &(struct flow_source){.name = "receptionist"}, faults, NULL) == 0)
		s->count = 1;
	free(faults);
}

/* Only what the recogniser can hear: its model is English; a flow that asks nothing has no grammar. Beyond the limit calls listen with
   the first one's grammar. */
static void set_fill(struct flow_set *s, struct flow *const *flows, size_t n)
{
	s->count = 0;
	for (size_t i = 0; i < n && s->count < ARRAY_LEN(s->flows); i++)
		if (flows[i] && strcmp(flow_language(flows[i]), "en") == 0 && flow_grammar(flows[i])[0] && !set_has(s, flows[i]))
			s->flows[s->count++] = flow_ref(flows[i]);
}

static size_t set_grammars(const struct flow_set *s, struct stt_grammar *ret)
{
	for (size_t i = 0; i < s->count; i++)
		ret[i] = (struct stt_grammar){flow_name(s->flows[i]), span_z(flow_grammar(s->flows[i]))};

	return s->count;
}

static bool set_is_same(const struct flow_set *a, const struct flow_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(flow_name(a->flows[i]), flow_name(b->flows[i])) != 0 ||
			strcmp(flow_grammar(a->flows[i]), flow_grammar(b->flows[i])) != 0)
			return false;

	return true;
}

static void on_loaded(void *arg, int err, const char *words)
{
	if (err)
		log_error("engine.flows_refused", LOG_STR("why", words ? words : err_text(err)));
	else
		log_info("engine.flows_loaded");
}

static void on_wake(uv_async_t *wake)
{
	struct engines *e = wake->data;
	struct stt_grammar grammars[LIMIT_STT_GRAMMARS];
	struct flow_set next = {0};
	bool has_next;
	int err = 0;

	pthread_mutex_lock(&e->lock);
	has_next = e->has_next;
	if (has_next) {
		next = e->next;
		e->next.count = 0;
		e->has_next = false;
	}
	pthread_mutex_unlock(&e->lock);
	if (has_next && e->stt && !set_is_same(&next, &e->flows))
		err = stt_pocketsphinx_load(e->stt, grammars, set_grammars(&next, grammars), on_loaded, e);
	if (err)
		log_error("engine.flows_refused", LOG_STR("why", err_text(err)));
	if (!has_next || err) {
		set_clear(&next);
		return;
	}
	set_clear(&e->flows);
	e->flows = next;
}

void engines_set_flows(struct engines *e, struct flow *const *flows, size_t n)
{
	struct flow_set next;

	if (!e->has_wake)
		return;
	set_fill(&next, flows, n);
	set_complete(&next);
	pthread_mutex_lock(&e->lock);
	set_clear(&e->next);
	e->next = next;
	e->has_next = true;
	pthread_mutex_unlock(&e->lock);
	uv_async_send(&e->wake);
}

int engines_check_flows(struct flow *const *flows, size_t n, char *ret_why, size_t cap)
{
	struct stt_grammar grammars[LIMIT_STT_GRAMMARS];
	struct port_fault fault = {0};
	struct flow_set set;
	int err = 0;

	set_fill(&set, flows, n);
	if (set.count)
		err = stt_pocketsphinx_check(model_dir(), grammars, set_grammars(&set, grammars), &fault);
	if (err)
		snprintf(ret_why, cap, "%s", fault.words[0] ? fault.words : err_text(err));
	set_clear(&set);

	return err;
}

/* ---- providers -------------------------------------------------------------------------------------------------------- */

static int add_voice(struct engines *e, struct agent_providers *to, struct port_fault *fault)
{
	int err = tts_flite_new(&e->tts, e->compute, fault);

	return err ? err : agent_providers_add_tts(to, e->tts);
}

static int add_mind(struct engines *e, struct agent_providers *to)
{
	e->mind = flow_llm_new(e->loop);

	return agent_providers_add_llm(to, e->mind);
}

static void on_grown(void *arg, int err, const char *words)
{
	const struct engines *e = arg;

	if (err)
		log_error("engine.fewer_decoders", LOG_STR("why", words[0] ? words : err_text(err)));
	else
		log_info("engine.grown", LOG_STR("engine", "pocketsphinx"), LOG_INT("decoders", stt_pocketsphinx_stats(e->stt).decoders));
}

static int add_ears(struct engines *e, const struct engines_wanted *want, struct agent_providers *to, struct port_fault *fault)
{
	struct stt_grammar grammars[LIMIT_STT_GRAMMARS];
	struct stt_pocketsphinx_params p = {.model_dir = model_dir(), .grammars = grammars, .on_grown = on_grown, .arg = e};
	int err;

	set_fill(&e->flows, want->flows, want->flow_count);
	set_complete(&e->flows);
	p.grammar_count = set_grammars(&e->flows, grammars);
	err = stt_pocketsphinx_new(&e->stt, e->compute, &p, fault);
	if (!err)
		err = agent_providers_add_stt(to, e->stt);
	if (!err)
		err = uv_async_init(e->loop, &e->wake, on_wake);
	if (err)
		return err;
	e->has_wake = true;
	e->wake.data = e;
	uv_unref((uv_handle_t *)&e->wake);

	struct stt_pocketsphinx_stats s = stt_pocketsphinx_stats(e->stt);

	log_info("engine.ready", LOG_STR("engine", "pocketsphinx"), LOG_INT("decoders", s.decoders), LOG_INT("load_ms", s.load_ms));

	return 0;
}

/*
 * The one that listens for machines' words while it is not known who has answered: without partials, one decoder a compute thread;
 * calls that find none go by sound alone.
 */
static int add_answering(struct engines *e, struct agent_providers *to, struct port_fault *fault)
{
	struct stt_grammar grammar = {.name = "answering", .text = span_z(answering_grammar)};
	struct stt_pocketsphinx_params p = {.name = "answering", .model_dir = model_dir(), .grammars = &grammar, .grammar_count = 1,
		.decoders = (uint32_t)compute_threads(e->compute), .without_partials = true};
	int err = stt_pocketsphinx_new(&e->answering, e->compute, &p, fault);

	return err ? err : agent_providers_add_stt(to, e->answering);
}

static int add_vosk(struct engines *e, struct agent_providers *to, struct port_fault *fault)
{
	int err = stt_vosk_new(&e->vosk, e->compute, &(struct stt_vosk_params){0}, fault);

	if (!err)
		err = agent_providers_add_stt(to, e->vosk);
	if (err)
		return err;

	struct stt_vosk_stats s = stt_vosk_stats(e->vosk);

	log_info("engine.ready", LOG_STR("engine", "vosk"), LOG_INT("decoders", s.recognisers), LOG_INT("load_ms", s.load_ms));

	return 0;
}

static int add_silero(struct engines *e, struct agent_providers *to, struct port_fault *fault)
{
	int err = silero_new(&e->silero, &(struct silero_params){0}, fault);

	return err ? err : agent_providers_add_vad(to, e->silero);
}

int engines_new(struct engines **ret, struct agent *agent, const struct engines_wanted *want, char *ret_why, size_t cap)
{
	struct engines *e = mem_zalloc(sizeof(*e));
	struct port_fault fault = {0};
	int err;

	e->loop = agent_loop(agent);
	pthread_mutex_init(&e->lock, NULL);
	err = compute_new(&e->compute, e->loop, 0);
	if (!err)
		err = add_voice(e, agent_providers(agent), &fault);
	if (!err)
		err = add_mind(e, agent_providers(agent));
	if (!err)
		err = agent_providers_add_vad(agent_providers(agent), e->trained = vad_trained_new());
	if (!err && want->ears)
		err = add_ears(e, want, agent_providers(agent), &fault);
	if (!err && want->answering)
		err = add_answering(e, agent_providers(agent), &fault);
	if (!err && want->vosk)
		err = add_vosk(e, agent_providers(agent), &fault);
	if (!err && want->silero)
		err = add_silero(e, agent_providers(agent), &fault);
	if (!err && want->config)
		err = remote_new(&e->remote, e->loop, agent_providers(agent), want->config, ret_why, cap);
	if (err) {
		if (fault.words[0])
			snprintf(ret_why, cap, "%s", fault.words);
		engines_free(e);
		return err;
	}
	*ret = e;

	return 0;
}

/* Jobs that still run post to the loop, which no thread runs any more: run it here until the pool is idle. */
struct engines *engines_free(struct engines *e)
{
	if (!e)
		return NULL;

	if (e->has_wake)
		uv_close((uv_handle_t *)&e->wake, NULL);
	while (e->compute && compute_stats(e->compute).busy)
		uv_run(e->loop, UV_RUN_ONCE);
	remote_free(e->remote);
	stt_pocketsphinx_free(e->stt);
	stt_pocketsphinx_free(e->answering);
	stt_vosk_free(e->vosk);
	vad_trained_free(e->trained);
	silero_free(e->silero);
	flow_llm_free(e->mind);
	tts_flite_free(e->tts);
	compute_free(e->compute);
	uv_run(e->loop, UV_RUN_NOWAIT);
	set_clear(&e->flows);
	set_clear(&e->next);
	pthread_mutex_destroy(&e->lock);
	free(e);

	return NULL;
}
