/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/hdr.h"
#include "sip/lex.h"

/* Numbers of CSeq and RSeq stay below 2^31 (RFC 3261 §8.1.1.5, RFC 3262 §3). */
#define SEQ_MAX 0x7fffffffu

/*
 * Reads one parameter at the front; a ';' behind it is left. Writes into *ret member by member: a copy of a struct that has
 * just been filled has to wait for the stores, and this is the most called function of the parser.
 */
static bool read_param(struct span *s, struct sip_param *ret)
{
	ret->name = lex_class(s, CH_TOKEN);
	ret->value = (struct span){0};
	ret->is_quoted = false;
	if (ret->name.n == 0)
		return false;
	if (s->n && s->p[0] != ';' && lex_sep(s, '=')) {
		ret->is_quoted = s->n && s->p[0] == '"';
		if (!ret->is_quoted)
			ret->value = lex_class(s, CH_VALUE);
		else if (!lex_quoted(s, &ret->value))
			return false;
	}
	lex_space(s);

	return s->n == 0 || s->p[0] == ';';
}

bool sip_param_next(struct span *rest, struct sip_param *ret)
{
	/* ";;" and a ';' at the end are seen in the wild and mean nothing. */
	while (rest->n && (rest->p[0] == ';' || ch_is(rest->p[0], CH_SPACE)))
		lex_skip(rest, 1);
	if (rest->n == 0)
		return false;
	if (read_param(rest, ret))
		return true;

	/* Something is left for the caller to see, even if the fault is an end that came too early. */
	if (rest->n == 0) {
		rest->p--;
		rest->n = 1;
	}
	return false;
}

bool sip_param_find(struct span params, const char *name, struct span *ret)
{
	struct sip_param param;

	while (sip_param_next(&params, &param)) {
		if (!span_ieq_z(param.name, name))
			continue;
		if (ret)
			*ret = param.value.p ? param.value : span(param.name.p + param.name.n, 0);
		return true;
	}

	return false;
}

bool sip_param_u32(struct span params, const char *name, uint32_t *ret)
{
	struct span value;

	return sip_param_find(params, name, &value) && span_u32(value, ret);
}

bool sip_params_are_valid(struct span params)
{
	struct sip_param param;

	while (sip_param_next(&params, &param)) {
	}

	return params.n == 0;
}

int sip_unquote(struct span text, char *buf, size_t cap, struct span *ret)
{
	size_t n = 0;

	if (span_find(text, '\\') == text.n) {
		*ret = text;
		return 0;
	}

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\' && i + 1 < text.n)
			i++;
		if (n == cap)
			return -TR_ETOOBIG;
		buf[n++] = text.p[i];
	}
	*ret = span(buf, n);

	return 0;
}

/*
 * Bytes of an element up to a comma outside of "" and <>. Behind a quote that does not end there is only one element: looking
 * on for commas would cost the square of a hostile value's length.
 */
static size_t comma_find(struct span s)
{
	struct span inside;
	bool in_angle = false;

	for (struct span at = s; at.n;) {
		char c = at.p[0];

		if (c == '"' && !in_angle) {
			if (!lex_quoted(&at, &inside))
				return s.n;
			continue;
		}
		if (c == '<')
			in_angle = true;
		else if (c == '>')
			in_angle = false;
		else if (c == ',' && !in_angle)
			return s.n - at.n;
		lex_skip(&at, 1);
	}

	return s.n;
}

bool sip_comma_next(struct span *rest, struct span *ret)
{
	while (rest->n) {
		size_t n = comma_find(*rest);
		struct span item = lex_trim(span(rest->p, n));

		lex_skip(rest, n < rest->n ? n + 1 : n);
		if (item.n) {
			*ret = item;
			return true;
		}
	}

	return false;
}

bool sip_tokens_have(struct span value, const char *token)
{
	struct span item;

	while (sip_comma_next(&value, &item)) {
		struct span word = lex_class(&item, CH_TOKEN);

		if (span_ieq_z(word, token))
			return true;
	}

	return false;
}

/* "123 INVITE": a number and a method with white space between. */
static int parse_seq_method(struct span *s, uint32_t *ret_number, struct span *ret_method)
{
	uint32_t number;
	struct span method;

	if (!lex_u32(s, &number) || number > SEQ_MAX || s->n == 0 || !ch_is(s->p[0], CH_SPACE))
		return -TR_EPARSE;
	lex_space(s);
	method = lex_class(s, CH_TOKEN);
	lex_space(s);
	if (method.n == 0 || s->n)
		return -TR_EPARSE;

	*ret_number = number;
	*ret_method = method;
	return 0;
}

/* RFC 3261 §20.16. */
int sip_cseq_parse(struct sip_cseq *ret, struct span value)
{
	struct sip_cseq cseq;

	lex_space(&value);
	if (parse_seq_method(&value, &cseq.number, &cseq.method_name))
		return -TR_EPARSE;
	cseq.method = sip_method_find(cseq.method_name);

	*ret = cseq;
	return 0;
}

int sip_rack_parse(struct sip_rack *ret, struct span value)
{
	struct sip_rack rack;

	lex_space(&value);
	if (!lex_u32(&value, &rack.rseq) || value.n == 0 || !ch_is(value.p[0], CH_SPACE))
		return -TR_EPARSE;
	lex_space(&value);
	if (parse_seq_method(&value, &rack.cseq, &rack.method_name))
		return -TR_EPARSE;
	rack.method = sip_method_find(rack.method_name);

	*ret = rack;
	return 0;
}

