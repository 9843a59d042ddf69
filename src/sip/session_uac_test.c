/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/testlab.h"

/* Calls that we place, against a peer whose every word the test writes. */

static struct lab lab;
static struct lab_node *us;

static int set_up(void **state)
{
	lab_init(&lab, 23);
	lab.is_traced = getenv("TIPRING_TRACE") != NULL;
	us = lab_add(&lab, NULL);

	return 0;
}

static int tear_down(void **state)
{
	lab_done(&lab);

	return 0;
}

#define CONTACT "Contact: <sip:bob@192.0.2.99>\n"
#define RELIABLE "Require: 100rel\nRSeq: "

/* A call of ours; returns the INVITE, which the caller frees. */
static char *invite(const char *sdp)
{
	lab_call(us, NULL, sdp);

	return span_dup(span_z(lab_raw(&lab, -1)));
}

static void finish(void)
{
	if (us->last)
		sip_session_hangup(us->last, (struct span){0}, lab.now);
	lab_wait(&lab, 120000);
	lab_assert_empty(&lab);
}

static void call_up(const char *more)
{
	char headers[512];
	char *request = invite("offer");

	snprintf(headers, sizeof(headers), "%s%s", CONTACT, more);
	lab_answer(us, request, "200 OK", "r", headers, "answer");
	assert_int_equal(lab_count(us, SIP_EV_ANSWERED), 1);
	free(request);
	lab_raw_forget(&lab);
}

/* ---- where to and with what ---- */

static void a_call_may_be_sent_elsewhere_than_its_target(void **state)
{
	struct sip_dest dest = {.transport = SIP_UDP};
	struct sip_invite inv = {.account = us->account, .target = SPAN_LIT("sip:200@pbx.example.com"), .sdp = SPAN_LIT("offer"), .dest = &dest};
	struct sip_session *s;
	struct sip_session_info info;

	assert_true(addr_parse_ip(SPAN_LIT("192.0.2.77"), 5070, &dest.addr));
	assert_int_equal(sip_session_invite(us->stack, &inv, lab.now, &s), 0);
	lab_drain(&lab);
	assert_int_equal(strncmp(lab_raw(&lab, 0), "INVITE sip:200@pbx.example.com SIP/2.0", 38), 0);
	assert_true(addr_eq(&lab.raw_dest[0].addr, &dest.addr));
	sip_session_get_info(s, &info);
	assert_true(info.is_silent);
	lab_answer(us, lab_raw(&lab, 0), "100 Trying", NULL, "", NULL);
	sip_session_get_info(s, &info);
	assert_false(info.is_silent);
	us->last = s;
	finish();
}

/* 3CX: no PRACK. What is not offered is not used either. */
static void an_account_may_do_without_100rel_and_timer(void **state)
{
	struct sip_account_params p = {.aor = SPAN_LIT("sip:a@192.0.2.99"), .sent_by = SPAN_LIT("192.0.2.10:5060"), .no_100rel = true,
		.no_session_timer = true};
	struct sip_account *account;
	struct sip_invite inv = {.target = SPAN_LIT("sip:bob@192.0.2.99"), .sdp = SPAN_LIT("offer")};
	struct sip_session *s;

	assert_int_equal(sip_account_new(us->stack, &p, &account), 0);
	inv.account = account;
	assert_int_equal(sip_session_invite(us->stack, &inv, lab.now, &s), 0);
	sip_account_unref(account);
	lab_drain(&lab);
	assert_null(strstr(lab_header(lab_raw(&lab, 0), "Supported"), "100rel"));
	assert_null(strstr(lab_raw(&lab, 0), "Session-Expires"));
	lab_answer(us, lab_raw(&lab, 0), "183 Session Progress", "r", CONTACT RELIABLE "1\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "PRACK"), 0);
	us->last = s;
	finish();
}

/* ---- endings ---- */

/* RFC 3665 §3.6: a redirection is the user's business; its Contacts are in the message. */
static void on_redirect(struct lab_node *node, const struct sip_stack_event *ev)
{
	struct sip_contact c;

	if (ev->type != SIP_EV_ENDED)
		return;
	assert_int_equal(sip_contact_parse(&c, sip_msg_value(ev->msg, SIP_HDR_CONTACT)), 0);
	assert_span_equal(c.addr.uri.text, "sip:other@192.0.2.98");
	node->user = node;
}

static void a_redirection_ends_the_call_with_its_contacts(void **state)
{
	char *request = invite("offer");

	us->on_event = on_redirect;
	lab_answer(us, request, "302 Moved", "r", "Contact: <sip:other@192.0.2.98>\n", NULL);
	assert_ptr_equal(us->user, us);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_REMOTE);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->status, 302);
	free(request);
	finish();
}

