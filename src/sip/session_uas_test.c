/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/digest.h"
#include "sip/testlab.h"

/* Calls that come in, and requests outside of calls, from a peer whose every word the test writes. */

static struct lab lab;
static struct lab_node *us;
static char our_to[256]; /* our To with tag, once we have answered */

static bool welcomes;

static bool is_welcome(void *ctx, const struct sip_packet *pkt, const struct sip_msg *msg)
{
	assert_true(msg->is_request && pkt->bytes.n > 0);

	return welcomes;
}

static int set_up(void **state)
{
	struct sip_stack_params params = {.max_calls = 3, .is_welcome = is_welcome};

	welcomes = true;

	lab_init(&lab, 29);
	lab.is_traced = getenv("TIPRING_TRACE") != NULL;
	us = lab_add(&lab, &params);

	return 0;
}

static int tear_down(void **state)
{
	lab_done(&lab);

	return 0;
}

/* A request of the peer; more is further header lines. */
static void ask_as(const char *method, int cseq, const char *to, const char *more, const char *body)
{
	static int branch;
	char text[4096];

	snprintf(text, sizeof(text),
		 "%s sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK%s%d;rport\n"
		 "From: <sip:bob@192.0.2.99>;tag=f\nTo: %s\nCall-ID: c1\nCSeq: %d %s\nMax-Forwards: 70\n"
		 "Contact: <sip:bob@192.0.2.99>\n%sContent-Length: $L\n\n%s",
		 method, method, strcmp(method, "CANCEL") ? ++branch : branch, to, cseq, method, more ? more : "",
		 body ? body : "");
	lab_inject(us, text);
}

#define SDP "Content-Type: application/sdp\n"
#define US "<sip:alice@192.0.2.10>"

static void ask(const char *method, int cseq, const char *more, const char *body)
{
	ask_as(method, cseq, our_to, more, body);
}

static void come_in(const char *more, const char *body)
{
	char headers[512];

	snprintf(headers, sizeof(headers), "%s%s", SDP, more ? more : "");
	ask_as("INVITE", 1, US, headers, body);
}

static void note_to(void)
{
	snprintf(our_to, sizeof(our_to), "%s", lab_header(lab_raw(&lab, -1), "To"));
}

static void call_up(const char *more)
{
	come_in(more, "offer");
	lab_accept(us, "answer");
	lab_wait(&lab, 1);
	note_to();
	ask("ACK", 1, NULL, NULL);
	assert_int_equal(lab_count(us, SIP_EV_CONFIRMED), 1);
	lab_raw_forget(&lab);
}

static void finish(void)
{
	if (us->last)
		sip_session_hangup(us->last, (struct span){0}, lab.now);
	lab_wait(&lab, 120000);
	lab_assert_empty(&lab);
}

static int ring(int status, const char *sdp, bool is_reliable)
{
	struct sip_reply reply = {.status = status, .sdp = span_z(sdp), .is_reliable = is_reliable};
	int err = sip_session_ring(us->last, &reply, lab.now);

	lab_wait(&lab, 1);

	return err;
}

/* ---- the call itself ---- */

