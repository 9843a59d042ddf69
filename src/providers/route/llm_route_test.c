/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "providers/route/llm_route.h"

/* Minds that do what the test says, when the test says; the route's own clock is the loop's, whose time-outs here are short. */
struct fake {
	struct llm_port port;
	struct llm_session session;
	struct llm_callbacks cb;
	uint32_t id; /* asked; 0: not */
	int asked, cancelled, closed;
	bool refuses, cannot_open;
	char text[100], history[200];
};

static struct fake fakes[3];
static struct heard {
	char text[200], tools[100], words[300];
	int dones, errors, err;
} heard;
static uv_loop_t loop;
static struct llm_port *route;
static struct llm_session *session;

static struct fake *of_session(struct llm_session *s)
{
	return container_of(s, struct fake, session);
}

static int fake_open(struct llm_port *port, const struct llm_params *params, struct llm_session **ret, struct port_fault *ret_fault)
{
	struct fake *m = container_of(port, struct fake, port);

	if (m->cannot_open)
		return port_fail(ret_fault, -TR_EUNSUPP, "no such language");
	m->cb = params->cb;
	m->session.ops = port->ops;
	*ret = &m->session;

	return 0;
}

static void fake_close(struct llm_session *s)
{
	of_session(s)->closed++;
}

static int fake_respond(struct llm_session *s, uint32_t id, const struct llm_turn *turn, struct port_fault *ret_fault)
{
	struct fake *m = of_session(s);

	m->asked++;
	if (m->refuses)
		return port_fail(ret_fault, -TR_ELIMIT, "full");
	m->id = id;
	buf_copy(m->text, sizeof(m->text), turn->text);
	m->history[0] = '\0';
	for (size_t i = 0; i < turn->history_count; i++)
		snprintf(m->history + strlen(m->history), sizeof(m->history) - strlen(m->history), "%s;", turn->history[i].text);

	return 0;
}

static void fake_cancel(struct llm_session *s)
{
	of_session(s)->cancelled++;
	of_session(s)->id = 0;
}

static const struct llm_ops fake_ops = {.open = fake_open, .close = fake_close, .respond = fake_respond, .cancel = fake_cancel};

static void on_delta(void *arg, uint32_t id, const char *text)
{
	snprintf(heard.text + strlen(heard.text), sizeof(heard.text) - strlen(heard.text), "%s", text);
}

static void on_tool(void *arg, uint32_t id, const char *call_id, const char *name, const char *args)
{
	snprintf(heard.tools, sizeof(heard.tools), "%s(%s)", name, args);
}

static void on_done(void *arg, uint32_t id)
{
	heard.dones++;
}

static void on_error(void *arg, uint32_t id, int err, const char *words)
{
	heard.errors++;
	heard.err = err;
	buf_copy(heard.words, sizeof(heard.words), words);
}

static void ask(uint32_t id)
{
	char text[] = "hello", said[] = "Good morning.";
	struct llm_message history = {LLM_ASSISTANT, said, NULL, NULL};
	struct llm_turn turn = {.cause = LLM_ON_TEXT, .text = text, .history = &history, .history_count = 1};

	heard = (struct heard){0};
	assert_int_equal(session->ops->respond(session, id, &turn, NULL), 0);
	memset(text, 'x', sizeof(text) - 1); /* borrowed only until then */
	memset(said, 'x', sizeof(said) - 1);
}

static void open_session(void)
{
	struct llm_params params = {.instructions = "", .cb = {on_delta, on_tool, NULL, on_done, on_error, NULL}};

	assert_int_equal(route->ops->open(route, &params, &session, NULL), 0);
}

static int set_up(void **state)
{
	struct llm_port *ports[3];

	memset(fakes, 0, sizeof(fakes));
	for (int i = 0; i < 3; i++) {
		fakes[i].port = (struct llm_port){&fake_ops, (const char *[]){"a", "b", "c"}[i]};
		ports[i] = &fakes[i].port;
	}
	uv_loop_init(&loop);
	route = llm_route_new(&loop, &(struct llm_route_params){.name = "a, b, c", .ports = ports, .count = 3, .first_ms = 20});
	session = NULL;

	return 0;
}

static int tear_down(void **state)
{
	session->ops->close(session);
	route = llm_route_free(route);
	uv_run(&loop, UV_RUN_DEFAULT);

	return uv_loop_close(&loop);
}

