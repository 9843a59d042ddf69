/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/dialog.h"

/* What a dialog is made of, before it has memory of its own. */
struct parts {
	struct span call_id, local_tag, remote_tag, local, remote, routes;
};

static struct span copy_part(char **at, struct span part)
{
	struct span copy = span(part.n ? *at : NULL, part.n);

	if (part.n)
		memcpy(*at, part.p, part.n);
	*at += part.n;

	return copy;
}

static int dialog_new(struct sip_session *s, struct sip_stack *stack, const struct parts *p, struct sip_dialog **ret)
{
	struct sip_dialog *d = calloc(1, sizeof(*d));
	size_t n = p->call_id.n + p->local_tag.n + p->remote_tag.n + p->local.n + p->remote.n + p->routes.n;

	if (!d)
		return -ENOMEM;
	d->text = (struct sip_bytes){malloc(n ? n : 1), n};
	if (!d->text.p) {
		free(d);
		return -ENOMEM;
	}

	char *at = d->text.p;

	d->stack = stack;
	d->session = s;
	list_init(&d->link);
	d->call_id = copy_part(&at, p->call_id);
	d->local_tag = copy_part(&at, p->local_tag);
	d->remote_tag = copy_part(&at, p->remote_tag);
	d->local = copy_part(&at, p->local);
	d->remote = copy_part(&at, p->remote);
	d->routes = copy_part(&at, p->routes);
	hash_add(&stack->dialogs, &d->by_tag, span_hash(d->local_tag));
	stack->stats.live_dialogs++;
	*ret = d;

	return 0;
}

/* RFC 3261 §12.1.1, §12.1.2: the Record-Route values in order for a UAS, reversed for a UAC. */
static int write_routes(const struct sip_msg *msg, bool is_reversed, char *buf, size_t cap, struct span *ret)
{
	struct span all[LIMIT_SIP_ROUTES], value, text;
	struct sip_list it;
	struct sip_writer w;
	size_t n = 0;

	sip_list_init(&it, msg, SIP_HDR_RECORD_ROUTE);
	while (sip_list_next(&it, &value)) {
		if (n == LIMIT_SIP_ROUTES)
			return -TR_ETOOBIG;
		all[n++] = value;
	}
	sip_writer_init(&w, buf, cap);
	for (size_t i = 0; i < n; i++) {
		if (i)
			sip_write_z(&w, ", ");
		sip_write_span(&w, all[is_reversed ? n - 1 - i : i]);
	}
	if (sip_writer_finish(&w, &text) < 0)
		return -TR_ETOOBIG;
	*ret = span(n ? text.p : NULL, n ? text.n : 0);

	return 0;
}

static void note_strict(struct sip_dialog *d)
{
	struct span rest = d->routes, first;
	struct sip_name_addr addr;

	if (d->routes.n && sip_comma_next(&rest, &first) && sip_name_addr_parse(&addr, first) == 0)
		d->is_strict = !sip_uri_is_lr(&addr.uri);
}

int sip_dialog_new_uac(struct sip_session *s, struct sip_stack *stack, const struct sip_dialog_names *ours,
		       const struct sip_msg *rsp, struct sip_dialog **ret)
{
	char routes[LIMIT_SIP_URI_BYTES];
	struct parts p = {.call_id = ours->call_id, .local_tag = ours->tag, .remote_tag = rsp->to_tag,
			  .local = ours->from, .remote = rsp->to};
	struct sip_name_addr to;
	int err = write_routes(rsp, true, routes, sizeof(routes), &p.routes);

	if (err == 0)
		err = dialog_new(s, stack, &p, ret);
	if (err < 0)
		return err;

	struct sip_dialog *d = *ret;

	d->local_cseq = ours->cseq;
	note_strict(d);
	if (stack->packet)
		sip_dialog_heard(d, stack->packet);
	/* A 1xx without Contact makes no target; To is the best there is until a response brings one. */
	if (sip_name_addr_parse(&to, rsp->to) < 0 || sip_bytes_set(&d->target, to.uri.text) < 0) {
		sip_dialog_free(d);
		return -ENOMEM;
	}
	sip_dialog_refresh(d, rsp);

	return 0;
}

int sip_dialog_new_uas(struct sip_session *s, struct sip_stack *stack, const struct sip_msg *req, struct span tag,
		       struct sip_dialog **ret)
{
	char routes[LIMIT_SIP_URI_BYTES], local[LIMIT_SIP_URI_BYTES];
	struct parts p = {.call_id = req->call_id, .local_tag = tag, .remote_tag = req->from_tag, .remote = req->from};
	struct sip_writer w;
	int err = write_routes(req, false, routes, sizeof(routes), &p.routes);

	sip_writer_init(&w, local, sizeof(local));
	sip_write_span(&w, req->to);
	sip_write_z(&w, ";tag=");
	sip_write_span(&w, tag);
	if (err == 0)
		err = sip_writer_finish(&w, &p.local);
	if (err == 0)
		err = dialog_new(s, stack, &p, ret);
	if (err < 0)
		return err;

