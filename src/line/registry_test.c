/* SPDX-License-Identifier: Apache-2.0 */
#include "line/preset.h"
#include "line/registry.h"
#include "sip/testlab.h"

/* Lines in virtual time against servers whose every word the test writes: 192.0.2.91 and .92, behind the name pbx.example.com. */

static struct lab lab;
static struct lab_node *us;
static struct lines *ls;
static struct line_config configs[4];
static size_t config_count;
static int dns_err;
static size_t dns_count;
static unsigned dns_asked, changes, target_changes;
static bool is_dead[2];
static const char *expires; /* granted */
static unsigned registers[2], optionses[2]; /* that came to each server */

static const char *const ips[] = {"192.0.2.91", "192.0.2.92"};

static struct addr ip(unsigned i)
{
	struct addr a;

	assert_true(addr_parse_ip(span_z(ips[i]), 5060, &a));

	return a;
}

static int resolve(void *ctx, const struct sip_dest *dest, lines_resolved_fn *fn, void *arg)
{
	struct lines_target t[2] = {{SIP_UDP, ip(0), 10}, {SIP_UDP, ip(1), 20}};

	dns_asked++;
	fn(arg, dns_err, t, dns_err ? 0 : dns_count);

	return 0;
}

static void resolve_cancel(void *ctx, void *arg)
{
}

static bool local_for(void *ctx, const struct line_config *line, const struct addr *peer, struct addr *ret)
{
	*ret = us->addr;

	return true;
}

static void changed(void *ctx, const struct line_status *status)
{
	changes++;
}

static void target_changed(void *ctx, const struct line_status *s, const struct addr *t, enum health_state state)
{
	target_changes++;
}

static void on_event(struct lab_node *node, const struct sip_stack_event *ev)
{
	if (ev->reg || ev->probe)
		lines_on_sip(ls, ev, lab.now);
}

static int set_up(void **state)
{
	lab_init(&lab, 77);
	us = lab_add(&lab, NULL);
	us->on_event = on_event;
	ls = NULL;
	memset(configs, 0, sizeof(configs));
	memset(registers, 0, sizeof(registers));
	memset(optionses, 0, sizeof(optionses));
	config_count = 1;
	dns_err = 0;
	dns_count = 2;
	dns_asked = changes = target_changes = 0;
	is_dead[0] = is_dead[1] = false;
	expires = "Expires: 300\n";
	lab_raw_forget(&lab);

	return 0;
}

static int tear_down(void **state)
{
	lines_free(ls);
	lab_done(&lab);

	return 0;
}

static struct line_config line(const char *preset, const char *server)
{
	struct line_config c;

	line_preset_apply(line_preset_find(preset), &c);
	c.name = preset;
	c.servers[0] = c.server = server;
	c.server_count = 1;
	c.extension = "1001";
	c.password = "p";
	c.keepalive_s = 0;

	return c;
}

static void begin(void)
{
	struct lines_params p = {.stack = us->stack, .local_for = local_for, .resolve = resolve, .resolve_cancel = resolve_cancel,
		.changed = changed, .target_changed = target_changed};

	assert_int_equal(lines_new(&ls, &p, configs, config_count, lab.now), 0);
	lab_drain(&lab);
}

/* Servers that live answer at once. */


static void run(msec_t ms)
{
	msec_t until = lab.now + ms;

	while (lab.now < until) {
		lab_wait(&lab, MIN(100, until - lab.now));
		lines_tick(ls, lab.now);
		lab_drain(&lab);
		for (unsigned k = 0; k < lab.raw_count; k++) {
			for (unsigned i = 0; i < 2; i++) {
				struct addr server = ip(i);
				bool is_register = !strncmp(lab.raw[k], "REGISTER", 8), is_options = !strncmp(lab.raw[k], "OPTIONS", 7);

				if (!addr_eq(&lab.raw_dest[k].addr, &server))
					continue;
				registers[i] += is_register;
				optionses[i] += is_options;
				if (!is_dead[i] && (is_register || is_options))
					lab_answer(us, lab.raw[k], "200 OK", "r", is_register ? expires : "", NULL);
			}
		}
		lab_raw_forget(&lab);
		lab_drain(&lab);
	}
}

