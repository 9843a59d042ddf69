/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_world.h"

/* A detector of speech in the place of the media core's: obeyed while it works, done without when it does not. */
static struct fake_vad {
	struct vad_stream stream;
	uint8_t verdict;
	bool is_open, is_broken;
	int frames;
	size_t samples;
} fake;

static int fake_open(struct vad_port *port, uint32_t rate_hz, struct vad_stream **ret, struct port_fault *ret_fault)
{
	assert_int_equal(rate_hz, RATE);
	fake.is_open = true;
	*ret = &fake.stream;

	return 0;
}

static void fake_close(struct vad_stream *s)
{
	assert_true(fake.is_open);
	fake.is_open = false;
}

static int fake_frame(struct vad_stream *s, const int16_t *pcm, size_t n, uint8_t *ret_speech)
{
	fake.frames++;
	fake.samples += n;
	if (fake.is_broken)
		return -TR_EENGINE;
	*ret_speech = fake.verdict;

	return 0;
}

static const struct vad_ops fake_ops = {fake_open, fake_close, fake_frame};
static struct vad_port fake_port = {&fake_ops, "fake"};

static int set_up_vad(void **state)
{
	set_up(state);
	fake = (struct fake_vad){.stream = {&fake_ops}};
	w.config.vad = "fake";

	return agent_providers_add_vad(&w.providers, &fake_port);
}

static int tear_down_vad(void **state)
{
	int err = tear_down(state);

	assert_false(fake.is_open);

	return err;
}

static void the_other_detector_decides(void **state)
{
	answer("We are open from nine.");
	greet();
	speak("when are you open", 800); /* the core says voice, the detector silence */
	run(3000);
	assert_int_equal(llm.asked, 1);
	assert_int_equal(fake.samples, (size_t)fake.frames * FRAME_N);

	w.words = "when are you open";
	fake.verdict = 250; /* and the other way round */
	run(800);
	fake.verdict = 0;
	run(3000);
	assert_int_equal(llm.asked, 2);
	assert_string_equal(last_told()->text, "when are you open");
	assert_int_equal(count(AGENT_FAILED), 0);
}

static void a_detector_that_breaks_is_done_without(void **state)
{
	answer("We are open from nine.");
	greet();
	fake.is_broken = true;
	run(100);
	assert_false(fake.is_open);
	assert_int_equal(count(AGENT_FAILED), 1);
	assert_string_equal(last(AGENT_FAILED)->text, "vad");
	assert_false(last(AGENT_FAILED)->ev.failure.is_fatal);
	speak("when are you open", 800);
	run(3000);
	assert_int_equal(llm.asked, 2);
	assert_int_equal(count(AGENT_FAILED), 1);
}

static void a_detector_nobody_has_is_told_and_done_without(void **state)
{
	w.config.vad = "nobody";
	answer("We are open from nine.");
	greet();
	assert_int_equal(count(AGENT_FAILED), 1);
	assert_string_equal(last(AGENT_FAILED)->text, "vad");
	assert_true(strlen(last(AGENT_FAILED)->reason) > 0);
	assert_false(last(AGENT_FAILED)->ev.failure.is_fatal);
	speak("when are you open", 800);
	run(3000);
	assert_int_equal(llm.asked, 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up_vad, tear_down_vad)
	const struct CMUnitTest tests[] = {
		T(the_other_detector_decides),
		T(a_detector_that_breaks_is_done_without),
		T(a_detector_nobody_has_is_told_and_done_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
