/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_impl.h"

/* What the pipeline tells: transcript, latencies. */

void pipeline_emit(struct pipeline *p, struct agent_event ev)
{
	ev.call = p->env.call;
	p->env.on_event(p->env.event_ctx, &ev);
}

void pipeline_tell_caller_said(struct pipeline *p, const char *text, bool is_final)
{
	bool has_voice = p->turn.voice_at != NEVER;

	pipeline_emit(p, (struct agent_event){
		.kind = AGENT_TRANSCRIPT,
		.transcript = {
			.who = AGENT_WHO_CALLER,
			.text = text,
			.is_final = is_final,
			.confidence = is_final ? p->confidence : 0,
			.at_us = has_voice ? p->turn.voice_at * 1000 : 0,
			.end_us = has_voice && is_final ? p->turn.voice_end_at * 1000 : 0,
		},
	});
}

void pipeline_tell_agent_said(struct pipeline *p, const char *text, bool is_final, bool is_interrupted)
{
	pipeline_emit(p, (struct agent_event){
		.kind = AGENT_TRANSCRIPT,
		.transcript = {
			.who = AGENT_WHO_AGENT,
			.text = text,
			.is_final = is_final,
			.is_interrupted = is_interrupted,
			.confidence = 1,
			.at_us = voice_times(p->voice).rtp_us,
			.end_us = is_final ? pipeline_now_us(p) : 0,
		},
	});
}

/* has_endpoint: the decision has just filled the first fields. */
void pipeline_turn_begins(struct pipeline *p, bool has_endpoint)
{
	if (!has_endpoint)
		p->m = (struct agent_turn_metrics){0};
	p->m.turn = ++p->turns;
	p->m.mind_us = pipeline_now_us(p);
	p->is_m_open = true;
}

/* Our share: the steps between the engines' waits. */
static int64_t own_share(const struct agent_turn_metrics *m)
{
	int64_t us = 0;

	if (m->final_us)
		us += m->mind_us - m->final_us;
	if (m->text_us && m->voice_us)
		us += MAX(m->voice_us - m->text_us, 0);
	if (m->audio_us && m->queued_us)
		us += m->queued_us - m->audio_us;

	return us;
}

void pipeline_turn_metrics_tick(struct pipeline *p)
{
	struct voice_times t = voice_times(p->voice);

	if (!p->is_m_open || !t.rtp_us)
		return;

	p->is_m_open = false;
	p->m.text_us = mind_times(p->mind).text_us;
	p->m.voice_us = t.asked_us;
	p->m.audio_us = t.audio_us;
	p->m.queued_us = t.queued_us;
	p->m.rtp_us = t.rtp_us;
	p->m.has_failed = p->stage == STAGE_SORRY;
	p->m.own_us = own_share(&p->m);
	pipeline_emit(p, (struct agent_event){.kind = AGENT_TURN, .turn = p->m});
}

void pipeline_interrupt_verdict(struct pipeline *p, const struct turn_out *out, bool was_real)
{
	if (!p->i.voice_us && !was_real)
		return;

	p->i.verdict_us = pipeline_now_us(p);
	p->i.was_real = was_real;
	p->i.reason = out->reason;
	p->i.voiced_ms = out->voiced_ms;
	pipeline_emit(p, (struct agent_event){.kind = AGENT_INTERRUPT, .interrupt = p->i});
	p->i = (struct agent_interrupt_metrics){0};
}
