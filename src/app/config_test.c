/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "app/config.h"
#include "flow/flow.h"

static struct config_errors errors;

static struct config *parse(const char *text)
{
	errors.count = 0;

	return config_parse("/etc/tipring/tipring.yaml", span_z(text), &errors);
}

static void the_smallest_useful_file(void **state)
{
	setenv("TEST_SECRET", "s3cret", 1);

	struct config *c = parse("lines:\n"
				 "  - name: office\n"
				 "    preset: 3cx\n"
				 "    server: pbx.example.com\n"
				 "    extension: \"1001\"\n"
				 "    auth_id: aUtH\n"
				 "    password: ${env:TEST_SECRET}\n"
				 "agents:\n"
				 "  - name: reception\n"
				 "    greeting: \"Hello\"\n"
				 "    brain: { kind: pipeline, stt: embedded, llm: embedded, tts: embedded }\n"
				 "    transfer: { human: \"200\" }\n"
				 "routes:\n"
				 "  - { line: office, agent: reception }\n");

	assert_non_null(c);
	assert_int_equal(c->line_count, 1);
	assert_true(c->lines[0].does_register);
	assert_int_equal(c->lines[0].expires_s, 120);
	assert_string_equal(c->lines[0].password, "s3cret");
	assert_string_equal(c->agents[0].transfer_human, "200");
	assert_string_equal(c->routes[0].agent, "reception");
	assert_int_equal(c->sip.listen_count, 2);
	assert_string_equal(flow_name(c->agents[0].flow), "receptionist");
	assert_string_equal(c->agents[0].stt, "embedded");
	config_free(c);
}

/* What is not said follows from the rest: keys in the signalling need TLS to be worth offering, DTLS needs nothing. */
static void media_security(void **state)
{
	struct config *c = parse("lines:\n"
				 "  - { name: plain, kind: local }\n"
				 "  - { name: web, kind: local, dtls: true, ice: full, stun: [ \"192.0.2.1\", \"stun.example.com:19302\" ],\n"
				 "      turn: { server: \"[2001:db8::1]:3478\", user: u, password: p } }\n"
				 "  - { name: careful, kind: local, srtp: optional, stun: stun.example.com }\n");

	assert_non_null(c);
	assert_int_equal(c->lines[0].media.srtp, LINE_SRTP_OFF);
	assert_int_equal(c->lines[0].media.ice, LINE_ICE_OFF);
	assert_int_equal(c->lines[1].media.srtp, LINE_SRTP_REQUIRED);
	assert_true(c->lines[1].media.uses_dtls);
	assert_int_equal(c->lines[1].media.ice, LINE_ICE_FULL);
	assert_string_equal(c->lines[1].media.stun[1], "stun.example.com:19302");
	assert_string_equal(c->lines[1].media.turn_user, "u");
	assert_int_equal(c->lines[2].media.srtp, LINE_SRTP_OPTIONAL);
	assert_string_equal(c->lines[2].media.stun[0], "stun.example.com");
	config_free(c);
}

static void a_car_park(void **state)
{
	static const struct {
		const char *text, *fault;
	} bad[] = {
		{"park: { timeout_s: 5 }\n", "slots"},
		{"park: { slots: here }\n", "slots: \"here\" is no range of numbers (such as 701-720)"},
		{"park: { slots: 720-701 }\n", "slots: the second number is not below"},
		{"park: { slots: 1-101 }\n", "there are at most 100"},
		{"\npark: { slots: 701, lines: [ nowhere ] }\n", "park: there is no line nowhere"},
	};
	struct config *c = parse("lines: [ { name: desk, kind: local } ]\n"
				 "park: { slots: 701-720, lines: desk, timeout_s: 30, fallback: [ \"200\", sip:x@192.0.2.1 ] }\n");

	assert_non_null(c);
	assert_int_equal(c->park.first, 701);
	assert_int_equal(c->park.last, 720);
	assert_int_equal(c->park.timeout_s, 30);
	assert_int_equal(c->park.target_count, 2);
	assert_string_equal(c->park.targets[1], "sip:x@192.0.2.1");
	assert_string_equal(c->park_lines[0], "desk");
	config_free(c);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_null(parse(bad[i].text));
		assert_int_equal(errors.list[0].line, bad[i].text[0] == '\n' ? 2 : 1);
		if (!strstr(errors.list[0].text, bad[i].fault))
			fail_msg("\"%s\" lacks \"%s\"", errors.list[0].text, bad[i].fault);
	}
}