/* RFC 3261 §9.1: no CANCEL before a provisional response; then with the INVITE's branch. RFC 3665 §3.8. */
static void cancel_waits_for_a_1xx(void **state)
{
	char *request = invite("offer");

	sip_session_hangup(us->last, SPAN_LIT("SIP;cause=200;text=\"elsewhere\""), lab.now);
	lab_wait(&lab, 100);
	assert_int_equal(lab_raw_count(&lab, "CANCEL"), 0);
	lab_answer(us, request, "100 Trying", NULL, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "CANCEL"), 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Via"), lab_header(request, "Via"));
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Reason"), "SIP;cause=200;text=\"elsewhere\"");
	lab_answer(us, lab_raw(&lab, -1), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 0);
	lab_answer(us, request, "487 Request Terminated", "r", NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_LOCAL);
	assert_int_equal(lab_raw_count(&lab, "ACK"), 1);
	free(request);
	finish();
}

/* RFC 3261 §9.1: the 200 was quicker than the CANCEL. */
static void a_2xx_that_crosses_cancel_gets_ack_and_bye(void **state)
{
	char *request = invite("offer");

	lab_answer(us, request, "180 Ringing", "r", CONTACT, NULL);
	sip_session_hangup(us->last, (struct span){0}, lab.now);
	lab_wait(&lab, 1);
	assert_int_equal(lab_raw_count(&lab, "CANCEL"), 1);
	lab_answer(us, request, "200 OK", "r", CONTACT, "answer");
	assert_int_equal(lab_raw_count(&lab, "ACK sip:bob@192.0.2.99 "), 1);
	assert_int_equal(lab_raw_count(&lab, "BYE sip:bob@192.0.2.99 "), 1);
	assert_int_equal(lab_count(us, SIP_EV_ANSWERED), 0);
	lab_answer(us, lab_raw(&lab, -1), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_LOCAL);
	free(request);
	finish();
}

/* RFC 3261 §9.1: a peer that answers CANCEL and then forgets the INVITE. */
static void a_cancel_without_487_ends_after_64_t1(void **state)
{
	char *request = invite("offer");

	lab_answer(us, request, "180 Ringing", "r", CONTACT, NULL);
	sip_session_hangup(us->last, (struct span){0}, lab.now);
	lab_wait(&lab, 1);
	lab_answer(us, lab_raw_last(&lab, "CANCEL"), "200 OK", NULL, NULL, NULL);
	lab_wait(&lab, 33000);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_LOCAL);
	free(request);
	finish();
}

/* RFC 3261 §13.2.1: Expires of the INVITE. */
static void expires_cancels(void **state)
{
	struct sip_invite inv = {.account = us->account, .target = SPAN_LIT("sip:b@192.0.2.99"), .sdp = SPAN_LIT("o"),
				 .expires_s = 20};

	assert_int_equal(sip_session_invite(us->stack, &inv, lab.now, &us->last), 0);
	lab_drain(&lab);
	assert_string_equal(lab_header(lab_raw(&lab, 0), "Expires"), "20");
	lab_answer(us, lab_raw(&lab, 0), "180 Ringing", "r", CONTACT, NULL);
	lab_wait(&lab, 20100);
	assert_int_equal(lab_raw_count(&lab, "CANCEL"), 1);
	lab_answer(us, lab_raw(&lab, 0), "487 No", "r", NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_TIMEOUT);
	finish();
}

/* ---- dialogs ---- */

