/* SPDX-License-Identifier: Apache-2.0 */
#include "app/strangers.h"
#include "sip/msg.h"

#define LOG_EVERY_MS 60000

bool certified_conn_shows(void *peer, const char *name)
{
	const struct certified_conn *c = peer;

	return ua_conn_is_of(c->ua, c->conn, name);
}

static bool is_known(const struct strangers *s, const struct strangers_view *view, const struct sip_packet *pkt)
{
	const struct addr *source = &pkt->source;
	struct certified_conn peer = {s->ua, pkt->conn};
	struct line_sender from = {.source = source, .shows = certified_conn_shows, .peer = &peer};

	for (size_t i = 0; i < view->config->line_count; i++) {
		const struct line_config *line = &view->config->lines[i];

		for (size_t k = 0; k < line->allow_count; k++)
			if (line_cidr_has(&line->allow[k], source))
				return true;
		if (view->lines && lines_is_server(view->lines, i, source))
			return true;
		if (line_shows(line, &from))
			return true;
	}

	return false;
}

static void tell(struct strangers *s, const struct sip_packet *pkt, const struct sip_msg *msg)
{
	char source[ADDR_TEXT];
	msec_t now = clock_ms();

	s->since++;
	if (s->logged_at && now - s->logged_at < LOG_EVERY_MS)
		return;
	log_warn("sip.stranger", LOG_STR("source", addr_text(&pkt->source, source)), LOG_SPAN("method", msg->method_name),
		LOG_SPAN("uri", msg->request_uri), LOG_INT("since_last", s->since),
		LOG_STR("what", "ignored: this address belongs to no line. If it is yours, name it under allow of a trunk or local line"));
	s->logged_at = now;
	s->since = 0;
}

bool strangers_is_welcome(struct strangers *s, const struct strangers_view *view, const struct sip_packet *pkt,
	const struct sip_msg *msg)
{
	if (addr_is_loopback(&pkt->source) || is_known(s, view, pkt))
		return true;
	tell(s, pkt, msg);
	ua_offence(s->ua, &pkt->source, UA_OFFENCE_STRANGER);

	return view->config->sip.answers_strangers;
}
