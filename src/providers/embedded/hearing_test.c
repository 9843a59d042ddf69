/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "flow/calendar.h"
#include "flow/flow.h"
#include "providers/embedded/compute.h"
#include "providers/embedded/stt_pocketsphinx.h"
#include "providers/embedded/telephone_test.h"
#include "providers/embedded/tts_flite.h"

/*
 * The ears on real audio: a synthetic caller speaks, a telephone line does its worst, the recogniser listens through its port
 * on compute threads, and what the sentence means is compared with what it should mean.
 */
enum { AUDIO_MAX = 20 * 16000, LEAD = 300, TAIL = 600 };

static struct fixture {
	uv_loop_t loop;
	struct compute *compute;
	struct tts_port *tts;
	struct stt_port *stt;
	struct flow *flow; /* what is said, and what it means */
	struct tts_session *voice;
	struct stt_stream *ear;

	int16_t wide[AUDIO_MAX], line[AUDIO_MAX];
	size_t wide_count;
	bool is_spoken;

	char text[1024], stable[1024];
	float confidence;
	uint32_t finals, errors, partials, stables, last_id, wait_us;
	size_t word_count;
	bool words_in_order;
} f;

/* ---- the world -------------------------------------------------------------------------------------------------------- */

static void on_audio(void *arg, uint32_t id, const int16_t *pcm, size_t n)
{
	if (f.wide_count + n > AUDIO_MAX)
		return;
	memcpy(f.wide + f.wide_count, pcm, n * sizeof(*pcm));
	f.wide_count += n;
}

static void on_spoken(void *arg, uint32_t id)
{
	f.is_spoken = true;
}

static void on_failed(void *arg, uint32_t id, int err, const char *words)
{
	f.errors++;
}

static void on_partial(void *arg, uint32_t id, const char *text, bool is_stable)
{
	f.partials++;
	f.last_id = id;
	if (is_stable) {
		f.stables++;
		buf_copy(f.stable, sizeof(f.stable), text);
	}
}

static void on_final(void *arg, uint32_t id, const struct stt_final *final)
{
	f.finals++;
	f.last_id = id;
	f.confidence = final->confidence;
	f.word_count = final->word_count;
	f.wait_us = final->wait_us;
	f.words_in_order = true;
	for (size_t i = 0; i < final->word_count; i++)
		f.words_in_order &= final->words[i].start_ms < final->words[i].end_ms &&
				    final->words[i].end_ms <= final->audio_ms &&
				    (i == 0 || final->words[i].start_ms >= final->words[i - 1].end_ms);
	buf_copy(f.text, sizeof(f.text), final->text);
}

static int set_up(void **state)
{
	static struct flow_faults faults;
	struct stt_grammar grammar = {0};
	struct stt_pocketsphinx_params params = {.decoders = 1, .grammars = &grammar, .grammar_count = 1};
	struct tts_params tts = {.rate_hz = 16000, .voice = "slt", .cb = {on_audio, NULL, on_spoken, on_failed, NULL}};
	struct stt_params stt = {.rate_hz = 8000, .language = "en-US",
		.cb = {on_partial, on_final, on_failed, NULL}};

	assert_int_equal(flow_load(&f.flow, &(struct flow_source){.name = "receptionist"}, &faults, NULL), 0);
	grammar.text = span_z(flow_grammar(f.flow));
	uv_loop_init(&f.loop);
	assert_int_equal(compute_new(&f.compute, &f.loop, 2), 0);
	assert_int_equal(tts_flite_new(&f.tts, f.compute, NULL), 0);
	assert_int_equal(stt_pocketsphinx_new(&f.stt, f.compute, &params, NULL), 0);
	assert_int_equal(f.tts->ops->open(f.tts, &tts, &f.voice, NULL), 0);
	assert_int_equal(f.stt->ops->open(f.stt, &stt, &f.ear, NULL), 0);

	return 0;
}

static void settle(void)
{
	while (compute_stats(f.compute).busy)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static int tear_down(void **state)
{
	f.voice->ops->close(f.voice);
	f.ear->ops->close(f.ear);
	settle();
	f.tts = tts_flite_free(f.tts);
	f.stt = stt_pocketsphinx_free(f.stt);
	f.flow = flow_unref(f.flow);
	f.compute = compute_free(f.compute);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f.loop), 0);

	return 0;
}

