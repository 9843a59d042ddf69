/* SPDX-License-Identifier: Apache-2.0 */
#include "app/homer.h"
#include <jansson.h>

struct hep *homer_open(const struct config_hep *config)
{
	struct hep_params params = {.server = config->server,
		.sender = {.agent_id = config->agent_id, .key = config->key, .name = config->name}};
	struct hep *hep = NULL;
	int err = addr_is_set(&config->server) ? hep_new(&params, &hep) : 0;

	if (err)
		log_error("hep.failed", LOG_ERR(err));

	return hep;
}

void homer_message(struct hep *hep, const struct trace_message *m)
{
	struct hep_message out = {.wall_us = m->wall_us, .is_datagram = !strcmp(m->transport, "UDP"),
		.from = m->is_out ? m->local : m->remote, .to = m->is_out ? m->remote : m->local, .bytes = m->bytes};

	hep_send(hep, HEP_SIP, &out);
}

static json_t *report_of(const struct call_record *r)
{
	const struct rtp_quality *q = &r->quality.rtp;
	bool is_over = r->state == CALL_ENDED;

	return json_pack("{s:s, s:s, s:s, s:f, s:i, s:i, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:s, s:i, s:i}", "CORRELATION_ID", r->sip_call_id,
		"RTP_SIP_CALL_ID", r->sip_call_id, "TYPE", is_over ? "HANGUP" : "PERIODIC", "REPORT_TS", (double)clock_wall_ms() / 1000,
		"JITTER", (int)q->jitter_ms, "MAX_JITTER", (int)q->max_jitter_ms, "TOTAL_PK", (json_int_t)q->packets, "EXPECTED_PK",
		(json_int_t)(q->packets + q->lost), "PACKET_LOSS", (json_int_t)q->lost, "MOS", (double)(is_over ? q->mos_avg : q->mos),
		"MEAN_MOS", (double)q->mos_avg, "MIN_MOS", (double)q->mos_min, "RFACTOR", (double)q->r, "CODEC_NAME", r->codec, "DIR", 0,
		"OUT_ORDER", (int)q->reordered);
}

void homer_quality(struct hep *hep, const struct call_record *r)
{
	if (!r->has_quality || !addr_is_set(&r->remote_rtp) || !addr_is_set(&r->local_rtp) || !r->sip_call_id[0])
		return;

	json_t *report = report_of(r);
	auto_free char *text = report ? json_dumps(report, JSON_COMPACT) : NULL;
	struct hep_message m = {.wall_us = clock_wall_ms() * 1000, .is_datagram = true, .from = r->remote_rtp, .to = r->local_rtp,
		.correlation = span_z(r->sip_call_id), .bytes = span_z(text ? text : "{}")};

	json_decref(report);
	if (text)
		hep_send(hep, HEP_QUALITY, &m);
}