/* RFC 3261 §13.2.2.4: the first 2xx wins; the other fork is acknowledged and ended, each time it repeats itself. */
static void the_second_fork_that_answers_is_ended(void **state)
{
	char *request = invite("offer");

	lab_answer(us, request, "180 Ringing", "one", CONTACT, NULL);
	lab_answer(us, request, "183 Progress", "two", "Contact: <sip:two@192.0.2.99>\n", "early");
	assert_int_equal(lab_last(us, SIP_EV_PROGRESS)->fork, 1);
	assert_string_equal(lab_last(us, SIP_EV_PROGRESS)->sdp, "early");
	lab_answer(us, request, "200 OK", "one", CONTACT, "answer");
	assert_int_equal(lab_last(us, SIP_EV_ANSWERED)->fork, 0);
	lab_answer(us, request, "200 OK", "two", "Contact: <sip:two@192.0.2.99>\n", "answer two");
	assert_int_equal(lab_raw_count(&lab, "ACK sip:bob@192.0.2.99 "), 1);
	assert_int_equal(lab_raw_count(&lab, "ACK sip:two@192.0.2.99 "), 1);
	assert_int_equal(lab_raw_count(&lab, "BYE sip:two@192.0.2.99 "), 1);
	lab_answer(us, request, "200 OK", "two", "Contact: <sip:two@192.0.2.99>\n", "answer two");
	assert_int_equal(lab_raw_count(&lab, "ACK sip:two@192.0.2.99 "), 2);
	assert_int_equal(lab_raw_count(&lab, "BYE sip:two@192.0.2.99 "), 1);
	assert_int_equal(lab_count(us, SIP_EV_ANSWERED), 1);
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 0);
	free(request);
	lab_raw_forget(&lab);
	finish();
}

/* More forks than the limit: kept apart up to it, never more. */
static void forks_are_bounded(void **state)
{
	char tag[16], *request = invite("offer");
	struct sip_stack_stats st;

	for (int i = 0; i < 40; i++) {
		snprintf(tag, sizeof(tag), "t%d", i);
		lab_answer(us, request, "180 Ringing", tag, CONTACT, NULL);
	}
	sip_stack_stats(us->stack, &st);
	assert_int_equal(st.live_dialogs, LIMIT_SIP_FORKS);
	free(request);
}