static int fresh(void **state)
{
	f.finals = f.errors = f.partials = f.stables = 0;
	f.text[0] = f.stable[0] = 0;

	return 0;
}

/* Speaks text over the line, with silence around it; returns the samples in f.line. */
static size_t speak(const char *text)
{
	uint64_t seed = 77;

	f.is_spoken = false;
	f.wide_count = LEAD * 16;
	memset(f.wide, 0, f.wide_count * sizeof(*f.wide));
	assert_int_equal(f.voice->ops->speak(f.voice, 1, text, NULL), 0);
	while (!f.is_spoken)
		uv_run(&f.loop, UV_RUN_ONCE);
	memset(f.wide + f.wide_count, 0, TAIL * 16 * sizeof(*f.wide));
	f.wide_count += TAIL * 16;

	return telephone_line(f.wide, f.wide_count, 0.8F, 18, &seed, f.line);
}

static void set_context(const char *name)
{
	assert_int_equal(f.ear->ops->set_context(f.ear, &(struct stt_context){.name = name}), 0);
}

static void begin(uint32_t id)
{
	assert_int_equal(f.ear->ops->begin(f.ear, id, NULL, 0, NULL), 0);
}

static void feed(size_t from, size_t to)
{
	for (size_t i = from; i + 160 <= to; i += 160)
		f.ear->ops->feed(f.ear, f.line + i, 160);
}

static void end(void)
{
	uint32_t finals = f.finals;

	f.ear->ops->end(f.ear);
	while (f.finals == finals && !f.errors)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(f.errors, 0);
}

static void hear(const char *context, size_t n)
{
	set_context(context);
	begin(7);
	feed(0, n);
	end();
}

/* ---- understanding ---------------------------------------------------------------------------------------------------- */

enum expect { EXPECT_ANY, EXPECT_DAY, EXPECT_TIME, EXPECT_NAME, EXPECT_YESNO };

static const char *const expectations[] = {NULL, "day", "time", "name", "confirm"};

static const struct sentence {
	const char *context;
	enum expect expect;
	const char *text;
} sentences[] = {
	{"start", EXPECT_ANY, "I'd like to make an appointment."},
	{"start", EXPECT_ANY, "Can I book an appointment for next Friday?"},
	{"start", EXPECT_ANY, "Hello, I would like to book an appointment on Tuesday at three."},
	{"start", EXPECT_ANY, "Could I talk to a person, please?"},
	{"start", EXPECT_ANY, "What are your opening hours?"},
	{"start", EXPECT_ANY, "How much does it cost?"},
	{"start", EXPECT_ANY, "I need to cancel my appointment."},
	{"start", EXPECT_ANY, "Can you repeat that, please?"},
	{"start", EXPECT_ANY, "Goodbye."},
	{"day", EXPECT_DAY, "Next Wednesday."},
	{"day", EXPECT_DAY, "Tomorrow, please."},
	{"day", EXPECT_DAY, "On Tuesday, please."},
	{"day", EXPECT_DAY, "The fifth of March."},
	{"day", EXPECT_DAY, "March twenty first."},
	{"day", EXPECT_DAY, "How about Thursday afternoon?"},
	{"day", EXPECT_DAY, "Friday at half past two."},
	{"day", EXPECT_DAY, "The day after tomorrow."},
	{"day", EXPECT_DAY, "Can I speak to someone?"},
	{"day", EXPECT_TIME, "Half past two."},
	{"day", EXPECT_TIME, "Two thirty p m."},
	{"day", EXPECT_TIME, "In the afternoon."},
	{"day", EXPECT_TIME, "Ten o'clock, please."},
	{"day", EXPECT_TIME, "Quarter to four."},
	{"day", EXPECT_TIME, "At nine thirty in the morning."},
	{"day", EXPECT_TIME, "No, I said Wednesday."},
	{"name", EXPECT_NAME, "My name is John Smith."},
	{"name", EXPECT_NAME, "My name is Sarah Miller."},
	{"name", EXPECT_NAME, "This is Robert Johnson."},
	{"name", EXPECT_NAME, "James Wilson."},
	{"name", EXPECT_NAME, "Emily Taylor."},
	{"day", EXPECT_YESNO, "Yes."},
	{"day", EXPECT_YESNO, "No."},
	{"day", EXPECT_YESNO, "Yes, that's right."},
	{"day", EXPECT_YESNO, "Make it Thursday."},
	{"day", EXPECT_YESNO, "Can we make it Friday instead?"},
	{"day", EXPECT_YESNO, "That's wrong."},
	{"day", EXPECT_YESNO, "Actually, half past four."},
	{"for_existing", EXPECT_YESNO, "No, thank you."},
	{"for_existing", EXPECT_YESNO, "Yes, please."},
	{"for_existing", EXPECT_YESNO, "Can I talk to a human?"},
};