static void lines_of_waiting_callers(void **state)
{
	static const struct {
		const char *text, *fault;
	} bad[] = {
		{"queues: [ { name: a } ]\n", "members"},
		{"queues: [ { name: a, members: [ \"1\" ] }, { name: a, members: [ \"2\" ] } ]\n", "queue a: a second queue of this name"},
		{"queues: [ { name: a, members: [ \"1\" ], announce_s: 1 } ]\n", "announce_s"},
		{"queues: [ { name: 1234567890123456789012345678901234567890, members: [ \"1\" ] } ]\n", "longer than 39"},
	};
	struct config *c = parse("queues:\n"
				 "  - { name: sales, members: [ \"200\", \"201\" ], ring_s: 20, max_wait_s: 240, announce_s: 45, fallback: [ \"300\" ] }\n"
				 "  - { name: help, members: [ sip:x@192.0.2.1 ] }\n");

	assert_non_null(c);
	assert_int_equal(c->queues.count, 2);
	assert_int_equal(c->queues.list[0].member_count, 2);
	assert_string_equal(c->queues.list[0].members[1], "201");
	assert_string_equal(c->queues.list[0].fallback[0], "300");
	assert_int_equal(c->queues.list[0].max_wait_s, 240);
	assert_string_equal(c->queues.list[1].name, "help");
	config_free(c);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_null(parse(bad[i].text));
		if (!strstr(errors.list[0].text, bad[i].fault))
			fail_msg("\"%s\" lacks \"%s\"", errors.list[0].text, bad[i].fault);
	}
}

static void who_answers_is_reacted_to_by_defaults_that_work(void **state)
{
	struct config *c = parse("agents:\n"
				 "  - { name: a, company: Acme, detect: true }\n"
				 "  - { name: b, greeting: \"Hello, Bob calling.\", detect: { human: hang_up, voicemail: { say: \"Call us.\" } } }\n"
				 "  - { name: d }\n");

	assert_non_null(c);

	const struct call_reaction *a = c->agents[0].detect.on, *b = c->agents[1].detect.on;

	assert_true(c->agents[0].does_detect);
	assert_int_equal(a[ANSWER_HUMAN].kind, CALL_REACT_AGENT);
	assert_int_equal(a[ANSWER_VOICEMAIL].kind, CALL_REACT_HANG_UP);
	assert_int_equal(a[ANSWER_FAX].kind, CALL_REACT_HANG_UP);
	assert_int_equal(a[ANSWER_SILENCE].kind, CALL_REACT_AGENT);
	assert_string_equal(a[ANSWER_SCREENING].say, "Hello, this is Acme calling.");
	assert_int_equal(b[ANSWER_HUMAN].kind, CALL_REACT_HANG_UP);
	assert_string_equal(b[ANSWER_VOICEMAIL].say, "Call us.");
	assert_string_equal(b[ANSWER_SCREENING].say, "Hello, Bob calling.");
	/* Not asked for, but complete, should a single call ask. */
	assert_false(c->agents[2].does_detect);
	assert_int_equal(c->agents[2].detect.on[ANSWER_SCREENING].kind, CALL_REACT_AGENT);
	config_free(c);
}