/* RFC 3261 §12.1.2, §12.2.1.1: Record-Route reversed; the Contact is used whole, as 3CX wants its rinstance back. */
static void the_route_set_is_reversed_and_the_contact_whole(void **state)
{
	char *request = invite("offer");

	lab_answer(us, request, "200 OK", "r",
		   "Record-Route: <sip:192.0.2.97;lr;x=1>, <sip:192.0.2.96;lr>\n"
		   "Contact: \"B\" <sip:200@10.0.0.9:5062;rinstance=ab12CD;ob>;q=1\n",
		   "answer");
	assert_int_equal(lab_raw_count(&lab, "ACK sip:200@10.0.0.9:5062;rinstance=ab12CD;ob SIP/2.0"), 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Route"), "<sip:192.0.2.96;lr>, <sip:192.0.2.97;lr;x=1>");
	assert_int_equal(lab.raw_dest[lab.raw_count - 1].addr.v4.sin_addr.s_addr, htonl(0xc0000260));
	free(request);
	lab_raw_forget(&lab);
	finish();
}

/* RFC 3261 §12.2.1.1, §16.12.1.2: a strict router gets itself as Request-URI, and the target as last Route. */
static void a_strict_router_is_addressed_itself(void **state)
{
	char *request = invite("offer");

	lab_answer(us, request, "200 OK", "r",
		   "Record-Route: <sip:192.0.2.97;lr>, <sip:192.0.2.96>\n"
		   "Contact: <sip:200@192.0.2.95>\n", "answer");
	assert_int_equal(lab_raw_count(&lab, "ACK sip:192.0.2.96 SIP/2.0"), 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Route"), "<sip:192.0.2.97;lr>, <sip:200@192.0.2.95>");
	free(request);
	lab_raw_forget(&lab);
	finish();
}

/* RFC 3581 in spirit: a private Contact that came from a public address is behind a NAT. */
static void a_private_contact_is_answered_at_its_source(void **state)
{
	struct addr source;
	char *request = invite("offer");

	assert_true(addr_parse(SPAN_LIT(LAB_RAW_ADDR), 0, &source));
	lab_answer(us, request, "200 OK", "r", "Contact: <sip:bob@192.168.1.4>\n", "answer");
	assert_int_equal(lab_raw_count(&lab, "ACK sip:bob@192.168.1.4 "), 1);
	assert_true(addr_eq(&lab.raw_dest[lab.raw_count - 1].addr, &source));
	free(request);
	lab_raw_forget(&lab);
	finish();
}

/* ---- credentials ---- */

#define CHALLENGE_401 "WWW-Authenticate: Digest realm=\"asterisk\",nonce=\"n1\",qop=\"auth\",algorithm=MD5\n"
#define CHALLENGE_407 "Proxy-Authenticate: Digest realm=\"3CXPhoneSystem\",nonce=\"p1\",algorithm=MD5\n"

/* RFC 3261 §22.2, §22.3: a proxy and a server with realms of their own; §22.1: ACK repeats the credentials. */
static void a_proxy_and_a_server_may_both_challenge(void **state)
{
	char *first = invite("offer"), *second, *third;

	lab_answer(us, first, "407 Proxy", "p", CHALLENGE_407, NULL);
	second = span_dup(span_z(lab_raw(&lab, -1)));
	assert_non_null(strstr(lab_header(second, "Proxy-Authorization"), "realm=\"3CXPhoneSystem\""));
	assert_string_equal(lab_header(second, "Call-ID"), lab_header(first, "Call-ID"));
	assert_string_equal(lab_header(second, "From"), lab_header(first, "From"));
	assert_int_equal(strtoul(lab_header(second, "CSeq"), NULL, 10), strtoul(lab_header(first, "CSeq"), NULL, 10) + 1);
	lab_answer(us, second, "401 Unauthorized", "s", CHALLENGE_401, NULL);
	third = span_dup(span_z(lab_raw(&lab, -1)));
	assert_non_null(strstr(lab_header(third, "Authorization"), "realm=\"asterisk\""));
	assert_non_null(strstr(lab_header(third, "Proxy-Authorization"), "nonce=\"p1\""));
	assert_non_null(strstr(third, "\r\n\r\noffer"));
	lab_answer(us, third, "200 OK", "r", CONTACT, "answer");
	assert_int_equal(lab_raw_count(&lab, "ACK"), 3);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Authorization"), lab_header(third, "Authorization"));
	/* Requests of the call carry them ahead, with the next nonce count. */
	sip_session_hangup(us->last, (struct span){0}, lab.now);
	lab_wait(&lab, 1);
	assert_non_null(strstr(lab_header(lab_raw_last(&lab, "BYE"), "Authorization"), "nc=00000002"));
	lab_answer(us, lab_raw_last(&lab, "BYE"), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 1);
	free(first);
	free(second);
	free(third);
	finish();
}

static void refused_credentials_end_the_call(void **state)
{
	char *request = invite("offer");

	lab_answer(us, request, "401 Unauthorized", "s", CHALLENGE_401, NULL);
	lab_answer(us, lab_raw(&lab, -1), "401 Unauthorized", "s",
		   "WWW-Authenticate: Digest realm=\"asterisk\",nonce=\"n2\",qop=\"auth\",algorithm=MD5\n", NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_AUTH);
	assert_int_equal(lab_raw_count(&lab, "INVITE"), 2);
	free(request);
	finish();
}

/* RFC 7616 §3.3: stale=true is no refusal. */
static void a_stale_nonce_is_replaced(void **state)
{
	char *request = invite("offer");

	lab_answer(us, request, "401 Unauthorized", "s", CHALLENGE_401, NULL);
	lab_answer(us, lab_raw(&lab, -1), "401 Unauthorized", "s",
		   "WWW-Authenticate: Digest realm=\"asterisk\",nonce=\"n2\",stale=true,qop=\"auth\",algorithm=MD5\n", NULL);
	assert_non_null(strstr(lab_header(lab_raw(&lab, -1), "Authorization"), "nonce=\"n2\""));
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 0);
	free(request);
}

/* ---- offers ---- */

/* RFC 3261 §13.2.1: no offer in the INVITE, so it is in the 2xx, and the ACK carries our answer; not before we have one. */
static void a_late_offer_is_answered_in_the_ack(void **state)
{
	char *request = invite("");

	lab_answer(us, request, "200 OK", "r", CONTACT, "their offer");
	assert_int_equal(lab_count(us, SIP_EV_ANSWERED), 1);
	assert_string_equal(lab_last(us, SIP_EV_OFFER)->sdp, "their offer");
	assert_int_equal(lab_raw_count(&lab, "ACK"), 0);
	lab_answer(us, request, "200 OK", "r", CONTACT, "their offer");
	assert_int_equal(lab_raw_count(&lab, "ACK"), 0);
	assert_int_equal(sip_session_answer(us->last, SPAN_LIT("our answer"), lab.now), 0);
	lab_wait(&lab, 1);
	assert_non_null(strstr(lab_raw_last(&lab, "ACK"), "\r\n\r\nour answer"));
	lab_answer(us, request, "200 OK", "r", CONTACT, "their offer");
	assert_int_equal(lab_raw_count(&lab, "ACK"), 2);
	free(request);
	lab_raw_forget(&lab);
	finish();
}

/* RFC 3261 §13.2.1: a 2xx must answer. */
static void a_2xx_without_answer_ends_the_call(void **state)
{
	char *request = invite("offer");

	lab_answer(us, request, "200 OK", "r", CONTACT, NULL);
	assert_int_equal(lab_raw_count(&lab, "ACK"), 1);
	assert_int_equal(lab_raw_count(&lab, "BYE"), 1);
	lab_answer(us, lab_raw_last(&lab, "BYE"), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_PROTOCOL);
	free(request);
	finish();
}

/* RFC 3262 §4: RAck names RSeq and CSeq; repetitions and gaps are passed over. */
static void a_reliable_1xx_is_acknowledged_in_order(void **state)
{
	char *request = invite("offer"), want[64];

	lab_answer(us, request, "183 Progress", "r", CONTACT RELIABLE "700\n", "answer");
	snprintf(want, sizeof(want), "700 %s", lab_header(request, "CSeq"));
	assert_string_equal(lab_header(lab_raw_last(&lab, "PRACK"), "RAck"), want);
	assert_string_equal(lab_last(us, SIP_EV_PROGRESS)->sdp, "answer");
	lab_answer(us, lab_raw_last(&lab, "PRACK"), "200 OK", NULL, NULL, NULL);
	lab_answer(us, request, "183 Progress", "r", CONTACT RELIABLE "700\n", "answer");
	lab_answer(us, request, "180 Ringing", "r", CONTACT RELIABLE "702\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "PRACK"), 1);
	assert_int_equal(lab_count(us, SIP_EV_PROGRESS), 1);
	lab_answer(us, request, "180 Ringing", "r", CONTACT RELIABLE "701\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "PRACK"), 2);
	lab_answer(us, request, "200 OK", "r", CONTACT, NULL); /* answered already */
	assert_int_equal(lab_count(us, SIP_EV_ANSWERED), 1);
	free(request);
	lab_raw_forget(&lab);
	finish();
}

/* RFC 3262 §5: an offer in a reliable 1xx has its answer in the PRACK. */
static void an_offer_in_a_1xx_is_answered_in_prack(void **state)
{
	char *request = invite("");

	lab_answer(us, request, "183 Progress", "r", CONTACT RELIABLE "1\n", "their offer");
	assert_string_equal(lab_last(us, SIP_EV_OFFER)->sdp, "their offer");
	assert_int_equal(lab_raw_count(&lab, "PRACK"), 0);
	assert_int_equal(sip_session_answer(us->last, SPAN_LIT("our answer"), lab.now), 0);
	lab_wait(&lab, 1);
	assert_non_null(strstr(lab_raw_last(&lab, "PRACK"), "\r\n\r\nour answer"));
	lab_answer(us, lab_raw_last(&lab, "PRACK"), "200 OK", NULL, NULL, NULL);
	lab_answer(us, request, "200 OK", "r", CONTACT, NULL);
	assert_int_equal(lab_count(us, SIP_EV_OFFER), 1);
	assert_int_equal(lab_raw_count(&lab, "ACK"), 1);
	free(request);
	lab_raw_forget(&lab);
	finish();
}

/* RFC 3311 §5.1: after an answer in a reliable 1xx, and only if the peer allows UPDATE. */
static void update_makes_an_offer_before_the_answer(void **state)
{
	char *request = invite("offer");

	lab_answer(us, request, "183 Progress", "r", CONTACT RELIABLE "1\nAllow: UPDATE, PRACK\n", "answer");
	assert_int_equal(sip_session_offer(us->last, SPAN_LIT("new offer"), lab.now), 0);
	lab_wait(&lab, 1);
	assert_non_null(strstr(lab_raw_last(&lab, "UPDATE"), "\r\n\r\nnew offer"));
	lab_answer(us, lab_raw_last(&lab, "UPDATE"), "200 OK", NULL, CONTACT, "new answer");
	assert_string_equal(lab_last(us, SIP_EV_ANSWER)->sdp, "new answer");
	free(request);
}

/* The 2xx comes while an UPDATE of ours waits: that offer is still open, so that the peer's re-INVITE is glare (§14.2). */
static void a_2xx_is_not_the_answer_to_an_update(void **state)
{
	char text[1024], *request = invite("offer");
	const char *update;

	lab_answer(us, request, "183 Progress", "r", CONTACT, "preview");
	lab_answer(us, request, "183 Progress", "r", CONTACT RELIABLE "1\nAllow: UPDATE, PRACK\n", "preview");
	assert_int_equal(sip_session_offer(us->last, SPAN_LIT("new offer"), lab.now), 0);
	lab_wait(&lab, 1);
	update = lab_raw_last(&lab, "UPDATE");
	lab_answer(us, request, "200 OK", "r", CONTACT, NULL);
	assert_int_equal(lab_count(us, SIP_EV_ANSWERED), 1);
	assert_false(sip_session_can_offer(us->last));
	snprintf(text, sizeof(text),
		 "INVITE sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKre;rport\nFrom: %s\nTo: %s\n"
		 "Call-ID: %s\nCSeq: 9 INVITE\nContact: <sip:bob@192.0.2.99>\nContent-Length: 0\n\n",
		 lab_header(update, "To"), lab_header(update, "From"), lab_header(update, "Call-ID"));
	lab_inject(us, text);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 491"), 1);
	lab_answer(us, update, "200 OK", NULL, CONTACT, "new answer");
	assert_string_equal(lab_last(us, SIP_EV_ANSWER)->sdp, "new answer");
	free(request);
}

/* A re-INVITE that was answered 100 and then forgotten by a peer that hung up does not stay for ever. */
static void a_forgotten_reinvite_ends_with_the_call(void **state)
{
	char text[1024];
	const char *re;

	call_up("");
	assert_int_equal(sip_session_offer(us->last, SPAN_LIT("hold"), lab.now), 0);
	lab_wait(&lab, 1);
	re = lab_raw_last(&lab, "INVITE");
	lab_answer(us, re, "100 Trying", NULL, NULL, NULL);
	snprintf(text, sizeof(text),
		 "BYE sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKby;rport\nFrom: %s\nTo: %s\n"
		 "Call-ID: %s\nCSeq: 9 BYE\nContent-Length: 0\n\n",
		 lab_header(re, "To"), lab_header(re, "From"), lab_header(re, "Call-ID"));
	lab_inject(us, text);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_REMOTE);
	finish();
}

/* RFC 3261 §14.1: the owner of the Call-ID waits 2.1 to 4 s after a 491, then says the same again. */
static void glare_is_retried_after_a_pause(void **state)
{
	msec_t at;

	call_up("");
	assert_int_equal(sip_session_offer(us->last, SPAN_LIT("hold"), lab.now), 0);
	lab_wait(&lab, 1);
	lab_answer(us, lab_raw_last(&lab, "INVITE"), "491 Request Pending", NULL, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "ACK"), 1);
	at = lab.now;
	lab_wait(&lab, 2099);
	assert_int_equal(lab_raw_count(&lab, "INVITE"), 1);
	lab_wait(&lab, 1902);
	assert_true(lab_raw_count(&lab, "INVITE") >= 2); /* and repetitions by Timer A */
	assert_true(lab.raw_at[2] - at >= 2100 && lab.raw_at[2] - at <= 4001);
	assert_non_null(strstr(lab_raw(&lab, -1), "\r\n\r\nhold"));
	lab_answer(us, lab_raw(&lab, -1), "200 OK", NULL, CONTACT, "held");
	assert_string_equal(lab_last(us, SIP_EV_ANSWER)->sdp, "held");
	assert_int_equal(lab_count(us, SIP_EV_OFFER_FAILED), 0);
	assert_true(sip_session_can_offer(us->last));
	lab_raw_forget(&lab);
	finish();
}

/* RFC 3261 §14.1: a refused re-INVITE changes nothing; §12.2.1.2: 481 ends the call. */
static void a_refused_offer_keeps_the_call_but_481_ends_it(void **state)
{
	call_up("");
	assert_int_equal(sip_session_offer(us->last, SPAN_LIT("video"), lab.now), 0);
	lab_wait(&lab, 1);
	lab_answer(us, lab_raw_last(&lab, "INVITE"), "488 Not Acceptable", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_OFFER_FAILED)->status, 488);
	assert_true(sip_session_can_offer(us->last));
	assert_int_equal(sip_session_offer(us->last, SPAN_LIT("hold"), lab.now), 0);
	lab_wait(&lab, 1);
	lab_answer(us, lab_raw_last(&lab, "INVITE"), "481 Gone", NULL, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "BYE"), 1);
	lab_answer(us, lab_raw_last(&lab, "BYE"), "481 Gone", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_PROTOCOL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->status, 481);
	finish();
}

