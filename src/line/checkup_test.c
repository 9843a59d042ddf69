/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/checkup.h"

static struct line_config line;
static struct checkup_facts f;
static struct checkup_finding found[CHECKUP_FINDINGS];
static size_t count;

static struct addr at(const char *text)
{
	struct addr a;

	assert_true(addr_parse(span_z(text), 5060, &a));

	return a;
}

/* A registered line of a PBX on the Internet, in order. */
static int begin(void **state)
{
	line = (struct line_config){.name = "office", .server = "203.0.113.20", .extension = "1001", .transport = LINE_UDP, .does_register = true};
	f = (struct checkup_facts){.line = &line, .name.is_literal = true, .reg = CHECKUP_REG_FINE, .reg_expires_s = 300, .call.rtt_ms = -1};
	f.reach[LINE_UDP] = (struct checkup_reach){.is_tried = true, .is_wanted = true, .addr = at("203.0.113.20:5060"), .status = 200, .ms = 12};
	f.reach[LINE_TCP] = (struct checkup_reach){.is_tried = true, .addr = at("203.0.113.20:5060"), .status = 200, .ms = 14};
	f.seen.answers = 2;
	f.seen.local = at("10.0.0.5:5060");
	f.seen.seen = at("198.51.100.1:5060");
	buf_copy(f.seen.realm, sizeof(f.seen.realm), "asterisk");

	return 0;
}

static const struct checkup_finding *find(const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(found[i].id, id) == 0)
			return &found[i];

	return NULL;
}

static void judge(void)
{
	count = checkup_line(&f, found);
	assert_true(count <= CHECKUP_FINDINGS);
	for (size_t i = 0; i < count; i++) {
		assert_true(found[i].text[0] && strlen(found[i].text) + 1 < sizeof(found[i].text));
		assert_true(strlen(found[i].remedy) + 1 < sizeof(found[i].remedy));
	}
}

static const struct checkup_finding *expect(const char *id, enum checkup_level level, const char *text)
{
	const struct checkup_finding *x;

	judge();
	x = find(id);
	if (!x)
		fail_msg("no finding %s", id);
	assert_string_equal(x->text, text);
	assert_int_equal(x->level, level);

	return x;
}

static unsigned faults(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < count; i++)
		n += found[i].level == CHECKUP_FAULT;

	return n;
}

static void refuse(int status)
{
	f.reg = CHECKUP_REG_FAILED;
	f.reg_status = status;
}

static void a_line_that_is_well(void **state)
{
	judge();
	for (size_t i = 0; i < count; i++)
		assert_int_equal(found[i].level, CHECKUP_OK);
	expect("registration", CHECKUP_OK, "registered as \"1001\" for 300 s");
	expect("reach_udp", CHECKUP_OK, "203.0.113.20:5060 answers over UDP in 12 ms");
	expect("nat", CHECKUP_OK, "behind a NAT that keeps our port; of what kind only a STUN server can tell (--stun HOST)");
	expect("sip_alg", CHECKUP_OK, "no SIP ALG shows: what we sent came back unchanged");
	expect("name", CHECKUP_OK, "203.0.113.20 is an address: no name has to be resolved");
}

static void names(void **state)
{
	line.server = "pbx.example.com";
	f.name = (struct checkup_name){.is_known = true, .srv = 2, .a = 2, .srv_name = "_sip._udp", .addr_count = 2,
		.addrs = "203.0.113.20:5060, 203.0.113.21:5060"};
	assert_string_equal(expect("name", CHECKUP_OK, "pbx.example.com is 203.0.113.20:5060, 203.0.113.21:5060, tried in this order")->evidence,
		"NAPTR 0, SRV 2 (_sip._udp), A 2, AAAA 0 records");
	f.name = (struct checkup_name){0};
	f.reg = CHECKUP_REG_UNTRIED;
	expect("name", CHECKUP_FAULT, "the name pbx.example.com cannot be resolved");
	line.outbound_proxy = "edge.example.com";
	expect("name", CHECKUP_FAULT, "the name edge.example.com cannot be resolved");
}

