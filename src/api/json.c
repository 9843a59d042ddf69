/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json.h"

static json_t *text_or_null(const char *s)
{
	json_t *j = s && s[0] ? json_string(s) : NULL;

	return j ? j : json_null();
}

static void set_ms(json_t *o, const char *key, msec_t from, msec_t to)
{
	json_object_set_new(o, key, from && to ? json_integer(to - from) : json_null());
}

json_t *json_call_quality(const struct call_record *r)
{
	const struct media_quality *m = &r->quality;
	const struct rtp_quality *q = &m->rtp;

	if (!r->has_quality)
		return json_null();

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:o, s:i, s:i, s:f, s:f, s:f, s:I, s:I, s:I, s:I}", "rx_packets",
		(json_int_t)m->rx_packets, "tx_packets", (json_int_t)m->tx_packets, "lost", (json_int_t)q->lost, "late",
		(json_int_t)q->late, "duplicates", (json_int_t)q->duplicates, "reordered", (json_int_t)q->reordered, "jitter_ms",
		(int)q->jitter_ms, "max_jitter_ms", (int)q->max_jitter_ms, "buffer_ms", (int)q->delay_ms, "rtt_ms",
		q->rtt_ms < 0 ? json_null() : json_integer(q->rtt_ms), "concealed_ms", (int)q->concealed_ms, "loss_permille",
		(int)q->loss_permille, "mos", (double)q->mos_avg, "mos_min", (double)q->mos_min, "mos_call", (double)q->mos_call,
		"refused_packets", (json_int_t)m->rx_refused, "invalid_packets", (json_int_t)m->rx_invalid,
		"unauthentic_packets", (json_int_t)m->rx_unauthentic, "replayed_packets", (json_int_t)m->rx_replayed);
}

json_t *json_call_summary(const struct call_record *r)
{
	char peer[ADDR_TEXT];
	json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:b}", "id", r->id, "state", call_state_name(r->state),
		"direction", r->is_outgoing ? "outbound" : "inbound", "line", text_or_null(r->line), "agent", text_or_null(r->agent),
		"from", text_or_null(r->from), "to", text_or_null(r->to), "codec", text_or_null(r->codec), "started_at_ms",
		(json_int_t)r->wall_ms, "is_held", r->is_held || r->is_held_by_us);

	if (!o)
		return json_object();

	if (r->queue[0])
		json_object_set_new(o, "queue", json_pack("{s:s, s:i}", "name", r->queue, "position", (int)r->queue_position));
	if (r->conference[0])
		json_object_set_new(o, "conference", json_string(r->conference));
	if (r->parked)
		json_object_set_new(o, "parked", json_integer(r->parked));
	if (r->is_sensitive)
		json_object_set_new(o, "is_sensitive", json_true());
	if (r->recordings || r->recording_state)
		json_object_set_new(o, "recording_state", json_string(call_recording_name(r->recording_state)));
	set_ms(o, "answered_after_ms", r->began_at, r->answered_at);
	set_ms(o, "duration_ms", r->answered_at, r->ended_at ? r->ended_at : clock_ms());
	json_object_set_new(o, "peer", addr_is_set(&r->peer) ? json_string(addr_text(&r->peer, peer)) : json_null());
	if (r->state == CALL_ENDED || r->ended_by != CALL_END_NONE) {
		json_object_set_new(o, "ended_by", json_string(call_end_name(r->ended_by)));
		json_object_set_new(o, "sip_status", r->sip_status ? json_integer(r->sip_status) : json_null());
		json_object_set_new(o, "cause", text_or_null(r->cause));
		json_object_set_new(o, "remedy", text_or_null(r->remedy));
	}

	return o;
}

json_t *json_call_line(const struct call_line *l)
{
	static const char *const who[] = {"caller", "agent", "system"};
	json_t *o = json_pack("{s:s, s:s, s:I, s:I}", "who", who[l->who], "text", l->text, "at_ms", (json_int_t)l->at, "end_ms",
		(json_int_t)l->end);

	/* Words from outside may not be UTF-8; jansson refuses them then. */
	if (!o)
		return NULL;
	if (l->is_interrupted)
		json_object_set_new(o, "interrupted", json_true());
	if (l->is_digits)
		json_object_set_new(o, "digits", json_true());
	if (l->who == CALL_SAYS_CALLER && !l->is_digits)
		json_object_set_new(o, "confidence", json_real((double)l->confidence));

	return o;
}

static json_t *transcript(const struct call_record *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < r->line_count; i++) {
		json_t *line = json_call_line(&r->lines[i]);

		if (line)
			json_array_append_new(list, line);
	}

	return list;
}

/* One turn's waterfall: each step as milliseconds after the end of the caller's speech (or, without one, after the mind was asked). */
json_t *json_call_turn(const struct call_record *r, const struct agent_turn_metrics *t)
{
	const struct {
		const char *key;
		int64_t at;
	} steps[] = {
		{"endpoint_ms", t->endpoint_us}, {"final_ms", t->final_us}, {"decision_ms", t->mind_us}, {"text_ms", t->text_us},
		{"voice_ms", t->voice_us},	 {"audio_ms", t->audio_us}, {"queued_ms", t->queued_us}, {"rtp_ms", t->rtp_us},
	};
	int64_t zero = t->speech_end_us ? t->speech_end_us : t->mind_us;
	json_t *o = json_pack("{s:i, s:s, s:I, s:f, s:f}", "turn", (int)t->turn, "reason", turn_reason_name(t->reason), "at_ms",
		(json_int_t)call_record_ms(r, zero), "own_ms", (double)t->own_us / 1000, "stt_compute_ms", t->stt_compute_us / 1000.0);

	for (size_t i = 0; o && i < ARRAY_LEN(steps); i++)
		json_object_set_new(o, steps[i].key, steps[i].at ? json_real((double)(steps[i].at - zero) / 1000) : json_null());

	return o ? o : json_object();
}