/* RFC 3261 §14.1: no answer to a re-INVITE ends the call. */
static void a_silent_peer_ends_the_call(void **state)
{
	call_up("");
	assert_int_equal(sip_session_offer(us->last, SPAN_LIT("hold"), lab.now), 0);
	lab_wait(&lab, 33000);
	assert_true(lab_raw_count(&lab, "BYE") > 0);
	lab_wait(&lab, 33000);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_TIMEOUT);
	finish();
}

/* ---- session timer ---- */

/* RFC 4028 §7.3: 422 raises the interval. */
static void a_422_is_asked_again_with_more(void **state)
{
	char *request = invite("offer");

	assert_string_equal(lab_header(request, "Session-Expires"), "1800");
	lab_answer(us, request, "422 Session Interval Too Small", "r", "Min-SE: 3600\n", NULL);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Session-Expires"), "3600");
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Min-SE"), "3600");
	assert_non_null(strstr(lab_raw(&lab, -1), "\r\n\r\noffer"));
	free(request);
}

/* RFC 3261 §21.4.16: 421 asks for an extension that we have. */
static void a_421_is_asked_again_with_100rel(void **state)
{
	char *request = invite("offer");

	lab_answer(us, request, "421 Extension Required", "r", "Require: 100rel\n", NULL);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Require"), "100rel");
	assert_non_null(strstr(lab_raw(&lab, -1), "\r\n\r\noffer"));
	free(request);
}