static bool means_the_same(const struct sentence *sentence)
{
	const char *asked = sentence->expect == EXPECT_ANY ? NULL : expectations[sentence->expect];
	struct flow_meaning want, got;

	flow_meaning(f.flow, asked, calendar_day((struct civil){2026, 11, 22}), sentence->text, &want);
	flow_meaning(f.flow, asked, calendar_day((struct civil){2026, 11, 22}), f.text, &got);

	return strcmp(want.intent, got.intent) == 0 && strcmp(want.slots, got.slots) == 0;
}

/* Floor 90 %. */
static void telephone_sentences_are_understood(void **state)
{
	size_t right = 0;

	for (size_t i = 0; i < ARRAY_LEN(sentences); i++) {
		hear(sentences[i].context, speak(sentences[i].text));
		assert_true(f.words_in_order);
		if (means_the_same(&sentences[i]) && f.confidence >= 0.35F)
			right++;
		else
			print_message("%s: \"%s\" -> \"%s\" (%.2f)\n", sentences[i].context, sentences[i].text, f.text,
				(double)f.confidence);
	}
	print_message("%zu of %zu understood\n", right, ARRAY_LEN(sentences));
	assert_true(right * 10 >= ARRAY_LEN(sentences) * 9);
}

/* What the grammar does not have must not become what it has: at least four of five are doubted. */
static void other_sentences_are_doubted(void **state)
{
	static const char *const others[] = {"The quick brown fox jumps over the lazy dog.", "My daughter plays the violin.",
		"Is there parking nearby?", "Purple elephants dance quietly.", "I was thinking about buying a new car.",
		"I forgot my umbrella at the restaurant.", "What kind of music do you like?", "Chocolate ice cream."};
	size_t doubted = 0;

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		hear("day", speak(others[i]));
		if (!f.text[0] || f.confidence < 0.35F)
			doubted++;
		else
			print_message("\"%s\" -> \"%s\" (%.2f)\n", others[i], f.text, (double)f.confidence);
	}
	print_message("%zu of %zu doubted\n", doubted, ARRAY_LEN(others));
	assert_true(doubted * 5 >= ARRAY_LEN(others) * 4);
}

static void assert_nothing_heard(const char *what, size_t n)
{
	hear("day", n);
	if (f.text[0] && f.confidence >= 0.35F)
		fail_msg("%s: \"%s\" (%.2f)", what, f.text, (double)f.confidence);
}

/* Tones are the voice detector's business: what it lets through is speech. */
static void noise_says_nothing(void **state)
{
	uint64_t seed = test_seed();
	enum { N = 12000 };

	memset(f.line, 0, sizeof(f.line));
	assert_nothing_heard("digital silence", N);
	for (int amplitude = 20; amplitude <= 2000; amplitude *= 10) {
		for (size_t i = 0; i < N; i++)
			f.line[i] = telephone_mulaw((float)((int)(prng_u32(&seed) % 2001) - 1000) * (float)amplitude / 1000);
		assert_nothing_heard("noise", N);
	}
	assert_nothing_heard("no audio", 0);
}

/* ---- the port --------------------------------------------------------------------------------------------------------- */