/* RFC 3261 §12.1.1, §13.3.1: what 180 and 200 must have. */
static void answers_make_a_dialog(void **state)
{
	come_in("Record-Route: <sip:192.0.2.97;lr>\n", "offer");
	assert_int_equal(ring(180, "", false), 0);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Record-Route"), "<sip:192.0.2.97;lr>");
	assert_non_null(strstr(lab_header(lab_raw(&lab, -1), "To"), ";tag="));
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Contact"), "<sip:192.0.2.10:5060>");
	sip_session_set_account(us->last, us->account);
	lab_accept(us, "answer");
	lab_wait(&lab, 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Record-Route"), "<sip:192.0.2.97;lr>");
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Contact"), "<sip:alice@192.0.2.10:5060>");
	assert_non_null(strstr(lab_raw(&lab, -1), "\r\n\r\nanswer"));
	assert_true(*lab_header(lab_raw(&lab, -1), "Allow") && *lab_header(lab_raw(&lab, -1), "Supported"));
	note_to();
	ask("ACK", 1, NULL, NULL);
	sip_session_hangup(us->last, SPAN_LIT("Q.850;cause=16"), lab.now);
	lab_wait(&lab, 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Route"), "<sip:192.0.2.97;lr>");
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Reason"), "Q.850;cause=16");
	lab_answer(us, lab_raw(&lab, -1), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_LOCAL);
	finish();
}

/* RFC 3261 §9.2; RFC 3665 §3.8. The CANCEL's 200 has the tag of the INVITE's answers. */
static void a_cancel_ends_a_ringing_call(void **state)
{
	come_in(NULL, "offer");
	assert_int_equal(ring(180, "", false), 0);
	ask_as("CANCEL", 1, US, "Reason: SIP;cause=200;text=\"elsewhere\"\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 481"), 1); /* another branch: not this call's */
	lab_raw_forget(&lab);
	lab_inject(us, "CANCEL sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKcall;rport\n"
		       "From: <sip:bob@192.0.2.99>;tag=f\nTo: <sip:alice@192.0.2.10>\nCall-ID: c9\nCSeq: 1 CANCEL\n"
		       "Content-Length: 0\n\n");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 481"), 1);
	lab_inject(us, "INVITE sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKcall2;rport\n"
		       "From: <sip:bob@192.0.2.99>;tag=f\nTo: <sip:alice@192.0.2.10>\nCall-ID: c9\nCSeq: 1 INVITE\n"
		       "Contact: <sip:b@192.0.2.99>\nMax-Forwards: 70\nContent-Length: 0\n\n");
	lab_inject(us, "CANCEL sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKcall2;rport\n"
		       "From: <sip:bob@192.0.2.99>;tag=f\nTo: <sip:alice@192.0.2.10>\nCall-ID: c9\nCSeq: 1 CANCEL\n"
		       "Reason: SIP;cause=200;text=\"elsewhere\"\nContent-Length: 0\n\n");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 1);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 487"), 1);
	assert_string_equal(lab_header(lab_raw_last(&lab, "SIP/2.0 200"), "To"),
			    lab_header(lab_raw_last(&lab, "SIP/2.0 487"), "To"));
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_REMOTE);
	assert_string_equal(lab_last(us, SIP_EV_ENDED)->text, "elsewhere");
}

/* RFC 3261 §15: no BYE before the ACK, or before it is given up. */
static void hanging_up_waits_for_the_ack(void **state)
{
	come_in(NULL, "offer");
	lab_accept(us, "answer");
	lab_wait(&lab, 1);
	note_to();
	sip_session_hangup(us->last, (struct span){0}, lab.now);
	lab_wait(&lab, 400);
	assert_int_equal(lab_raw_count(&lab, "BYE"), 0);
	ask("ACK", 1, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "BYE"), 1);
	lab_answer(us, lab_raw(&lab, -1), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_LOCAL);
	finish();
}

/* RFC 3261 §15.1.2: BYE ends it, also while a re-INVITE waits for our answer. */
static void a_bye_ends_everything(void **state)
{
	call_up(NULL);
	ask("INVITE", 2, SDP, "hold");
	assert_string_equal(lab_last(us, SIP_EV_OFFER)->sdp, "hold");
	ask("BYE", 3, "Reason: Q.850;cause=16;text=\"normal\"\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 1);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 487"), 1);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_REMOTE);
	assert_string_equal(lab_last(us, SIP_EV_ENDED)->text, "normal");
	ask("BYE", 4, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 481"), 1);
	finish();
}

/* A BYE that overtakes the ACK shows that the 2xx came: it is not sent again. */
static void a_bye_before_the_ack_stops_the_2xx(void **state)
{
	come_in(NULL, "offer");
	lab_accept(us, "answer");
	lab_wait(&lab, 1);
	note_to();
	ask("BYE", 2, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_REMOTE);
	lab_wait(&lab, 20000);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 2);
	finish();
}

/* RFC 3261 §13.2.1: no offer in the INVITE: ours in the 2xx, the answer in the ACK; without it the call cannot go on. */
static void our_late_offer_is_answered_by_the_ack(void **state)
{
	ask_as("INVITE", 1, US, NULL, NULL);
	assert_int_equal(ring(183, "early", false), -TR_ESTATE);
	lab_accept(us, "our offer");
	lab_wait(&lab, 1);
	note_to();
	assert_non_null(strstr(lab_raw(&lab, -1), "\r\n\r\nour offer"));
	ask("ACK", 1, SDP, "their answer");
	assert_string_equal(lab_last(us, SIP_EV_ANSWER)->sdp, "their answer");
	assert_int_equal(lab_count(us, SIP_EV_CONFIRMED), 1);
	finish();
}