/* RFC 4028 §7.4, §10: as refresher at half of the interval, by UPDATE where allowed, else by re-INVITE with our last SDP. */
static void we_refresh_at_half_time(void **state)
{
	call_up("Session-Expires: 90;refresher=uac\nAllow: INVITE, UPDATE\n");
	lab_wait(&lab, 44000);
	assert_int_equal(lab_raw_count(&lab, "UPDATE"), 0);
	lab_wait(&lab, 1100);
	assert_int_equal(lab_raw_count(&lab, "UPDATE"), 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Session-Expires"), "90;refresher=uac");
	lab_answer(us, lab_raw(&lab, -1), "405 Not Allowed", NULL, NULL, NULL);
	lab_wait(&lab, 4100);
	assert_true(lab_raw_count(&lab, "INVITE") >= 1);
	assert_non_null(strstr(lab_raw_last(&lab, "INVITE"), "\r\n\r\noffer"));
	lab_answer(us, lab_raw_last(&lab, "INVITE"), "200 OK", NULL, CONTACT "Session-Expires: 90;refresher=uac\n", "answer");
	lab_wait(&lab, 44000);
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 0);
}

/* RFC 4028 §10: when the peer ought to refresh and does not, BYE before the end. */
static void a_session_that_is_not_refreshed_ends(void **state)
{
	call_up("Session-Expires: 90;refresher=uas\n");
	lab_wait(&lab, 59900);
	assert_int_equal(lab_raw_count(&lab, "BYE"), 0);
	lab_wait(&lab, 200);
	assert_int_equal(lab_raw_count(&lab, "BYE"), 1);
	lab_answer(us, lab_raw(&lab, -1), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_EXPIRED);
	finish();
}