static void pause_prepares_the_final(void **state)
{
	size_t n = speak("Tomorrow afternoon.");

	set_context("day");
	begin(1);
	feed(0, n - TAIL * 8 + 1600);
	f.ear->ops->pause(f.ear);
	while (!f.stables)
		uv_run(&f.loop, UV_RUN_ONCE);
	feed(n - TAIL * 8 + 1600, n);
	end();
	assert_string_equal(f.text, f.stable);
	assert_non_null(strstr(f.text, "tomorrow"));
}

static void only_stable_partials_come_when_others_are_not_wanted(void **state)
{
	size_t n = speak("On Tuesday at three.");

	set_context("when");
	for (uint32_t wanted = 0; wanted < 2; wanted++) {
		(void)fresh(state);
		f.ear->ops->set_partials(f.ear, wanted);
		begin(1 + wanted);
		feed(0, n / 3 * 2);
		while (wanted && !f.partials)
			uv_run(&f.loop, UV_RUN_ONCE);
		assert_int_equal(f.stables, 0);
		f.ear->ops->pause(f.ear);
		while (!f.stables)
			uv_run(&f.loop, UV_RUN_ONCE);
		assert_true(wanted || f.partials == 1);
		f.ear->ops->resume(f.ear);
		feed(n / 3 * 2, n);
		end();
		assert_non_null(strstr(f.text, "three"));
	}
}

static void speech_after_a_pause_counts(void **state)
{
	size_t n = speak("On Tuesday at three.");

	set_context("day");
	begin(1);
	feed(0, n / 3);
	f.ear->ops->pause(f.ear);
	while (!f.stables)
		uv_run(&f.loop, UV_RUN_ONCE);
	f.ear->ops->resume(f.ear);
	feed(n / 3, n);
	end();
	assert_non_null(strstr(f.text, "three"));
}

/* 16 kHz audio needs no extender. */
static void wideband_goes_in_directly(void **state)
{
	struct stt_params params = {.rate_hz = 16000, .cb = {on_partial, on_final, on_failed, NULL}};
	struct stt_stream *wide;

	speak("On Tuesday at three.");
	assert_int_equal(f.stt->ops->open(f.stt, &params, &wide, NULL), 0);
	wide->ops->set_context(wide, &(struct stt_context){.name = "day"});
	assert_int_equal(wide->ops->begin(wide, 3, f.wide, f.wide_count / 2, NULL), 0);
	wide->ops->feed(wide, f.wide + f.wide_count / 2, f.wide_count - f.wide_count / 2);
	wide->ops->end(wide);
	while (!f.finals)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_string_equal(f.text, "on tuesday at three");
	wide->ops->close(wide);
}

static void nothing_follows_a_cancel(void **state)
{
	size_t n = speak("On Tuesday, please.");

	set_context("day");
	begin(1);
	feed(0, n);
	f.ear->ops->end(f.ear);
	f.ear->ops->cancel(f.ear);
	begin(2);
	feed(0, n);
	end();
	settle();
	assert_int_equal(f.finals, 1);
	assert_int_equal(f.last_id, 2);
	f.ear->ops->cancel(f.ear); /* harmless when there is none */
	settle();
	assert_int_equal(stt_pocketsphinx_stats(f.stt).busy, 0);
}

static void full_pool_is_told_at_once(void **state)
{
	struct stt_params params = {.rate_hz = 8000, .cb = {on_partial, on_final, on_failed, NULL}};
	struct stt_stream *other;
	struct port_fault fault = {0};

	assert_int_equal(f.stt->ops->open(f.stt, &params, &other, NULL), 0);
	begin(1);
	assert_int_equal(other->ops->begin(other, 1, NULL, 0, &fault), -TR_ELIMIT);
	assert_non_null(strstr(fault.words, "all 1 decoders"));
	f.ear->ops->cancel(f.ear);
	settle();
	assert_int_equal(other->ops->begin(other, 1, NULL, 0, &fault), 0);
	other->ops->close(other);
	settle();
	assert_int_equal(stt_pocketsphinx_stats(f.stt).busy, 0);
	assert_int_equal(stt_pocketsphinx_stats(f.stt).refused, 1);
}

struct told {
	int count, err;
	char words[120];
};

static void tell(void *arg, int err, const char *words)
{
	struct told *t = arg;

	t->count++;
	t->err = err;
	buf_copy(t->words, sizeof(t->words), words);
}