/* A number at the front; behind it nothing, white space, parameters or a comment. */
static int parse_number(struct span *s, uint32_t *ret)
{
	uint32_t number;

	lex_space(s);
	if (!lex_u32(s, &number))
		return -TR_EPARSE;
	lex_space(s);
	if (s->n && s->p[0] != ';' && s->p[0] != '(')
		return -TR_EPARSE;

	*ret = number;
	return 0;
}

int sip_number_parse(uint32_t *ret, struct span value)
{
	return parse_number(&value, ret);
}

int sip_session_expires_parse(struct sip_session_expires *ret, struct span value)
{
	struct sip_session_expires se = {0};
	struct span refresher = {0};

	if (parse_number(&value, &se.interval) || (value.n && !lex_char(&value, ';')))
		return -TR_EPARSE;
	se.params = value;
	if (!sip_params_are_valid(value))
		return -TR_EPARSE;
	sip_param_find(value, "refresher", &refresher);
	if (span_ieq_z(refresher, "uac"))
		se.refresher = SIP_REFRESHER_UAC;
	else if (span_ieq_z(refresher, "uas"))
		se.refresher = SIP_REFRESHER_UAS;

	*ret = se;
	return 0;
}

/* Text up to ';' without the white space around it; the parameters go into *ret_params. */
static struct span cut_params(struct span value, struct span *ret_params)
{
	size_t n = span_find(value, ';');

	*ret_params = n < value.n ? span(value.p + n + 1, value.n - n - 1) : (struct span){0};

	return lex_trim(span(value.p, n));
}

int sip_replaces_parse(struct sip_replaces *ret, struct span value)
{
	struct sip_replaces replaces = {0};
	struct span params;

	replaces.call_id = cut_params(value, &params);
	if (replaces.call_id.n == 0 || !sip_params_are_valid(params))
		return -TR_EPARSE;
	if (!sip_param_find(params, "to-tag", &replaces.to_tag) || replaces.to_tag.n == 0)
		return -TR_EPARSE;
	if (!sip_param_find(params, "from-tag", &replaces.from_tag) || replaces.from_tag.n == 0)
		return -TR_EPARSE;
	replaces.is_early_only = sip_param_find(params, "early-only", NULL);

	*ret = replaces;
	return 0;
}

/* RFC 3261 §25.1 comment: parentheses nest, a backslash escapes. */
static bool read_comment(struct span *s, struct span *ret)
{
	int depth = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->p[i] == '\\') {
			i++;
		} else if (s->p[i] == '(') {
			depth++;
		} else if (s->p[i] == ')' && --depth == 0) {
			*ret = span(s->p + 1, i - 1);
			lex_skip(s, i + 1);
			return true;
		}
	}

	return false;
}

int sip_retry_after_parse(struct sip_retry_after *ret, struct span value)
{
	struct sip_retry_after ra = {0};

	if (parse_number(&value, &ra.seconds))
		return -TR_EPARSE;
	if (value.n && value.p[0] == '(' && !read_comment(&value, &ra.comment))
		return -TR_EPARSE;
	lex_space(&value);
	if (value.n && value.p[0] != ';')
		return -TR_EPARSE;
	sip_param_u32(value, "duration", &ra.duration);

	*ret = ra;
	return 0;
}

/* "token *(;param)". */
static int parse_token_params(struct span value, struct span *ret_token, struct span *ret_params)
{
	struct span token = cut_params(value, ret_params), rest = token;

	lex_class(&rest, CH_TOKEN);
	if (token.n == 0 || rest.n || !sip_params_are_valid(*ret_params))
		return -TR_EPARSE;
	*ret_token = token;

	return 0;
}

int sip_event_parse(struct sip_event *ret, struct span value)
{
	struct sip_event event = {0};

	if (parse_token_params(value, &event.package, &event.params))
		return -TR_EPARSE;
	sip_param_find(event.params, "id", &event.id);

	*ret = event;
	return 0;
}

int sip_subscription_state_parse(struct sip_subscription_state *ret, struct span value)
{
	struct sip_subscription_state state = {0};
	struct span params;

	if (parse_token_params(value, &state.state, &params))
		return -TR_EPARSE;
	state.is_active = span_ieq_z(state.state, "active");
	state.is_pending = span_ieq_z(state.state, "pending");
	state.is_terminated = span_ieq_z(state.state, "terminated");
	state.has_expires = sip_param_u32(params, "expires", &state.expires);
	sip_param_u32(params, "retry-after", &state.retry_after);
	sip_param_find(params, "reason", &state.reason);

	*ret = state;
	return 0;
}

int sip_content_type_parse(struct sip_content_type *ret, struct span value)
{
	struct sip_content_type ct = {0};

	lex_space(&value);
	ct.type = lex_class(&value, CH_TOKEN);
	if (ct.type.n == 0 || !lex_sep(&value, '/'))
		return -TR_EPARSE;
	ct.subtype = lex_class(&value, CH_TOKEN);
	lex_space(&value);
	if (ct.subtype.n == 0 || (value.n && !lex_char(&value, ';')) || !sip_params_are_valid(value))
		return -TR_EPARSE;
	ct.params = value;

	*ret = ct;
	return 0;
}

bool sip_content_type_is(const struct sip_content_type *ct, const char *type, const char *subtype)
{
	return span_ieq_z(ct->type, type) && span_ieq_z(ct->subtype, subtype);
}

int sip_reason_parse(struct sip_reason *ret, struct span value)
{
	struct sip_reason reason = {0};
	struct span params;

	if (parse_token_params(value, &reason.protocol, &params))
		return -TR_EPARSE;
	sip_param_u32(params, "cause", &reason.cause);
	sip_param_find(params, "text", &reason.text);

	*ret = reason;
	return 0;
}