/* Every fault names its line, its key and what would be right. */
static void faults_name_line_key_and_remedy(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *says;
	} rows[] = {
		{"agents:\n  - name: a\n    flow: recptionist\n", 3, "did you mean receptionist?"},
		{"agents:\n  - name: a\n    flow: /nonexistent.yaml\n", 3, "cannot be read"},
		{"agents:\n  - name: a\n    flow: receptionist\n    business: { adress: x }\n", 4, "did you mean \"address\"?"},
		{"agents:\n  - name: a\n    business: { adress: x }\n", 3, "did you mean \"address\"?"},
		{"agents:\n  - name: a\n    brain: { kind: echo }\n    business: { address: x }\n", 4, "business: goes with brain"},
		{"agents:\n  - name: a\n    language: es\n", 2, "written in en"},
		{"agents:\n  - name: a\n    flow: receptionist\n    business: { open: { monday: 9-8 } }\n", 4, "is no span of time"},
		{"agents:\n  - name: a\n    flow: survey\n    language: fr\n", 3, "written in en, es"},
		{"agents:\n  - name: a\n    flow: survey\n    language: es\n", 3, "understands English only, not Spanish"},
		{"agents:\n  - name: a\n    brain: { kind: echo }\n    flow: survey\n", 4, "goes with brain"},
		{"agents:\n  - { name: a, brain: { llm: [] } }\n", 2, "the name of a mind, or a list"},
		{"agents:\n  - { name: a, brain: { llm: [ \"\" ] } }\n", 2, "there is no provider"},
		{"agents:\n  - { name: a, brain: { tts: kokoro } }\n", 2, "there is no provider \"kokoro\""},
		{"providers:\n  - { name: x, kind: openai-chat, url: \"\", model: m }\n", 2, "url: must not be empty"},
		{"providers:\n  - { name: vosk, kind: openai-chat, url: \"http://h\", model: m }\n", 2, "belongs to a built-in engine"},
		{"providers:\n  - { name: x, kind: openai-chat, url: \"http://h\", model: m, voice: v }\n", 2, "goes with kind: openai-speech only"},
		{"providers:\n  - { name: x, kind: openai-chat, url: \"http://h\", model: m, temperature: hot }\n", 2, "no number from 0 to 2"},
		{"lnes: []\n", 1, "did you mean \"lines\""},
		{"log:\n  level: inof\n", 2, "did you mean info?"},
		{"log:\n  level: [x]\n", 2, "one value is wanted"},
		{"sip:\n  listen: [ \"udp:1.2.3\" ]\n", 2, "udp:0.0.0.0:5060"},
		{"sip:\n  max_calls: 0\n", 2, "from 1 to 100000"},
		{"sip:\n  max_calls: 5x\n", 2, "not a whole number"},
		{"lines:\n  - kind: local\n", 2, "\"name\" is missing"},
		{"lines:\n  - name: a\n    server: x\n    extension: \"1\"\n", 2, "\"password\" is missing"},
		{"lines:\n  - name: a\n    kind: trunk\n", 2, "needs \"server\" or \"allow\""},
		{"lines:\n  - { name: a, kind: local, allow: [ 10.0.0.0/99 ] }\n", 2, "10.0.0.0/8"},
		{"lines:\n  - { name: a, kind: local, codecs: [ g729 ] }\n", 2, "opus, g722, pcmu, pcma"},
		{"lines:\n  - { name: a, kind: local, srtp: maybe }\n", 2, "off, optional, required"},
		{"lines:\n  - { name: a, kind: local, srtp: off, dtls: true }\n", 2, "\"srtp: optional\" or \"srtp: required\""},
		{"lines:\n  - { name: a, kind: local, ice: both }\n", 2, "off, lite, full"},
		{"lines:\n  - { name: a, kind: local, stun: \"stun.example.com:0\" }\n", 2, "host or host:port"},
		{"lines:\n  - { name: a, kind: local, stun: [ a, b, c, d, e ] }\n", 2, "more than 4"},
		{"lines:\n  - { name: a, kind: local, turn: { server: t } }\n", 2, "\"user\" is missing"},
		{"lines:\n  - { name: a, kind: local, ice: lite, turn: { server: t, user: u, password: p } }\n", 2, "\"ice: full\" only"},
		{"lines:\n  - { name: a, kind: local }\n  - { name: a, kind: local }\n", 3, "a second line"},
		{"routes:\n  - { agent: nobody }\n", 2, "no agent \"nobody\""},
		{"agents:\n  - { name: a, brain: { kind: play } }\n", 2, "\"file\" is missing"},
		{"agents:\n  - name: a\n    greeting: ${file:nothere}\n", 3, "cannot read /etc/tipring/nothere"},
		{"agents:\n  - name: a\n    greeting: ${vault:x}\n", 3, "${file:PATH} and ${env:NAME}"},
		{"agents:\n  - name: a\n    name: b\n", 3, "given twice (first in line 2)"},
		{"agents:\n\t- name: a\n", 2, "tab"},
		{"a: &x 1\nb: *x\n", 2, "aliases"},
		{"media: { port_min: 5000, port_max: 4000 }\n", 1, "must be above"},
		{"api: { listen: \"0.0.0.0:80\" }\n", 1, "loopback"},
		{"agents:\n  - { name: a, detect: maybe }\n", 2, "detect"},
		{"agents:\n  - name: a\n    detect: { voicemial: hang_up }\n", 3, "did you mean \"voicemail\"?"},
		{"agents:\n  - name: a\n    detect: { fax: shout }\n", 3, "is not agent, hang_up or { say: TEXT }"},
		{"agents:\n  - name: a\n    detect: { voicemail: { sya: x } }\n", 3, "unknown key \"sya\""},
		{"agents:\n  - name: a\n    detect: { voicemail: { say: \"\" } }\n", 3, "a text of 1 to"},
		{"agents:\n  - { name: a, brain: { kind: echo }, detect: true }\n", 2, "kind: echo"},
		{"agents:\n  - name: a\n    brain: { kind: play, file: x.wav }\n    detect: { voicemail: { say: x } }\n", 2, "kind: pipeline only"},
		{"- a\n", 1, "keys at its top"},
		{"sip: { listen: [ \"sctp:0.0.0.0\" ] }\n", 1, "udp, tcp, tls, ws or wss"},
		{"sip: { listen: [ \"tls:0.0.0.0\" ] }\n", 1, "sip.tls.certificate is needed (\"tipring cert DIR\" makes one)"},
		{"sip: { listen: [ \"wss:0.0.0.0\" ] }\n", 1, "listen has wss:"},
		{"sip: { tls: { certificate: a.pem, verify_clients: yes } }\n", 1, "verify_clients needs tls.ca"},
		{"lines:\n  - { name: a, kind: trunk, client_certificate: sbc.example.net }\n", 2, "client_certificate needs sip.tls.ca"},
		{"sip: { tls: { certificate: a.pem, ca: b.pem } }\nlines:\n  - { name: a, kind: trunk, client_certificate: x }\n", 3, "needs a TLS listener"},
		{"lines:\n  - { name: a, server: x, extension: \"1\", password: p, client_certificate: x }\n", 2, "goes with kind: trunk or local"},
		{"sip: { origins: [ console.example.com ] }\n", 1, "such as https://console.example.com"},
		{"sip: { origins: [ \"https://a/b\" ] }\n", 1, "is no origin"},
		{"lines:\n  - { name: a, kind: local, tls: { ca: x } }\n", 2, "\"tls\" goes with transport: tls"},
		{"lines:\n  - { name: a, kind: local, transport: tls, tls: { key: x } }\n", 2, "tls.key without tls.certificate"},
		{"lines:\n  - { name: a, kind: local, transport: tls, tls: { verify: no, pin: x } }\n", 2, "remove one or the other"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_null(parse(rows[i].text));
		if (errors.list[0].line != rows[i].line || !strstr(errors.list[0].text, rows[i].says))
			fail_msg("row %zu: line %d: %s", i, errors.list[0].line, errors.list[0].text);
	}
}

