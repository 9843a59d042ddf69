/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/testlab.h"

/*
 * The example flows of RFC 3665 from the place of the user agent, which is what we are: Bob's for the registrations, Alice's or Bob's for the
 * sessions. Proxies and the other side are written by the test. Not here: §2.3 (we never ask for the list of contacts) and §3.5 (an ALG's
 * own work).
 */
static struct lab lab;
static struct lab_node *us;

static int set_up(void **state)
{
	lab_init(&lab, 3665);
	lab.is_traced = getenv("TIPRING_TRACE") != NULL;
	us = lab_add(&lab, NULL);

	return 0;
}

static int tear_down(void **state)
{
	lab_done(&lab);

	return 0;
}

/* ---- §2: registration ------------------------------------------------------------------------------------------------ */

#define CHALLENGE(name, realm, nonce) name ": Digest realm=\"" realm "\",nonce=\"" nonce "\",qop=\"auth\",algorithm=MD5\n"

static struct sip_reg *reg;

static void registrar_says(const char *status, const char *more)
{
	lab_answer(us, lab_raw_last(&lab, "REGISTER"), status, "r", more, NULL);
}

static void registered(void)
{
	struct sip_reg_params params = {.account = us->account, .expires_s = 3600};

	assert_int_equal(sip_reg_new(us->stack, &params, lab.now, &reg), 0);
	lab_drain(&lab);
	registrar_says("401 Unauthorized", CHALLENGE("WWW-Authenticate", "atlanta.example.com", "ea9c"));
	registrar_says("200 OK", "Contact: <sip:alice@192.0.2.10:5060>;expires=3600\n");
	assert_int_equal(lab_count(us, SIP_EV_REG_OK), 1);
}

/* §2.1: F1 to F4. */
static void successful_new_registration(void **state)
{
	registered();
	assert_int_equal(lab_raw_count(&lab, "REGISTER"), 2);
	assert_string_equal(lab_header(lab_raw(&lab, 0), "Call-ID"), lab_header(lab_raw(&lab, 1), "Call-ID"));
	assert_string_equal(lab_header(lab_raw(&lab, 0), "From"), lab_header(lab_raw(&lab, 1), "From"));
	assert_int_equal(*lab_header(lab_raw(&lab, 0), "Authorization"), 0);
	assert_non_null(strstr(lab_header(lab_raw(&lab, 1), "Authorization"), "realm=\"atlanta.example.com\""));
	assert_non_null(strstr(lab_header(lab_raw(&lab, 1), "Authorization"), "uri=\"sip:192.0.2.99\""));
}

/* §2.2: our address changed, the contact is sent anew with the credentials that the registrar knows. */
static void update_of_the_contact(void **state)
{
	registered();
	assert_int_equal(sip_account_set_sent_by(us->account, SPAN_LIT("192.0.2.77:5060")), 0);
	sip_reg_refresh_now(reg, lab.now);
	lab_wait(&lab, 1);

	const char *update = lab_raw_last(&lab, "REGISTER");

	assert_non_null(strstr(lab_header(update, "Contact"), "<sip:alice@192.0.2.77:5060>"));
	assert_non_null(strstr(lab_header(update, "Authorization"), "nc=00000002"));
	registrar_says("200 OK", "Contact: <sip:alice@192.0.2.77:5060>;expires=3600\n");
	assert_int_equal(lab_count(us, SIP_EV_REG_OK), 2);
}

/* §2.4 */
static void cancellation_of_the_registration(void **state)
{
	registered();
	sip_reg_unregister(reg, lab.now);
	lab_wait(&lab, 1);

	const char *last = lab_raw_last(&lab, "REGISTER");

	assert_true(strstr(lab_header(last, "Contact"), "expires=0") || strcmp(lab_header(last, "Expires"), "0") == 0);
	registrar_says("200 OK", NULL);
	assert_int_equal(lab_count(us, SIP_EV_REG_GONE), 1);
}