static void an_ack_without_the_answer_ends_the_call(void **state)
{
	ask_as("INVITE", 1, US, NULL, NULL);
	lab_accept(us, "our offer");
	lab_wait(&lab, 1);
	note_to();
	ask("ACK", 1, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "BYE"), 1);
	lab_answer(us, lab_raw(&lab, -1), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_PROTOCOL);
	finish();
}

/* ---- 100rel ---- */

static void prack(int cseq, const char *rack_of, const char *more, const char *body)
{
	char headers[256];

	snprintf(headers, sizeof(headers), "RAck: %s 1 INVITE\n%s", lab_header(rack_of, "RSeq"), more ? more : "");
	ask("PRACK", cseq, headers, body);
}

/* RFC 3262 §3, §5: doubling until PRACK; the 200 waits for it; a second reliable one has the next RSeq. */
static void a_reliable_1xx_is_repeated_and_holds_back_the_200(void **state)
{
	char *first;

	come_in("Supported: 100rel\n", "offer");
	assert_int_equal(ring(183, "answer", true), 0);
	note_to();
	first = span_dup(span_z(lab_raw(&lab, -1)));
	assert_string_equal(lab_header(first, "Require"), "100rel");
	lab_wait(&lab, 3400);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 183"), 3); /* 0, 500, 1500 */
	lab_accept(us, "answer");
	lab_wait(&lab, 1);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 0);
	ask("PRACK", 2, "RAck: 1 1 INVITE\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 481"), 1);
	prack(3, first, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 2); /* PRACK's and INVITE's */
	assert_null(strstr(lab_raw(&lab, -1), "\r\n\r\nanswer")); /* given already */
	lab_wait(&lab, 400);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 183"), 3);
	ask("ACK", 1, NULL, NULL);
	assert_int_equal(lab_count(us, SIP_EV_CONFIRMED), 1);
	free(first);
	finish();
}

/* RFC 3262 §3: 64*T1 without PRACK: 5xx. */
static void no_prack_no_call(void **state)
{
	come_in("Require: 100rel\n", "offer");
	assert_int_equal(ring(180, "", false), 0); /* the caller insists on reliability */
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Require"), "100rel");
	lab_wait(&lab, 33000);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->status, 504);
	assert_true(lab_raw_count(&lab, "SIP/2.0 504") > 0);
	finish();
}

/* RFC 3262 §5: our offer in the 1xx, the answer in PRACK; then one more offer of theirs in a second PRACK. */
static void prack_carries_answers_and_offers(void **state)
{
	ask_as("INVITE", 1, US, "Supported: 100rel\n", NULL);
	assert_int_equal(ring(183, "our offer", true), 0);
	note_to();
	prack(2, lab_raw(&lab, -1), SDP, "their answer");
	assert_string_equal(lab_last(us, SIP_EV_ANSWER)->sdp, "their answer");
	assert_int_equal(ring(180, "", true), 0);
	prack(3, lab_raw(&lab, -1), SDP, "their offer");
	assert_string_equal(lab_last(us, SIP_EV_OFFER)->sdp, "their offer");
	assert_int_equal(sip_session_answer(us->last, SPAN_LIT("our answer"), lab.now), 0);
	lab_wait(&lab, 1);
	assert_non_null(strstr(lab_raw_last(&lab, "SIP/2.0 200"), "\r\n\r\nour answer"));
	finish();
}

/* ---- inside of the call ---- */

