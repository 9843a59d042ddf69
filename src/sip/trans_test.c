/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/testlab.h"

/* The transaction machines of RFC 3261 §17 and RFC 6026 §7, edge by edge, seen from the wire. */

static struct lab lab;
static struct lab_node *us;

static int set_up(void **state)
{
	lab_init(&lab, 17);
	lab.is_traced = getenv("TIPRING_TRACE") != NULL;
	us = lab_add(&lab, NULL);

	return 0;
}

static int tear_down(void **state)
{
	lab_done(&lab);

	return 0;
}

/* When each message that begins so was sent, from the first one on. */
static void assert_times(const char *start, const msec_t *want, unsigned n)
{
	msec_t first = -1;
	unsigned at = 0;

	for (unsigned i = 0; i < lab.raw_count; i++) {
		if (strncmp(lab.raw[i], start, strlen(start)))
			continue;
		if (first < 0)
			first = lab.raw_at[i];
		if (at >= n)
			fail_msg("\"%s\" was sent more than %u times", start, n);
		assert_int_equal(lab.raw_at[i] - first, want[at++]);
	}
	assert_int_equal(at, n);
}

static void use_tcp(void)
{
	struct sip_account_params p = {.aor = SPAN_LIT("sip:alice@192.0.2.99"), .transport = SIP_TCP,
				       .sent_by = span_z(us->host)};

	assert_int_equal(sip_account_new(us->stack, &p, &us->account), 0);
}

/* A call that the raw peer has answered; forgets what was sent. */
static void call_up(void)
{
	lab_call(us, NULL, "offer");
	lab_answer(us, lab_raw(&lab, -1), "200 OK", "r", "Contact: <sip:bob@192.0.2.99>\n", "answer");
	assert_int_equal(lab_count(us, SIP_EV_ANSWERED), 1);
	lab_raw_forget(&lab);
}

#define INVITE_HEAD                                                                                          \
	"INVITE sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKone;rport\n"    \
	"From: <sip:bob@192.0.2.99>;tag=f\nTo: <sip:alice@192.0.2.10>\nCall-ID: c1\nCSeq: 1 INVITE\n"
#define INVITE                                                                                               \
	INVITE_HEAD "Contact: <sip:bob@192.0.2.99>\nMax-Forwards: 70\nContent-Type: application/sdp\n"       \
		    "Content-Length: $L\n\noffer"

static const char *to_of_last(void)
{
	return lab_header(lab_raw(&lab, -1), "To");
}

static void ack(const char *branch, const char *to)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "ACK sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99:5060;branch=%s;rport\n"
		 "From: <sip:bob@192.0.2.99>;tag=f\nTo: %s\nCall-ID: c1\nCSeq: 1 ACK\nContent-Length: 0\n\n",
		 branch, to);
	lab_inject(us, text);
}

static void reject(int status)
{
	struct sip_reply reply = {.status = status};

	assert_int_equal(sip_session_reject(us->last, &reply, lab.now), 0);
	lab_wait(&lab, 1);
}

/* ---- INVITE client ---- */

/* RFC 3261 §17.1.1.2: Timer A doubles from T1, Timer B gives up at 64*T1: seven sendings, then 408. */
static void invite_unanswered_is_sent_seven_times(void **state)
{
	static const msec_t want[] = {0, 500, 1500, 3500, 7500, 15500, 31500};

	lab_call(us, NULL, "offer");
	lab_run(&lab, lab.now + 60000);
	assert_times("INVITE", want, ARRAY_LEN(want));
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_TIMEOUT);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->status, 408);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->at, 1000 + 32000);
	lab_assert_empty(&lab);
}

/* RFC 3261 §17.1.1.2: no Timer A on a stream. */
static void invite_on_a_stream_is_sent_once(void **state)
{
	static const msec_t want[] = {0};

	use_tcp();
	lab_call(us, NULL, "offer");
	assert_non_null(strstr(lab_raw(&lab, 0), "SIP/2.0/TCP "));
	lab_run(&lab, lab.now + 60000);
	assert_times("INVITE", want, 1);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->at, 1000 + 32000);
}