/* §2.5: the second 401 has another nonce and is not stale: the password is wrong. */
static void unsuccessful_registration(void **state)
{
	struct sip_reg_params params = {.account = us->account};

	assert_int_equal(sip_reg_new(us->stack, &params, lab.now, &reg), 0);
	lab_drain(&lab);
	registrar_says("401 Unauthorized", CHALLENGE("WWW-Authenticate", "atlanta.example.com", "f1ce"));
	registrar_says("401 Unauthorized", CHALLENGE("WWW-Authenticate", "atlanta.example.com", "84f1"));
	assert_int_equal(lab_count(us, SIP_EV_REG_FAILED), 1);
	assert_int_equal(lab_raw_count(&lab, "REGISTER"), 2);
}

/* ---- §3 as Alice ----------------------------------------------------------------------------------------------------- */

#define BOB	"Contact: <sip:bob@192.0.2.99>\n"
#define PROXIES "Record-Route: <sip:ss2.biloxi.example.com;lr>, <sip:192.0.2.99;lr>\n"

static char *invite(void)
{
	lab_call(us, NULL, "offer");

	return span_dup(span_z(lab_raw(&lab, -1)));
}

static void hang_up(const char *bye_uri)
{
	char start[160];

	snprintf(start, sizeof(start), "BYE %s SIP/2.0", bye_uri);
	sip_session_hangup(us->last, (struct span){0}, lab.now);
	lab_wait(&lab, 1);
	assert_int_equal(lab_raw_count(&lab, start), 1);
	lab_answer(us, lab_raw_last(&lab, "BYE"), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_LOCAL);
}

static void quiet(void)
{
	lab_wait(&lab, 120000);
	lab_assert_empty(&lab);
}

/* §3.1: INVITE, 180, 200, ACK, BYE, 200. */
static void session_establishment(void **state)
{
	auto_free char *request = invite();

	lab_answer(us, request, "180 Ringing", "8321234356", BOB, NULL);
	lab_answer(us, request, "200 OK", "8321234356", BOB, "answer");
	assert_int_equal(lab_count(us, SIP_EV_ANSWERED), 1);
	assert_int_equal(lab_raw_count(&lab, "ACK sip:bob@192.0.2.99 SIP/2.0"), 1);
	assert_non_null(strstr(lab_header(lab_raw_last(&lab, "ACK"), "To"), ";tag=8321234356"));
	assert_string_equal(lab_header(lab_raw_last(&lab, "ACK"), "Max-Forwards"), "70");
	hang_up("sip:bob@192.0.2.99");
	quiet();
}

/* §3.2: two proxies record their routes; ACK and BYE go by them, in reverse order, to Bob's contact. */
static void session_through_two_proxies(void **state)
{
	auto_free char *request = invite();

	lab_answer(us, request, "100 Trying", NULL, NULL, NULL);
	lab_answer(us, request, "180 Ringing", "314159", PROXIES BOB, NULL);
	lab_answer(us, request, "200 OK", "314159", PROXIES BOB, "answer");

	const char *ack = lab_raw_last(&lab, "ACK sip:bob@192.0.2.99 SIP/2.0");

	assert_non_null(strstr(ack, "Route: <sip:192.0.2.99;lr>"));
	assert_true(strstr(ack, "192.0.2.99;lr") < strstr(ack, "ss2.biloxi.example.com;lr"));
	hang_up("sip:bob@192.0.2.99");
	assert_non_null(strstr(lab_raw_last(&lab, "BYE"), "ss2.biloxi.example.com;lr"));
	quiet();
}