/* Usable with the first decoder; the others come beside the work, and so does another set, which a bad third does not replace. */
static void decoders_and_grammars_come_beside_the_work(void **state)
{
	struct told grown = {0}, loaded = {0}, refused = {0};
	struct stt_grammar grammar = {NULL, SPAN_LIT("context a = yes | no;")}, other = {"shop", SPAN_LIT("context b = apples | pears;")},
			   bad = {"shop", SPAN_LIT("context b = <c>;")};
	struct stt_pocketsphinx_params params = {.decoders = 3, .grammars = &grammar, .grammar_count = 1, .on_grown = tell, .arg = &grown};
	struct stt_port *port;

	assert_int_equal(stt_pocketsphinx_new(&port, f.compute, &params, NULL), 0);
	assert_int_equal(stt_pocketsphinx_stats(port).decoders, 1);
	assert_int_equal(stt_pocketsphinx_load(port, &other, 1, tell, &loaded), 0);
	assert_int_equal(stt_pocketsphinx_load(port, &bad, 1, tell, &refused), 0);
	while (!grown.count)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(grown.err, 0);
	assert_int_equal(stt_pocketsphinx_stats(port).decoders, 3);
	settle();
	assert_int_equal(loaded.count, 1);
	assert_int_equal(loaded.err, 0);
	assert_int_equal(refused.err, -TR_EPARSE);
	assert_non_null(strstr(refused.words, "<c> is not defined"));
	assert_int_equal(stt_pocketsphinx_stats(port).decoders, 3);
	assert_int_equal(stt_pocketsphinx_stats(port).loads, 1);
	stt_pocketsphinx_free(port);
}

static void missing_model_is_explained(void **state)
{
	struct stt_grammar good = {NULL, SPAN_LIT("context a = yes;")};
	struct stt_pocketsphinx_params params = {.model_dir = "/nonexistent", .grammars = &good, .grammar_count = 1};
	struct stt_params french = {.rate_hz = 8000, .language = "fr-FR"};
	struct port_fault fault = {0};
	struct stt_port *port = NULL;
	struct stt_stream *stream;

	assert_int_equal(stt_pocketsphinx_new(&port, f.compute, &params, &fault), -TR_EENGINE);
	assert_null(port);
	assert_non_null(strstr(fault.words, "/nonexistent"));
	assert_non_null(strstr(fault.words, "pocketsphinx-en-us"));

	struct stt_grammar bad = {NULL, SPAN_LIT("\ncontext a = <b>;")};

	params = (struct stt_pocketsphinx_params){.grammars = &bad, .grammar_count = 1};
	assert_int_equal(stt_pocketsphinx_new(&port, f.compute, &params, &fault), -TR_EPARSE);
	assert_non_null(strstr(fault.words, "line 2: <b> is not defined"));

	bad = (struct stt_grammar){"shop", SPAN_LIT("context a = xyzzyq;")};
	assert_int_equal(stt_pocketsphinx_new(&port, f.compute, &params, &fault), -TR_EPARSE);
	assert_non_null(strstr(fault.words, "\"xyzzyq\" has no pronunciation"));

	assert_int_equal(f.stt->ops->open(f.stt, &french, &stream, &fault), -TR_EUNSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(telephone_sentences_are_understood, fresh),
		cmocka_unit_test_setup(other_sentences_are_doubted, fresh),
		cmocka_unit_test_setup(noise_says_nothing, fresh),
		cmocka_unit_test_setup(pause_prepares_the_final, fresh),
		cmocka_unit_test_setup(only_stable_partials_come_when_others_are_not_wanted, fresh),
		cmocka_unit_test_setup(speech_after_a_pause_counts, fresh),
		cmocka_unit_test_setup(wideband_goes_in_directly, fresh),
		cmocka_unit_test_setup(nothing_follows_a_cancel, fresh),
		cmocka_unit_test_setup(full_pool_is_told_at_once, fresh),
		cmocka_unit_test_setup(decoders_and_grammars_come_beside_the_work, fresh),
		cmocka_unit_test_setup(missing_model_is_explained, fresh),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