static void credentials(void **state)
{
	refuse(401);
	assert_string_equal(
		expect("wrong_password", CHECKUP_FAULT, "the system refuses the credentials of \"1001\": most likely the password is wrong")->evidence,
		"401 to REGISTER of \"1001\" as user \"1001\", realm \"asterisk\"");
	line.auth_id = "kT7mZ2q";
	f.retry = CHECKUP_RETRY_REFUSED;
	assert_string_equal(expect("wrong_password", CHECKUP_FAULT,
				    "the system refuses the credentials: the password or the authentication id \"kT7mZ2q\" is wrong; it does not say which")
				    ->evidence,
		"401 to REGISTER of \"1001\" as user \"kT7mZ2q\", realm \"asterisk\"; with the extension as authentication id it was refused as well");
	f.retry = CHECKUP_RETRY_FINE;
	assert_string_equal(
		expect("wrong_auth_id", CHECKUP_FAULT, "the authentication id \"kT7mZ2q\" is wrong: with \"1001\" instead the same password is accepted")->remedy,
		"take auth_id out of the line, or set it to \"1001\"");
	assert_int_equal(faults(), 1);
}

static void realms(void **state)
{
	refuse(407);
	buf_copy(f.seen.realm, sizeof(f.seen.realm), "voice.example.com");
	assert_string_equal(expect("wrong_realm", CHECKUP_FAULT,
				    "the system refuses the credentials, and asks for those of the realm \"voice.example.com\", while the line says \"203.0.113.20\"")
				    ->remedy,
		"set \"domain: voice.example.com\" on the line if the account belongs to that domain; else check the password");
	/* The same domain, with a port at the server; and a realm that is no domain: the password. */
	line.server = "voice.example.com:5070";
	expect("wrong_password", CHECKUP_FAULT, "the system refuses the credentials of \"1001\": most likely the password is wrong");
	line.server = "203.0.113.20";
	line.domain = "Voice.Example.com";
	expect("wrong_password", CHECKUP_FAULT, "the system refuses the credentials of \"1001\": most likely the password is wrong");
	line.domain = NULL;
	buf_copy(f.seen.realm, sizeof(f.seen.realm), "3CXPhoneSystem");
	expect("wrong_password", CHECKUP_FAULT, "the system refuses the credentials of \"1001\": most likely the password is wrong");
}

static void refusals(void **state)
{
	refuse(404);
	expect("unknown_user", CHECKUP_FAULT, "the system does not know the extension \"1001\"");
	line.auth_id = "kT7mZ2q";
	expect("unknown_user", CHECKUP_FAULT, "the system does not know the extension \"1001\" or the authentication id \"kT7mZ2q\"");
	line.auth_id = NULL;
	refuse(403);
	expect("not_allowed", CHECKUP_FAULT,
		"the system forbids the registration before it has asked for a password: we are not allowed from this address");
	f.seen.has_answered = true;
	expect("not_allowed", CHECKUP_FAULT,
		"the system forbids the registration after it has seen the credentials: password wrong, or this extension may not register from here");
	refuse(0);
	expect("no_answer", CHECKUP_FAULT, "nothing answers REGISTER");
	refuse(503);
	buf_copy(f.reg_text, sizeof(f.reg_text), "the registrar cannot serve us now");
	expect("registration", CHECKUP_FAULT, "the system refuses the registration with 503: the registrar cannot serve us now");
	f.reg = CHECKUP_REG_BY_DAEMON;
	expect("registration", CHECKUP_OK, "registered by the running daemon; left alone, since some systems keep one place only");
}

static void transports(void **state)
{
	refuse(0);
	f.reach[LINE_UDP].status = 0;
	assert_string_equal(expect("reach_udp", CHECKUP_FAULT, "203.0.113.20:5060 does not answer OPTIONS over UDP")->remedy,
		"it answers over TCP: set \"transport: tcp\" on the line, or open UDP for us on the way there");
	f.reach[LINE_TCP].status = 0;
	assert_string_equal(expect("reach_udp", CHECKUP_FAULT, "203.0.113.20:5060 does not answer OPTIONS over UDP")->remedy,
		"check the address, the port (5060 unless the system says another) and every firewall between; many carriers are silent until they know "
		"our address");
	assert_int_equal(find("reach_tcp")->level, CHECKUP_NOTE);
	assert_null(find("no_answer"));
	/* What the network said is said once. */
	buf_copy(f.reach[LINE_UDP].why, sizeof(f.reach[LINE_UDP].why), "203.0.113.20:5060 over UDP: nothing listens there");
	expect("reach_udp", CHECKUP_FAULT, "203.0.113.20:5060 over UDP: nothing listens there");
	assert_null(find("no_answer"));
	/* Silent to strangers, registered all the same. */
	f.reach[LINE_UDP].why[0] = 0;
	f.reg = CHECKUP_REG_FINE;
	assert_string_equal(expect("reach_udp", CHECKUP_NOTE, "203.0.113.20:5060 does not answer OPTIONS over UDP")->remedy,
		"it answers REGISTER, which is what counts");
}

