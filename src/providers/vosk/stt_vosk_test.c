/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/vosk/stt_vosk.h"
#include "base/testing.h"
#include "providers/embedded/telephone_test.h"
#include "providers/embedded/tts_flite.h"
#include "providers/vosk/vosk_lib.h"

/*
 * Vosk on real audio, through its port and on compute threads: a synthetic caller speaks, wideband or over a telephone line. Skipped
 * where Vosk is not installed (scripts/install-vosk), which is no fault: it is an option.
 */
enum { AUDIO_MAX = 20 * 16000, LEAD = 300, TAIL = 600 };

static struct fixture {
	uv_loop_t loop;
	struct compute *compute;
	struct tts_port *tts;
	struct stt_port *stt;
	struct tts_session *voice;
	struct stt_stream *ear, *other;
	struct port_fault fault;

	int16_t wide[AUDIO_MAX], line[AUDIO_MAX];
	size_t wide_count;

	char text[2048], stable[2048];
	float confidence;
	uint32_t finals, errors, partials, stables;
	size_t word_count;
	bool words_in_order;
} f;

static void on_audio(void *arg, uint32_t id, const int16_t *pcm, size_t n)
{
	if (f.wide_count + n > AUDIO_MAX)
		return;
	memcpy(f.wide + f.wide_count, pcm, n * sizeof(*pcm));
	f.wide_count += n;
}

static void on_spoken(void *arg, uint32_t id)
{
}

static void on_failed(void *arg, uint32_t id, int err, const char *words)
{
	f.errors++;
}

static void on_partial(void *arg, uint32_t id, const char *text, bool is_stable)
{
	f.partials++;
	if (!is_stable)
		return;
	f.stables++;
	buf_copy(f.stable, sizeof(f.stable), text);
}

static void on_final(void *arg, uint32_t id, const struct stt_final *final)
{
	f.finals++;
	f.confidence = final->confidence;
	f.word_count = final->word_count;
	f.words_in_order = true;
	for (size_t i = 0; i < final->word_count; i++)
		f.words_in_order &= final->words[i].start_ms < final->words[i].end_ms && final->words[i].end_ms <= final->audio_ms + 100 &&
				    (i == 0 || final->words[i].start_ms >= final->words[i - 1].end_ms);
	buf_copy(f.text, sizeof(f.text), final->text);
}

static int open_ear(uint32_t rate_hz, struct stt_stream **ret)
{
	struct stt_params stt = {.rate_hz = rate_hz, .language = "en-US", .cb = {on_partial, on_final, on_failed, NULL}};

	return f.stt->ops->open(f.stt, &stt, ret, &f.fault);
}

static void settle(void)
{
	while (compute_stats(f.compute).busy)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static int set_up_group(void **state)
{
	struct tts_params tts = {.rate_hz = 16000, .voice = "rms", .cb = {on_audio, NULL, on_spoken, on_failed, NULL}};

	uv_loop_init(&f.loop);
	assert_int_equal(compute_new(&f.compute, &f.loop, 2), 0);
	assert_int_equal(tts_flite_new(&f.tts, f.compute, NULL), 0);
	assert_int_equal(f.tts->ops->open(f.tts, &tts, &f.voice, NULL), 0);
	if (stt_vosk_new(&f.stt, f.compute, &(struct stt_vosk_params){.recognisers = 1}, &f.fault) != 0)
		print_message("skipped: %s\n", f.fault.words);

	return 0;
}

static int tear_down_group(void **state)
{
	f.voice->ops->close(f.voice);
	settle();
	f.tts = tts_flite_free(f.tts);
	f.stt = stt_vosk_free(f.stt);
	f.compute = compute_free(f.compute);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f.loop), 0);

	return 0;
}

static int fresh(void **state)
{
	f.finals = f.errors = f.partials = f.stables = 0;
	f.text[0] = f.stable[0] = 0;
	f.wide_count = 0;

	return 0;
}

static int close_ears(void **state)
{
	if (f.ear)
		f.ear->ops->close(f.ear);
	if (f.other)
		f.other->ops->close(f.other);
	f.ear = f.other = NULL;
	settle();

	return 0;
}