json_t *json_call_interrupt(const struct call_record *r, const struct agent_interrupt_metrics *m)
{
	return json_pack("{s:I, s:f, s:f, s:b, s:i}", "at_ms", (json_int_t)call_record_ms(r, m->voice_us), "silent_after_ms",
		(double)((m->pause_us ? m->pause_us : m->verdict_us) - m->voice_us) / 1000, "verdict_after_ms",
		(double)(m->verdict_us - m->voice_us) / 1000, "was_real", m->was_real, "voiced_ms", (int)m->voiced_ms);
}

json_t *json_call_trouble(const struct call_trouble *t)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:b}", "code", call_finding_name(t->finding.code), "text", t->finding.text,
		"evidence", t->finding.evidence, "remedy", t->finding.remedy, "from_ms", (json_int_t)t->from, "until_ms",
		(json_int_t)t->until, "over", t->is_over);
}

json_t *json_call_collected(const struct call_record *r)
{
	const struct call_collected *k = &r->collected;

	return k->number ? json_pack("{s:i, s:s, s:s, s:i, s:b}", "number", (int)k->number, "digits", k->shown, "end",
				   collect_end_name(k->end), "count", (int)strlen(k->shown), "sensitive", k->is_sensitive) :
			   json_null();
}

json_t *json_call_who(const struct call_record *r)
{
	const struct call_who *w = &r->who;
	json_t *o;

	if (!w->is_wanted)
		return json_null();
	o = json_pack("{s:s, s:i, s:b, s:i, s:i, s:b}", "who", answer_who_name(w->who), "confidence_percent", w->confidence, "revised",
		w->is_revised, "at_ms", (int)w->at, "speech_ms", (int)w->speech_ms, "rang", w->has_rung);
	if (!o)
		return json_null();
	json_object_set_new(o, "words", text_or_null(w->words));
	json_object_set_new(o, "did", text_or_null(w->did));
	json_object_set_new(o, "network_says", w->who == ANSWER_SIT ? json_string(progress_sit_words(w->sit)) : json_null());
	json_object_set_new(o, "screened_at_ms", w->screened_at ? json_integer(w->screened_at) : json_null());
	json_object_set_new(o, "beep",
		w->beep_ms ? json_pack("{s:i, s:i, s:i}", "at_ms", (int)w->beep_at, "length_ms", (int)w->beep_ms, "hz", (int)w->beep_hz) :
			     json_null());

	return o;
}

static json_t *caller(const struct call_record *r)
{
	const struct call_caller *w = &r->caller;
	json_t *o;

	if (r->is_outgoing || (!w->number[0] && !w->diversions))
		return json_null();
	o = json_pack("{s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:i, s:o}", "number", text_or_null(w->number), "name", text_or_null(w->name),
		"asserted", w->is_asserted, "private", w->is_private, "diverted_from", text_or_null(w->diverted_from), "diverted_why",
		text_or_null(w->diverted_why), "dialled_first", text_or_null(w->dialled_first), "diversions", (int)w->diversions,
		"language", text_or_null(w->language));

	return o ? o : json_null();
}

/* All files, since a call may be recorded in parts. */
static json_t *recordings(const struct call_record *r)
{
	json_t *list = json_array();
	char path[sizeof(r->recording) + 16];

	for (uint32_t n = 1; n <= r->recordings; n++)
		if (call_record_path(r, n, path, sizeof(path)) == 0)
			json_array_append_new(list, json_pack("{s:s, s:b}", "file", path, "complete", r->recorded >> (n - 1) & 1));

	return list;
}

json_t *json_call_full(const struct call_record *r)
{
	json_t *o = json_call_summary(r), *turns = json_array(), *interrupts = json_array(), *troubles = json_array();
	char rtp[ADDR_TEXT];

	for (uint32_t i = 0; i < r->turn_count; i++)
		json_array_append_new(turns, json_call_turn(r, &r->turns[i]));
	for (uint32_t i = 0; i < r->interrupt_count; i++)
		json_array_append_new(interrupts, json_call_interrupt(r, &r->interrupts[i]));
	for (uint32_t i = 0; i < r->trouble_count; i++)
		json_array_append_new(troubles, json_call_trouble(&r->troubles[i]));
	json_object_set_new(o, "sip_call_id", text_or_null(r->sip_call_id));
	json_object_set_new(o, "route", text_or_null(r->route));
	json_object_set_new(o, "caller", caller(r));
	json_object_set_new(o, "media_rate_hz", json_integer(r->rate_hz));
	json_object_set_new(o, "remote_rtp", addr_is_set(&r->remote_rtp) ? json_string(addr_text(&r->remote_rtp, rtp)) : json_null());
	json_object_set_new(o, "security", text_or_null(r->security));
	json_object_set_new(o, "path", text_or_null(r->path));
	json_object_set_new(o, "answered_by", json_call_who(r));
	json_object_set_new(o, "quality", json_call_quality(r));
	json_object_set_new(o, "findings", troubles);
	json_object_set_new(o, "transcript", transcript(r));
	json_object_set_new(o, "turns", turns);
	json_object_set_new(o, "interruptions", interrupts);
	json_object_set_new(o, "recording", text_or_null(r->is_recorded ? r->recording : NULL));
	json_object_set_new(o, "collected", json_call_collected(r));
	json_object_set_new(o, "recordings", recordings(r));
	json_object_set_new(o, "recording_lost_ms", json_integer(r->recording_lost_ms));

	return o;
}
