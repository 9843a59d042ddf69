/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/strans_priv.h"

/* Which server transaction a request belongs to, where its answers go, and answers that leave nothing behind. */

struct span sip_strans_key(char buf[SIP_KEY_BYTES], const struct sip_msg *req, enum sip_method method)
{
	struct sip_writer w;
	struct span key;

	sip_writer_init(&w, buf, SIP_KEY_BYTES);
	if (sip_branch_is_3261(req->via.branch)) {
		sip_write_span(&w, req->via.branch);
		sip_write_char(&w, '|');
		sip_write_span(&w, req->via.host);
		sip_write_char(&w, ':');
		sip_write_u32(&w, req->via.port);
	} else {
		sip_write_span(&w, req->call_id);
		sip_write_char(&w, '|');
		sip_write_span(&w, req->from_tag);
		sip_write_char(&w, '|');
		sip_write_u32(&w, req->cseq.number);
		sip_write_char(&w, '|');
		sip_write_span(&w, req->request_uri);
		sip_write_char(&w, '|');
		sip_write_span(&w, req->via.text);
	}
	sip_write_char(&w, '|');
	if (method != SIP_METHOD_UNKNOWN)
		sip_write_span(&w, sip_method_word(method));
	else
		sip_write_span(&w, req->method_name);

	return sip_writer_finish(&w, &key) == 0 ? key : (struct span){0};
}

struct span sip_strans_merge_key(char buf[SIP_KEY_BYTES], const struct sip_msg *req)
{
	struct sip_writer w;
	struct span key;

	sip_writer_init(&w, buf, SIP_KEY_BYTES);
	sip_write_span(&w, req->call_id);
	sip_write_char(&w, '|');
	sip_write_span(&w, req->from_tag);
	sip_write_char(&w, '|');
	sip_write_u32(&w, req->cseq.number);
	sip_write_span(&w, req->method_name);

	return sip_writer_finish(&w, &key) == 0 ? key : (struct span){0};
}

struct sip_strans *sip_strans_find(struct sip_stack *stack, const struct sip_msg *req, enum sip_method want)
{
	char buf[SIP_KEY_BYTES];
	struct span key = sip_strans_key(buf, req, want);

	for (struct hash_node *n = hash_find(&stack->servers, span_hash(key)); n; n = hash_find_next(n)) {
		struct sip_strans *st = container_of(n, struct sip_strans, by_key);

		if (st->state != SIP_TRANS_TERMINATED && span_eq(span(st->key.p, st->key_n), key))
			return st;
	}

	return NULL;
}

bool sip_strans_is_merged(struct sip_stack *stack, const struct sip_msg *req)
{
	char buf[SIP_KEY_BYTES];
	struct span key = sip_strans_merge_key(buf, req);

	for (struct hash_node *n = hash_find(&stack->merges, span_hash(key)); n; n = hash_find_next(n)) {
		struct sip_strans *st = container_of(n, struct sip_strans, by_merge);

		if (st->state != SIP_TRANS_TERMINATED && span_eq(span(st->key.p + st->key_n, st->key.n - st->key_n), key))
			return true;
	}

	return false;
}

/* ---- where answers go ---- */

static uint16_t via_port(const struct sip_via *via)
{
	if (via->port)
		return via->port;

	return via->transport == SIP_TLS || via->transport == SIP_WSS ? 5061 : 5060;
}

void sip_response_dest(const struct sip_msg *req, const struct sip_packet *pkt, struct sip_dest *ret)
{
	*ret = (struct sip_dest){
		.transport = pkt->transport,
		.is_response = true,
		.conn = pkt->conn,
		.addr = pkt->source,
		.local = pkt->local,
	};
	if (req->via.maddr.n && addr_parse_ip(req->via.maddr, via_port(&req->via), &ret->addr))
		return;
	if (pkt->transport != SIP_UDP || !req->via.has_rport)
		addr_set_port(&ret->addr, via_port(&req->via));
}

/* ---- what an answer repeats ---- */

void sip_strans_write_lines(struct sip_writer *w, const struct sip_msg *req, const struct sip_packet *pkt,
			    struct sip_response_params *params)
{
	char ip[ADDR_TEXT];
	struct addr sent_by;
	bool is_same = addr_parse_ip(req->via.host, 0, &sent_by) && addr_ip_eq(&sent_by, &pkt->source);

	/* RFC 3261 §18.2.1: received if sent-by is another address or a name; RFC 3581 §4: always with rport. */
	if (!is_same || req->via.has_rport)
		params->received = span_z(addr_ip_text(&pkt->source, ip));
	params->rport = addr_port(&pkt->source);
	sip_write_response(w, req, params);
}

void sip_reply_stateless(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt, int status,
			 struct span headers)
{
	char tag[SIP_TAG_CHARS], key[SIP_KEY_BYTES];
	struct sip_response_params params = {.status = (uint16_t)status};
	struct sip_dest dest;
	struct sip_writer w;
	struct span text;

	if (req->method == SIP_ACK)
		return;
	sip_rand_derive(&stack->rand, sip_strans_merge_key(key, req), tag, 12);
	params.to_tag = span(tag, 12);
	sip_response_dest(req, pkt, &dest);
	sip_writer_init(&w, stack->scratch, sizeof(stack->scratch));
	sip_strans_write_lines(&w, req, pkt, &params);
	if (w.err == 0 && headers.n && w.cap - w.n > headers.n) {
		memcpy(w.buf + w.n, headers.p, headers.n);
		w.n += headers.n;
	}
	sip_write_hdr(&w, SIP_HDR_SERVER, sip_bytes_span(&stack->user_agent));
	sip_write_end(&w);
	if (sip_writer_finish(&w, &text) == 0)
		sip_stack_send(stack, text, &dest, 0);
}

void sip_token_find(struct sip_stack *stack, uint64_t token, struct sip_ctrans **ret_ct, struct sip_strans **ret_st)
{
	uint32_t hash = (uint32_t)(token >> 32), serial = (uint32_t)token;
	bool is_server = serial & 0x80000000u;
	struct hash_node *n = hash_find(is_server ? &stack->servers : &stack->clients, hash);

	*ret_ct = NULL;
	*ret_st = NULL;
	for (; n; n = hash_find_next(n)) {
		struct sip_strans *st = container_of(n, struct sip_strans, by_key);
		struct sip_ctrans *ct = container_of(n, struct sip_ctrans, by_branch);

		if (is_server && st->serial == (serial & 0x7fffffff) && st->state != SIP_TRANS_TERMINATED)
			*ret_st = st;
		if (!is_server && ct->serial == serial && ct->state != SIP_TRANS_TERMINATED)
			*ret_ct = ct;
	}
}