/* RFC 3261 §14.2: 491 while ours is under way, 500 while theirs is; lower CSeq (§12.2.2) too. */
static void glare_is_refused(void **state)
{
	call_up(NULL);
	ask("INVITE", 5, SDP, "hold");
	ask("INVITE", 6, SDP, "resume");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 500"), 1);
	assert_true(*lab_header(lab_raw(&lab, -1), "Retry-After"));
	ask("ACK", 6, NULL, NULL);
	assert_int_equal(sip_session_answer(us->last, SPAN_LIT("held"), lab.now), 0);
	lab_wait(&lab, 1);
	ask("ACK", 5, NULL, NULL);
	assert_int_equal(sip_session_offer(us->last, SPAN_LIT("ours"), lab.now), 0);
	lab_wait(&lab, 1);
	assert_int_equal(lab_raw_count(&lab, "INVITE"), 1);
	ask("INVITE", 7, SDP, "theirs");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 491"), 1);
	ask("UPDATE", 8, SDP, "theirs");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 491"), 2);
	ask("OPTIONS", 4, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 500"), 2);
	lab_answer(us, lab_raw_last(&lab, "INVITE"), "491 Request Pending", NULL, NULL, NULL);
	lab_wait(&lab, 2001); /* not the owner of the Call-ID: 0 to 2 s */
	assert_true(lab_raw_count(&lab, "INVITE") >= 2);
}

/* RFC 3311 §5.2, RFC 3261 §12.2: UPDATE with an offer, without one; target refresh. */
static void update_offers_and_refreshes(void **state)
{
	call_up(NULL);
	ask("UPDATE", 2, SDP, "theirs");
	assert_string_equal(lab_last(us, SIP_EV_OFFER)->sdp, "theirs");
	ask("UPDATE", 3, SDP, "too soon");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 500"), 1);
	assert_int_equal(sip_session_refuse(us->last, 488, lab.now), 0);
	lab_wait(&lab, 1);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 488"), 1);
	assert_true(sip_session_can_offer(us->last));
	ask("UPDATE", 4, "Contact: <sip:moved@192.0.2.98;x=Y>\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 1);
	finish();
}

/* The peer wants our offer: re-INVITE without SDP (RFC 3261 §14.2). */
static void we_offer_when_asked(void **state)
{
	call_up(NULL);
	ask("INVITE", 2, NULL, NULL);
	assert_string_equal(lab_last(us, SIP_EV_OFFER)->sdp, "");
	assert_int_equal(sip_session_answer(us->last, SPAN_LIT("our offer"), lab.now), 0);
	lab_wait(&lab, 1);
	assert_non_null(strstr(lab_raw_last(&lab, "SIP/2.0 200"), "\r\n\r\nour offer"));
	ask("ACK", 2, SDP, "their answer");
	assert_string_equal(lab_last(us, SIP_EV_ANSWER)->sdp, "their answer");
	finish();
}

/* RFC 6086, RFC 2976: INFO is handed over; RFC 6665 §4.1.2: no event package of ours; §8.2.1: other methods. */
static void other_requests_in_the_call(void **state)
{
	call_up(NULL);
	ask("INFO", 2, "Content-Type: application/dtmf-relay\n", "Signal=5");
	assert_string_equal(lab_last(us, SIP_EV_INFO)->text, "Signal=5");
	ask("OPTIONS", 3, NULL, NULL);
	assert_true(*lab_header(lab_raw(&lab, -1), "Allow"));
	ask("SUBSCRIBE", 4, "Event: dialog\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 489"), 1);
	ask("MESSAGE", 5, "Content-Type: text/plain\n", "hi");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 405"), 1);
	assert_int_equal(sip_session_info(us->last, SPAN_LIT("application/dtmf-relay"), SPAN_LIT("Signal=1"), lab.now), 0);
	lab_wait(&lab, 1);
	lab_answer(us, lab_raw_last(&lab, "INFO"), "415 No", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_NOTIFIED)->status, 415);
	finish();
}

/* RFC 3515 §2.4: the peer transfers us. */
static void the_peer_transfers_us(void **state)
{
	call_up(NULL);
	ask("REFER", 2, "Refer-To: <sip:200@192.0.2.98?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>\n", NULL);
	assert_string_equal(lab_last(us, SIP_EV_REFER)->text,
			    "sip:200@192.0.2.98?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc");
	assert_int_equal(sip_session_refer_reply(us->last, 2, 202, lab.now), 0);
	lab_wait(&lab, 1);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 202"), 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Event"), "refer;id=2");
	assert_non_null(strstr(lab_raw(&lab, -1), "\r\n\r\nSIP/2.0 100 Trying\r\n"));
	lab_answer(us, lab_raw(&lab, -1), "200 OK", NULL, NULL, NULL);
	assert_int_equal(sip_session_refer_notify(us->last, 2, 486, lab.now), 0);
	lab_wait(&lab, 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Subscription-State"), "terminated;reason=noresource");
	assert_non_null(strstr(lab_raw(&lab, -1), "\r\n\r\nSIP/2.0 486 Busy Here\r\n"));
	lab_answer(us, lab_raw(&lab, -1), "200 OK", NULL, NULL, NULL);
	assert_int_equal(sip_session_refer_notify(us->last, 2, 200, lab.now), -TR_ESTATE);
	ask("REFER", 3, "Refer-To: <sip:a@b>\nRefer-To: <sip:c@d>\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 400"), 1);
	ask("REFER", 4, "Refer-To: <sip:a@b>\nRefer-Sub: false\nSupported: norefersub\n", NULL); /* RFC 4488 §4 */
	assert_int_equal(sip_session_refer_reply(us->last, 4, 202, lab.now), 0);
	lab_wait(&lab, 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Refer-Sub"), "false");
	finish();
}