	struct sip_dialog *d = *ret;

	d->remote_cseq = req->cseq.number;
	d->has_remote_cseq = true;
	d->local_cseq = sip_rand_range(&stack->rand, 1, 10000);
	note_strict(d);
	sip_dialog_heard(d, stack->packet);
	sip_dialog_refresh(d, req);

	return 0;
}

void sip_dialog_free(struct sip_dialog *d)
{
	if (!d)
		return;
	list_unlink(&d->link);
	hash_remove(&d->stack->dialogs, &d->by_tag);
	d->stack->stats.live_dialogs--;
	sip_bytes_free(&d->text);
	sip_bytes_free(&d->target);
	sip_bytes_free(&d->contact);
	sip_bytes_free(&d->sent_by);
	sip_bytes_free(&d->sdp);
	sip_bytes_free(&d->ack);
	sip_bytes_free(&d->ack_host);
	free(d);
}

struct sip_dialog *sip_dialog_find(struct sip_stack *stack, struct span call_id, struct span local_tag,
				   struct span remote_tag)
{
	for (struct hash_node *n = hash_find(&stack->dialogs, span_hash(local_tag)); n; n = hash_find_next(n)) {
		struct sip_dialog *d = container_of(n, struct sip_dialog, by_tag);

		if (span_eq(d->local_tag, local_tag) && span_eq(d->call_id, call_id) &&
		    span_eq(d->remote_tag, remote_tag))
			return d;
	}

	return NULL;
}

void sip_dialog_heard(struct sip_dialog *d, const struct sip_packet *pkt)
{
	d->peer = (struct sip_dest){.transport = pkt->transport, .conn = pkt->conn, .addr = pkt->source, .local = pkt->local};
}

void sip_dialog_refresh(struct sip_dialog *d, const struct sip_msg *msg)
{
	struct span value = sip_msg_value(msg, SIP_HDR_CONTACT);
	struct sip_contact contact;

	/* Nothing that the peer says later takes back a capability only because a message does not repeat it. */
	if (sip_msg_find(msg, SIP_HDR_ALLOW))
		d->peer_has_update = !d->stack->params.no_update && sip_msg_has_token(msg, SIP_HDR_ALLOW, "UPDATE");
	if (sip_msg_find(msg, SIP_HDR_SUPPORTED) || sip_msg_find(msg, SIP_HDR_REQUIRE)) {
		d->peer_has_timer = sip_msg_has_token(msg, SIP_HDR_SUPPORTED, "timer") ||
			sip_msg_has_token(msg, SIP_HDR_REQUIRE, "timer");
		d->peer_has_100rel = sip_msg_has_token(msg, SIP_HDR_SUPPORTED, "100rel") ||
			sip_msg_has_token(msg, SIP_HDR_REQUIRE, "100rel");
		d->peer_has_norefersub = sip_msg_has_token(msg, SIP_HDR_SUPPORTED, "norefersub");
	}
	if (!value.n || sip_contact_parse(&contact, value) < 0 || contact.is_star)
		return;
	/* Kept byte for byte: 3CX finds its extension again by a parameter in it (rinstance). */
	if (!span_eq(sip_bytes_span(&d->target), contact.addr.uri.text) &&
	    sip_bytes_set(&d->target, contact.addr.uri.text) < 0)
		return;
}

/* The URI that the request goes to first: RFC 3261 §12.2.1.1 with §8.1.2. */
static int next_hop(const struct sip_dialog *d, struct span *ret)
{
	struct span rest = d->routes, first;
	struct sip_name_addr addr;

	*ret = sip_bytes_span(&d->target);
	if (!d->routes.n)
		return 0;
	if (!sip_comma_next(&rest, &first) || sip_name_addr_parse(&addr, first) < 0)
		return -TR_EPARSE;
	*ret = addr.uri.text;

	return 0;
}

/* A private address in a Contact that came from a public one is behind a NAT: answer to where it came from. */
static bool is_behind_nat(const struct sip_dialog *d, const struct sip_dest *dest)
{
	const struct addr *seen = &d->peer.addr;

	if (d->stack->params.follow_private_contact || d->routes.n || !addr_is_set(seen) || !addr_is_set(&dest->addr))
		return false;

	return addr_is_any(&dest->addr) ||
		(addr_is_private(&dest->addr) && !addr_is_private(seen) && !addr_is_loopback(seen));
}

