/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/lex.h"
#include "sip/write.h"

/* The head of a response, RFC 3261 §8.2.6.2, with the topmost Via completed. */

static bool is_ours(struct span name)
{
	return span_ieq_z(name, "received") || span_ieq_z(name, "rport");
}

/*
 * The topmost Via with its source: RFC 3261 §18.2.1 received, RFC 3581 §4 rport. Values that the client put there itself are
 * left out, since they would send the response elsewhere.
 */
static void write_top_via(struct sip_writer *w, const struct sip_via *via, const struct sip_response_params *params)
{
	struct span rest = via->params;
	struct sip_param param;

	sip_write_span(w, via->params.p ? span(via->text.p, (size_t)(via->params.p - 1 - via->text.p)) : via->text);
	while (sip_param_next(&rest, &param)) {
		if (is_ours(param.name))
			continue;
		sip_write_char(w, ';');
		sip_write_span(w, param.name);
		if (param.value.p == NULL)
			continue;
		sip_write_char(w, '=');
		if (param.is_quoted)
			sip_write_span(w, span(param.value.p - 1, param.value.n + 2));
		else
			sip_write_span(w, param.value);
	}
	sip_write_z(w, ";received=");
	sip_write_span(w, params->received);
	if (via->has_rport && params->rport) {
		sip_write_z(w, ";rport=");
		sip_write_u32(w, params->rport);
	}
}

static void write_vias(struct sip_writer *w, const struct sip_msg *request, const struct sip_response_params *params)
{
	const struct sip_header *hdr = sip_msg_find(request, SIP_HDR_VIA);
	struct span rest, top;

	if (params->received.n == 0 || !hdr || request->via.text.p == NULL) {
		sip_write_copy(w, request, SIP_HDR_VIA);
		return;
	}

	rest = hdr->value;
	sip_comma_next(&rest, &top);
	sip_write_hdr_begin(w, SIP_HDR_VIA);
	write_top_via(w, &request->via, params);
	rest = span_trim(rest);
	if (rest.n) {
		sip_write_char(w, ',');
		sip_write_span(w, rest);
	}
	sip_write_hdr_end(w);
	while ((hdr = sip_msg_find_next(request, hdr)))
		sip_write_hdr(w, SIP_HDR_VIA, hdr->value);
}

static void write_to(struct sip_writer *w, const struct sip_msg *request, struct span tag)
{
	if (request->to.p == NULL)
		return;
	sip_write_hdr_begin(w, SIP_HDR_TO);
	sip_write_span(w, request->to);
	if (tag.n && request->to_tag.n == 0) {
		sip_write_z(w, ";tag=");
		sip_write_token(w, tag);
	}
	sip_write_hdr_end(w);
}

void sip_write_response(struct sip_writer *w, const struct sip_msg *request, const struct sip_response_params *params)
{
	sip_write_status_line(w, params->status, params->reason);
	write_vias(w, request, params);
	/* The first of each: a request that has two is answered with 400, and that answer has to be well-formed. */
	sip_write_hdr(w, SIP_HDR_FROM, sip_msg_value(request, SIP_HDR_FROM));
	write_to(w, request, params->to_tag);
	sip_write_hdr(w, SIP_HDR_CALL_ID, sip_msg_value(request, SIP_HDR_CALL_ID));
	sip_write_hdr(w, SIP_HDR_CSEQ, sip_msg_value(request, SIP_HDR_CSEQ));
	if (params->status == 100)
		sip_write_copy(w, request, SIP_HDR_TIMESTAMP);
}