/* RFC 4028 §9: 422; and who refreshes. */
static void the_session_timer_as_uas(void **state)
{
	come_in("Supported: timer\nSession-Expires: 60\n", "offer");
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Min-SE"), "90");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 422"), 1);
	assert_int_equal(lab_count(us, SIP_EV_INCOMING), 0);
	ask_as("INVITE", 2, US, SDP "Supported: timer\nSession-Expires: 120;refresher=uas\nAllow: UPDATE\n", "offer");
	lab_accept(us, "answer");
	lab_wait(&lab, 1);
	note_to();
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Session-Expires"), "120;refresher=uas");
	ask("ACK", 2, NULL, NULL);
	lab_wait(&lab, 60100);
	assert_int_equal(lab_raw_count(&lab, "UPDATE"), 1);
	lab_answer(us, lab_raw_last(&lab, "UPDATE"), "200 OK", NULL, "Session-Expires: 120;refresher=uac\n", NULL);
	lab_wait(&lab, 55000);
	assert_int_equal(lab_raw_count(&lab, "UPDATE"), 1);
}

/* ---- outside of calls ---- */

/* RFC 3261 §8.2, §11: OPTIONS is answered always, also when every line is busy. */
static void a_full_house_refuses_calls_but_answers_options(void **state)
{
	char invite[1024];
	struct sip_stack_stats st;

	for (int i = 0; i < 5; i++) {
		snprintf(invite, sizeof(invite),
			 "INVITE sip:a@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKi%d;rport\n"
			 "From: <sip:bob@192.0.2.99>;tag=f\nTo: <sip:a@192.0.2.10>\nCall-ID: i%d\nCSeq: 1 INVITE\n"
			 "Contact: <sip:b@192.0.2.99>\nMax-Forwards: 70\nContent-Length: 0\n\n", i, i);
		lab_inject(us, invite);
	}
	assert_int_equal(lab_count(us, SIP_EV_INCOMING), 3);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 503"), 2);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Retry-After"), "5");
	sip_stack_stats(us->stack, &st);
	assert_int_equal(st.overload_503, 2);
	assert_int_equal(st.live_transactions, 3);
	ask_as("OPTIONS", 1, US, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 1);
	assert_true(*lab_header(lab_raw(&lab, -1), "Accept"));
}

static void answer_it(struct lab_node *node, const struct sip_stack_event *ev)
{
	if (ev->type == SIP_EV_REQUEST || ev->type == SIP_EV_OPTIONS)
		assert_int_equal(sip_stack_reply(node->stack, ev->request, 480, SPAN_LIT("X-Why: off\r\n"), node->lab->now),
				 0);
}

/* RFC 3261 §8.2.1, §8.2.2.3, §12.2.2; RFC 3265 §3.2: what nobody asked for. */
static void strangers_get_the_right_answers(void **state)
{
	ask_as("MESSAGE", 1, US, "Content-Type: text/plain\n", "hi");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 405"), 1);
	assert_true(*lab_header(lab_raw(&lab, -1), "Allow"));
	ask_as("SUBSCRIBE", 2, US, "Event: presence\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 489"), 1);
	ask_as("NOTIFY", 3, US, "Event: message-summary\nSubscription-State: active\nContent-Type: text/plain\n", "mwi");
	assert_string_equal(lab_last(us, SIP_EV_NOTIFY)->text, "mwi");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 1);
	ask_as("INVITE", 4, US, "Require: teleport\n", NULL);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Unsupported"), "teleport");
	ask_as("BYE", 5, US ";tag=nobody", NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 481"), 1);
	ask_as("BYE", 6, US, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 481"), 2);
	ask_as("INVITE", 7, US, "Content-Type: text/html\n", "<p>");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 415"), 1);
	us->on_event = answer_it;
	ask_as("MESSAGE", 8, US, "Content-Type: text/plain\n", "hi");
	assert_string_equal(lab_header(lab_raw_last(&lab, "SIP/2.0 480"), "X-Why"), "off");
}

/* RFC 3261 §22.2 as a server: the first INVITE is challenged, the second one is let in. */
static void a_caller_can_be_challenged(void **state)
{
	come_in(NULL, "offer");
	assert_int_equal(sip_session_challenge(us->last, 401,
			SPAN_LIT("WWW-Authenticate: Digest realm=\"t\",nonce=\"n\"\r\n"), lab.now), 0);
	lab_wait(&lab, 2);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "WWW-Authenticate"), "Digest realm=\"t\",nonce=\"n\"");
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 1);
}