#define NEEDS_VOSK()                                                                                                                       \
	do {                                                                                                                               \
		if (!f.stt)                                                                                                                \
			skip();                                                                                                            \
	} while (0)

/* The sentence at 16 kHz; on a line when rate_hz is 8000. Returns the samples at rate_hz. */
static size_t synthesise(const char *text, uint32_t rate_hz)
{
	uint64_t seed = 3;

	f.wide_count = 0;
	assert_int_equal(f.voice->ops->speak(f.voice, 1, text, NULL), 0);
	settle();
	assert_true(f.wide_count > 8000);

	return rate_hz == 16000 ? f.wide_count : telephone_line(f.wide, f.wide_count, 0.5f, 18, &seed, f.line);
}

static void feed(const int16_t *pcm, size_t n, uint32_t rate_hz)
{
	size_t part = rate_hz / 50;

	for (size_t at = 0; at < n; at += part) {
		f.ear->ops->feed(f.ear, pcm + at, MIN(part, n - at));
		uv_run(&f.loop, UV_RUN_NOWAIT);
	}
}

static void feed_silence(uint32_t ms, uint32_t rate_hz)
{
	static const int16_t zeros[16000];

	feed(zeros, rate_hz / 1000 * ms, rate_hz);
}

static void hear(const char *sentence, uint32_t rate_hz)
{
	size_t n = synthesise(sentence, rate_hz);

	assert_int_equal(f.ear->ops->begin(f.ear, 7, NULL, 0, &f.fault), 0);
	feed_silence(LEAD, rate_hz);

	const int16_t *pcm = rate_hz == 16000 ? f.wide : f.line;

	/* In two parts, as time would have it: partials come of what is decoded before the end. */
	feed(pcm, n / 2, rate_hz);
	settle();
	feed(pcm + n / 2, n - n / 2, rate_hz);
	feed_silence(TAIL, rate_hz);
	f.ear->ops->end(f.ear);
	settle();
}

static void wideband_speech_is_understood_with_times_and_confidences(void **state)
{
	NEEDS_VOSK();
	assert_int_equal(open_ear(16000, &f.ear), 0);
	hear("I would like to make an appointment.", 16000);
	assert_int_equal(f.finals, 1);
	assert_int_equal(f.errors, 0);
	assert_string_equal(f.text, "i would like to make an appointment");
	assert_true(f.partials >= 1);
	assert_true(f.word_count == 7 && f.words_in_order);
	assert_true(f.confidence > 0.6f && f.confidence <= 1);
}

/* The same recogniser again: its clock runs on, an utterance's times do not. */
static void a_second_utterance_begins_at_zero(void **state)
{
	NEEDS_VOSK();
	assert_int_equal(open_ear(16000, &f.ear), 0);
	for (int i = 0; i < 3; i++) {
		hear("Can you tell me about my order?", 16000);
		assert_string_equal(f.text, "can you tell me about my order");
		assert_true(f.words_in_order);
	}
	assert_int_equal(f.finals, 3);
}

static void phrases_are_all_that_is_listened_for(void **state)
{
	static const char *const phrases[] = {"yes please", "no thank you", "one two three four five six seven eight nine zero oh",
		"monday tuesday wednesday thursday friday"};
	struct stt_context digits = {.phrases = phrases, .phrase_count = ARRAY_LEN(phrases)}, anything = {0};

	NEEDS_VOSK();
	assert_int_equal(open_ear(8000, &f.ear), 0);
	f.ear->ops->set_context(f.ear, &digits);
	hear("Yes please.", 8000);
	assert_string_equal(f.text, "yes please");
	hear("Wednesday.", 8000);
	assert_string_equal(f.text, "wednesday");
	f.ear->ops->set_context(f.ear, &anything);
	hear("Where is the nearest train station?", 8000);
	assert_non_null(strstr(f.text, "train station"));
}

