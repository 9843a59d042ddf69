/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include <uv.h>
#include "agent/caller.h"
#include "agent/pipeline.h"
#include "agent/recorded.h"
#include "audio/g711.h"
#include "audio/vad.h"
#include "providers/embedded/compute.h"
#include "providers/embedded/flow_llm.h"
#include "providers/embedded/stt_pocketsphinx.h"
#include "providers/embedded/tts_flite.h"

/*
 * The real engines in virtual time: a scripted caller with one voice and the embedded receptionist with another talk over two
 * ports that are connected back to back through mu-law. Time stands still while an engine computes, so the result does not
 * depend on the machine's load, and what is measured is the turn-taking itself.
 *
 * TIPRING_SHOW=1 prints the conversation.
 */
enum { RATE = 8000, FRAME_N = 160, STEP_US = 5000, LINES = 12, EVENTS = 400 };

static struct side {
	struct brain *brain;
	struct media_port *port;
	struct vad vad; /* of what this side hears */
} agent, caller;

static uv_loop_t loop;
static struct compute *compute;
static struct agent_providers providers;
static struct recorded *recorded;
static struct flow *flow; /* the receptionist */
static int64_t now_us;
static bool is_shown;

/* What came out. */
static struct agent_turn_metrics turns[EVENTS];
static struct agent_heard_metrics heard[LINES];
static struct agent_interrupt_metrics interrupts[EVENTS];
static int turn_n, heard_n, interrupt_n, failures, transfers, hang_ups, tools_done;
static char said[8192]; /* by both, a line each */
static bool is_over;

static int64_t virtual_clock(void *ctx)
{
	return now_us;
}

static void note_line(const char *who, const struct agent_transcript *t)
{
	size_t n = strlen(said);

	if (!t->is_final) {
		if (is_shown && t->who == AGENT_WHO_CALLER)
			print_message("%7.2f      ... %s\n", (double)now_us / 1e6, t->text);
		return;
	}
	snprintf(said + n, sizeof(said) - n, "%s%s: %s\n", who, t->is_interrupted ? " (cut)" : "", t->text);
	if (is_shown)
		print_message("%7.2f  (%.2f) %s", (double)now_us / 1e6, (double)t->confidence, said + n);
}

static void on_agent_event(void *ctx, const struct agent_event *ev)
{
	switch (ev->kind) {
	case AGENT_TRANSCRIPT:
		note_line(ev->transcript.who == AGENT_WHO_AGENT ? "agent" : "heard", &ev->transcript);
		break;
	case AGENT_TURN:
		turns[turn_n++ % EVENTS] = ev->turn;
		if (is_shown)
			print_message("         %s: endpoint %" PRId64 " ms after speech, own share %" PRId64 " us\n",
				turn_reason_name(ev->turn.reason),
				ev->turn.endpoint_us ? (ev->turn.endpoint_us - ev->turn.speech_end_us) / 1000 : 0,
				ev->turn.own_us);
		break;
	case AGENT_INTERRUPT:
		interrupts[interrupt_n++ % EVENTS] = ev->interrupt;
		if (is_shown)
			print_message("         %s by %s after %u ms of voice\n",
				ev->interrupt.was_real ? "interrupted" : "not interrupted",
				turn_reason_name(ev->interrupt.reason), ev->interrupt.voiced_ms);
		break;
	case AGENT_FAILED:
		failures++;
		print_message("failed: %s %s\n", ev->failure.part, ev->failure.words);
		break;
	case AGENT_TRANSFER:
		transfers++;
		is_over = true;
		break;
	case AGENT_HANG_UP:
		hang_ups++;
		is_over = true;
		break;
	default:
		break;
	}
}

static void on_caller_event(void *ctx, const struct agent_event *ev)
{
	if (ev->kind == AGENT_HEARD && heard_n < LINES)
		heard[heard_n++] = ev->heard;
	if (ev->kind == AGENT_TRANSCRIPT)
		note_line("caller", &ev->transcript);
	if (ev->kind == AGENT_TRANSCRIPT && ev->transcript.is_digits)
		for (const char *d = ev->transcript.text; *d; d++)
			agent.brain->ops->dtmf(agent.brain, *d);
	failures += ev->kind == AGENT_FAILED;
	is_over = is_over || ev->kind == AGENT_HANG_UP;
}

