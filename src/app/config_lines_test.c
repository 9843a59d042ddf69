/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "app/config.h"

/* Lines, calendars, routes and outbound rules of a configuration. */

static struct config_errors errors;

static struct config *parse(const char *text)
{
	errors.count = 0;

	return config_parse("/etc/tipring/tipring.yaml", span_z(text), &errors);
}

static struct config *good(const char *text)
{
	struct config *c = parse(text);

	if (!c)
		fail_msg("line %d: %s", errors.list[0].line, errors.list[0].text);

	return c;
}

#define AGENT "agents:\n  - name: a\n"

static void a_trunk_known_by_its_certificate(void **state)
{
	struct config *c = good("sip: { listen: [ \"tls:127.0.0.1\" ], tls: { certificate: a.pem, ca: ca.pem } }\n"
				"lines:\n"
				"  - { name: one, kind: trunk, client_certificate: sbc.example.net }\n"
				"  - { name: two, kind: trunk, client_certificate: [ a.example.net, b.example.net ] }\n"
				"  - { name: three, kind: trunk, allow: [ 203.0.113.0/24 ] }\n");

	assert_string_equal(c->lines[0].client_names[0], "sbc.example.net");
	assert_null(c->lines[0].client_names[1]);
	assert_string_equal(c->lines[1].client_names[1], "b.example.net");
	assert_null(c->lines[2].client_names);
	config_free(c);
}

static void a_trunk_with_everything(void **state)
{
	struct config *c = good("lines:\n"
				"  - name: t\n"
				"    preset: generic-trunk\n"
				"    servers: [ one.example.net, \"two.example.net:5070\" ]\n"
				"    extension: \"+49301000\"\n"
				"    dids: [ \"+493010050-99\", \"+4930200*\" ]\n"
				"    numbers: { country: \"49\", in: national, out: national }\n"
				"    caller_id: \"+49301000\"\n"
				"    caller_id_in: [ from, rpid ]\n"
				"    withhold_number: yes\n"
				"    trust_identity: no\n"
				"    inbound: { user: carrier, password: x }\n"
				"    max_calls: 30\n"
				"    max_calls_per_second: 5\n"
				"    full_status: 486\n"
				"    health_s: 10\n"
				"    failover_ms: 800\n"
				"    reliable: no\n"
				"    session_timer: no\n"
				"    dtmf: info\n"
				"    allow: [ 203.0.113.0/24 ]\n");
	const struct line_config *l = &c->lines[0];

	assert_int_equal(l->kind, LINE_TRUNK);
	assert_false(l->does_register);
	assert_int_equal(l->server_count, 2);
	assert_string_equal(l->server, "one.example.net");
	assert_string_equal(l->dids[1], "+4930200*");
	assert_true(l->numbers.is_national_in && l->numbers.out == NUMBER_NATIONAL);
	assert_string_equal(l->numbers.national_prefix, "0");
	assert_int_equal(l->caller_id_in, IDENTITY_FROM | IDENTITY_RPID);
	assert_true(l->is_private && !l->trusts_identity && l->no_100rel && l->no_session_timer);
	assert_string_equal(l->inbound_user, "carrier");
	assert_int_equal(l->max_calls, 30);
	assert_int_equal(l->max_cps, 5);
	assert_int_equal(l->full_status, 486);
	assert_int_equal(l->failover_ms, 800);
	assert_int_equal(l->dtmf, LINE_DTMF_INFO);
	assert_int_equal(l->allow_count, 1);
	config_free(c);
}

static void presets_bring_their_own_and_yield_to_what_is_said(void **state)
{
	struct config *c = good("lines:\n"
				"  - { name: tw, preset: twilio, server: x.pstn.twilio.com, extension: \"+14155550100\" }\n"
				"  - { name: te, preset: telnyx, extension: u, password: x, allow: [ 10.0.0.1 ], codecs: [ pcma ] }\n"
				"  - { name: cx, preset: 3cx, server: x, extension: \"1\", auth_id: k, password: x, reliable: yes }\n"
				"  - { name: all, preset: registering-trunk, servers: [ a, b ], register: all, extension: \"1\", password: x }\n"
				"  - { name: old, kind: trunk, server: y }\n");

	assert_true(c->lines[0].kind == LINE_TRUNK && !c->lines[0].does_register && c->lines[0].allow_count == 8);
	assert_string_equal(c->lines[1].server, "sip.telnyx.com");
	assert_true(c->lines[1].does_register && c->lines[1].allow_count == 1);
	assert_string_equal(c->lines[1].codecs[0], "pcma");
	assert_null(c->lines[1].codecs[1]);
	assert_false(c->lines[2].no_100rel);
	assert_int_equal(c->lines[2].expires_s, 120);
	assert_true(c->lines[3].registers_everywhere && c->lines[3].does_register);
	assert_false(c->lines[4].does_register);
	config_free(c);
}