/* ---- Replaces ---- */

static sip_session_id replaced;

static void take_over(struct lab_node *node, const struct sip_stack_event *ev)
{
	struct sip_reply reply = {.status = 200, .sdp = SPAN_LIT("answer")};

	if (ev->type != SIP_EV_INCOMING)
		return;
	assert_non_null(ev->replaces);
	replaced = sip_session_get_id(ev->replaces);
	assert_int_equal(sip_session_accept(ev->session, &reply, node->lab->now), 0);
}

/* RFC 3891 §3: the new call takes the old one's place; a dialog that is not there is 481. */
static void an_invite_may_replace_a_call(void **state)
{
	char text[1024];
	const char *tag;
	sip_session_id first;

	call_up(NULL);
	first = sip_session_get_id(us->last);
	tag = strstr(our_to, "tag=") + 4;
	us->on_event = take_over;
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			 "INVITE sip:a@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKx%d;rport\n"
			 "From: <sip:carol@192.0.2.99>;tag=g\nTo: <sip:a@192.0.2.10>\nCall-ID: x%d\nCSeq: 1 INVITE\n"
			 "Contact: <sip:c@192.0.2.99>\nMax-Forwards: 70\nReplaces: c1;to-tag=%s;from-tag=%s\n"
			 "Content-Type: application/sdp\nContent-Length: $L\n\noffer", i, i, tag, i ? "f" : "wrong");
		lab_inject(us, text);
	}
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 481"), 1);
	assert_int_equal(replaced, first);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 1);
	assert_int_equal(lab_raw_count(&lab, "BYE"), 1);
	lab_answer(us, lab_raw_last(&lab, "BYE"), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_REPLACED);
}

/* Scanners learn nothing: no answer to anything that is not about a call of ours, well written or not. */
static void strangers_hear_nothing(void **state)
{
	call_up(NULL);
	welcomes = false;
	ask_as("OPTIONS", 1, US, NULL, NULL);
	ask_as("INVITE", 1, US, SDP, "offer");
	ask_as("BYE", 2, US ";tag=guessed", NULL, NULL);
	ask_as("CANCEL", 7, US, NULL, NULL);
	ask_as("REGISTER", 1, US, "Require: magic\n", NULL);
	lab_inject(us, "OPTIONS sip:x SIP/7.0\nVia: SIP/7.0/UDP 192.0.2.99;branch=z9hG4bKx\nContent-Length: 0\n\n");
	lab_wait(&lab, 1000);
	assert_int_equal(lab.raw_count, 0);
	assert_int_equal(lab_count(us, SIP_EV_INCOMING), 1);
	/* The call itself goes on. */
	ask("OPTIONS", 3, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 1);
	ask("BYE", 4, NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 2);
	finish();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(answers_make_a_dialog),
		T(a_cancel_ends_a_ringing_call),
		T(hanging_up_waits_for_the_ack),
		T(a_bye_ends_everything),
		T(a_bye_before_the_ack_stops_the_2xx),
		T(strangers_hear_nothing),
		T(our_late_offer_is_answered_by_the_ack),
		T(an_ack_without_the_answer_ends_the_call),
		T(a_reliable_1xx_is_repeated_and_holds_back_the_200),
		T(no_prack_no_call),
		T(prack_carries_answers_and_offers),
		T(glare_is_refused),
		T(update_offers_and_refreshes),
		T(we_offer_when_asked),
		T(other_requests_in_the_call),
		T(the_peer_transfers_us),
		T(the_session_timer_as_uas),
		T(a_full_house_refuses_calls_but_answers_options),
		T(strangers_get_the_right_answers),
		T(a_caller_can_be_challenged),
		T(an_invite_may_replace_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