static void what_pause_prepared_is_the_final(void **state)
{
	size_t n;

	NEEDS_VOSK();
	assert_int_equal(open_ear(16000, &f.ear), 0);
	n = synthesise("Can you tell me about my order?", 16000);
	assert_int_equal(f.ear->ops->begin(f.ear, 9, NULL, 0, &f.fault), 0);
	feed_silence(LEAD, 16000);
	feed(f.wide, n, 16000);
	feed_silence(160, 16000);
	f.ear->ops->pause(f.ear);
	settle();
	assert_int_equal(f.stables, 1);
	assert_non_null(strstr(f.stable, "about my order"));
	feed_silence(200, 16000);
	f.ear->ops->end(f.ear);
	settle();
	assert_string_equal(f.text, f.stable);

	/* And it goes on where the caller does. */
	assert_int_equal(f.ear->ops->begin(f.ear, 10, NULL, 0, &f.fault), 0);
	feed(f.wide, n, 16000);
	f.ear->ops->pause(f.ear);
	settle();
	f.ear->ops->resume(f.ear);
	feed(f.wide, n, 16000);
	feed_silence(TAIL, 16000);
	f.ear->ops->end(f.ear);
	settle();
	assert_non_null(strstr(f.text, "my order"));
	assert_non_null(strstr(strstr(f.text, "my order") + 1, "my order"));
}

static void a_full_pool_says_so_and_cancelling_frees_it(void **state)
{
	NEEDS_VOSK();
	assert_int_equal(open_ear(8000, &f.ear), 0);
	assert_int_equal(open_ear(8000, &f.other), 0);
	assert_int_equal(f.ear->ops->begin(f.ear, 1, NULL, 0, &f.fault), 0);
	assert_int_equal(f.other->ops->begin(f.other, 2, NULL, 0, &f.fault), -TR_ELIMIT);
	assert_non_null(strstr(f.fault.words, "listening to other callers"));
	assert_int_equal(stt_vosk_stats(f.stt).refused, 1);
	f.ear->ops->cancel(f.ear);
	settle();
	assert_int_equal(f.other->ops->begin(f.other, 3, NULL, 0, &f.fault), 0);
	f.other->ops->cancel(f.other);
	settle();
	assert_int_equal(f.finals + f.errors, 0);
	assert_int_equal(stt_vosk_stats(f.stt).busy, 0);
}

static void other_languages_and_rates_are_refused_in_words(void **state)
{
	struct stt_params german = {.rate_hz = 8000, .language = "de-DE"}, odd = {.rate_hz = 11025, .language = "en"};

	NEEDS_VOSK();
	assert_int_equal(f.stt->ops->open(f.stt, &german, &f.ear, &f.fault), -TR_EUNSUPP);
	assert_non_null(strstr(f.fault.words, "de-DE"));
	assert_int_equal(f.stt->ops->open(f.stt, &odd, &f.ear, &f.fault), -TR_EUNSUPP);
	f.ear = NULL;
}

/* Needs no Vosk. */
static void what_is_missing_is_named_with_its_remedy(void **state)
{
	struct stt_port *port = NULL;

	assert_int_equal(stt_vosk_new(&port, f.compute, &(struct stt_vosk_params){.dir = "/nowhere/vosk"}, &f.fault), -TR_EENGINE);
	assert_null(port);
	assert_non_null(strstr(f.fault.words, "/nowhere/vosk"));
	assert_non_null(strstr(f.fault.words, "scripts/install-vosk"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wideband_speech_is_understood_with_times_and_confidences, fresh, close_ears),
		cmocka_unit_test_setup_teardown(a_second_utterance_begins_at_zero, fresh, close_ears),
		cmocka_unit_test_setup_teardown(phrases_are_all_that_is_listened_for, fresh, close_ears),
		cmocka_unit_test_setup_teardown(what_pause_prepared_is_the_final, fresh, close_ears),
		cmocka_unit_test_setup_teardown(a_full_pool_says_so_and_cancelling_frees_it, fresh, close_ears),
		cmocka_unit_test_setup_teardown(other_languages_and_rates_are_refused_in_words, fresh, close_ears),
		cmocka_unit_test_setup_teardown(what_is_missing_is_named_with_its_remedy, fresh, close_ears),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
