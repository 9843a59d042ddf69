/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/testlab.h"

/* Registrations, RFC 3261 §10.2, against a registrar whose every word the test writes. */

static struct lab lab;
static struct lab_node *us;
static struct sip_reg *reg;

static int set_up(void **state)
{
	lab_init(&lab, 31);
	lab.is_traced = getenv("TIPRING_TRACE") != NULL;
	us = lab_add(&lab, NULL);
	reg = NULL;

	return 0;
}

static int tear_down(void **state)
{
	lab_done(&lab);

	return 0;
}

static void begin(struct sip_reg_params params)
{
	if (!params.account)
		params.account = us->account;
	assert_int_equal(sip_reg_new(us->stack, &params, lab.now, &reg), 0);
	lab_drain(&lab);
}

static void answer(const char *status, const char *more)
{
	lab_answer(us, lab_raw_last(&lab, "REGISTER"), status, "r", more, NULL);
}

#define CHALLENGE(nonce) "WWW-Authenticate: Digest realm=\"asterisk\",nonce=\"" nonce "\",qop=\"auth\",algorithm=MD5\n"

/* RFC 3665 §2.1, RFC 3261 §10.2: challenge, credentials, expiry of our own Contact; refresh before it with the same Call-ID. */
static void it_registers_and_refreshes(void **state)
{
	const char *first, *second;
	unsigned cseq;

	begin((struct sip_reg_params){.expires_s = 600});
	first = lab_raw(&lab, 0);
	assert_int_equal(strncmp(first, "REGISTER sip:192.0.2.99 SIP/2.0\r\n", 33), 0);
	assert_string_equal(lab_header(first, "To"), "<sip:alice@192.0.2.99>");
	assert_string_equal(lab_header(first, "Contact"), "<sip:alice@192.0.2.10:5060>;expires=600");
	answer("401 Unauthorized", CHALLENGE("n1"));
	second = lab_raw(&lab, 1);
	cseq = (unsigned)strtoul(lab_header(first, "CSeq"), NULL, 10);
	assert_int_equal(strtoul(lab_header(second, "CSeq"), NULL, 10), cseq + 1);
	assert_non_null(strstr(lab_header(second, "Authorization"), "username=\"alice\""));
	answer("200 OK", "Contact: <sip:other@192.0.2.44>;expires=9\nContact: <sip:alice@192.0.2.10:5060>;expires=120\n"
			 "Expires: 3600\n");
	assert_int_equal(lab_count(us, SIP_EV_REG_OK), 1);
	lab_wait(&lab, 95000);
	assert_int_equal(lab_raw_count(&lab, "REGISTER"), 2);
	lab_wait(&lab, 13100); /* 80 to 90 % of 120 s */
	assert_true(lab_raw_count(&lab, "REGISTER") >= 3);
	assert_string_equal(lab_header(lab_raw_last(&lab, "REGISTER"), "Call-ID"), lab_header(first, "Call-ID"));
	assert_non_null(strstr(lab_header(lab_raw_last(&lab, "REGISTER"), "Authorization"), "nc=00000002"));
	answer("200 OK", "Contact: <sip:alice@192.0.2.10:5060>;expires=120\n");
	assert_int_equal(lab_count(us, SIP_EV_REG_OK), 2);
}

/* RFC 3261 §10.2.7: 423. */
static void a_longer_expiry_is_asked_for(void **state)
{
	begin((struct sip_reg_params){.expires_s = 60});
	answer("423 Interval Too Brief", "Min-Expires: 900\n");
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Expires"), "900");
	answer("200 OK", "Expires: 900\n");
	assert_int_equal(lab_count(us, SIP_EV_REG_OK), 1);
}