static void certificates(void **state)
{
	static const char why[] = "the certificate of 203.0.113.20:5061 expired on 2026-11-01 00:00 UTC: it has to be renewed there";

	line.transport = LINE_TLS;
	f.reach[LINE_UDP].is_wanted = false;
	f.reach[LINE_TLS] = (struct checkup_reach){.is_tried = true, .is_wanted = true, .addr = at("203.0.113.20:5061")};
	buf_copy(f.reach[LINE_TLS].why, sizeof(f.reach[LINE_TLS].why), why);
	refuse(503);
	assert_string_equal(expect("certificate", CHECKUP_FAULT, why)->remedy, "");
	assert_int_equal(faults(), 1);
}

static void application_gateways(void **state)
{
	f.seen.seen = f.seen.local;
	assert_string_equal(expect("sip_alg", CHECKUP_WARNING,
				    "a SIP ALG on the way rewrites the answers: they say that the server sees our private address, which it cannot")
				    ->evidence,
		"received and rport of the answer: 10.0.0.5:5060");
	assert_null(find("nat"));
	/* A server in the same private network does see us there. */
	f.reach[LINE_UDP].addr = at("10.0.0.20:5060");
	expect("sip_alg", CHECKUP_OK, "no SIP ALG shows: what we sent came back unchanged");
	expect("nat", CHECKUP_OK, "no NAT: the other side sees our own address");
	buf_copy(f.seen.via_changed, sizeof(f.seen.via_changed), "Via was A and came back as B");
	buf_copy(f.seen.call_id_changed, sizeof(f.seen.call_id_changed), "Call-ID was C and came back as D");
	assert_string_equal(
		expect("sip_alg", CHECKUP_WARNING, "a SIP ALG on the way rewrites our messages: what nobody may change came back changed")->evidence,
		"Via was A and came back as B; Call-ID was C and came back as D");
	f.seen.via_changed[0] = f.seen.call_id_changed[0] = 0;
	buf_copy(f.seen.contact_changed, sizeof(f.seen.contact_changed), "Contact was A and came back as B");
	expect("contact_rewritten", CHECKUP_NOTE,
		"the registrar's answer has another Contact than ours: the system replaced it by where it sees us, or a SIP ALG did");
}

static void kinds_of_nat(void **state)
{
	struct checkup_nat *n = &f.nat;

	*n = (struct checkup_nat){.is_asked = true, .server = "stun.example.com"};
	expect("stun", CHECKUP_WARNING, "the STUN server stun.example.com does not answer");
	*n = (struct checkup_nat){.is_asked = true, .is_answered = true, .server = "stun.example.com", .local = at("10.0.0.5:4000"),
		.mapped = at("198.51.100.1:4000"), .mapped_other = at("198.51.100.1:4000"), .is_filter_known = true};
	assert_string_equal(
		expect("nat", CHECKUP_OK, "port-restricted cone NAT: one outside port, open to the ports that we have sent to")->evidence,
		"STUN stun.example.com: 10.0.0.5:4000 is seen as 198.51.100.1:4000, from elsewhere as 198.51.100.1:4000");
	n->hears_ip = true;
	expect("nat", CHECKUP_OK, "restricted cone NAT: one outside port, open to the addresses that we have sent to");
	n->hears_all = true;
	expect("nat", CHECKUP_OK, "full cone NAT: one outside port, open to everybody");
	n->is_filter_known = false;
	expect("nat", CHECKUP_OK, "cone NAT: one outside port for all destinations");
	n->mapped_other = at("198.51.100.1:4001");
	expect("nat", CHECKUP_WARNING, "symmetric NAT: every destination sees another outside port, so nobody can be told where to send audio");
	n->mapped_other = (struct addr){0};
	expect("nat", CHECKUP_OK, "behind a NAT; whether each destination sees another port was not to be found out");
	n->mapped = n->local;
	expect("nat", CHECKUP_OK, "no NAT: the outside sees our own address");
	*n = (struct checkup_nat){0};
	f.seen.seen = at("198.51.100.1:61000");
	expect("nat", CHECKUP_NOTE, "behind a NAT that changes our port; of what kind only a STUN server can tell (--stun HOST)");
}