static enum line_state state_of(size_t i)
{
	return lines_status(ls, i)->state;
}

static void a_registration_follows_its_servers(void **state)
{
	struct sip_dest hops[4];
	struct addr first = ip(0), second = ip(1);

	configs[0] = line("freepbx", "pbx.example.com");
	begin();
	run(300);
	assert_int_equal(state_of(0), LINE_REGISTERED);
	assert_int_equal(registers[0], 1);
	assert_int_equal(lines_hops(ls, 0, hops, 4), 2);
	assert_true(addr_eq(&hops[0].addr, &first));
	assert_span_equal(hops[0].host, "pbx.example.com");

	/* the first dies: its refresh, or two OPTIONS, find out; two seconds later the second has us */
	is_dead[0] = true;
	registers[0] = registers[1] = 0;
	run(300000);
	assert_int_equal(state_of(0), LINE_REGISTERED);
	assert_true(registers[1] > 0);
	assert_int_equal(lines_hops(ls, 0, hops, 4), 2);
	assert_true(addr_eq(&hops[0].addr, &second));

	/* and back once the first has been up for a while */
	is_dead[0] = false;
	registers[0] = 0;
	run(20000);
	assert_int_equal(registers[0], 0);
	run(60000);
	assert_int_equal(registers[0], 1);
	assert_int_equal(lines_hops(ls, 0, hops, 4), 2);
	assert_true(addr_eq(&hops[0].addr, &first));
}

/* Calls in come from where we are registered: that is not left to the next refresh, an hour away. */
static void two_options_without_an_answer_move_the_registration(void **state)
{
	struct addr second = ip(1);
	struct sip_dest hops[4];
	msec_t died;

	configs[0] = line("freepbx", "pbx.example.com");
	expires = "Expires: 3600\n";
	begin();
	run(5000);
	assert_int_equal(registers[1], 0);
	is_dead[0] = true;
	died = lab.now;
	while (registers[1] == 0 && lab.now < died + 120000)
		run(100);
	print_message("registered with the second server %d ms after the first died\n", (int)(lab.now - died));
	assert_true(lab.now - died < 40000); /* asked every 30 s, and 3 s after the first silence */
	run(200);
	assert_int_equal(state_of(0), LINE_REGISTERED);
	lines_hops(ls, 0, hops, 4);
	assert_true(addr_eq(&hops[0].addr, &second));
}

static void a_dead_first_server_costs_two_seconds(void **state)
{
	msec_t began = lab.now;

	configs[0] = line("freepbx", "pbx.example.com");
	is_dead[0] = true;
	begin();
	while (state_of(0) != LINE_REGISTERED && lab.now < began + 60000)
		run(100);
	print_message("registered with the second server after %d ms\n", (int)(lab.now - began));
	assert_true(lab.now - began <= 2000);
	assert_string_equal(lines_status(ls, 0)->text, "");
}

static void when_all_are_dead_it_says_so_and_comes_back(void **state)
{
	configs[0] = line("freepbx", "pbx.example.com");
	is_dead[0] = is_dead[1] = true;
	begin();
	run(30000);
	assert_int_equal(state_of(0), LINE_FAILED);
	assert_non_null(strstr(lines_status(ls, 0)->text, "does not answer"));
	assert_false(lines_is_usable(ls, 0));
	is_dead[1] = false;
	run(30000);
	assert_int_equal(state_of(0), LINE_REGISTERED);
	assert_true(lines_is_usable(ls, 0));
}

