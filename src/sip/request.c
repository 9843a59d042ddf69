/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/request.h"

static void write_via(struct sip_stack *stack, struct sip_writer *w, enum sip_transport transport, struct span sent_by,
		      struct sip_written *ret)
{
	struct span branch = sip_stack_branch(stack, ret->branch);

	sip_write_hdr_begin(w, SIP_HDR_VIA);
	sip_write_z(w, "SIP/2.0/");
	ret->via_at = w->n;
	sip_write_span(w, sip_transport_word(transport));
	sip_write_char(w, ' ');
	sip_write_span(w, sent_by);
	sip_write_z(w, ";rport;branch=");
	sip_write_span(w, branch);
	sip_write_hdr_end(w);
}

static void write_lines(struct sip_writer *w, struct span lines)
{
	if (w->err || !lines.n)
		return;
	if (w->cap - w->n < lines.n) {
		w->err = -TR_ETOOBIG;
		return;
	}
	memcpy(w->buf + w->n, lines.p, lines.n);
	w->n += lines.n;
}

static void write_contact(struct sip_writer *w, struct span uri, struct span params)
{
	sip_write_hdr_begin(w, SIP_HDR_CONTACT);
	sip_write_char(w, '<');
	sip_write_span(w, uri);
	sip_write_char(w, '>');
	sip_write_span(w, params);
	sip_write_hdr_end(w);
}

static struct span user_agent(const struct sip_stack *stack, const struct sip_account *a)
{
	return a && a->user_agent.n ? sip_bytes_span(&a->user_agent) : sip_bytes_span(&stack->user_agent);
}

int sip_request_write(struct sip_stack *stack, const struct sip_request *r, struct sip_written *ret)
{
	struct sip_writer w;

	sip_writer_init(&w, stack->scratch, sizeof(stack->scratch));
	sip_write_request_line(&w, r->method, r->uri);
	write_via(stack, &w, r->transport, r->sent_by, ret);
	sip_write_hdr_u32(&w, SIP_HDR_MAX_FORWARDS, 70);
	sip_write_hdr(&w, SIP_HDR_ROUTE, r->routes);
	sip_write_hdr(&w, SIP_HDR_FROM, r->from);
	sip_write_hdr(&w, SIP_HDR_TO, r->to);
	sip_write_hdr(&w, SIP_HDR_CALL_ID, r->call_id);
	sip_write_cseq(&w, r->cseq, sip_method_word(r->method));
	if (r->contact.n)
		write_contact(&w, r->contact, r->contact_params);
	if (r->account && r->auth_mask) {
		struct sip_auth_request a = {sip_method_word(r->method), r->uri, r->body};

		sip_account_write_auth(r->account, &w, r->auth_mask, &a);
	}
	sip_write_hdr(&w, SIP_HDR_USER_AGENT, user_agent(stack, r->account));
	write_lines(&w, r->headers);
	sip_write_body(&w, r->content_type, r->body);

	return sip_writer_finish(&w, &ret->text);
}

int sip_request_send(struct sip_stack *stack, const struct sip_request *r, struct sip_ctrans_params *to,
		     struct sip_ctrans **ret)
{
	struct sip_written written;
	int err = sip_request_write(stack, r, &written);

	if (err < 0)
		return err;
	to->request = written.text;
	to->branch = span_z(written.branch);
	to->via_at = written.via_at;
	to->method = r->method;
	to->cseq = r->cseq;
	to->auth_mask = r->auth_mask;

	return sip_ctrans_new(stack, to, ret);
}

static bool is_replaced(enum sip_hdr_id id, const struct sip_again *again)
{
	static const enum sip_hdr_id always[] = {SIP_HDR_VIA, SIP_HDR_CSEQ, SIP_HDR_AUTHORIZATION,
						 SIP_HDR_PROXY_AUTHORIZATION, SIP_HDR_CONTENT_LENGTH,
						 SIP_HDR_CONTENT_TYPE};

	if (id == SIP_HDR_OTHER)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		if (always[i] == id)
			return true;

	return again->drop[0] == id || again->drop[1] == id || again->drop[2] == id;
}