static void secrets_stay_out_of_messages(void **state)
{
	assert_null(parse("lines:\n  - name: a\n    password: [ hunter2 ]\n    server: b\n    extension: \"1\"\n"));
	for (size_t i = 0; i < errors.count; i++)
		assert_null(strstr(errors.list[i].text, "hunter2"));
}

static void all_faults_are_reported_at_once(void **state)
{
	assert_null(parse("log: { level: x }\nsip: { max_calls: y }\nfoo: 1\n"));
	assert_int_equal(errors.count, 3);
}

static void an_empty_file_has_defaults(void **state)
{
	struct config *c = parse("");

	assert_non_null(c);
	assert_int_equal(c->media.port_min, 10000);
	config_free(c);
}

static void transports_have_their_ports_and_files_their_folder(void **state)
{
	struct config *c = parse("sip:\n"
				 "  listen: [ \"udp:0.0.0.0\", \"tls:127.0.0.1\", \"ws:127.0.0.1\", \"wss:[::1]\", \"tls:127.0.0.1:5099\" ]\n"
				 "  tls: { certificate: tls/a.pem, key: /etc/ssl/a.key }\n"
				 "  origins: [ \"https://a.example\", \"*\" ]\n"
				 "lines:\n"
				 "  - { name: a, server: b.example, extension: \"1\", password: c, transport: tls, tls: { ca: ca.pem } }\n"
				 "  - { name: d, kind: local }\n");
	static const uint16_t ports[] = {5060, 5061, 8088, 8089, 5099};

	assert_non_null(c);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		assert_int_equal(addr_port(&c->sip.listen[i].addr), ports[i]);
	assert_int_equal(c->sip.listen[3].transport, SIP_WSS);
	assert_string_equal(c->sip.tls.certificate, "/etc/tipring/tls/a.pem");
	assert_string_equal(c->sip.tls.key, "/etc/ssl/a.key");
	assert_int_equal(c->sip.origin_count, 2);
	assert_int_equal(c->lines[0].transport, LINE_TLS);
	assert_string_equal(c->lines[0].tls.ca, "/etc/tipring/ca.pem");
	assert_true(c->lines[0].tls.verify);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_useful_file),
		cmocka_unit_test(media_security),
		cmocka_unit_test(a_car_park),
		cmocka_unit_test(lines_of_waiting_callers),
		cmocka_unit_test(who_answers_is_reacted_to_by_defaults_that_work),
		cmocka_unit_test(faults_name_line_key_and_remedy),
		cmocka_unit_test(secrets_stay_out_of_messages),
		cmocka_unit_test(all_faults_are_reported_at_once),
		cmocka_unit_test(an_empty_file_has_defaults),
		cmocka_unit_test(transports_have_their_ports_and_files_their_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