/* §3.3: each of two proxies wants credentials of its own realm; the third INVITE has both. */
static void session_with_multiple_proxy_authentication(void **state)
{
	auto_free char *first = invite();

	lab_answer(us, first, "407 Proxy Authentication Required", "p1", CHALLENGE("Proxy-Authenticate", "atlanta.example.com", "wf84f1"), NULL);
	assert_int_equal(lab_raw_count(&lab, "ACK"), 1);

	auto_free char *second = span_dup(span_z(lab_raw_last(&lab, "INVITE")));

	lab_answer(us, second, "100 Trying", NULL, NULL, NULL);
	lab_answer(us, second, "407 Proxy Authorization Required", "p2", CHALLENGE("Proxy-Authenticate", "biloxi.example.com", "c1e22c"), NULL);

	auto_free char *third = span_dup(span_z(lab_raw_last(&lab, "INVITE")));

	assert_int_equal(lab_raw_count(&lab, "INVITE"), 3);
	assert_non_null(strstr(third, "realm=\"atlanta.example.com\""));
	assert_non_null(strstr(third, "realm=\"biloxi.example.com\""));
	assert_string_equal(lab_header(third, "Call-ID"), lab_header(first, "Call-ID"));
	assert_int_equal(strtoul(lab_header(third, "CSeq"), NULL, 10), strtoul(lab_header(first, "CSeq"), NULL, 10) + 2);
	lab_answer(us, third, "200 OK", "b", BOB, "answer");
	assert_int_equal(lab_count(us, SIP_EV_ANSWERED), 1);
	hang_up("sip:bob@192.0.2.99");
	quiet();
}

/* §3.6: the 302's contact reaches the owner of the call, who decides. */
static void session_via_redirect(void **state)
{
	auto_free char *request = invite();

	lab_answer(us, request, "302 Moved Temporarily", "53fHlqlQ2", "Contact: <sip:bob@chicago.example.com>\n", NULL);
	assert_int_equal(lab_raw_count(&lab, "ACK"), 1);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->status, 302);
	quiet();
}

/* §3.8: nobody answers, Alice gives up: CANCEL, 200, 487, ACK. */
static void unsuccessful_no_answer(void **state)
{
	auto_free char *request = invite();

	lab_answer(us, request, "180 Ringing", "314159", BOB, NULL);
	sip_session_hangup(us->last, (struct span){0}, lab.now);
	lab_wait(&lab, 1);

	auto_free char *cancel = span_dup(span_z(lab_raw_last(&lab, "CANCEL")));

	assert_string_equal(lab_header(cancel, "Via"), lab_header(request, "Via"));
	assert_int_equal(strtoul(lab_header(cancel, "CSeq"), NULL, 10), strtoul(lab_header(request, "CSeq"), NULL, 10));
	lab_answer(us, cancel, "200 OK", NULL, NULL, NULL);
	lab_answer(us, request, "487 Request Terminated", "314159", NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "ACK"), 1);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_LOCAL);
	quiet();
}

static void ends_with(const char *status, int number)
{
	auto_free char *request = invite();

	lab_answer(us, request, "100 Trying", NULL, NULL, NULL);
	lab_answer(us, request, status, "314159", NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "ACK"), 1);
	assert_string_equal(lab_header(lab_raw_last(&lab, "ACK"), "Via"), lab_header(request, "Via"));
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->status, number);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_REMOTE);
	quiet();
}

/* §3.9 */
static void unsuccessful_busy(void **state)
{
	ends_with("486 Busy Here", 486);
}

/* §3.10: seven INVITEs in 32 s, then it counts as 408. */
static void unsuccessful_no_response(void **state)
{
	auto_free char *request = invite();

	lab_wait(&lab, 33000);
	assert_int_equal(lab_raw_count(&lab, "INVITE"), 7);
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 1);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_TIMEOUT);
	quiet();
}

/* §3.11 */
static void unsuccessful_temporarily_unavailable(void **state)
{
	ends_with("480 Temporarily Unavailable", 480);
}

/* ---- §3 as Bob ------------------------------------------------------------------------------------------------------- */

static char our_to[256];
static const char *alice_contact = "sip:alice@client.atlanta.example.com";

static void alice_asks(const char *method, int cseq, const char *more, const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text),
		"%s sip:bob@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK74bf9%d\n"
		"Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74b43\nMax-Forwards: 69\n"
		"From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\nTo: %s\nCall-ID: 3848276298220188511@atlanta.example.com\n"
		"CSeq: %d %s\nContact: <%s>\n%sContent-Length: $L\n\n%s",
		method, cseq, our_to, cseq, method, alice_contact, more, body);
	lab_inject(us, text);
}