static void until_asked(int i, int times)
{
	while (fakes[i].asked < times)
		uv_run(&loop, UV_RUN_ONCE);
}

static void say(int i, const char *text)
{
	fakes[i].cb.on_delta(fakes[i].cb.arg, fakes[i].id, text);
}

static void break_off(int i)
{
	fakes[i].cb.on_error(fakes[i].cb.arg, fakes[i].id, -TR_EENGINE, "broken");
}

static void done(int i)
{
	fakes[i].cb.on_done(fakes[i].cb.arg, fakes[i].id);
}

static void the_first_answers(void **state)
{
	open_session();
	ask(1);
	say(0, "Hi.");
	fakes[0].cb.on_tool(fakes[0].cb.arg, 1, "c1", "hang_up", "{}");
	done(0);
	assert_string_equal(heard.text, "Hi.");
	assert_string_equal(heard.tools, "hang_up({})");
	assert_int_equal(heard.dones, 1);
	assert_int_equal(fakes[1].asked, 0);
}

static void the_next_gets_the_whole_turn(void **state)
{
	open_session();
	ask(1);
	break_off(0);
	assert_int_equal(heard.errors, 0);
	assert_int_equal(fakes[1].asked, 1);
	assert_string_equal(fakes[1].text, "hello");
	assert_string_equal(fakes[1].history, "Good morning.;");
	say(1, "Hi.");
	done(1);
	assert_string_equal(heard.text, "Hi.");
	assert_int_equal(llm_route_stats(route).failovers, 1);
	assert_int_equal(llm_route_stats(route).turns[1], 1);
}

static void who_says_nothing_is_not_waited_for(void **state)
{
	open_session();
	ask(1);
	until_asked(1, 1);
	assert_int_equal(fakes[0].cancelled, 1);
	fakes[0].cb.on_delta(fakes[0].cb.arg, 1, "Late."); /* nobody hears it */
	assert_string_equal(heard.text, "");
	until_asked(2, 1);
	/* The last one may take its time. */
	for (int i = 0; i < 5; i++) {
		uv_sleep(10);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(heard.errors, 0);
	say(2, "Hi.");
	done(2);
	assert_int_equal(heard.dones, 1);
}

static void what_was_said_is_not_said_twice(void **state)
{
	open_session();
	ask(1);
	say(0, "Hi, ");
	break_off(0);
	assert_int_equal(heard.errors, 0);
	assert_int_equal(heard.dones, 1);
	assert_int_equal(fakes[1].asked, 0);
}

static void when_nobody_is_left_the_last_reason_is_told(void **state)
{
	fakes[1].refuses = true;
	open_session();
	ask(1);
	break_off(0);
	break_off(2);
	assert_int_equal(heard.errors, 1);
	assert_string_equal(heard.words, "c: broken");

	/* All refuse at once: told from the loop, not from inside. */
	fakes[0].refuses = fakes[2].refuses = true;
	ask(2);
	assert_int_equal(heard.errors, 0);
	uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(heard.errors, 1);
}

static void who_failed_twice_rests(void **state)
{
	open_session();
	for (uint32_t id = 1; id <= 2; id++) {
		ask(id);
		break_off(0);
		say(1, "Hi.");
		done(1);
	}
	ask(3);
	assert_int_equal(fakes[0].asked, 2);
	assert_int_equal(fakes[1].asked, 3);
	/* But when all others fail too, it is better than nobody. */
	break_off(1);
	break_off(2);
	assert_int_equal(fakes[0].asked, 3);
	say(0, "Here again.");
	done(0);
	ask(4);
	assert_int_equal(fakes[0].asked, 4);
	session->ops->cancel(session);
}

static void who_cannot_be_opened_is_left_out(void **state)
{
	fakes[0].cannot_open = true;
	open_session();
	ask(1);
	assert_int_equal(fakes[0].asked, 0);
	say(1, "Hi.");
	session->ops->cancel(session);
	assert_int_equal(fakes[1].cancelled, 1);
	say(1, "more");
	assert_string_equal(heard.text, "Hi.");
	ask(2);
	done(1);
	assert_int_equal(heard.dones, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_next_gets_the_whole_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_says_nothing_is_not_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_said_is_not_said_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(when_nobody_is_left_the_last_reason_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_failed_twice_rests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_cannot_be_opened_is_left_out, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