/* The authentication id is not the extension: 3CX. */
static void the_auth_id_may_differ(void **state)
{
	struct sip_account_params p = {.aor = SPAN_LIT("sip:200@192.0.2.99"), .auth_id = SPAN_LIT("aUtHiD77"),
				       .password = SPAN_LIT("s"), .sent_by = span_z(us->host)};
	struct sip_account *a;

	assert_int_equal(sip_account_new(us->stack, &p, &a), 0);
	begin((struct sip_reg_params){.account = a});
	answer("407 Proxy", "Proxy-Authenticate: Digest realm=\"3CXPhoneSystem\",nonce=\"n\",algorithm=MD5\n");
	assert_non_null(strstr(lab_header(lab_raw(&lab, -1), "Proxy-Authorization"), "username=\"aUtHiD77\""));
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Contact"), "<sip:200@192.0.2.10:5060>;expires=300");
	sip_account_unref(a);
}

static const char *last_text;
static enum sip_reg_fault last_fault;
static msec_t last_retry;

static void note_fault(struct lab_node *node, const struct sip_stack_event *ev)
{
	if (ev->type != SIP_EV_REG_FAILED)
		return;
	last_fault = ev->reg_fault;
	last_text = ev->text;
	last_retry = ev->retry_at;
}

/* Plain words, and no insisting: a PBX bans those who do. */
static void a_wrong_password_is_said_and_not_repeated(void **state)
{
	us->on_event = note_fault;
	begin((struct sip_reg_params){0});
	answer("401 Unauthorized", CHALLENGE("n1"));
	answer("401 Unauthorized", CHALLENGE("n2"));
	assert_int_equal(last_fault, SIP_REG_BAD_PASSWORD);
	assert_non_null(strstr(last_text, "password wrong"));
	assert_true(last_retry == NEVER);
	lab_wait(&lab, 3600000);
	assert_int_equal(lab_raw_count(&lab, "REGISTER"), 2);
	sip_reg_refresh_now(reg, lab.now); /* a human changed it */
	lab_wait(&lab, 1);
	assert_int_equal(lab_raw_count(&lab, "REGISTER"), 3);
	answer("401 Unauthorized", CHALLENGE("n3"));
	answer("200 OK", "Expires: 60\n");
	assert_int_equal(lab_count(us, SIP_EV_REG_OK), 1);
}

static void refusals_are_told_apart(void **state)
{
	static const struct {
		const char *status;
		enum sip_reg_fault fault;
	} table[] = {{"404 Not Found", SIP_REG_UNKNOWN_USER}, {"403 Forbidden", SIP_REG_FORBIDDEN},
		     {"503 Unavailable", SIP_REG_BUSY}, {"400 Bad", SIP_REG_REFUSED}};

	us->on_event = note_fault;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		begin((struct sip_reg_params){0});
		answer(table[i].status, NULL);
		assert_int_equal(last_fault, table[i].fault);
		assert_true(last_retry > lab.now && last_retry < lab.now + 400000);
		sip_reg_free(reg);
	}
	begin((struct sip_reg_params){0});
	answer("401 Unauthorized", "WWW-Authenticate: Bearer realm=\"x\"\n");
	assert_int_equal(last_fault, SIP_REG_NO_DIGEST);
}

/* RFC 3261 §20.33. */
static void retry_after_is_heeded(void **state)
{
	us->on_event = note_fault;
	begin((struct sip_reg_params){0});
	answer("503 Unavailable", "Retry-After: 120\n");
	assert_true(last_retry >= lab.now + 120000 && last_retry < lab.now + 125000);
}

/* A PBX that restarts: refused at once at first, then silent, then back: noticed within seconds. */
static void a_pbx_that_returns_is_noticed_within_seconds(void **state)
{
	msec_t back;

	us->on_event = note_fault;
	begin((struct sip_reg_params){.expires_s = 60});
	answer("200 OK", "Expires: 60\n");
	lab_wait(&lab, 55000);
	for (int i = 0; i < 12; i++) {
		sip_stack_send_failed(us->stack, lab.raw_token[lab.raw_count - 1], -ECONNREFUSED, i ? NULL : "nothing listens", lab.now);
		assert_non_null(strstr(last_text, i ? "does not answer" : "nothing listens"));
		assert_true(last_retry - lab.now <= 12500);
		lab_raw_forget(&lab);
		lab_wait(&lab, last_retry - lab.now);
		assert_int_equal(lab_raw_count(&lab, "REGISTER"), 1);
	}
	assert_int_equal(last_fault, SIP_REG_NO_ANSWER);
	back = lab.now;
	answer("200 OK", "Expires: 60\n");
	assert_int_equal(lab_count(us, SIP_EV_REG_OK), 2);
	assert_true(lab.now - back < 100);
}

