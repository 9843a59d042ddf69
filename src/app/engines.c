/* SPDX-License-Identifier: Apache-2.0 */
#include "app/engines.h"
#include "base/log.h"
#include "providers/embedded/answering_grammar.h"
#include "providers/embedded/compute.h"
#include "providers/embedded/receptionist_llm.h"
#include "providers/embedded/stt_pocketsphinx.h"
#include "providers/embedded/tts_flite.h"
#include "providers/silero/silero.h"
#include "providers/vosk/stt_vosk.h"

struct engines {
	uv_loop_t *loop;
	struct compute *compute;
	struct stt_port *stt, *answering, *vosk;
	struct llm_port *llm;
	struct tts_port *tts;
	struct vad_port *silero;
};

static int add_voice(struct engines *e, struct agent_providers *to, struct port_fault *fault)
{
	int err = tts_flite_new(&e->tts, e->compute, fault);

	return err ? err : agent_providers_add_tts(to, e->tts);
}

static int add_ears(struct engines *e, struct agent_providers *to, struct port_fault *fault)
{
	struct stt_pocketsphinx_params p = {.model_dir = getenv("TIPRING_POCKETSPHINX_MODEL")};
	int err = stt_pocketsphinx_new(&e->stt, e->compute, &p, fault);

	if (!err)
		err = agent_providers_add_stt(to, e->stt);
	if (!err)
		err = receptionist_llm_new(&e->llm, e->loop, &(struct receptionist_llm_params){0});
	if (!err)
		err = agent_providers_add_llm(to, e->llm);
	if (err)
		return err;

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
	struct stt_pocketsphinx_params p = {.name = "answering", .model_dir = getenv("TIPRING_POCKETSPHINX_MODEL"),
		.grammars = &grammar, .grammar_count = 1, .decoders = (uint32_t)compute_threads(e->compute), .without_partials = true};
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
	err = compute_new(&e->compute, e->loop, 0);
	if (!err)
		err = add_voice(e, agent_providers(agent), &fault);
	if (!err && want->ears)
		err = add_ears(e, agent_providers(agent), &fault);
	if (!err && want->answering)
		err = add_answering(e, agent_providers(agent), &fault);
	if (!err && want->vosk)
		err = add_vosk(e, agent_providers(agent), &fault);
	if (!err && want->silero)
		err = add_silero(e, agent_providers(agent), &fault);
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

	while (e->compute && compute_stats(e->compute).busy)
		uv_run(e->loop, UV_RUN_ONCE);
	stt_pocketsphinx_free(e->stt);
	stt_pocketsphinx_free(e->answering);
	stt_vosk_free(e->vosk);
	silero_free(e->silero);
	receptionist_llm_free(e->llm);
	tts_flite_free(e->tts);
	compute_free(e->compute);
	uv_run(e->loop, UV_RUN_NOWAIT);
	free(e);

	return NULL;
}