/* ---- transfer ---- */

#define NOTIFY(cseq, state, fragment)                                                                        \
	"NOTIFY sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKn" cseq ";rport\n"   \
	"From: <sip:bob@192.0.2.99:5060>;tag=r\nTo: %s\nCall-ID: %s\nCSeq: " cseq " NOTIFY\nEvent: refer\n"  \
	"Subscription-State: " state "\nContent-Type: message/sipfrag\nContent-Length: $L\n\n" fragment

static void notify(const char *format, const char *from, const char *call_id)
{
	char text[2048];
	struct span f = span_z(format);

	assert_true(f.n < 1500);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), format, from, call_id);
#pragma GCC diagnostic pop
	lab_inject(us, text);
}

/* RFC 3515 §2.4: REFER, 202, NOTIFYs with what becomes of it. */
static void a_transfer_is_followed_to_its_end(void **state)
{
	struct sip_refer refer = {.refer_to = SPAN_LIT("sip:200@192.0.2.98")};
	const char *from, *call_id;

	call_up("");
	assert_int_equal(sip_session_refer(us->last, &refer, lab.now), 0);
	lab_wait(&lab, 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Refer-To"), "<sip:200@192.0.2.98>");
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Referred-By"), "<sip:alice@192.0.2.99>");
	from = lab_header(lab_raw(&lab, -1), "From");
	call_id = lab_header(lab_raw(&lab, -1), "Call-ID");
	lab_answer(us, lab_raw(&lab, -1), "202 Accepted", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_REFER_STATUS)->status, 202);
	notify(NOTIFY("10", "active;expires=60", "SIP/2.0 100 Trying\r\n"), from, call_id);
	assert_int_equal(lab_last(us, SIP_EV_REFER_STATUS)->status, 100);
	assert_false(lab_last(us, SIP_EV_REFER_STATUS)->is_final);
	notify(NOTIFY("11", "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"), from, call_id);
	assert_int_equal(lab_last(us, SIP_EV_REFER_STATUS)->status, 200);
	assert_true(lab_last(us, SIP_EV_REFER_STATUS)->is_final);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 2);
	notify(NOTIFY("12", "terminated", "SIP/2.0 200 OK\r\n"), from, call_id);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 481"), 1);
	lab_raw_forget(&lab);
	finish();
}