/* ---- the world ----------------------------------------------------------------------------------------------------------------- */

/* The caller's loudspeaker: what the agent said so many frames ago is in her microphone. */
static struct {
	float gain;
	uint32_t frames, n;
	int16_t past[64][FRAME_N];
} echo;

static void send_back(const struct side *from, int16_t *pcm)
{
	if (from == &agent) {
		memcpy(echo.past[echo.n++ % 64], pcm, sizeof(echo.past[0]));
		return;
	}
	for (int i = 0; i < FRAME_N && echo.n > echo.frames; i++)
		pcm[i] = (int16_t)CLAMP(pcm[i] + (float)echo.past[(echo.n - 1 - echo.frames) % 64][i] * echo.gain, -32768, 32767);
}

static void carry(struct side *from, struct side *to)
{
	int16_t pcm[FRAME_N];
	uint8_t code[FRAME_N];

	media_port_pull_down(from->port, now_us, pcm);
	send_back(from, pcm);
	g711_ulaw_encode(code, pcm, FRAME_N);
	g711_ulaw_decode(pcm, code, FRAME_N);
	media_port_push_up(to->port, pcm, vad_run(&to->vad, pcm, FRAME_N), 0);
}

/* Until no engine has anything to do or to say. */
static void let_engines_work(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
	while (compute_stats(compute).busy)
		uv_run(&loop, UV_RUN_ONCE);
	uv_run(&loop, UV_RUN_NOWAIT);
}

static void converse(uint32_t most_ms)
{
	int64_t until_us = now_us + (int64_t)most_ms * 1000;

	while (now_us < until_us && !is_over) {
		now_us += STEP_US;
		if (now_us % MEDIA_FRAME_US == 0) {
			carry(&agent, &caller);
			carry(&caller, &agent);
		}
		if (now_us % MEDIA_FRAME_US == STEP_US) {
			agent.brain->ops->tick(agent.brain);
			caller.brain->ops->tick(caller.brain);
		}
		let_engines_work();
	}
}

static int load_engines(void **state)
{
	static struct stt_port *stt;
	static struct llm_port *llm;
	static struct tts_port *tts;
	static struct flow_faults faults;
	struct stt_grammar grammar;
	struct stt_pocketsphinx_params params = {.grammars = &grammar, .grammar_count = 1};
	struct port_fault fault = {0};
	int err;

	assert_int_equal(flow_load(&flow, &(struct flow_source){.name = "receptionist"}, &faults, NULL), 0);
	grammar = (struct stt_grammar){flow_name(flow), span_z(flow_grammar(flow))};

	is_shown = getenv("TIPRING_SHOW");
	uv_loop_init(&loop);
	err = compute_new(&compute, &loop, 0);
	if (!err)
		err = tts_flite_new(&tts, compute, &fault);
	if (!err)
		err = stt_pocketsphinx_new(&stt, compute, &params, &fault);
	if (err) {
		print_error("engines: %s\n", fault.words);
		return err;
	}
	llm = flow_llm_new(&loop);
	recorded = recorded_new();

	return agent_providers_add_stt(&providers, stt) || agent_providers_add_llm(&providers, llm) ||
		agent_providers_add_tts(&providers, tts);
}

static int unload_engines(void **state)
{
	recorded = recorded_free(recorded);
	let_engines_work();
	stt_pocketsphinx_free(providers.stt[0]);
	flow_llm_free(providers.llm[0]);
	tts_flite_free(providers.tts[0]);
	flow = flow_unref(flow);
	compute = compute_free(compute);
	uv_run(&loop, UV_RUN_DEFAULT);

	return uv_loop_close(&loop);
}

