/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ws_http.h"
#include "ua/conn_priv.h"
#include <sys/socket.h>

/*
 * SIP over WebSocket, RFC 7118, for browsers' SIP clients: one message a frame, subprotocol "sip".
 *
 * Browsers let every page connect anywhere, so the page's origin decides (RFC 6455 §10.2): none (not a browser), one that is
 * configured, or a page that this very address served. The latter only for addresses and localhost: a name could be a stranger's
 * that was pointed at us (DNS rebinding).
 */

#define SUBPROTOCOL "sip"

/* --- upgrade --- */

static bool is_own_page(const struct ws_request *rq)
{
	struct span host = ws_host_of(rq->host), origin = ws_host_of(rq->origin);
	struct addr ip;

	return span_ieq(host, origin) && (span_ieq_z(host, "localhost") || addr_parse_ip(host, 0, &ip));
}

static bool is_allowed(const struct ua *ua, const struct ws_request *rq)
{
	if (!rq->origin.p || is_own_page(rq))
		return true;
	for (unsigned i = 0; i < ua->origin_count; i++)
		if (strcmp(ua->origins[i], "*") == 0 || span_ieq_z(rq->origin, ua->origins[i]))
			return true;

	return false;
}

/* Says why, then waits a moment: closing at once could take the words back. */
static void refuse(struct conn *c, int status, const char *text)
{
	char answer[700], why[300];
	size_t n = ws_refuse_write(answer, sizeof(answer), status, text);

	c->ua->stats.ws_refused++;
	snprintf(why, sizeof(why), "%s: %s", c->label, text);
	ua_refused(c->ua, &c->remote, UA_REFUSE_WS, why);
	if (!n || !conn_put(c, span(answer, n)))
		return;
	if (c->tls) {
		tls_shutdown(c->tls);
		if (!conn_flush_tls(c))
			return;
	}
	if (!c->out_n)
		shutdown(c->fd, SHUT_WR);
	c->is_refused = true;
	c->opened_at = clock_ms();
	conn_arm(c, c->opened_at);
}

static const char *http_fault(struct span first, int status)
{
	if (memmem(first.p, first.n, " SIP/2.0", 8))
		return "this port speaks SIP over WebSocket; plain SIP belongs to the TCP or UDP port";
	if (tls_looks_like(first))
		return "this port speaks WebSocket without TLS (ws:); wss: needs another port (sip.listen: wss:...)";

	return status == 426 ? "this port speaks SIP over WebSocket (RFC 7118) only" : "not a WebSocket handshake";
}

/* Bytes used; 0: the request is not complete, or was refused. */
static size_t upgrade(struct conn *c, const char *buf, size_t n)
{
	struct ws_request rq;
	char answer[400];
	size_t used = 0, length;
	int got = ws_request_read(buf, n, &rq, &used);
	char text[200];

	if (got == 0)
		return 0;
	if (got < 0) {
		refuse(c, -got, http_fault(span(buf, MIN(n, (size_t)200)), -got));
		return n;
	}
	if (!ws_has_protocol(rq.protocols, SUBPROTOCOL)) {
		refuse(c, 400, "the subprotocol \"sip\" has to be offered (Sec-WebSocket-Protocol)");
		return n;
	}
	if (!is_allowed(c->ua, &rq)) {
		snprintf(text, sizeof(text), "pages of %.*s may not connect: add that origin to sip.origins", (int)MIN(rq.origin.n, (size_t)100),
			rq.origin.p);
		refuse(c, 403, text);
		return n;
	}
	length = ws_accept_write(answer, sizeof(answer), rq.key, SUBPROTOCOL);
	if (!length || !conn_put(c, span(answer, length)))
		return used;
	c->is_upgraded = c->has_spoken = true;
	c->ua->stats.ws_upgrades++;
	conn_ready(c);

	return used;
}

/* --- frames --- */

static bool put_frame(struct conn *c, enum ws_opcode kind, struct span payload)
{
	char small[512], *frame = small;
	size_t cap = sizeof(small), n;

	if (payload.n + WS_HEAD_BYTES > cap) {
		cap = payload.n + WS_HEAD_BYTES;
		frame = malloc(cap);
	}
	n = frame ? ws_write(frame, cap, kind, payload, NULL) : 0;

	bool is_sent = n && conn_put(c, span(frame, n));

	if (!n)
		conn_close(c, -ENOMEM, NULL);
	if (frame != small)
		free(frame);

	return is_sent;
}

bool conn_ws_write(struct conn *c, struct span bytes)
{
	/* RFC 7118 §5: text when it is text; a body that is none goes as binary. */
	return put_frame(c, utf8_is_valid(bytes) ? WS_TEXT : WS_BINARY, bytes);
}

void conn_ws_ping(struct conn *c)
{
	c->is_pinged = true;
	c->ua->stats.keepalives_out++;
	if (put_frame(c, WS_PING, (struct span){0}))
		conn_arm(c, clock_ms());
}

static void end(struct conn *c, uint16_t status, const char *reason)
{
	char frame[WS_HEAD_BYTES + WS_CONTROL_BYTES];
	size_t n = ws_write_close(frame, sizeof(frame), status, reason, NULL);

	c->is_upgraded = false; /* this is the close: conn_close has not to send another */
	if (conn_put(c, span(frame, n)))
		conn_close(c, -ECONNRESET, NULL);
}

static void take_event(struct conn *c, const struct ws_event *ev)
{
	switch (ev->kind) {
	case WS_TEXT:
	case WS_BINARY:
		if (ev->bytes.n)
			conn_take_message(c, ev->bytes);
		break;
	case WS_PING:
		c->ua->stats.keepalives_in++;
		put_frame(c, WS_PONG, ev->bytes);
		break;
	case WS_CLOSE:
		end(c, ev->status, NULL);
		break;
	default:
		break;
	}
}

size_t conn_take_ws(struct conn *c, char *buf, size_t n)
{
	size_t at = 0;

	if (c->state == CONN_SHAKING)
		at = upgrade(c, buf, n);
	while (at < n && c->state == CONN_OPEN && !c->ua->is_closed) {
		struct ws_event ev;
		size_t used = 0;
		int got = ws_read(&c->ws, buf + at, n - at, &ev, &used);

		if (got < 0) {
			c->ua->stats.framing_errors++;
			ua_refused(c->ua, &c->remote, UA_REFUSE_FRAMING, NULL);
			end(c, (uint16_t)-got, "");
			break;
		}
		at += used;
		if (got == 0)
			break;
		take_event(c, &ev);
	}

	return at;
}