/* RFC 3261 §17.1.1.2: a provisional response stops Timers A and B. */
static void a_1xx_stops_sending_and_giving_up(void **state)
{
	static const msec_t want[] = {0};

	lab_call(us, NULL, "offer");
	lab_answer(us, lab_raw(&lab, 0), "100 Trying", NULL, NULL, NULL);
	lab_run(&lab, lab.now + 120000);
	assert_times("INVITE", want, 1);
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 0);
	assert_int_equal(lab_count(us, SIP_EV_PROGRESS), 0); /* 100 is between neighbours */
}

/* RFC 3261 §17.1.1.2, §17.1.1.3: ACK with the INVITE's branch, again for each repetition until Timer D. */
static void a_failure_is_acked_each_time_until_timer_d(void **state)
{
	char *invite;

	lab_call(us, NULL, "offer");
	invite = span_dup(span_z(lab_raw(&lab, 0)));
	lab_answer(us, invite, "486 Busy Here", "r", NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->status, 486);
	assert_int_equal(lab_raw_count(&lab, "ACK sip:bob@192.0.2.99:5060"), 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Via"), lab_header(invite, "Via"));
	assert_non_null(strstr(to_of_last(), ";tag=r"));
	assert_string_equal(lab_header(lab_raw(&lab, -1), "CSeq") + strlen(lab_header(invite, "CSeq")) - 6, "ACK");
	lab_wait(&lab, 31000);
	lab_answer(us, invite, "486 Busy Here", "r", NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "ACK "), 2);
	lab_wait(&lab, 1100);
	lab_answer(us, invite, "486 Busy Here", "r", NULL, NULL);
	assert_int_equal(lab_raw_count(&lab, "ACK "), 2);
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 1);
	lab_assert_empty(&lab);
	free(invite);
}

/* RFC 3261 §17.1.1.2: on a stream Timer D is zero. */
static void timer_d_is_zero_on_streams(void **state)
{
	use_tcp();
	lab_call(us, NULL, "offer");
	lab_answer(us, lab_raw(&lab, 0), "486 Busy Here", "r", NULL, NULL);
	lab_wait(&lab, 5);
	lab_assert_empty(&lab);
}

/* RFC 6026 §7.2: Accepted passes each 2xx up, so that it is ACKed again (RFC 3261 §13.2.2.4), until Timer M. */
static void each_2xx_is_acked_until_timer_m(void **state)
{
	char *invite;

	lab_call(us, NULL, "offer");
	invite = span_dup(span_z(lab_raw(&lab, 0)));
	for (int i = 1; i <= 3; i++) {
		lab_answer(us, invite, "200 OK", "r", "Contact: <sip:bob@192.0.2.99>\n", "answer");
		assert_int_equal(lab_raw_count(&lab, "ACK sip:bob@192.0.2.99 "), i);
	}
	assert_string_equal(lab_raw(&lab, -1), lab_raw(&lab, -3));
	assert_string_not_equal(lab_header(lab_raw(&lab, -1), "Via"), lab_header(invite, "Via"));
	lab_wait(&lab, 32001);
	lab_answer(us, invite, "200 OK", "r", "Contact: <sip:bob@192.0.2.99>\n", "answer");
	assert_int_equal(lab_raw_count(&lab, "ACK "), 3);
	assert_int_equal(lab_count(us, SIP_EV_ANSWERED), 1);
	free(invite);
}

/* RFC 3261 §17.1.4, §8.1.3.1: what cannot be sent is a 503. */
static void a_failed_sending_is_a_503(void **state)
{
	lab_call(us, NULL, "offer");
	sip_stack_send_failed(us->stack, lab.raw_token[0], -TR_ETRANSPORT, "the certificate has expired", lab.now);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->status, 503);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_TRANSPORT);
	assert_string_equal(lab_last(us, SIP_EV_ENDED)->text, "the certificate has expired");
	sip_stack_send_failed(us->stack, lab.raw_token[0], -TR_ETRANSPORT, NULL, lab.now);
	lab_wait(&lab, 1);
	lab_assert_empty(&lab);
}

