/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_world.h"
#include "agent/caller.h"

/* A scripted caller and an agent talk with each other in virtual time, over two ports that are connected back to back. */
static struct media_port *far_port;
static struct brain *caller;
static struct logged heard[32];
static int heard_n, caller_failures;
static char caller_end[160], digits[16];

static void on_caller_event(void *ctx, const struct agent_event *ev)
{
	assert_int_equal(ev->call, 78);
	if (ev->kind == AGENT_HEARD)
		heard[heard_n++ % 32] = (struct logged){.kind = ev->kind, .ev = *ev};
	if (ev->kind == AGENT_HANG_UP)
		buf_copy(caller_end, sizeof(caller_end), ev->reason);
	if (ev->kind == AGENT_TRANSCRIPT && ev->transcript.is_digits) {
		buf_copy(digits, sizeof(digits), ev->transcript.text);
		for (const char *d = digits; *d; d++)
			w.brain->ops->dtmf(w.brain, *d);
	}
	caller_failures += ev->kind == AGENT_FAILED;
}

static void carry(struct media_port *from, struct media_port *to)
{
	int16_t pcm[FRAME_N];
	bool is_voice = media_port_pull_down(from, w.now_us, pcm) == MEDIA_PULL_AUDIO && abs(pcm[FRAME_N - 1]) > 100;

	media_port_push_up(to, pcm, is_voice ? 250 : 3, 0);
}

static void converse(uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i++) {
		w.now_us += 1000;
		stt_run();
		llm_run();
		tts_run();
		w.words = other_tts.last; /* what the caller's voice said last is what is recognised */
		if (w.now_us % 20000 == 0) {
			carry(w.port, far_port);
			carry(far_port, w.port);
		}
		if (w.now_us % 20000 == 1000) {
			w.brain->ops->tick(w.brain);
			caller->ops->tick(caller);
		}
	}
}

static void begin_caller(const struct agent_caller_config *config)
{
	struct brain_env env = {
		.call = 78,
		.providers = &w.providers,
		.on_event = on_caller_event,
		.clock_us = virtual_clock,
	};

	heard_n = caller_failures = 0;
	caller_end[0] = digits[0] = '\0';
	assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = RATE}, &far_port), 0);
	assert_true(media_port_connect(far_port));
	env.port = far_port;
	assert_int_equal(caller_new(&caller, &env, config), 0);
	caller->ops->start(caller);
}

static int end_both(void **state)
{
	if (caller)
		caller->ops->free(caller);
	caller = NULL;
	far_port = media_port_unref(far_port);

	return tear_down(state);
}

static void a_script_is_talked_through(void **state)
{
	static const struct agent_caller_line lines[] = {
		{.text = "i need an appointment"},
		{.text = "on tuesday please"},
		{.text = "wait i mean wednesday", .interrupt_ms = 900},
		{.text = "", .digits = "42"},
		{.text = "good bye please"},
	};
	struct agent_caller_config config = {.tts = "other", .lines = lines, .line_count = ARRAY_LEN(lines)};

	answer("Which day would you like to come?");
	answer("I have you down for Tuesday the third of March, at nine in the morning.");
	answer("Wednesday then. Your number?");
	answer("Thank you, that is all.");
	answer("Good bye.");
	begin_call();
	begin_caller(&config);
	for (int i = 0; i < 60 && !*caller_end; i++)
		converse(1000);

	assert_string_equal(caller_end, "the script is over");
	assert_int_equal(caller_failures, 0);
	assert_string_equal(digits, "42");
	assert_int_equal(llm.asked, 6);
	assert_string_equal(llm.told[1].text, "i need an appointment");
	assert_string_equal(llm.told[2].text, "on tuesday please");
	assert_string_equal(llm.told[3].text, "wait i mean wednesday");
	assert_true(llm.told[3].is_interrupted);
	assert_int_equal(llm.told[4].cause, LLM_ON_DTMF);
	assert_string_equal(llm.told[4].text, "42");
	assert_string_equal(llm.told[5].text, "good bye please");

	/* By ear: 500 ms of endpointing (280 when complete), three engines of 20 ms, and frames. */
	assert_int_equal(heard_n, 5);
	for (int i = 0; i < heard_n; i++) {
		const struct agent_heard_metrics *h = &heard[i].ev.heard;

		if (i == 3) /* the digits' time-out is another matter */
			continue;
		assert_int_equal(h->line, i);
		assert_in_range((h->answer_us - h->said_end_us) / 1000, 250, 720);
	}
	assert_true(heard[1].ev.heard.answer_us - heard[1].ev.heard.said_end_us < 420000);
	/* The interruption was heard to work within 200 ms of voice plus 100. */
	assert_in_range((heard[2].ev.heard.hushed_us - heard[2].ev.heard.said_us) / 1000, 100, 360);
}

/* "Yes. <700> That is right.", with a noise behind it that never stops. */
static void a_line_may_pause_and_have_noise_behind_it(void **state)
{
	static const struct agent_caller_line lines[] = {{.text = "yes please <700> that is right"}};
	struct agent_caller_config config = {.tts = "other", .lines = lines, .line_count = 1, .noise = 60, .linger_ms = 600000};
	struct media_port_report before, after;

	begin_call();
	begin_caller(&config);
	converse(4000);
	assert_string_equal(other_tts.made, "yes please|that is right|");
	media_port_report(far_port, &before);
	converse(2000);
	media_port_report(far_port, &after);
	/* Noise is an utterance like any other, a frame a tick. */
	assert_int_equal(after.underruns, before.underruns);
	assert_true(after.utterance != 0 && after.frames > 0);
	assert_int_equal(caller_failures, 0);
}

static void a_caller_without_a_voice_hangs_up(void **state)
{
	static const struct agent_caller_line lines[] = {{.text = "hello"}};
	struct agent_caller_config config = {.tts = "nobody", .lines = lines, .line_count = 1};

	begin_call();
	begin_caller(&config);
	converse(1000);
	assert_int_equal(caller_failures, 1);
	assert_true(*caller_end != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_script_is_talked_through, set_up, end_both),
		cmocka_unit_test_setup_teardown(a_line_may_pause_and_have_noise_behind_it, set_up, end_both),
		cmocka_unit_test_setup_teardown(a_caller_without_a_voice_hangs_up, set_up, end_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