static void routes_calendars_and_outbound(void **state)
{
	struct config *c = good("lines:\n  - { name: l, kind: local }\n  - { name: m, kind: trunk, server: x }\n" AGENT
				"calendars:\n"
				"  - name: open\n"
				"    zone: Europe/Berlin\n"
				"    hours: { mon-fri: \"08:00-12:00, 13:00-17:30\", sat: \"9:00-12:00\" }\n"
				"    holidays: [ \"12-25\", easter+1, \"2026-12-24\" ]\n"
				"routes:\n"
				"  - { line: [ l, m ], to: [ \"+4930*\", \"100-199\" ], from: anonymous, language: de, during: open, max_calls: 3, agent: a }\n"
				"  - { dids: \"+4930\", holiday: open, reject: 480 }\n"
				"  - { outside: open, agent: a }\n"
				"outbound:\n"
				"  - { to: \"+49*\", line: [ m, l ], choose: load, strip: 1, prefix: \"9\", caller_id: \"+4930\", agent: a }\n");

	assert_int_equal(c->calendars[0].slot_count, 3);
	assert_int_equal(c->calendars[0].holiday_count, 3);
	assert_non_null(c->calendars[0].tz);
	assert_ptr_equal(c->routes[0].when.during, &c->calendars[0]);
	assert_string_equal(c->routes[0].lines[1], "m");
	assert_int_equal(c->routes[0].max_calls, 3);
	assert_int_equal(c->routes[1].reject, 480);
	assert_ptr_equal(c->routes[2].when.outside, &c->calendars[0]);
	assert_true(c->outbound[0].is_least_load && c->outbound[0].strip == 1);
	assert_int_equal(c->warning_count, 1); /* the trunk without numbers */
	config_free(c);
}

static void faults_are_named(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *says;
	} rows[] = {
		{"lines:\n  - { name: a, preset: nortel, kind: local }\n", 2, "is not one of: freepbx"},
		{"lines:\n  - { name: a, server: \"sip:x@y\", extension: \"1\", password: x }\n", 2, "host or host:port"},
		{"lines:\n  - { name: a, kind: trunk, server: x, numbers: { in: plain } }\n", 2, "\"country\" is missing"},
		{"lines:\n  - { name: a, kind: trunk, server: x, numbers: { country: \"+49\" } }\n", 2, "calling code without plus"},
		{"lines:\n  - { name: a, kind: trunk, server: x, numbers: { country: \"999\" } }\n", 2, "add national_prefix"},
		{"lines:\n  - { name: a, kind: trunk, server: x, dids: [ \"45-1000\" ] }\n", 2, "FIRST-LASTDIGITS"},
		{"lines:\n  - { name: a, kind: trunk, server: x, caller_id_in: [ to ] }\n", 2, "from, pai, ppi, rpid"},
		{"lines:\n  - { name: a, kind: trunk, server: x, inbound: { user: u } }\n", 2, "\"password\" is missing"},
		{"lines:\n  - { name: a, kind: trunk, server: x, full_status: 500 }\n", 2, "486, 503"},
		{"lines:\n  - { name: a, kind: trunk, server: x, outbound_proxy: p, servers: [ x, y ] }\n", 2, "one server only"},
		{"lines:\n  - { name: a, preset: telnyx, password: x }\n", 2, "\"extension\" is missing"},
		{"calendars:\n  - { name: c, zone: Europe/Berlni }\n", 2, "is not in"},
		{"calendars:\n  - { name: c, zone: ../../etc/passwd }\n", 2, "is not a name"},
		{"calendars:\n  - name: c\n    hours: { funday: \"08:00-09:00\" }\n", 3, "is not a day"},
		{"calendars:\n  - name: c\n    hours: { mon: \"8-9\" }\n", 3, "FROM-TO"},
		{"calendars:\n  - name: c\n    holidays: [ \"02-30\" ]\n", 3, "is not a date"},
		{"calendars:\n  - name: c\n  - name: c\n", 3, "a second calendar"},
		{AGENT "routes:\n  - { agent: a, during: nowhere }\n", 4, "no calendar \"nowhere\""},
		{AGENT "routes:\n  - { agent: a, reject: 486 }\n", 4, "which of them"},
		{AGENT "routes:\n  - { line: a }\n", 4, "\"agent\" is missing"},
		{AGENT "routes:\n  - { agent: a, line: [ b ] }\n", 4, "no line \"b\""},
		{AGENT "routes:\n  - { agent: a, to: [] }\n", 4, "one to 256"},
		{AGENT "outbound:\n  - { to: \"1\" }\n", 4, "\"line\" is missing"},
		{AGENT "outbound:\n  - { line: x, agent: b }\n", 4, "there is no"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c = parse(rows[i].text);

		if (c)
			fail_msg("row %zu was taken", i);
		if (errors.list[0].line != rows[i].line || !strstr(errors.list[0].text, rows[i].says))
			fail_msg("row %zu: line %d: %s", i, errors.list[0].line, errors.list[0].text);
	}
}

static bool warns(const struct config *c, int line, const char *words)
{
	for (size_t i = 0; i < c->warning_count; i++)
		if (c->warnings[i].line == line && strstr(c->warnings[i].text, words))
			return true;

	return false;
}

static void what_is_probably_wrong_is_a_warning(void **state)
{
	struct config *c = good("lines:\n"
				"  - { name: cx, preset: 3cx, server: x, extension: \"100\", password: hunter2 }\n"
				"  - { name: tw, preset: twilio, server: example.com, extension: \"1\" }\n" AGENT
				"routes:\n"
				"  - { line: cx, agent: a }\n"
				"  - { line: cx, to: \"5\", agent: a }\n"
				"  - { agent: a }\n"
				"  - { line: tw, agent: a }\n");

	assert_true(warns(c, 2, "auth_id is missing"));
	assert_true(warns(c, 2, "the password stands in this file"));
	assert_true(warns(c, 3, "no Termination SIP URI"));
	assert_true(warns(c, 8, "never reached"));
	assert_false(warns(c, 9, "never reached"));
	assert_true(warns(c, 10, "never reached"));
	for (size_t i = 0; i < c->warning_count; i++)
		assert_null(strstr(c->warnings[i].text, "hunter2"));
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trunk_with_everything),
		cmocka_unit_test(a_trunk_known_by_its_certificate),
		cmocka_unit_test(presets_bring_their_own_and_yield_to_what_is_said),
		cmocka_unit_test(routes_calendars_and_outbound),
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(what_is_probably_wrong_is_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