static void life_of_mappings(void **state)
{
	struct checkup_nat *n = &f.nat;

	*n = (struct checkup_nat){.is_asked = true, .is_answered = true, .is_life_asked = true, .local = at("10.0.0.5:4000"), .mapped = at("198.51.100.1:4000")};
	expect("mapping_life", CHECKUP_NOTE, "how long the NAT keeps an unused UDP mapping could not be measured");
	n->life_ms = 10000;
	n->life_over_ms = 20000;
	assert_string_equal(expect("mapping_life", CHECKUP_NOTE, "the NAT forgets an unused UDP mapping after 10 to 20 s")->remedy,
		"keepalive_s of the line has to stay below 10");
	n->life_ms = 45000;
	n->life_over_ms = 60000;
	expect("mapping_life", CHECKUP_OK, "the NAT forgets an unused UDP mapping after 45 to 60 s");
	n->life_ms = 120000;
	n->life_over_ms = 0;
	expect("mapping_life", CHECKUP_OK, "the NAT keeps an unused UDP mapping for 120 s or longer");
}

static void clocks(void **state)
{
	f.seen.date_s = 1764111600;
	f.seen.date_at_ms = 1764111600000 + 2000;
	assert_string_equal(expect("clock", CHECKUP_OK, "our clock and the other side's agree")->evidence, "2 s apart, by the Date of its answer");
	f.seen.date_at_ms += 100000;
	expect("clock", CHECKUP_WARNING, "our clock and the other side's are 102 s apart: ours is ahead");
	f.seen.date_at_ms -= 200000;
	expect("clock", CHECKUP_WARNING, "our clock and the other side's are 98 s apart: ours is behind");
}

static void calls_that_fail(void **state)
{
	struct checkup_call *c = &f.call;

	c->is_tried = true;
	c->status = 488;
	buf_copy(c->target, sizeof(c->target), "600");
	buf_copy(c->offered, sizeof(c->offered), "pcma");
	f.seen.has_codecs = true;
	buf_copy(f.seen.codecs, sizeof(f.seen.codecs), "opus, G722");
	assert_string_equal(
		expect("codecs", CHECKUP_FAULT, "no codec in common: the other side refuses all that we offer (pcma) with 488")->evidence,
		"call to 600; it has opus, G722");
	c->status = 404;
	buf_copy(c->cause, sizeof(c->cause), "the number does not exist");
	expect("call", CHECKUP_FAULT, "the call to 600 fails: the number does not exist");
	c->is_tried = false;
	expect("codecs", CHECKUP_FAULT, "no codec in common: we have pcma, the other side has opus, G722");
	buf_copy(c->offered, sizeof(c->offered), "g722, pcmu, opus");
	expect("codecs", CHECKUP_OK, "codecs in common: g722, opus");
}

static void audio(void **state)
{
	struct checkup_call *c = &f.call;

	*c = (struct checkup_call){.is_tried = true, .is_answered = true, .target = "600", .ring_ms = 40, .codec = "PCMU", .offered = "pcmu",
		.talk_ms = 6000, .rx_packets = 300, .tx_packets = 300, .rtt_ms = 20, .tone_share = 0.99f, .local = "10.0.0.5:20000",
		.remote = "203.0.113.20:12000"};
	assert_string_equal(expect("audio", CHECKUP_OK, "audio goes both ways: our own tone came back")->evidence,
		"6000 ms: 300 packets sent from 10.0.0.5:20000, 300 came from 203.0.113.20:12000, 0 lost, jitter 0 ms, 99 % of it our tone");
	expect("call", CHECKUP_OK, "600 answered after 40 ms");
	expect("codecs", CHECKUP_OK, "codec PCMU agreed");
	c->tone_share = 0;
	expect("no_audio_out", CHECKUP_WARNING,
		"the other side is heard, but our own tone did not come back: 600 is no echo, or our audio does not arrive");
	c->has_peer_report = true;
	c->peer_lost = 290;
	expect("no_audio_out", CHECKUP_FAULT, "the other side is heard, and says by RTCP that our audio does not arrive");
	c->rx_packets = 0;
	expect("no_audio_in", CHECKUP_FAULT, "nothing is heard from the other side: its audio does not reach us");
}