static struct addr learned;

static void note_addr(struct lab_node *node, const struct sip_stack_event *ev)
{
	if (ev->type == SIP_EV_PUBLIC_ADDR)
		learned = ev->public_addr;
}

/* RFC 3581: the registrar's received and rport are our public address; registered anew with it if wanted. */
static void the_public_address_is_learned(void **state)
{
	char text[2048], addr[ADDR_TEXT];
	const char *request, *via;

	us->on_event = note_addr;
	begin((struct sip_reg_params){.learn_public = true});
	for (int i = 0; i < 2; i++) {
		request = lab_raw_last(&lab, "REGISTER");
		via = lab_header(request, "Via");
		snprintf(text, sizeof(text),
			 "SIP/2.0 200 OK\nVia: %.*s;received=198.51.100.1;rport=40001%s\nFrom: %s\nTo: %s;tag=x\nCall-ID: %s\n"
			 "CSeq: %s\nExpires: 60\nContent-Length: 0\n\n",
			 (int)(strstr(via, ";rport") - via), via, strstr(via, ";rport") + 6, lab_header(request, "From"),
			 lab_header(request, "To"), lab_header(request, "Call-ID"), lab_header(request, "CSeq"));
		lab_inject(us, text);
	}
	assert_string_equal(addr_text(&learned, addr), "198.51.100.1:40001");
	assert_int_equal(lab_raw_count(&lab, "REGISTER"), 2);
	assert_string_equal(lab_header(lab_raw_last(&lab, "REGISTER"), "Contact"),
			    "<sip:alice@198.51.100.1:40001>;expires=300");
	assert_int_equal(lab_count(us, SIP_EV_PUBLIC_ADDR), 1);
	/* Its binding in the NAT is kept open. */
	lab_raw_forget(&lab);
	lab_wait(&lab, 30000);
	assert_in_range(lab_raw_count(&lab, "\r\n\r\n"), 3, 4);
}

/* RFC 5626 §4.4.1: double CR LF; a missing pong, after one was seen, is a dead connection. */
static void pings_keep_the_way_open(void **state)
{
	struct sip_account_params p = {.aor = SPAN_LIT("sip:a@192.0.2.99"), .transport = SIP_TCP,
				       .sent_by = span_z(us->host)};
	struct sip_account *a;

	assert_int_equal(sip_account_new(us->stack, &p, &a), 0);
	begin((struct sip_reg_params){.account = a, .keepalive_s = 30, .expires_s = 3600});
	lab_inject_on(us, "SIP/2.0 100 Trying\nVia: x\n\n", SIP_TCP); /* nonsense changes nothing */
	sip_stack_sent_on(us->stack, lab.raw_token[0], 7);
	{
		char text[2048];
		const char *r = lab_raw(&lab, 0);

		snprintf(text, sizeof(text), "SIP/2.0 200 OK\nVia: %s\nFrom: %s\nTo: %s;tag=x\nCall-ID: %s\nCSeq: %s\n"
			 "Expires: 3600\nContent-Length: 0\n\n", lab_header(r, "Via"), lab_header(r, "From"),
			 lab_header(r, "To"), lab_header(r, "Call-ID"), lab_header(r, "CSeq"));
		lab_inject_on(us, text, SIP_TCP);
	}
	assert_int_equal(lab_count(us, SIP_EV_REG_OK), 1);
	lab_wait(&lab, 30000);
	assert_int_equal(lab_raw_count(&lab, "\r\n\r\n"), 1);
	assert_int_equal(lab.raw_dest[lab.raw_count - 1].conn, 7);
	lab_inject_on(us, "\n", SIP_TCP);
	lab_wait(&lab, 30000); /* the next ping, and no pong */
	assert_int_equal(lab_raw_count(&lab, "\r\n\r\n"), 2);
	lab_wait(&lab, 10100);
	assert_int_equal(lab_raw_count(&lab, "REGISTER"), 2);
	assert_int_equal(lab.raw_dest[lab.raw_count - 1].conn, 0);
	sip_account_unref(a);
}

