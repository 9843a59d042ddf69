/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "sip/hdr.h"
#include "sip/write.h"

/* One header value through every typed parser: spans lie inside, numbers within their bounds, lists and parameters end. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span input;

static void inside(struct span s)
{
	assert(s.p == NULL ? s.n == 0 : s.p >= input.p && s.p + s.n <= input.p + input.n);
}

static void check_params(struct span params)
{
	struct span rest = params;
	struct sip_param param;
	size_t n = 0;

	while (sip_param_next(&rest, &param)) {
		inside(param.name);
		inside(param.value);
		assert(param.name.n > 0 && ++n <= params.n);
	}
	assert(sip_params_are_valid(params) == (rest.n == 0));
}

static void check_addresses(struct span value)
{
	char buf[256];
	struct sip_name_addr addr;
	struct sip_contact contact;
	struct span out, tag;

	if (sip_name_addr_parse(&addr, value) == 0) {
		inside(addr.display);
		inside(addr.uri.text);
		inside(addr.tag);
		check_params(addr.params);
		if (sip_unquote(addr.display, buf, sizeof(buf), &out) == 0)
			assert(out.n <= addr.display.n);
		assert(sip_party_tag(&tag, value) == 0 && tag.p == addr.tag.p && tag.n == addr.tag.n);
	}
	if (sip_contact_parse(&contact, value) == 0)
		assert(contact.q <= 1000);
}

static void check_via(struct span value)
{
	struct sip_via via;

	if (sip_via_parse(&via, value))
		return;
	inside(via.text);
	inside(via.host);
	inside(via.branch);
	inside(via.received);
	inside(via.maddr);
	check_params(via.params);
	assert(via.host.n && via.ttl >= -1 && via.ttl <= 255 && (via.has_rport || via.rport == 0));
}

static void check_numbers(struct span value)
{
	struct sip_cseq cseq;
	struct sip_rack rack;
	struct sip_session_expires se;
	struct sip_retry_after ra;
	uint32_t n;

	if (sip_cseq_parse(&cseq, value) == 0)
		assert(cseq.number <= 0x7fffffff && sip_text_is_token(cseq.method_name));
	if (sip_rack_parse(&rack, value) == 0)
		assert(rack.cseq <= 0x7fffffff && sip_text_is_token(rack.method_name));
	if (sip_session_expires_parse(&se, value) == 0)
		check_params(se.params);
	if (sip_retry_after_parse(&ra, value) == 0)
		inside(ra.comment);
	(void)!sip_number_parse(&n, value);
}

static void check_others(struct span value)
{
	struct sip_replaces replaces;
	struct sip_event event;
	struct sip_subscription_state state;
	struct sip_content_type ct;
	struct sip_reason reason;

	if (sip_replaces_parse(&replaces, value) == 0)
		assert(replaces.call_id.n && replaces.to_tag.n && replaces.from_tag.n);
	if (sip_event_parse(&event, value) == 0)
		assert(sip_text_is_token(event.package));
	if (sip_subscription_state_parse(&state, value) == 0)
		assert(state.is_active + state.is_pending + state.is_terminated <= 1);
	if (sip_content_type_parse(&ct, value) == 0)
		assert(sip_text_is_token(ct.type) && sip_text_is_token(ct.subtype));
	if (sip_reason_parse(&reason, value) == 0)
		inside(reason.text);
	(void)sip_tokens_have(value, "100rel");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest, item;
	size_t n = 0;

	input = span((const char *)data, size);
	check_addresses(input);
	check_via(input);
	check_numbers(input);
	check_others(input);
	check_params(input);
	rest = input;
	while (sip_comma_next(&rest, &item)) {
		inside(item);
		assert(item.n && ++n <= size);
		check_addresses(item);
		check_via(item);
	}

	return 0;
}
