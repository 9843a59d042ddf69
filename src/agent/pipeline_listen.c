/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_impl.h"

/*
 * How to listen for the answer to a reply. Whoever speaks before that reply can have been understood goes on with the last
 * answer, "on Tuesday ... at half past two": until then the last question's grammar holds.
 */
void pipeline_listen_clear(struct pipeline *p)
{
	struct listen *l = &p->listen;

	for (size_t i = 0; i < l->phrase_count; i++)
		free(l->phrases[i]);
	free(l->context);
	*l = (struct listen){0};
}

void pipeline_be_sensitive(struct pipeline *p)
{
	if (p->is_sensitive == p->wants_sensitive)
		return;
	p->is_sensitive = p->wants_sensitive;
	pipeline_emit(p, (struct agent_event){.kind = AGENT_SENSITIVE, .is_on = p->is_sensitive});
}

void pipeline_listen_now(struct pipeline *p)
{
	struct listen *l = &p->listen;
	const char *phrases[ARRAY_LEN(l->phrases)];

	if (!l->is_set)
		return;
	for (size_t i = 0; i < l->phrase_count; i++)
		phrases[i] = l->phrases[i];
	ears_set_context(p->ears, &(struct stt_context){l->context, phrases, l->phrase_count});
	turn_expect(&p->turn, l->silence_ms, l->is_number);
	turn_expect_keys(&p->turn, l->keys_most, l->keys_ms);
	buf_copy(p->key_ends, sizeof(p->key_ends), l->key_ends);
	p->wants_sensitive = l->is_sensitive;
	if (p->wants_sensitive)
		pipeline_be_sensitive(p);
	pipeline_listen_clear(p);
}

void pipeline_on_listen(void *arg, const struct llm_listen *listen)
{
	struct pipeline *p = arg;
	struct listen *l = &p->listen;

	pipeline_listen_clear(p);
	*l = (struct listen){.is_set = true, .silence_ms = listen->silence_ms, .is_number = listen->is_number, .is_sensitive = listen->is_sensitive,
		.keys_most = listen->keys_most, .keys_ms = listen->keys_ms};
	if (listen->key_ends)
		buf_copy(l->key_ends, sizeof(l->key_ends), listen->key_ends);
	if (listen->context)
		l->context = strdup(listen->context);
	/* Words that memory is out for are heard a little worse. */
	for (size_t i = 0; listen->phrases && i < MIN(listen->phrase_count, ARRAY_LEN(l->phrases)); i++) {
		l->phrases[l->phrase_count] = strdup(listen->phrases[i]);
		l->phrase_count += l->phrases[l->phrase_count] != NULL;
	}
	if (p->cause != LLM_ON_TEXT)
		pipeline_listen_now(p);
}

/* The reply has been in the line for long enough to be reacted to. */
void pipeline_listen_tick(struct pipeline *p)
{
	int64_t rtp_us = voice_times(p->voice).rtp_us;

	if (p->listen.is_set && rtp_us && pipeline_now_us(p) - rtp_us >= PIPELINE_REACTION_US && p->turn.state == TURN_OURS)
		pipeline_listen_now(p);
}