/* A server's ping is answered (RFC 5626 §3.5.1), and a lost connection registers anew. */
static void a_lost_connection_is_replaced(void **state)
{
	lab_inject_on(us, "\n\n", SIP_TCP);
	assert_string_equal(lab_raw(&lab, -1), "\r\n");
	begin((struct sip_reg_params){0});
	{
		char text[2048];
		const char *r = lab_raw_last(&lab, "REGISTER");

		snprintf(text, sizeof(text), "SIP/2.0 200 OK\nVia: %s\nFrom: %s\nTo: %s;tag=x\nCall-ID: %s\nCSeq: %s\n"
			 "Expires: 3600\nContent-Length: 0\n\n", lab_header(r, "Via"), lab_header(r, "From"),
			 lab_header(r, "To"), lab_header(r, "Call-ID"), lab_header(r, "CSeq"));
		lab_inject_on(us, text, SIP_TCP);
	}
	sip_stack_conn_lost(us->stack, 7, NULL, lab.now);
	lab_wait(&lab, 1001);
	assert_true(lab_raw_count(&lab, "REGISTER") >= 2);
}

/* OPTIONS as keep-alive: any answer will do; none brings a REGISTER. */
static void options_notice_a_dead_registrar(void **state)
{
	begin((struct sip_reg_params){.keepalive = SIP_KA_OPTIONS, .keepalive_s = 20, .expires_s = 3600});
	answer("200 OK", "Expires: 3600\n");
	lab_wait(&lab, 20000);
	lab_answer(us, lab_raw_last(&lab, "OPTIONS"), "404 Not Found", "x", NULL, NULL);
	lab_wait(&lab, 19000);
	lab_wait(&lab, 12000);
	assert_int_equal(lab_raw_count(&lab, "REGISTER") >= 2, 1);
}

/* RFC 3261 §10.2.2: expires=0, and an end whatever the registrar does. */
static void it_unregisters(void **state)
{
	begin((struct sip_reg_params){0});
	answer("200 OK", "Expires: 60\n");
	sip_reg_unregister(reg, lab.now);
	lab_wait(&lab, 1);
	assert_string_equal(lab_header(lab_raw(&lab, -1), "Contact"), "<sip:alice@192.0.2.10:5060>;expires=0");
	assert_int_equal(lab_count(us, SIP_EV_REG_GONE), 0);
	answer("401 Unauthorized", CHALLENGE("n1"));
	answer("200 OK", NULL);
	assert_int_equal(lab_count(us, SIP_EV_REG_GONE), 1);
	sip_reg_free(reg);
	begin((struct sip_reg_params){0});
	answer("200 OK", "Expires: 60\n");
	sip_reg_unregister(reg, lab.now);
	lab_wait(&lab, 33000);
	assert_int_equal(lab_count(us, SIP_EV_REG_GONE), 2);
	reg = sip_reg_free(reg);
	lab_wait(&lab, 40000);
	lab_assert_empty(&lab);
}

/* RFC 3608 §6.1: calls follow the Service-Route; RFC 5626 §4.2: instance and reg-id; an outbound proxy is the first hop. */
static void routes_and_outbound(void **state)
{
	struct sip_dest proxy = {.host = SPAN_LIT("edge.example.com"), .port = 5080, .transport = SIP_UDP};

	assert_int_equal(sip_account_set_proxy(us->account, &proxy), 0);
	begin((struct sip_reg_params){.instance_id = SPAN_LIT("urn:uuid:1")});
	assert_int_equal(lab.raw_dest[0].port, 5080);
	assert_false(addr_is_set(&lab.raw_dest[0].addr));
	assert_string_equal(lab_header(lab_raw(&lab, 0), "Contact"),
			    "<sip:alice@192.0.2.10:5060>;expires=300;+sip.instance=\"<urn:uuid:1>\";reg-id=1");
	answer("200 OK", "Service-Route: <sip:in.example.com;lr>\nExpires: 60\n");
	lab_call(us, NULL, "offer");
	assert_string_equal(lab_header(lab_raw_last(&lab, "INVITE"), "Route"), "<sip:in.example.com;lr>");
}

