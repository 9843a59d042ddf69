/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/*
 * An outgoing call at its targets, RFC 3263 §4.3: the next one when one cannot be reached, says 503, or has not said a word, not even
 * 100, within failover_ms. RFC 3261 would wait for Timer B, 32 s, which no caller does; so a silent INVITE is not forgotten but
 * ended: should it be answered late, it gets its CANCEL, or ACK and BYE. All attempts have one Call-ID, so that the trace shows them
 * together.
 */
#define FAILOVER_MS 1500

struct call_hops {
	struct call *call;
	struct timer silence;
	struct sip_dest list[LIMIT_LINE_HOPS];
	char hosts[LIMIT_LINE_HOPS][LIMIT_NAME_BYTES];
	size_t count, at;
	uint32_t failover_ms, expires_s;
	char *target, *from, *headers;
	bool was_heard;
};

void hops_free(struct call *c)
{
	if (!c->hops)
		return;
	timer_stop(&c->owner->wheel, &c->hops->silence);
	free(c->hops->target);
	free(c->hops->from);
	free(c->hops->headers);
	free(c->hops);
	c->hops = NULL;
}

static void tell(struct call *c, bool is_fine)
{
	struct calls *cs = c->owner;
	struct call_hops *h = c->hops;

	if (h && h->count && cs->p.hooks.hop_done)
		cs->p.hooks.hop_done(cs->p.hooks.ctx, c->plan.owner, &h->list[h->at].addr, is_fine);
}

static void copy_span(struct span s, char *ret, size_t cap)
{
	s.n = MIN(s.n, cap - 1);
	(void)span_copy(s, ret, cap);
}

static int send_invite(struct call *c)
{
	struct calls *cs = c->owner;
	struct call_hops *h = c->hops;
	struct sip_session_info info;
	struct sip_invite inv = {.account = c->plan.account, .target = span_z(h->target), .from = span_z(h->from),
		.headers = span_z(h->headers), .expires_s = h->expires_s, .sdp = sdp_body_span(c->body),
		.call_id = span_z(c->rec.sip_call_id), .dest = h->count ? &h->list[h->at] : NULL};
	int err = sip_session_invite(cs->p.stack, &inv, calls_now(cs), &c->session);

	if (err)
		return err;
	sip_session_set_user(c->session, c);
	sip_session_get_info(c->session, &info);
	copy_span(info.call_id, c->rec.sip_call_id, sizeof(c->rec.sip_call_id));
	copy_span(info.local_uri.n ? info.local_uri : inv.from, c->rec.from, sizeof(c->rec.from));
	if (h->at + 1 < h->count)
		calls_timer(cs, &h->silence, h->failover_ms);

	return 0;
}

static bool go_on(struct call *c, const char *why)
{
	struct call_hops *h = c->hops;
	char from[ADDR_TEXT], to[ADDR_TEXT];

	tell(c, false);
	if (h->at + 1 >= h->count)
		return false;
	h->at++;
	call_note(c, "%s %s: trying %s", addr_text(&h->list[h->at - 1].addr, from), why, addr_text(&h->list[h->at].addr, to));

	return send_invite(c) == 0;
}

static void on_silent(struct timer *t, msec_t now)
{
	struct call *c = container_of(t, struct call_hops, silence)->call;
	struct sip_session *old = c->session;
	struct sip_session_info info;

	if (!old || c->rec.state != CALL_RINGING || c->hops->was_heard)
		return;
	sip_session_get_info(old, &info);
	if (!info.is_silent)
		return;
	sip_session_set_user(old, NULL);
	if (!go_on(c, "does not answer"))
		sip_session_set_user(old, c);
	else
		sip_session_hangup(old, span(NULL, 0), calls_now(c->owner));
}

void hops_heard(struct call *c)
{
	if (!c->hops || c->hops->was_heard)
		return;
	c->hops->was_heard = true;
	timer_stop(&c->owner->wheel, &c->hops->silence);
	tell(c, true);
}

/* RFC 3263 §4.3: transport failures, time-outs and 503. */
static const char *reason_to_go_on(const struct sip_stack_event *ev)
{
	if (ev->cause == SIP_CAUSE_TRANSPORT)
		return "cannot be reached";
	if (ev->cause == SIP_CAUSE_TIMEOUT)
		return "does not answer";

	return ev->cause == SIP_CAUSE_REMOTE && ev->status == 503 ? "says 503" : NULL;
}

bool hops_next(struct call *c, const struct sip_stack_event *ended)
{
	const char *why = c->hops && !c->hops->was_heard && c->rec.state == CALL_RINGING ? reason_to_go_on(ended) : NULL;

	if (!c->hops)
		return false;
	timer_stop(&c->owner->wheel, &c->hops->silence);
	if (why) {
		c->session = NULL;
		if (go_on(c, why))
			return true;
		c->hops->was_heard = true; /* all that was to be told is told */
	} else if (ended->cause == SIP_CAUSE_REMOTE) {
		hops_heard(c);
	}

	return false;
}

static int copy_dial(struct call_hops *h, const struct call_dial *dial)
{
	h->expires_s = dial->ring_timeout_s ? dial->ring_timeout_s : 60;
	h->failover_ms = dial->failover_ms ? dial->failover_ms : FAILOVER_MS;
	h->count = MIN(dial->hop_count, (size_t)LIMIT_LINE_HOPS);
	for (size_t i = 0; i < h->count; i++) {
		h->list[i] = dial->hops[i];
		copy_span(dial->hops[i].host, h->hosts[i], sizeof(h->hosts[i]));
		h->list[i].host = span_z(h->hosts[i]);
	}
	h->target = strdup(dial->target);
	h->from = dial->from && dial->from[0] ? strdup(dial->from) : NULL;
	h->headers = dial->headers && dial->headers[0] ? strdup(dial->headers) : NULL;

	return h->target && (h->from || !dial->from || !dial->from[0]) && (h->headers || !dial->headers || !dial->headers[0]) ? 0 : -ENOMEM;
}

int hops_new(struct call *c, const struct call_dial *dial)
{
	c->hops = calloc(1, sizeof(*c->hops));
	if (!c->hops)
		return -ENOMEM;
	c->hops->call = c;
	timer_init(&c->hops->silence, on_silent);

	return copy_dial(c->hops, dial);
}

int hops_start(struct call *c, const struct sdp_body *offer)
{
	if (!c->body)
		c->body = malloc(sizeof(*c->body));
	if (!c->body)
		return -ENOMEM;
	*c->body = *offer;

	return send_invite(c);
}