static void bad_audio(void **state)
{
	struct checkup_call *c = &f.call;

	*c = (struct checkup_call){.is_tried = true, .is_answered = true, .rx_packets = 95, .lost = 5, .jitter_ms = 80, .rtt_ms = 500, .tone_share = 0.9f};
	expect("loss_in", CHECKUP_WARNING, "5 % of the other side's audio is lost on its way to us");
	expect("jitter", CHECKUP_WARNING, "the other side's audio comes unevenly, by 80 ms");
	expect("delay", CHECKUP_WARNING, "audio takes 500 ms there and back: people will talk over each other");
	*c = (struct checkup_call){.is_tried = true, .is_answered = true, .rx_packets = 98, .lost = 2, .jitter_ms = 59, .rtt_ms = 399, .tone_share = 0.9f};
	judge();
	assert_true(!find("loss_in") && !find("jitter") && !find("delay"));
	/* What the call's own diagnosis said is taken over, once. */
	c->rx_packets = 0;
	c->trouble_count = 2;
	c->troubles[0] = (struct checkup_trouble){.id = "no_audio_in", .text = "said already"};
	c->troubles[1] = (struct checkup_trouble){.id = "audio_refused", .text = "audio comes from another address"};
	expect("audio_refused", CHECKUP_WARNING, "audio comes from another address");
	expect("no_audio_in", CHECKUP_FAULT, "nothing is heard from the other side: its audio does not reach us");
}

/* ---- the machine ----------------------------------------------------------------------------------------------------------- */

static void expect_host(const struct checkup_host *h, const char *id, enum checkup_level level, const char *text)
{
	count = checkup_host(h, found);
	assert_non_null(find(id));
	assert_string_equal(find(id)->text, text);
	assert_int_equal(find(id)->level, level);
}

static void machines(void **state)
{
	struct checkup_host h = {.port_min = 10000, .port_max = 10199, .rtp_pairs = 100, .max_calls = 100, .files = 1024, .files_wanted = 456};

	expect_host(&h, "rtp_ports", CHECKUP_OK, "the ports for audio, 10000 to 10199, are enough for 100 calls at once");
	expect_host(&h, "sip_ports", CHECKUP_OK, "the addresses of sip.listen are free");
	expect_host(&h, "file_limit", CHECKUP_OK, "enough open files are allowed for 100 calls");
	h.rtp_taken = 1;
	expect_host(&h, "rtp_ports", CHECKUP_WARNING,
		"the ports for audio, 10000 to 10199, are enough for 99 calls at once; sip.max_calls allows 100");
	h.has_daemon = true; /* its own calls have them */
	expect_host(&h, "rtp_ports", CHECKUP_OK, "the ports for audio, 10000 to 10199, are enough for 100 calls at once");
	buf_copy(h.sip_taken, sizeof(h.sip_taken), "0.0.0.0:5060");
	expect_host(&h, "sip_ports", CHECKUP_NOTE, "the daemon is running and has 0.0.0.0:5060: the trials below use other ports");
	h.has_daemon = false;
	expect_host(&h, "sip_ports", CHECKUP_FAULT, "0.0.0.0:5060 is taken by another program: the daemon will not start");
	h.rtp_taken = 100;
	expect_host(&h, "rtp_ports", CHECKUP_FAULT, "the ports for audio, 10000 to 10199, are enough for 0 calls at once; sip.max_calls allows 100");
	h.files = 256;
	expect_host(&h, "file_limit", CHECKUP_WARNING, "256 open files are allowed; 100 calls need about 456");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_that_is_well, begin), cmocka_unit_test_setup(names, begin),
		cmocka_unit_test_setup(credentials, begin),	    cmocka_unit_test_setup(realms, begin),
		cmocka_unit_test_setup(refusals, begin),	    cmocka_unit_test_setup(transports, begin),
		cmocka_unit_test_setup(certificates, begin),	    cmocka_unit_test_setup(application_gateways, begin),
		cmocka_unit_test_setup(kinds_of_nat, begin),	    cmocka_unit_test_setup(life_of_mappings, begin),
		cmocka_unit_test_setup(clocks, begin),		    cmocka_unit_test_setup(calls_that_fail, begin),
		cmocka_unit_test_setup(audio, begin),		    cmocka_unit_test_setup(bad_audio, begin),
		cmocka_unit_test_setup(machines, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