/* The same when the connection ends that the request went out on. */
static void a_lost_connection_is_a_503(void **state)
{
	use_tcp();
	lab_call(us, NULL, "offer");
	sip_stack_sent_on(us->stack, lab.raw_token[0], 9);
	sip_stack_conn_lost(us->stack, 8, NULL, lab.now);
	lab_wait(&lab, 5);
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 0);
	char why[] = "it wants a certificate of ours";

	sip_stack_conn_lost(us->stack, 9, why, lab.now);
	memset(why, 'x', sizeof(why) - 1); /* kept until it is told */
	lab_wait(&lab, 5);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->status, 503);
	assert_string_equal(lab_last(us, SIP_EV_ENDED)->text, "it wants a certificate of ours");
	lab_assert_empty(&lab);
}

/* RFC 3261 §18.1.1: over 1300 bytes by TCP, and by UDP if the peer has none; Via says which. */
static void a_large_request_takes_tcp_and_falls_back(void **state)
{
	static char sdp[1400];
	static const msec_t want[] = {0, 0, 500, 1500};

	memset(sdp, 'x', sizeof(sdp) - 1);
	lab_call(us, NULL, sdp);
	assert_int_equal(lab.raw_dest[0].transport, SIP_TCP);
	assert_true(lab.raw_dest[0].has_fallback);
	assert_non_null(strstr(lab_raw(&lab, 0), "Via: SIP/2.0/TCP "));
	sip_stack_send_failed(us->stack, lab.raw_token[0], -ECONNREFUSED, NULL, lab.now);
	assert_int_equal(lab_raw_count(&lab, "INVITE") + 1, 2); /* not drained yet */
	lab_wait(&lab, 2000);
	assert_non_null(strstr(lab_raw(&lab, 1), "Via: SIP/2.0/UDP "));
	assert_int_equal(lab.raw_dest[1].transport, SIP_UDP);
	assert_times("INVITE", want, ARRAY_LEN(want));
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 0);
}

/* ---- other clients ---- */

/* RFC 3261 §17.1.2.2: Timer E doubles up to T2, Timer F gives up. */
static void bye_unanswered_is_sent_eleven_times(void **state)
{
	static const msec_t want[] = {0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500};

	call_up();
	sip_session_hangup(us->last, (struct span){0}, lab.now);
	lab_wait(&lab, 60000);
	assert_times("BYE", want, ARRAY_LEN(want));
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_LOCAL);
	lab_assert_empty(&lab);
}

/* RFC 3261 §17.1.2.2: in Proceeding at T2. */
static void a_1xx_to_bye_slows_it_down(void **state)
{
	static const msec_t want[] = {0, 500, 4500, 8500};

	call_up();
	sip_session_hangup(us->last, (struct span){0}, lab.now);
	lab_wait(&lab, 100);
	lab_answer(us, lab_raw(&lab, -1), "100 Trying", NULL, NULL, NULL);
	lab_wait(&lab, 10000);
	assert_times("BYE", want, ARRAY_LEN(want));
}

/* RFC 3261 §17.1.2.2: Timer K absorbs repetitions for T4. */
static void timer_k_absorbs_repetitions(void **state)
{
	struct sip_stack_stats st;
	char *bye;

	call_up();
	sip_session_hangup(us->last, (struct span){0}, lab.now);
	bye = span_dup(span_z(lab_raw(&lab, -1)));
	lab_answer(us, bye, "200 OK", NULL, NULL, NULL);
	lab_wait(&lab, 4900);
	lab_answer(us, bye, "200 OK", NULL, NULL, NULL);
	sip_stack_stats(us->stack, &st);
	assert_int_equal(st.strays, 0);
	lab_wait(&lab, 200);
	lab_answer(us, bye, "200 OK", NULL, NULL, NULL);
	sip_stack_stats(us->stack, &st);
	assert_int_equal(st.strays, 1);
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 1);
	free(bye);
}

/* ---- INVITE server ---- */

/* RFC 3261 §17.2.1: 100 after 200 ms, and for a repetition; a later answer replaces it. */
static void a_slow_core_gets_100_sent_for_it(void **state)
{
	struct sip_reply ringing = {.status = 180};

	lab_inject(us, INVITE);
	lab_wait(&lab, 199);
	assert_int_equal(lab.raw_count, 0);
	lab_wait(&lab, 1);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 100"), 1);
	lab_inject(us, INVITE);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 100"), 2);
	assert_int_equal(sip_session_ring(us->last, &ringing, lab.now), 0);
	lab_wait(&lab, 10);
	lab_inject(us, INVITE);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 180"), 2);
	assert_int_equal(lab_count(us, SIP_EV_INCOMING), 1);
	lab_wait(&lab, 60000); /* RFC 3261 §13.3.1.1: once a minute */
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 180"), 3);
}