/* With another registrar at hand a silent one is given up after two seconds, not thirty-two; one that says 100 is waited for. */
static void patience_has_an_end_when_there_is_another(void **state)
{
	struct sip_dest other = {.transport = SIP_UDP};

	begin((struct sip_reg_params){.delay_ms = 700});
	assert_int_equal(lab.raw_count, 0);
	sip_reg_set_patience(reg, 2000);
	lab_wait(&lab, 699);
	assert_int_equal(lab.raw_count, 0);
	lab_wait(&lab, 2);
	assert_int_equal(lab_raw_count(&lab, "REGISTER"), 1);
	lab_wait(&lab, 1990);
	assert_int_equal(lab_count(us, SIP_EV_REG_FAILED), 0);
	lab_wait(&lab, 20);
	assert_int_equal(lab_count(us, SIP_EV_REG_FAILED), 1);

	assert_true(addr_parse_ip(SPAN_LIT("192.0.2.98"), 5060, &other.addr));
	assert_int_equal(sip_account_set_proxy(us->account, &other), 0);
	lab_raw_forget(&lab);
	sip_reg_refresh_now(reg, lab.now);
	lab_drain(&lab);
	assert_true(addr_eq(&lab.raw_dest[0].addr, &other.addr));
	answer("100 Trying", "");
	lab_wait(&lab, 6000);
	assert_int_equal(lab_count(us, SIP_EV_REG_FAILED), 1);
	answer("200 OK", "Expires: 60\n");
	assert_int_equal(lab_count(us, SIP_EV_REG_OK), 1);
	lab_wait(&lab, 20000);
	assert_int_equal(lab_count(us, SIP_EV_REG_FAILED), 1);
}

/* A whole building of lines: neither the first REGISTERs nor the refreshes of an hour ever come in a burst. */
static void two_hundred_lines_never_register_in_step(void **state)
{
	enum { LINES = 200, EXPIRES_S = 300, HOUR_MS = 3600000 };
	struct sip_reg *regs[LINES];
	unsigned most = 0, in_second = 0, total = 0;

	for (int i = 0; i < LINES; i++) {
		struct sip_reg_params p = {.account = us->account, .expires_s = EXPIRES_S, .delay_ms = (uint32_t)i * 10,
			.keepalive = SIP_KA_NONE};

		assert_int_equal(sip_reg_new(us->stack, &p, lab.now, &regs[i]), 0);
	}
	for (msec_t second = lab.now; lab.now < second + HOUR_MS; in_second = 0) {
		for (int i = 0; i < 100; i++) {
			msec_t until = lab.now + 10;

			lab_run(&lab, until);
			lab.now = until;
			for (unsigned k = 0; k < lab.raw_count; k++)
				lab_answer(us, lab.raw[k], "200 OK", "r", "Expires: 300\n", NULL);
			in_second += lab.raw_count;
			lab_raw_forget(&lab);
		}
		total += in_second;
		/* the start: one line each 10 ms */
		if (lab.now - second > 5000)
			most = MAX(most, in_second);
		assert_true(in_second <= 101);
	}
	print_message("%u REGISTERs in an hour, at most %u in one second\n", total, most);
	assert_true(total > LINES * 12 && total < LINES * 17);
	assert_true(most <= 25);
	for (int i = 0; i < LINES; i++)
		sip_reg_free(regs[i]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(it_registers_and_refreshes),
		T(a_longer_expiry_is_asked_for),
		T(the_auth_id_may_differ),
		T(a_wrong_password_is_said_and_not_repeated),
		T(refusals_are_told_apart),
		T(retry_after_is_heeded),
		T(a_pbx_that_returns_is_noticed_within_seconds),
		T(the_public_address_is_learned),
		T(pings_keep_the_way_open),
		T(a_lost_connection_is_replaced),
		T(options_notice_a_dead_registrar),
		T(it_unregisters),
		T(routes_and_outbound),
		T(patience_has_an_end_when_there_is_another),
		T(two_hundred_lines_never_register_in_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