static void write_sent_by(const struct sip_msg *req, struct sip_writer *w)
{
	sip_write_host(w, req->via.host, req->via.port);
}

static int write_again(struct sip_ctrans *ct, const struct sip_again *again, struct sip_written *ret)
{
	char sent_by[LIMIT_NAME_BYTES];
	struct sip_writer w, host;
	struct sip_msg req;
	struct span at;

	if (sip_msg_parse(&req, ct->request.p, ct->request_n) < 0)
		return -TR_EPARSE;
	sip_writer_init(&host, sent_by, sizeof(sent_by));
	write_sent_by(&req, &host);
	if (sip_writer_finish(&host, &at) < 0)
		return -TR_ETOOBIG;

	struct span method = sip_method_word(ct->method);
	struct sip_auth_request auth = {method, req.request_uri, req.body};

	sip_writer_init(&w, ct->stack->scratch, sizeof(ct->stack->scratch));
	sip_write_request_line(&w, ct->method, req.request_uri);
	write_via(ct->stack, &w, ct->dest.transport, at, ret);
	for (unsigned i = 0; i < req.header_count; i++)
		if (!is_replaced(req.headers[i].id, again))
			sip_write_hdr_named(&w, req.headers[i].name, req.headers[i].value);
	sip_write_cseq(&w, again->cseq, method);
	if (again->account)
		sip_account_write_auth(again->account, &w, again->auth_mask, &auth);
	write_lines(&w, again->headers);
	sip_write_body(&w, sip_msg_value(&req, SIP_HDR_CONTENT_TYPE), req.body);

	return sip_writer_finish(&w, &ret->text);
}

int sip_request_again(struct sip_ctrans *ct, const struct sip_again *again, struct sip_ctrans **ret)
{
	struct sip_written written;
	int err = write_again(ct, again, &written);

	if (err < 0)
		return err;

	struct sip_ctrans_params to = {
		.request = written.text,
		.branch = span_z(written.branch),
		.via_at = written.via_at,
		.dest = ct->dest,
		.method = ct->method,
		.cseq = again->cseq,
		.owner = ct->owner,
		.ref = ct->ref,
		.purpose = ct->purpose,
		.tries = (uint8_t)(ct->tries + 1),
		.auth_mask = again->auth_mask,
		.fresh_mask = again->fresh_mask,
		.fn = ct->keep_fn,
	};

	return sip_ctrans_new(ct->stack, &to, ret);
}

int sip_request_authorize(struct sip_ctrans *ct, const struct sip_msg *rsp, struct sip_account *account, uint32_t cseq,
			  struct sip_ctrans **ret)
{
	struct sip_again again = {.cseq = cseq, .account = account};

	if (!account)
		return -TR_EAUTH;

	int err = sip_account_challenged(account, ct, rsp, &again.auth_mask, &again.fresh_mask);

	return err < 0 ? err : sip_request_again(ct, &again, ret);
}

int sip_uri_dest(struct span text, enum sip_transport fallback, struct sip_dest *ret)
{
	struct sip_uri uri;

	if (sip_uri_parse(&uri, text) < 0 || !uri.host.n)
		return -TR_EPARSE;

	struct span host = sip_uri_maddr(&uri).n ? sip_uri_maddr(&uri) : uri.host;
	enum sip_transport transport = sip_uri_transport(&uri);

	if (transport == SIP_TRANSPORT_UNKNOWN || transport == SIP_SCTP)
		transport = fallback;
	if (uri.scheme == SIP_SCHEME_SIPS)
		transport = transport == SIP_WS || transport == SIP_WSS ? SIP_WSS : SIP_TLS;
	if (transport == SIP_WS && fallback == SIP_WSS)
		transport = SIP_WSS; /* RFC 7118 §5.5: transport=ws stands for both */
	*ret = (struct sip_dest){.transport = transport, .host = host, .port = uri.port};
	if (addr_parse_ip(host, uri.port, &ret->addr) && uri.port == 0)
		addr_set_port(&ret->addr, transport == SIP_TLS || transport == SIP_WSS ? 5061 : 5060);

	return 0;
}