static void alice_calls(const char *more)
{
	char headers[512];

	snprintf(our_to, sizeof(our_to), "Bob <sip:bob@biloxi.example.com>");
	snprintf(headers, sizeof(headers), "Content-Type: application/sdp\n%s", more);
	alice_asks("INVITE", 1, headers, "offer");
	assert_int_equal(lab_count(us, SIP_EV_INCOMING), 1);
}

static void bob_answers(void)
{
	lab_accept(us, "answer");
	lab_wait(&lab, 1);
	snprintf(our_to, sizeof(our_to), "%s", lab_header(lab_raw_last(&lab, "SIP/2.0 200"), "To"));
	assert_non_null(strstr(our_to, ";tag="));
	alice_asks("ACK", 1, "", "");
	assert_int_equal(lab_count(us, SIP_EV_CONFIRMED), 1);
}

/* §3.1, §3.2: both Via values and the Record-Route come back as they were, BYE is answered. */
static void session_to_bob_through_a_proxy(void **state)
{
	alice_calls("Record-Route: <sip:192.0.2.99;lr>\n");
	bob_answers();

	const char *ok = lab_raw_last(&lab, "SIP/2.0 200");

	assert_non_null(strstr(ok, "branch=z9hG4bK74b43"));
	assert_true(strstr(ok, "z9hG4bK74bf9") < strstr(ok, "z9hG4bK74b43"));
	assert_string_equal(lab_header(ok, "Record-Route"), "<sip:192.0.2.99;lr>");
	alice_asks("BYE", 2, "", "");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 2);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_REMOTE);
	quiet();
}

/* §3.7: a re-INVITE with another address and contact; our later requests go to the new contact. */
static void session_with_reinvite(void **state)
{
	alice_calls("");
	bob_answers();
	alice_contact = "sip:alice@192.0.2.99";
	alice_asks("INVITE", 14, "Content-Type: application/sdp\n", "new offer");
	assert_string_equal(lab_last(us, SIP_EV_OFFER)->sdp, "new offer");
	assert_int_equal(sip_session_answer(us->last, SPAN_LIT("new answer"), lab.now), 0);
	lab_wait(&lab, 1);
	assert_non_null(strstr(lab_raw_last(&lab, "SIP/2.0 200"), "\r\n\r\nnew answer"));
	alice_asks("ACK", 14, "", "");
	hang_up(alice_contact);
	quiet();
}

/* §3.8: Bob's phone rings, Alice cancels: 200 to the CANCEL, 487 to the INVITE. */
static void alice_gives_up(void **state)
{
	struct sip_reply ringing = {.status = 180};

	alice_calls("");
	assert_int_equal(sip_session_ring(us->last, &ringing, lab.now), 0);
	lab_wait(&lab, 1);
	lab_inject(us, "CANCEL sip:bob@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK74bf91\nMax-Forwards: 69\n"
		       "From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\nTo: Bob <sip:bob@biloxi.example.com>\n"
		       "Call-ID: 3848276298220188511@atlanta.example.com\nCSeq: 1 CANCEL\nContent-Length: 0\n\n");
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 1);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 487"), 1);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_REMOTE);
	snprintf(our_to, sizeof(our_to), "%s", lab_header(lab_raw_last(&lab, "SIP/2.0 487"), "To"));
	alice_asks("ACK", 1, "", "");
	quiet();
}

/* §3.9 from Bob's side: his 486 is repeated until the ACK comes. */
static void bob_is_busy(void **state)
{
	struct sip_reply busy = {.status = 486};

	alice_calls("");
	assert_int_equal(sip_session_reject(us->last, &busy, lab.now), 0);
	lab_wait(&lab, 600);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 486"), 2);
	quiet();
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(successful_new_registration),
		T(update_of_the_contact),
		T(cancellation_of_the_registration),
		T(unsuccessful_registration),
		T(session_establishment),
		T(session_through_two_proxies),
		T(session_with_multiple_proxy_authentication),
		T(session_via_redirect),
		T(unsuccessful_no_answer),
		T(unsuccessful_busy),
		T(unsuccessful_no_response),
		T(unsuccessful_temporarily_unavailable),
		T(session_to_bob_through_a_proxy),
		T(session_with_reinvite),
		T(alice_gives_up),
		T(bob_is_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