static void begin(const struct agent_caller_line *lines, uint32_t n)
{
	bool is_mute = n == 0;

	static struct agent_config ac;
	static struct agent_caller_config cc;
	struct brain_env env = {
		.providers = &providers,
		.recorded = recorded,
		.clock_us = virtual_clock,
		.wall_ms = INT64_C(1795348800000), /* Sunday, 22 November 2026, noon */
	};

	now_us = 1000000;
	turn_n = heard_n = interrupt_n = failures = transfers = hang_ups = tools_done = 0;
	said[0] = '\0';
	is_over = false;
	assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = RATE}, &agent.port), 0);
	assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = RATE}, &caller.port), 0);
	assert_true(media_port_connect(agent.port) && media_port_connect(caller.port));
	vad_init(&agent.vad, RATE);
	vad_init(&caller.vad, RATE);

	ac = (struct agent_config){.name = "reception", .greeting = "Hello, Acme Dental. How can I help you?",
		.flow = flow, .voice = "rms", .transfer_to = "200"};
	cc = (struct agent_caller_config){.name = "caller", .voice = "slt", .lines = lines, .line_count = n,
		.patience_ms = is_mute ? 600000 : 0, .linger_ms = is_mute ? 600000 : 0};
	env.port = agent.port;
	env.on_event = on_agent_event;
	assert_int_equal(pipeline_new(&agent.brain, &env, &ac), 0);
	env.port = caller.port;
	env.on_event = on_caller_event;
	assert_int_equal(caller_new(&caller.brain, &env, &cc), 0);
	agent.brain->ops->start(agent.brain);
	caller.brain->ops->start(caller.brain);
}

static int end(void **state)
{
	if (agent.brain)
		agent.brain->ops->free(agent.brain);
	if (caller.brain)
		caller.brain->ops->free(caller.brain);
	agent.brain = caller.brain = NULL;
	memset(&echo, 0, sizeof(echo));
	agent.port = media_port_unref(agent.port);
	caller.port = media_port_unref(caller.port);
	let_engines_work();

	return 0;
}

/* ---- dialogues ------------------------------------------------------------------------------------------------------------------- */

static void demand(const char *words)
{
	if (!strstr(said, words))
		fail_msg("nobody said \"%s\" in:\n%s", words, said);
}

/* The budgets of "First call", on real speech: the detector's own tail is in the figures. */
static void assert_budgets(void)
{
	for (int i = 0; i < turn_n; i++) {
		const struct agent_turn_metrics *m = &turns[i];
		int64_t wait_ms = (m->endpoint_us - m->speech_end_us) / 1000;

		assert_in_range(m->own_us, 0, 20000);
		if (m->reason == TURN_BY_COMPLETE)
			assert_in_range(wait_ms, 0, 360);
		else if (m->reason == TURN_BY_ENDPOINT && wait_ms > 700)
			fail_msg("turn %u: endpoint after %" PRId64 " ms", m->turn, wait_ms);
	}
	for (int i = 0; i < interrupt_n; i++)
		if (interrupts[i].was_real && interrupts[i].pause_us)
			assert_in_range((interrupts[i].pause_us - interrupts[i].voice_us) / 1000, 0, 500);
}

static void an_appointment_is_made_corrected_and_handed_over(void **state)
{
	static const struct agent_caller_line lines[] = {
		{.text = "I'd like to make an appointment."},
		{.text = "On Tuesday."},
		{.text = "At half past two."},
		{.text = "My name is Sarah Miller."},
		{.text = "No, on Wednesday please.", .interrupt_ms = 1800},
		{.text = "Yes, that's right."},
		{.text = "I want to speak to a human."},
	};

	begin(lines, ARRAY_LEN(lines));
	converse(120000);
	for (int i = 0; i < heard_n; i++)
		if (heard[i].answer_us && is_shown)
			print_message("line %u answered after %" PRId64 " ms\n", heard[i].line,
				(heard[i].answer_us - heard[i].said_end_us) / 1000);
		else if (heard[i].hushed_us && is_shown)
			print_message("line %u\n", heard[i].line);
	assert_int_equal(failures, 0);
	demand("(cut)");
	demand("Wednesday the 25th of November at 2:30 pm");
	demand("Sarah Miller");
	assert_int_equal(transfers, 1);
	assert_budgets();
}

static void nods_do_not_stop_the_receptionist(void **state)
{
	static const struct agent_caller_line lines[] = {
		{.text = "What are your opening hours?"},
		{.text = "Okay.", .interrupt_ms = 1500},
		{.text = "Thank you, goodbye.", .wait_ms = 1500},
	};

	begin(lines, ARRAY_LEN(lines));
	converse(60000);
	assert_int_equal(failures, 0);
	assert_null(strstr(said, "(cut)"));
	assert_int_equal(hang_ups, 1);
	assert_budgets();
}