/* RFC 4488 §4: no subscription; and a subscription that says nothing runs out. */
static void a_transfer_without_news_ends_too(void **state)
{
	struct sip_refer refer = {.refer_to = SPAN_LIT("sip:200@192.0.2.98")};

	call_up("");
	assert_int_equal(sip_session_refer(us->last, &refer, lab.now), 0);
	lab_wait(&lab, 1);
	lab_answer(us, lab_raw(&lab, -1), "200 OK", NULL, "Refer-Sub: false\n", NULL);
	assert_true(lab_last(us, SIP_EV_REFER_STATUS)->is_final);
	assert_int_equal(sip_session_refer(us->last, &refer, lab.now), 0);
	lab_wait(&lab, 1);
	lab_answer(us, lab_raw(&lab, -1), "202 OK", NULL, NULL, NULL);
	lab_wait(&lab, 181000);
	assert_int_equal(lab_last(us, SIP_EV_REFER_STATUS)->status, 408);
	assert_true(lab_last(us, SIP_EV_REFER_STATUS)->is_final);
	lab_raw_forget(&lab);
	finish();
}

/* RFC 3261 §8.1.1: what every request of ours has. */
static void an_invite_has_what_it_must(void **state)
{
	static const char *const names[] = {"Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact", "Allow",
					    "Supported", "User-Agent", "Content-Type", "Content-Length"};
	char *request = invite("offer");

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!*lab_header(request, names[i]))
			fail_msg("%s is missing", names[i]);
	assert_non_null(strstr(lab_header(request, "Via"), ";rport"));
	assert_non_null(strstr(lab_header(request, "Via"), "branch=z9hG4bK"));
	assert_string_equal(lab_header(request, "Contact"), "<sip:alice@192.0.2.10:5060>");
	free(request);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(an_invite_has_what_it_must),
		T(a_call_may_be_sent_elsewhere_than_its_target),
		T(an_account_may_do_without_100rel_and_timer),
		T(a_redirection_ends_the_call_with_its_contacts),
		T(cancel_waits_for_a_1xx),
		T(a_2xx_that_crosses_cancel_gets_ack_and_bye),
		T(a_cancel_without_487_ends_after_64_t1),
		T(expires_cancels),
		T(the_second_fork_that_answers_is_ended),
		T(forks_are_bounded),
		T(the_route_set_is_reversed_and_the_contact_whole),
		T(a_strict_router_is_addressed_itself),
		T(a_private_contact_is_answered_at_its_source),
		T(a_proxy_and_a_server_may_both_challenge),
		T(refused_credentials_end_the_call),
		T(a_stale_nonce_is_replaced),
		T(a_late_offer_is_answered_in_the_ack),
		T(a_2xx_without_answer_ends_the_call),
		T(a_reliable_1xx_is_acknowledged_in_order),
		T(an_offer_in_a_1xx_is_answered_in_prack),
		T(update_makes_an_offer_before_the_answer),
		T(a_2xx_is_not_the_answer_to_an_update),
		T(a_forgotten_reinvite_ends_with_the_call),
		T(glare_is_retried_after_a_pause),
		T(a_refused_offer_keeps_the_call_but_481_ends_it),
		T(a_silent_peer_ends_the_call),
		T(a_422_is_asked_again_with_more),
		T(a_421_is_asked_again_with_100rel),
		T(we_refresh_at_half_time),
		T(a_session_that_is_not_refreshed_ends),
		T(a_transfer_is_followed_to_its_end),
		T(a_transfer_without_news_ends_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