/* RFC 3261 §17.2.1: Timer G doubles up to T2, Timer H gives up. */
static void a_failure_is_repeated_until_timer_h(void **state)
{
	static const msec_t want[] = {0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500};

	lab_inject(us, INVITE);
	reject(486);
	lab_wait(&lab, 60000);
	assert_times("SIP/2.0 486", want, ARRAY_LEN(want));
	lab_assert_empty(&lab);
}

/* RFC 3261 §17.2.1: the ACK ends it; Timer I absorbs more of them. */
static void an_ack_ends_the_repetition(void **state)
{
	char *to;

	lab_inject(us, INVITE);
	reject(603);
	to = span_dup(span_z(to_of_last()));
	lab_inject(us, INVITE); /* a repetition in Completed gets the answer at once */
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 603"), 2);
	ack("z9hG4bKone", to);
	lab_wait(&lab, 4000);
	ack("z9hG4bKone", to);
	lab_inject(us, INVITE); /* Confirmed absorbs it */
	lab_wait(&lab, 900);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 603"), 2);
	assert_int_equal(lab_count(us, SIP_EV_INCOMING), 1);
	lab_wait(&lab, 200);
	lab_assert_empty(&lab);
	free(to);
}

/* RFC 3261 §13.3.1.4, RFC 6026 §7.1: 2xx until the ACK; INVITEs are absorbed; without ACK a BYE. */
static void a_2xx_is_repeated_until_its_ack(void **state)
{
	static const msec_t want[] = {0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500};

	lab_inject(us, INVITE);
	lab_accept(us, "answer");
	lab_inject(us, INVITE);
	lab_wait(&lab, 40000);
	assert_times("SIP/2.0 200", want, ARRAY_LEN(want));
	assert_true(lab_raw_count(&lab, "BYE sip:bob@192.0.2.99") > 1);
	lab_answer(us, lab_raw_last(&lab, "BYE"), "200 OK", NULL, NULL, NULL);
	assert_int_equal(lab_last(us, SIP_EV_ENDED)->cause, SIP_CAUSE_NO_ACK);
	lab_wait(&lab, 6000);
	lab_assert_empty(&lab);
}

static void the_ack_of_a_2xx_stops_it(void **state)
{
	char *to;

	lab_inject(us, INVITE);
	lab_accept(us, "answer");
	to = span_dup(span_z(to_of_last()));
	lab_wait(&lab, 600);
	ack("z9hG4bKtwo", to);
	ack("z9hG4bKtwo", to);
	assert_int_equal(lab_count(us, SIP_EV_CONFIRMED), 1);
	lab_wait(&lab, 60000);
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 2);
	assert_int_equal(lab_count(us, SIP_EV_ENDED), 0);
	free(to);
}

/* Some peers give the ACK of a 2xx the branch of its INVITE (an error against RFC 3261 §17.1.1.3, and harmless). */
static void an_ack_with_the_branch_of_its_invite_counts(void **state)
{
	lab_inject(us, INVITE);
	lab_accept(us, "answer");
	ack("z9hG4bKone", to_of_last());
	assert_int_equal(lab_count(us, SIP_EV_CONFIRMED), 1);
}

/* ---- other servers ---- */

#define OPTIONS_AS(branch)                                                                                   \
	"OPTIONS sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99:5060" branch ";rport\n"           \
	"From: <sip:bob@192.0.2.99>;tag=f\nTo: <sip:alice@192.0.2.10>\nCall-ID: c2\nCSeq: 7 OPTIONS\n"       \
	"Max-Forwards: 70\nContent-Length: 0\n\n"