/* Nothing that only we said may interrupt us, or become a turn. */
static void assert_echo_had_no_effect(void)
{
	static const char *const ours[] = {"heard: thank you for calling", "heard: how can i", "heard: what day", "heard: may i have", "heard: is that"};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strstr(said, ours[i]))
			fail_msg("\"%s\" in:\n%s", ours[i], said);
	if (strstr(said, "(cut)"))
		fail_msg("we interrupted ourselves:\n%s", said);
}

static void a_loudspeaker_that_sends_us_back_changes_nothing(void **state)
{
	static const struct agent_caller_line lines[] = {
		{.text = "What are your opening hours?"},
		{.text = "I'd like to make an appointment.", .wait_ms = 900},
		{.wait_ms = 9000, .text = ""},
		{.text = "I want to speak to a human.", .wait_ms = 900},
	};
	static const struct {
		float gain;
		uint32_t frames;
	} paths[] = {{0.2F, 6}, {0.12F, 17}, {0.3F, 30}};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		begin(lines, ARRAY_LEN(lines));
		echo.gain = paths[i].gain;
		echo.frames = paths[i].frames;
		converse(120000);
		assert_int_equal(failures, 0);
		assert_echo_had_no_effect();
		assert_int_equal(transfers + hang_ups, 1);
		if (i + 1 < ARRAY_LEN(paths))
			end(state);
	}
}

static void an_answer_in_two_parts_is_one(void **state)
{
	static const uint32_t gaps[] = {350, 700, 1100};

	for (size_t i = 0; i < ARRAY_LEN(gaps); i++) {
		auto_free char *yes = mem_format("Yes. <%u> That is right.", gaps[i]);
		const struct agent_caller_line lines[] = {
			{.digits = "1"},
			{.digits = "2"},
			{.digits = "3"},
			{.text = "Sarah Miller."},
			{.text = yes},
			{.digits = "2", .wait_ms = 1200},
		};

		begin(lines, ARRAY_LEN(lines));
		converse(120000);
		assert_int_equal(failures, 0);
		demand("booked for Tuesday");
		demand("heard: yes");
		assert_int_equal(hang_ups, 1);
		assert_null(strstr(said, "didn't get that"));
		assert_budgets();
		if (i + 1 < ARRAY_LEN(gaps))
			end(state);
	}
}

static void a_hello_over_the_greeting_does_not_stop_it(void **state)
{
	static const struct agent_caller_line lines[] = {
		{.text = "Hello?", .interrupt_ms = 700},
		{.text = "What are your opening hours?", .wait_ms = 900},
		{.text = "I want to speak to a human.", .wait_ms = 1500},
	};

	begin(lines, ARRAY_LEN(lines));
	converse(60000);
	assert_int_equal(failures, 0);
	demand("Hello, Acme Dental. How can I help you?");
	assert_null(strstr(said, "(cut)"));
	assert_int_equal(transfers, 1);
}

static void keys_answer_at_any_moment(void **state)
{
	static const struct agent_caller_line lines[] = {
		{.digits = "1", .interrupt_ms = 900},
		{.digits = "2", .interrupt_ms = 500},
		{.digits = "3"},
		{.text = "Sarah Miller."},
		{.digits = "1"},
		{.digits = "2", .wait_ms = 1200},
	};

	begin(lines, ARRAY_LEN(lines));
	converse(90000);
	assert_int_equal(failures, 0);
	demand("booked for Tuesday");
	assert_int_equal(hang_ups, 1);
}

static void silence_leads_to_a_polite_end(void **state)
{
	begin(NULL, 0);
	converse(90000);
	assert_int_equal(hang_ups, 1);
	assert_int_equal(failures, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, end)
	const struct CMUnitTest tests[] = {
		T(an_appointment_is_made_corrected_and_handed_over),
		T(nods_do_not_stop_the_receptionist),
		T(a_loudspeaker_that_sends_us_back_changes_nothing),
		T(an_answer_in_two_parts_is_one),
		T(a_hello_over_the_greeting_does_not_stop_it),
		T(keys_answer_at_any_moment),
		T(silence_leads_to_a_polite_end),
	};

	return cmocka_run_group_tests(tests, load_engines, unload_engines);
}
