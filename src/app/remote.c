/* SPDX-License-Identifier: Apache-2.0 */
#include "app/remote.h"
#include "providers/openai/llm_openai.h"
#include "providers/openai/stt_openai.h"
#include "providers/openai/tts_openai.h"
#include "providers/route/llm_route.h"

enum { ROUTES_MAX = LIMIT_AGENT_PORTS };

struct remote {
	struct web_client *client;
	struct llm_port *llm[LIMIT_PROVIDERS];
	struct stt_port *stt[LIMIT_PROVIDERS];
	struct tts_port *tts[LIMIT_PROVIDERS];
	struct llm_port *routes[ROUTES_MAX];
	size_t llm_count, stt_count, tts_count, route_count;
};

static int add_llm(struct remote *r, struct agent_providers *to, const struct config_provider *p)
{
	struct llm_openai_params own = {.name = p->name, .url = p->url, .key = p->key, .model = p->model, .temperature = p->temperature,
		.max_tokens = p->max_tokens, .max_tokens_key = p->max_tokens_key, .extra_json = p->extra_json};
	struct llm_port *port = llm_openai_new(r->client, &own);

	r->llm[r->llm_count++] = port;

	return agent_providers_add_llm(to, port);
}

static int add_stt(struct remote *r, struct agent_providers *to, const struct config_provider *p)
{
	struct stt_openai_params own = {.name = p->name, .url = p->url, .key = p->key, .model = p->model, .prompt = p->prompt};
	struct stt_port *port = stt_openai_new(r->client, &own);

	r->stt[r->stt_count++] = port;

	return agent_providers_add_stt(to, port);
}

static int add_tts(struct remote *r, struct agent_providers *to, const struct config_provider *p)
{
	struct tts_openai_params own = {.name = p->name, .url = p->url, .key = p->key, .model = p->model, .voice = p->voice, .rate_hz = p->rate_hz};
	struct tts_port *port = tts_openai_new(r->client, &own);

	r->tts[r->tts_count++] = port;

	return agent_providers_add_tts(to, port);
}

static int add_provider(struct remote *r, struct agent_providers *to, const struct config_provider *p)
{
	switch (p->kind) {
	case PROVIDER_LLM:
		return add_llm(r, to, p);
	case PROVIDER_STT:
		return add_stt(r, to, p);
	default:
		return add_tts(r, to, p);
	}
}

static int add_route(struct remote *r, uv_loop_t *loop, struct agent_providers *to, const struct config_agent *a)
{
	struct llm_port *ports[LIMIT_LLM_ROUTE];

	if (r->route_count == ROUTES_MAX)
		return -TR_ELIMIT;
	for (size_t i = 0; i < a->llm_count; i++) {
		ports[i] = agent_providers_llm(to, a->llms[i]);
		if (!ports[i])
			return -TR_ENOTFOUND;
	}
	r->routes[r->route_count] = llm_route_new(loop, &(struct llm_route_params){.name = a->llm, .ports = ports, .count = a->llm_count});

	return agent_providers_add_llm(to, r->routes[r->route_count++]);
}

int remote_new(struct remote **ret, uv_loop_t *loop, struct agent_providers *to, const struct config *config, char *ret_why, size_t cap)
{
	struct remote *r = mem_zalloc(sizeof(*r));
	int err = web_client_new(&r->client, loop);

	if (err)
		snprintf(ret_why, cap, "the HTTP client does not start: %s", err_text(err));
	for (size_t i = 0; i < config->provider_count && !err; i++) {
		err = add_provider(r, to, &config->providers[i]);
		if (err)
			snprintf(ret_why, cap, "provider %s: %s", config->providers[i].name, err_text(err));
	}
	for (size_t i = 0; i < config->agent_count && !err; i++) {
		const struct config_agent *a = &config->agents[i];

		if (a->kind != AGENT_PIPELINE || a->llm_count < 2 || agent_providers_llm(to, a->llm))
			continue;
		err = add_route(r, loop, to, a);
		if (err)
			snprintf(ret_why, cap, "agent %s: brain.llm: %s", a->name, err_text(err));
	}
	if (err) {
		remote_free(r);
		return err;
	}
	*ret = r;

	return 0;
}

struct remote *remote_free(struct remote *r)
{
	if (!r)
		return NULL;

	for (size_t i = 0; i < r->route_count; i++)
		llm_route_free(r->routes[i]);
	for (size_t i = 0; i < r->llm_count; i++)
		llm_openai_free(r->llm[i]);
	for (size_t i = 0; i < r->stt_count; i++)
		stt_openai_free(r->stt[i]);
	for (size_t i = 0; i < r->tts_count; i++)
		tts_openai_free(r->tts[i]);
	web_client_free(r->client);
	free(r);

	return NULL;
}