static int find_dest(const struct sip_dialog *d, struct sip_dest *ret)
{
	static const char invalid[] = ".invalid"; /* RFC 7118 §5: browsers have no address */
	struct span hop;
	int err = next_hop(d, &hop);

	if (err == 0)
		err = sip_uri_dest(hop, d->peer.transport, ret);
	if (err < 0)
		return err;

	ret->tls = d->tls;

	bool is_name = !addr_is_set(&ret->addr);
	bool is_invalid = is_name && ret->host.n > 8 &&
		span_ieq_z(span(ret->host.p + ret->host.n - 8, 8), invalid);

	if (is_invalid || is_behind_nat(d, ret)) {
		*ret = d->peer;
		ret->tls = d->tls;
		return 0;
	}
	ret->local = d->peer.local;
	/* RFC 3261 §18.2.2 is for responses; requests reuse the connection too (RFC 5923), or NATs would refuse them. */
	if (ret->transport == d->peer.transport && (is_name || !d->routes.n || addr_ip_eq(&ret->addr, &d->peer.addr)))
		ret->conn = d->peer.conn;

	return 0;
}

/* Request-URI and Route: RFC 3261 §12.2.1.1, also for a strict router (§16.12.1.2). */
static int write_target(const struct sip_dialog *d, struct sip_request *r, char *buf, size_t cap)
{
	struct span rest = d->routes, first, text;
	struct sip_name_addr addr;
	struct sip_writer w;

	r->uri = sip_bytes_span(&d->target);
	r->routes = d->routes;
	if (!d->is_strict)
		return 0;
	if (!sip_comma_next(&rest, &first) || sip_name_addr_parse(&addr, first) < 0)
		return -TR_EPARSE;
	sip_writer_init(&w, buf, cap);
	rest = span_trim(rest);
	while (rest.n && (*rest.p == ',' || *rest.p == ' '))
		rest = span(rest.p + 1, rest.n - 1);
	sip_write_span(&w, rest);
	sip_write_z(&w, rest.n ? ", <" : "<");
	sip_write_span(&w, sip_bytes_span(&d->target));
	sip_write_char(&w, '>');
	if (sip_writer_finish(&w, &text) < 0)
		return -TR_ETOOBIG;
	r->uri = addr.uri.text;
	r->routes = text;

	return 0;
}

static int fill(const struct sip_dialog *d, struct sip_request *r, struct sip_dest *dest, char *buf, size_t cap)
{
	int err = find_dest(d, dest);

	if (err == 0)
		err = write_target(d, r, buf, cap);
	r->from = d->local;
	r->to = d->remote;
	r->call_id = d->call_id;
	r->sent_by = sip_bytes_span(&d->sent_by);
	r->transport = dest->transport;

	return err;
}

int sip_dialog_send(struct sip_dialog *d, const struct sip_dialog_request *q, struct sip_ctrans_params *to,
		    struct sip_ctrans **ret)
{
	char routes[2 * LIMIT_SIP_URI_BYTES];
	struct sip_request r = {
		.method = q->method,
		.cseq = d->local_cseq + 1,
		.headers = q->headers,
		.content_type = q->content_type,
		.body = q->body,
		.account = q->account,
		.auth_mask = q->auth_mask,
	};
	int err = fill(d, &r, &to->dest, routes, sizeof(routes));

	if (err < 0)
		return err;
	if (q->has_contact)
		r.contact = sip_bytes_span(&d->contact);
	if (!to->ref)
		to->ref = d;
	err = sip_request_send(d->stack, &r, to, ret);
	if (err == 0)
		d->local_cseq++;

	return err;
}

int sip_dialog_ack(struct sip_dialog *d, uint32_t cseq, struct span auth, struct span sdp)
{
	char routes[2 * LIMIT_SIP_URI_BYTES];
	struct sip_request r = {
		.method = SIP_ACK,
		.cseq = cseq,
		.headers = auth,
		.content_type = SPAN_LIT("application/sdp"),
		.body = sdp,
	};
	struct sip_written written;
	int err = fill(d, &r, &d->ack_dest, routes, sizeof(routes));

	if (err == 0)
		err = sip_request_write(d->stack, &r, &written);
	if (err == 0)
		err = sip_bytes_set(&d->ack, written.text);
	if (err == 0)
		err = sip_bytes_set(&d->ack_host, d->ack_dest.host);
	if (err < 0)
		return err;
	d->ack_dest.host = sip_bytes_span(&d->ack_host);
	d->ack_cseq = cseq;
	sip_stack_send(d->stack, sip_bytes_span(&d->ack), &d->ack_dest, 0);

	return 0;
}

void sip_dialog_ack_again(struct sip_dialog *d)
{
	if (!d->ack.n)
		return;
	d->stack->stats.retransmitted++;
	sip_stack_send(d->stack, sip_bytes_span(&d->ack), &d->ack_dest, 0);
}

bool sip_dialog_take_cseq(struct sip_dialog *d, const struct sip_msg *req)
{
	if (d->has_remote_cseq && req->cseq.number < d->remote_cseq)
		return false;
	d->remote_cseq = req->cseq.number;
	d->has_remote_cseq = true;

	return true;
}

size_t sip_dialog_bytes(const struct sip_dialog *d)
{
	return sizeof(*d) + d->text.n + d->target.n + d->contact.n + d->sent_by.n + d->sdp.n + d->ack.n + d->ack_host.n;
}