/* RFC 3261 §17.2.2: Timer J answers repetitions without asking the core again. */
static void a_repeated_request_gets_the_same_answer(void **state)
{
	lab_inject(us, OPTIONS_AS(";branch=z9hG4bKo"));
	lab_wait(&lab, 31000);
	lab_inject(us, OPTIONS_AS(";branch=z9hG4bKo"));
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 2);
	assert_string_equal(lab_raw(&lab, 0), lab_raw(&lab, 1));
	assert_int_equal(lab_count(us, SIP_EV_OPTIONS), 1);
	lab_wait(&lab, 1500);
	lab_assert_empty(&lab);
	lab_inject(us, OPTIONS_AS(";branch=z9hG4bKo"));
	assert_int_equal(lab_count(us, SIP_EV_OPTIONS), 2);
}

/* RFC 3261 §17.2.3: an element of RFC 2543 has no magic cookie. */
static void requests_without_cookie_are_matched_by_what_they_say(void **state)
{
	lab_inject(us, OPTIONS_AS(""));
	lab_inject(us, OPTIONS_AS(""));
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 200"), 2);
	assert_int_equal(lab_count(us, SIP_EV_OPTIONS), 1);
}

/* RFC 3261 §8.2.2.2: the same request by two ways. */
static void a_merged_request_is_refused(void **state)
{
	lab_inject(us, OPTIONS_AS(";branch=z9hG4bKo"));
	lab_inject(us, OPTIONS_AS(";branch=z9hG4bKother"));
	assert_int_equal(lab_raw_count(&lab, "SIP/2.0 482"), 1);
	assert_int_equal(lab_count(us, SIP_EV_OPTIONS), 1);
}

/* RFC 3261 §17.2.2: nothing waits on a stream. */
static void timer_j_is_zero_on_streams(void **state)
{
	lab_inject_on(us, OPTIONS_AS(";branch=z9hG4bKo"), SIP_TCP);
	assert_int_equal(lab.raw_dest[0].conn, 7);
	lab_wait(&lab, 2);
	lab_assert_empty(&lab);
}

/* ---- where answers go ---- */

/* RFC 3581 §4: to where it came from, and the peer is told. RFC 3261 §18.2.2 without rport: to the port of sent-by. */
static void answers_go_back_the_way(void **state)
{
	lab_inject(us, OPTIONS_AS(";branch=z9hG4bKo"));
	assert_int_equal(addr_port(&lab.raw_dest[0].addr), 5060);
	assert_non_null(strstr(lab_raw(&lab, 0), ";received=192.0.2.99"));
	assert_non_null(strstr(lab_raw(&lab, 0), ";rport=5060"));
	lab_inject(us, "OPTIONS sip:alice@192.0.2.10 SIP/2.0\nVia: SIP/2.0/UDP pbx.example.com:5070;branch=z9hG4bKp\n"
		       "From: <sip:bob@192.0.2.99>;tag=f\nTo: <sip:alice@192.0.2.10>\nCall-ID: c3\nCSeq: 7 OPTIONS\n"
		       "Max-Forwards: 70\nContent-Length: 0\n\n");
	assert_int_equal(addr_port(&lab.raw_dest[1].addr), 5070);
	assert_non_null(strstr(lab_raw(&lab, 1), ";received=192.0.2.99"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(invite_unanswered_is_sent_seven_times),
		T(invite_on_a_stream_is_sent_once),
		T(a_1xx_stops_sending_and_giving_up),
		T(a_failure_is_acked_each_time_until_timer_d),
		T(timer_d_is_zero_on_streams),
		T(each_2xx_is_acked_until_timer_m),
		T(a_failed_sending_is_a_503),
		T(a_lost_connection_is_a_503),
		T(a_large_request_takes_tcp_and_falls_back),
		T(bye_unanswered_is_sent_eleven_times),
		T(a_1xx_to_bye_slows_it_down),
		T(timer_k_absorbs_repetitions),
		T(a_slow_core_gets_100_sent_for_it),
		T(a_failure_is_repeated_until_timer_h),
		T(an_ack_ends_the_repetition),
		T(a_2xx_is_repeated_until_its_ack),
		T(the_ack_of_a_2xx_stops_it),
		T(an_ack_with_the_branch_of_its_invite_counts),
		T(a_repeated_request_gets_the_same_answer),
		T(requests_without_cookie_are_matched_by_what_they_say),
		T(a_merged_request_is_refused),
		T(timer_j_is_zero_on_streams),
		T(answers_go_back_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
