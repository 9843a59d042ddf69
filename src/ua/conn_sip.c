/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/msg.h"
#include "ua/conn_priv.h"

/* Messages in a stream, RFC 3261 §18.3, and keep-alives between them, RFC 5626 §4.4.1. */

static void answer_ping(struct conn *c)
{
	bool is_sent;

	c->ua->stats.keepalives_in++;
	is_sent = conn_is_ws(c) ? conn_ws_write(c, SPAN_LIT("\r\n")) : conn_put(c, SPAN_LIT("\r\n"));
	if (is_sent)
		c->ua->stats.keepalives_out++;
}

void conn_take_message(struct conn *c, struct span bytes)
{
	struct sip_packet pkt = {
		.bytes = bytes,
		.transport = c->transport,
		.conn = c->id,
		.source = c->remote,
		.local = c->local,
	};

	if (span_eq_z(bytes, "\r\n\r\n")) {
		answer_ping(c);
		return;
	}
	c->has_spoken = true;
	ua_recv(c->ua, &pkt);
}

/* The other side speaks TLS on a connection without. */
static void refuse_tls(struct conn *c)
{
	char why[TLS_WHY_BYTES];

	snprintf(why, sizeof(why),
		c->is_ours ? "%s speaks TLS on this port: set transport: tls (or use its port for plain SIP)"
			   : "%s speaks TLS to our TCP port: let it use the TLS port, or add one (sip.listen: tls:...)",
		c->label);
	c->ua->stats.framing_errors++;
	conn_refuse(c, UA_REFUSE_TLS, -TR_EPARSE, why);
}

size_t conn_take_sip(struct conn *c, char *buf, size_t n)
{
	size_t at = 0;

	if (!c->tls && !c->has_spoken && tls_looks_like(span(buf, n))) {
		refuse_tls(c);
		return 0;
	}
	while (at < n && c->state == CONN_OPEN && !c->ua->is_closed) {
		size_t len = 0;
		int kind = sip_msg_frame(buf + at, n - at, &len);

		if (kind == SIP_FRAME_MORE && n - at <= LIMIT_SIP_MSG_BYTES)
			break;
		if (kind <= SIP_FRAME_MORE) {
			c->ua->stats.framing_errors++;
			conn_refuse(c, UA_REFUSE_FRAMING, -TR_EPARSE, NULL);
			break;
		}
		conn_take_message(c, span(buf + at, len));
		at += len;
	}

	return at;
}
