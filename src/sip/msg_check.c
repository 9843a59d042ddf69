/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/lex.h"
#include "sip/msg.h"

/*
 * The second stage: the grammar of what a request that creates something will use. Headers that we only show or log (Date,
 * P-Asserted-Identity, Alert-Info ...) are not held against a call: their readers treat what does not parse as absent.
 */

struct check {
	enum sip_hdr_id id;
	bool is_single;	/* may stand once only */
	bool (*is_valid)(const struct sip_msg *msg, struct span value);
	const char *text;
};

static bool is_via(const struct sip_msg *msg, struct span value)
{
	struct sip_via via;

	return sip_via_parse(&via, value) == 0;
}

static bool is_party(const struct sip_msg *msg, struct span value)
{
	struct sip_name_addr addr;

	return sip_name_addr_parse(&addr, value) == 0 && sip_params_are_valid(addr.params);
}

/* RFC 3261 §20.34: Route needs <>, since its parameters are the URI's. */
static bool is_route(const struct sip_msg *msg, struct span value)
{
	struct sip_name_addr addr;

	return sip_name_addr_parse(&addr, value) == 0 && addr.is_angled && sip_params_are_valid(addr.params);
}

/* RFC 3261 §10.2.2: "*" only in REGISTER, and then alone. */
static bool is_contact(const struct sip_msg *msg, struct span value)
{
	struct sip_contact contact;

	if (sip_contact_parse(&contact, value))
		return false;
	if (contact.is_star)
		return msg->method == SIP_REGISTER && span_eq_z(sip_msg_value(msg, SIP_HDR_CONTACT), "*") &&
			sip_msg_find(msg, SIP_HDR_CONTACT)->next == SIP_HDR_NONE;

	return sip_params_are_valid(contact.addr.params);
}

static bool is_content_type(const struct sip_msg *msg, struct span value)
{
	struct sip_content_type ct;

	return sip_content_type_parse(&ct, value) == 0;
}

static bool is_rack(const struct sip_msg *msg, struct span value)
{
	struct sip_rack rack;

	return sip_rack_parse(&rack, value) == 0;
}

static bool is_replaces(const struct sip_msg *msg, struct span value)
{
	struct sip_replaces replaces;

	return sip_replaces_parse(&replaces, value) == 0;
}

static bool is_session_expires(const struct sip_msg *msg, struct span value)
{
	struct sip_session_expires se;

	return sip_session_expires_parse(&se, value) == 0;
}

static bool is_number(const struct sip_msg *msg, struct span value)
{
	uint32_t n;

	return sip_number_parse(&n, value) == 0;
}

static bool is_event(const struct sip_msg *msg, struct span value)
{
	struct sip_event event;

	return sip_event_parse(&event, value) == 0;
}

static bool is_subscription_state(const struct sip_msg *msg, struct span value)
{
	struct sip_subscription_state state;

	return sip_subscription_state_parse(&state, value) == 0;
}

static bool is_token(const struct sip_msg *msg, struct span value)
{
	lex_class(&value, CH_TOKEN);

	return value.n == 0;
}

static const struct check checks[] = {
	{SIP_HDR_VIA, false, is_via, "a Via does not parse"},
	{SIP_HDR_FROM, true, is_party, "From does not parse"},
	{SIP_HDR_TO, true, is_party, "To does not parse"},
	{SIP_HDR_ROUTE, false, is_route, "a Route is not an address in <>"},
	{SIP_HDR_RECORD_ROUTE, false, is_route, "a Record-Route is not an address in <>"},
	{SIP_HDR_PATH, false, is_route, "a Path is not an address in <>"},
	{SIP_HDR_SERVICE_ROUTE, false, is_route, "a Service-Route is not an address in <>"},
	{SIP_HDR_CONTACT, false, is_contact, "a Contact does not parse"},
	{SIP_HDR_CONTENT_TYPE, true, is_content_type, "Content-Type is not one type"},
	{SIP_HDR_REQUIRE, false, is_token, "Require is not a list of option tags"},
	{SIP_HDR_RACK, true, is_rack, "RAck does not parse"},
	{SIP_HDR_RSEQ, true, is_number, "RSeq is not a number"},
	{SIP_HDR_REFER_TO, true, is_party, "Refer-To is not one address"},
	{SIP_HDR_REPLACES, true, is_replaces, "Replaces does not parse"},
	{SIP_HDR_SESSION_EXPIRES, true, is_session_expires, "Session-Expires does not parse"},
	{SIP_HDR_MIN_SE, true, is_number, "Min-SE is not a number"},
	{SIP_HDR_EVENT, true, is_event, "Event does not parse"},
	{SIP_HDR_SUBSCRIPTION_STATE, true, is_subscription_state, "Subscription-State does not parse"},
};

static int refuse(struct sip_parse_error *ret, uint16_t status, enum sip_hdr_id hdr, const char *text)
{
	*ret = (struct sip_parse_error){status, text, hdr};

	return -TR_EPARSE;
}

/* RFC 3261 §8.2.2.1 for the scheme; §19.1.1: a Request-URI has no '?' part (RFC 4475 §3.1.2.11). */
static int check_request_uri(const struct sip_msg *msg, struct sip_parse_error *ret)
{
	if (msg->uri.scheme == SIP_SCHEME_OTHER)
		return refuse(ret, 416, SIP_HDR_OTHER, "the scheme of the Request-URI is not known");
	if (msg->uri.headers.p)
		return refuse(ret, 400, SIP_HDR_OTHER, "the Request-URI contains headers");

	return 0;
}

static int check_header(const struct sip_msg *msg, const struct check *check, struct sip_parse_error *ret)
{
	const struct sip_header *hdr = sip_msg_find(msg, check->id);
	struct sip_list it;
	struct span value;
	size_t count = 0;

	if (!hdr)
		return 0;
	if (check->is_single && hdr->next != SIP_HDR_NONE)
		return refuse(ret, 400, check->id, check->text);

	sip_list_init(&it, msg, check->id);
	while (sip_list_next(&it, &value)) {
		if (++count > LIMIT_SIP_VIAS || !check->is_valid(msg, value))
			return refuse(ret, 400, check->id, check->text);
	}

	return count ? 0 : refuse(ret, 400, check->id, check->text);
}

int sip_msg_check(const struct sip_msg *msg, struct sip_parse_error *ret)
{
	int err = msg->is_request ? check_request_uri(msg, ret) : 0;

	for (size_t i = 0; i < ARRAY_LEN(checks) && !err; i++) {
		/* An empty Require or the like asks for nothing. */
		if (checks[i].id == SIP_HDR_REQUIRE && sip_msg_value(msg, SIP_HDR_REQUIRE).n == 0)
			continue;
		err = check_header(msg, &checks[i], ret);
	}

	return err;
}
