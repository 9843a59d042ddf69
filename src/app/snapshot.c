/* SPDX-License-Identifier: Apache-2.0 */
#include "app/snapshot.h"
#include "audio/wav_file.h"
#include <time.h>

static int32_t utc_offset_s(void)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	localtime_r(&now, &tm);

	return (int32_t)tm.tm_gmtoff;
}

static void fill_agent(const struct config_agent *c, struct agent_config *ret)
{
	*ret = (struct agent_config){.name = c->name, .instructions = c->instructions, .greeting = c->greeting, .language = c->language,
		.voice = c->voice, .stt = c->stt, .llm = c->llm, .tts = c->tts, .vad = c->vad, .flow = c->flow, .transfer_to = c->transfer_human,
		.prompts = c->prompts,
		.filler = "One moment, please.", .utc_offset_s = utc_offset_s()};
}

static int load_clip(const struct config_agent *c, const char *file, struct media_clip **ret, char *ret_why, size_t cap)
{
	struct wav_clip wav;
	char words[300] = "";
	int err = wav_clip_load(&wav, file, words, sizeof(words));

	if (!err) {
		err = media_clip_new(wav.pcm, wav.n, wav.rate_hz, ret);
		wav_clip_done(&wav);
	}
	if (err)
		snprintf(ret_why, cap, "agent %s: %s", c->name, words[0] ? words : err_text(err));

	return err;
}

int snapshot_new(struct snapshot **ret, struct config *config, char *ret_why, size_t cap)
{
	struct snapshot *s = mem_zalloc(sizeof(*s));
	int err = 0;

	s->config = config;
	s->refs = 1;
	s->agents = mem_zalloc(config->agent_count * sizeof(*s->agents));
	s->clips = mem_zalloc(config->agent_count * sizeof(struct media_clip *));
	s->music = mem_zalloc(config->agent_count * sizeof(struct media_clip *));
	s->consent = mem_zalloc(config->agent_count * sizeof(struct media_clip *));
	s->flows = mem_zalloc(config->agent_count * sizeof(struct flow *));
	for (size_t i = 0; i < config->agent_count && !err; i++) {
		s->flows[i] = config->agents[i].flow;
		fill_agent(&config->agents[i], &s->agents[i]);
		if (config->agents[i].kind == AGENT_PLAY)
			err = load_clip(&config->agents[i], config->agents[i].play_file, &s->clips[i], ret_why, cap);
		if (!err && config->agents[i].music)
			err = load_clip(&config->agents[i], config->agents[i].music, &s->music[i], ret_why, cap);
		if (!err && config->agents[i].consent)
			err = load_clip(&config->agents[i], config->agents[i].consent, &s->consent[i], ret_why, cap);
	}
	if (err) {
		snapshot_unref(s);
		return err;
	}
	*ret = s;

	return 0;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	s->refs++;

	return s;
}

struct snapshot *snapshot_unref(struct snapshot *s)
{
	if (!s || --s->refs)
		return NULL;

	for (size_t i = 0; i < s->config->agent_count; i++) {
		media_clip_unref(s->clips[i]);
		media_clip_unref(s->music[i]);
		media_clip_unref(s->consent[i]);
	}
	free(s->clips);
	free(s->music);
	free(s->consent);
	free(s->flows);
	free(s->agents);
	config_free(s->config);
	free(s);

	return NULL;
}

void snapshot_plan(struct snapshot *s, size_t agent, struct call_plan *ret)
{
	static const enum call_brain brains[] = {[AGENT_PIPELINE] = CALL_BRAIN_AGENT, [AGENT_ECHO] = CALL_BRAIN_ECHO,
		[AGENT_PLAY] = CALL_BRAIN_PLAY};
	const struct config_agent *a = &s->config->agents[agent];

	*ret = (struct call_plan){.agent_name = a->name, .brain = brains[a->kind], .agent = &s->agents[agent],
		.clip = s->clips[agent], .music = s->music[agent], .answer_after_ms = a->answer_after_ms,
		.detect = a->does_detect ? &a->detect : NULL, .words_stt = "answering",
		.record_dir = s->config->media.record_dir, .does_record = a->does_record, .consent = s->consent[agent], .park = &s->config->park, .queues = &s->config->queues, .owner = snapshot_ref(s)};
	ret->transfer.mode = (enum call_xfer_mode)a->transfer_mode;
	ret->transfer.waiting = (enum call_waiting)a->transfer_waiting;
	ret->transfer.ring_s = a->transfer_ring_s;
	if (a->transfer_human)
		ret->transfer.targets[ret->transfer.target_count++] = a->transfer_human;
	for (size_t i = 0; i < ARRAY_LEN(a->transfer_fallback) && a->transfer_fallback[i]; i++)
		ret->transfer.targets[ret->transfer.target_count++] = a->transfer_fallback[i];
}
