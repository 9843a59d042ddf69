/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include <math.h>
#include "providers/embedded/tts_flite.h"

/* Real synthesis; the audio is judged by its length and level, since flite's output is not reproducible bit by bit. */

static struct fixture {
	uv_loop_t loop;
	struct compute *compute;
	struct tts_port *port;
	struct tts_session *session;
	struct heard {
		size_t samples, loud;
		double power;
		struct tts_mark marks[64];
		size_t mark_count;
		int done, errors;
	} heard[8];
	uint32_t order[16];
	size_t order_count;
	bool cancel_on_audio;
} f;

static void on_audio(void *arg, uint32_t id, const int16_t *pcm, size_t n)
{
	f.heard[id].samples += n;
	for (size_t i = 0; i < n; i++)
		if (abs(pcm[i]) > 300) {
			f.heard[id].loud++;
			f.heard[id].power += (double)pcm[i] * pcm[i];
		}
	if (f.cancel_on_audio)
		f.session->ops->cancel(f.session);
}

static void on_marks(void *arg, uint32_t id, const struct tts_mark *marks, size_t n)
{
	assert_in_range(f.heard[id].mark_count + n, 0, 64);
	memcpy(f.heard[id].marks + f.heard[id].mark_count, marks, n * sizeof(*marks));
	f.heard[id].mark_count += n;
}

static void on_done(void *arg, uint32_t id)
{
	f.heard[id].done++;
	f.order[f.order_count++] = id;
}

static void on_error(void *arg, uint32_t id, int err, const char *words)
{
	f.heard[id].errors++;
}

static void open_session(uint32_t rate_hz, const char *voice)
{
	struct tts_params params = {.rate_hz = rate_hz, .voice = voice, .language = "en-US",
		.cb = {on_audio, on_marks, on_done, on_error, NULL}};

	assert_int_equal(f.port->ops->open(f.port, &params, &f.session, NULL), 0);
}

static int set_up(void **state)
{
	memset(&f, 0, sizeof(f));
	uv_loop_init(&f.loop);
	assert_int_equal(compute_new(&f.compute, &f.loop, 2), 0);
	assert_int_equal(tts_flite_new(&f.port, f.compute, NULL), 0);

	return 0;
}

static void wait_for(int *counter)
{
	while (!*counter)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static int tear_down(void **state)
{
	if (f.session)
		f.session->ops->close(f.session);
	/* An idle lane means every job's completion was delivered. */
	while (compute_stats(f.compute).busy)
		uv_run(&f.loop, UV_RUN_ONCE);
	f.port = tts_flite_free(f.port);
	f.compute = compute_free(f.compute);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f.loop), 0);

	return 0;
}

static void speak(uint32_t id, const char *text)
{
	assert_int_equal(f.session->ops->speak(f.session, id, text, NULL), 0);
}

static void speech_has_length_and_level(void **state)
{
	static const char *const names[] = {"rms", "slt"};
	static const uint32_t rates[] = {8000, 16000};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		for (size_t r = 0; r < ARRAY_LEN(rates); r++) {
			memset(f.heard, 0, sizeof(f.heard));
			open_session(rates[r], names[i]);
			speak(1, "Your appointment is on Tuesday at half past two.");
			wait_for(&f.heard[1].done);

			double ms = (double)f.heard[1].samples * 1000 / rates[r];
			double dbfs = 10 * log10(f.heard[1].power / (double)f.heard[1].loud) - 90.3;

			assert_true(ms > 2000 && ms < 5000);
			assert_true(dbfs > -24 && dbfs < -16);
			f.session->ops->close(f.session);
			f.session = NULL;
		}
}

static void words_are_marked(void **state)
{
	static const char text[] = "At 2:30 pm, Sarah.";
	static const uint32_t ends[] = {2, 7, 11, 18};

	for (int run = 1; run <= 2; run++) { /* the second comes from the cache */
		open_session(8000, NULL);
		speak((uint32_t)run, text);
		wait_for(&f.heard[run].done);
		assert_int_equal(f.heard[run].mark_count, ARRAY_LEN(ends));
		for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
			assert_int_equal(f.heard[run].marks[i].text_end, ends[i]);
			assert_true(i == 0 || f.heard[run].marks[i].at > f.heard[run].marks[i - 1].at);
		}
		assert_true(f.heard[run].marks[3].at <= f.heard[run].samples);
		f.session->ops->close(f.session);
	}
	f.session = NULL;
	assert_int_equal(tts_flite_stats(f.port).cache_hits, 1);
	assert_int_equal(f.heard[1].samples, f.heard[2].samples);
}

static void requests_are_served_in_order(void **state)
{
	open_session(8000, "slt");
	speak(1, "One.");
	speak(2, "");
	speak(3, "Two three four.");
	speak(4, "One.");
	wait_for(&f.heard[4].done);
	assert_int_equal(f.order_count, 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(f.order[i], i + 1);
	assert_int_equal(f.heard[2].samples, 0);
}

static void nothing_follows_a_cancel(void **state)
{
	open_session(8000, NULL);
	f.cancel_on_audio = true;
	speak(1, "This is a long sentence that nobody will hear to its end.");
	speak(2, "Nor this.");
	while (!f.heard[1].samples)
		uv_run(&f.loop, UV_RUN_ONCE);

	size_t samples = f.heard[1].samples;

	f.cancel_on_audio = false;
	speak(3, "But this.");
	wait_for(&f.heard[3].done);
	assert_int_equal(f.heard[1].samples, samples);
	assert_int_equal(f.heard[1].done + f.heard[1].errors + f.heard[2].done + f.heard[2].errors, 0);
	assert_int_equal(f.heard[2].samples, 0);
	assert_true(f.heard[3].samples > 0);
}

static void limits_are_told(void **state)
{
	struct port_fault fault = {0};
	struct tts_params params = {.rate_hz = 8000, .voice = "mozart"};
	char text[LIMIT_TTS_TEXT_BYTES + 2];

	assert_int_equal(f.port->ops->open(f.port, &params, &f.session, &fault), -TR_ENOTFOUND);
	assert_non_null(strstr(fault.words, "rms and slt"));
	params = (struct tts_params){.rate_hz = 8000, .language = "fr-FR"};
	assert_int_equal(f.port->ops->open(f.port, &params, &f.session, &fault), -TR_EUNSUPP);

	open_session(8000, NULL);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(f.session->ops->speak(f.session, 1, text, &fault), -TR_ETOOBIG);
	for (uint32_t i = 0; i < LIMIT_TTS_QUEUE; i++)
		speak(1, "Again.");
	assert_int_equal(f.session->ops->speak(f.session, 1, "Again.", &fault), -TR_ELIMIT);
	assert_non_null(strstr(fault.words, "wait to be spoken"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(speech_has_length_and_level, set_up, tear_down),
		cmocka_unit_test_setup_teardown(words_are_marked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(requests_are_served_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_follows_a_cancel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_are_told, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