static void a_failed_call_moves_registration_and_calls_at_once(void **state)
{
	struct sip_dest hops[4];
	struct addr first = ip(0), second = ip(1);

	configs[0] = line("freepbx", "pbx.example.com");
	begin();
	run(1000);
	registers[1] = 0;
	is_dead[0] = true;
	lines_hop_done(ls, 0, &first, false, lab.now);
	assert_int_equal(lines_hops(ls, 0, hops, 4), 2);
	assert_true(addr_eq(&hops[0].addr, &second));
	run(200);
	assert_int_equal(registers[1], 1);
	/* a late success of a call that began before does not bring it back: OPTIONS have to */
	lines_hop_done(ls, 0, &first, true, lab.now);
	lines_hops(ls, 0, hops, 4);
	assert_true(addr_eq(&hops[0].addr, &second));
}

static void a_trunk_is_as_well_as_its_targets(void **state)
{
	configs[0] = line("generic-trunk", "carrier.example.net");
	configs[0].password = NULL;
	begin();
	run(5000);
	assert_int_equal(state_of(0), LINE_READY);
	assert_true(optionses[0] >= 1 && optionses[1] >= 1);
	assert_int_equal(registers[0], 0);
	is_dead[0] = true;
	run(60000);
	assert_int_equal(state_of(0), LINE_READY);
	is_dead[1] = true;
	run(60000);
	assert_int_equal(state_of(0), LINE_FAILED);
	assert_false(lines_is_usable(ls, 0));
	is_dead[0] = false;
	run(10000);
	assert_int_equal(state_of(0), LINE_READY);
	assert_true(lines_is_usable(ls, 0));
}

static void a_name_that_is_unknown_is_named(void **state)
{
	configs[0] = line("freepbx", "pbx.exmaple.com");
	dns_err = -TR_ENOTFOUND;
	begin();
	run(1000);
	assert_int_equal(state_of(0), LINE_FAILED);
	assert_non_null(strstr(lines_status(ls, 0)->text, "pbx.exmaple.com cannot be resolved"));
	dns_err = 0;
	run(6000);
	assert_int_equal(state_of(0), LINE_REGISTERED);
}

static void both_registrars_at_once(void **state)
{
	configs[0] = line("freepbx", ips[0]);
	configs[0].servers[1] = ips[1];
	configs[0].server_count = 2;
	configs[0].registers_everywhere = true;
	begin();
	run(500);
	assert_int_equal(registers[0], 1);
	assert_int_equal(registers[1], 1);
	is_dead[0] = true;
	run(400000);
	assert_int_equal(state_of(0), LINE_REGISTERED);
	assert_true(registers[1] >= 2);
}

static void a_reload_leaves_unchanged_lines_alone(void **state)
{
	struct line_config next[2];

	configs[0] = line("freepbx", ips[0]);
	configs[1] = line("yeastar", ips[1]);
	config_count = 2;
	begin();
	run(500);
	assert_int_equal(registers[0] + registers[1], 2);
	next[0] = configs[0];
	next[0].max_calls = 5;
	next[1] = line("3cx", ips[1]);
	registers[0] = registers[1] = 0;
	assert_int_equal(lines_update(ls, next, 2, lab.now), 0);
	run(500);
	assert_int_equal(registers[0], 0);
	assert_int_equal(registers[1], 2); /* the old one leaves, the new one comes */
	assert_int_equal(state_of(0), LINE_REGISTERED);
	assert_int_equal(state_of(1), LINE_REGISTERED);
	assert_int_equal(lines_status(ls, 0)->config->max_calls, 5);
	lines_stop(ls, lab.now);
	run(1000);
	assert_true(lines_is_idle(ls));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(a_registration_follows_its_servers),
		T(two_options_without_an_answer_move_the_registration),
		T(a_dead_first_server_costs_two_seconds),
		T(when_all_are_dead_it_says_so_and_comes_back),
		T(a_failed_call_moves_registration_and_calls_at_once),
		T(a_trunk_is_as_well_as_its_targets),
		T(a_name_that_is_unknown_is_named),
		T(both_registrars_at_once),
		T(a_reload_leaves_unchanged_lines_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
