/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/decoder.h"
#include "base/testing.h"
#include "providers/embedded/slurp.h"

/*
 * The search alone: frames are made in which the states of the wanted sounds are likely and all others are not.
 */
#define MODEL_DIR "/usr/share/pocketsphinx/model/en-us/en-us"

enum { STATE_FRAMES = 4, UNLIKELY = -12, WORDS_MAX = 20 };

static struct acoustic *acoustic;

static const char *const dictionary = "yes Y EH S\nno N OW\nplease P L IY Z\na AH\na(2) EY\nday D EY\n";

struct search {
	struct grammar *g;
	struct lexicon *lexicon;
	struct network *net;
	struct decoder *decoder;
	float *scores;
	uint32_t frames;
	uint8_t last; /* sound said last */
};

static void open_search(struct search *s, const char *grammar)
{
	struct grammar_error error;
	struct automaton *automaton;
	char why[120];

	assert_int_equal(grammar_parse(&s->g, span_z(grammar), &error), 0);

	auto_free char *words = grammar_dictionary(s->g, span_z(dictionary), &error);

	assert_non_null(words);
	assert_int_equal(lexicon_new(&s->lexicon, s->g, acoustic, span_z(words), why, sizeof(why)), 0);
	assert_int_equal(automaton_new(&automaton, s->g, 0), 0);
	assert_int_equal(network_new(&s->net, automaton, s->lexicon, acoustic), 0);
	automaton_free(automaton);
	s->decoder = decoder_new(acoustic);
	s->scores = mem_zalloc(acoustic_senone_count(acoustic) * sizeof(float));
}

static void close_search(struct search *s)
{
	decoder_free(s->decoder);
	network_free(s->net);
	lexicon_free(s->lexicon);
	grammar_free(s->g);
	free(s->scores);
}

static void say_sound(struct search *s, struct acoustic_hmm hmm)
{
	for (int state = 0; state < ACOUSTIC_STATES; state++)
		for (int i = 0; i < STATE_FRAMES; i++) {
			for (size_t k = 0; k < acoustic_senone_count(acoustic); k++)
				s->scores[k] = UNLIKELY;
			/* The sound whatever its neighbours fits, but not as well. */
			s->scores[acoustic_monophone(acoustic, hmm.phone).senones[state]] = -1;
			s->scores[hmm.senones[state]] = 0;
			decoder_step(s->decoder, s->scores);
			s->frames++;
		}
}

static uint8_t sound(const char *name)
{
	uint8_t phone = 0;

	assert_true(acoustic_phone_find(acoustic, span_z(name), &phone));

	return phone;
}

/* Sounds with blanks between; | between words, _ for silence. Each is said as it is between its neighbours. */
static void say(struct search *s, const char *text)
{
	struct span words = span_z(text);
	uint8_t phones[40], places[40];
	size_t n = 0;

	s->frames = 0;
	decoder_begin(s->decoder, s->net);
	while (words.n) {
		struct span word = span_trim(span_cut(&words, '|'));
		size_t first = n;

		while (word.n) {
			struct span phone = span_cut(&word, ' ');
			char name[8];

			snprintf(name, sizeof(name), "%.*s", SPAN_FMT(phone));
			places[n] = ACOUSTIC_INTERNAL;
			phones[n++] = sound(strcmp(name, "_") == 0 ? "SIL" : name);
		}
		places[first] = ACOUSTIC_BEGIN;
		places[n - 1] = n - first == 1 ? ACOUSTIC_SINGLE : ACOUSTIC_END;
	}
	for (size_t i = 0; i < n; i++) {
		uint8_t left = i ? phones[i - 1] : sound("SIL"), right = i + 1 < n ? phones[i + 1] : sound("SIL");

		say_sound(s, phones[i] == sound("SIL")
				      ? acoustic_monophone(acoustic, phones[i])
				      : acoustic_triphone(acoustic, phones[i], left, right, (enum acoustic_place)places[i]));
	}
}

static void assert_heard(struct search *s, bool is_whole, const char *want)
{
	struct decoder_word words[WORDS_MAX];
	size_t n;
	char text[200] = "";

	assert_int_equal(decoder_result(s->decoder, false, words, WORDS_MAX, &n), is_whole);
	for (size_t i = 0; i < n; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "", grammar_word(s->g, words[i].word));
		assert_true(words[i].from < words[i].to && words[i].to <= s->frames);
		assert_true(i == 0 || words[i].from >= words[i - 1].to);
	}
	assert_string_equal(text, want);
}

static void words_are_found(void **state)
{
	struct search s;

	open_search(&s, "context c = (yes | no) [please] | [a] day;");
	say(&s, "_|Y EH S|_");
	assert_heard(&s, true, "yes");
	say(&s, "N OW|P L IY Z|_");
	assert_heard(&s, true, "no please");
	say(&s, "_|N OW|_|P L IY Z");
	assert_heard(&s, true, "no please");
	say(&s, "_|EY|D EY|_"); /* a word of one sound between silence and word, by its second pronunciation */
	assert_heard(&s, true, "a day");
	say(&s, "_|AH|_|D EY");
	assert_heard(&s, true, "a day");
	close_search(&s);
}

static void loops_go_round(void **state)
{
	struct search s;

	open_search(&s, "context c = (a | no)+;");
	say(&s, "N OW|AH|EY|N OW|N OW|_");
	assert_heard(&s, true, "no a a no no");
	close_search(&s);
}

/* What breaks off is told as far as it went. */
static void halves_are_no_sentences(void **state)
{
	struct search s;
	struct decoder_word words[WORDS_MAX];
	size_t n;

	open_search(&s, "context c = no a day;");
	say(&s, "_|N OW|_");
	assert_heard(&s, false, "no");
	say(&s, "_|N OW|AH|D EY|_");
	assert_heard(&s, true, "no a day");
	assert_true(decoder_result(s.decoder, false, words, 2, &n));
	assert_int_equal(n, 2); /* room for two */
	decoder_begin(s.decoder, s.net);
	assert_false(decoder_result(s.decoder, false, words, WORDS_MAX, &n));
	assert_int_equal(n, 0);
	close_search(&s);
}

/* What was said explains its frames as well as any sounds do; what the grammar makes of other sounds does not. */
static void gaps_tell_what_was_said(void **state)
{
	struct search s;
	struct decoder_word words[WORDS_MAX];
	size_t n;

	open_search(&s, "context c = no | please;");
	say(&s, "_|N OW|_");
	assert_true(decoder_result(s.decoder, false, words, WORDS_MAX, &n));
	assert_true(words[0].gap > 0);
	say(&s, "_|Y EH S|D EY|_");
	decoder_result(s.decoder, false, words, WORDS_MAX, &n);
	assert_true(n == 0 || words[0].gap < -1);
	close_search(&s);
}

static void unknown_sounds_are_named(void **state)
{
	struct grammar *g = NULL;
	struct lexicon *lexicon = NULL;
	char why[120];

	assert_int_equal(grammar_parse(&g, SPAN_LIT("context c = no;"), NULL), 0);
	assert_int_equal(lexicon_new(&lexicon, g, acoustic, SPAN_LIT("no\tN QQ\n"), why, sizeof(why)), -TR_EPARSE);
	assert_non_null(strstr(why, "QQ"));
	assert_int_equal(lexicon_new(&lexicon, g, acoustic, SPAN_LIT("no\tN OW1\n"), why, sizeof(why)), 0);
	lexicon_free(lexicon);
	grammar_free(g);
}

static int set_up(void **state)
{
	char why[120];

	return acoustic_load(&acoustic, MODEL_DIR, why, sizeof(why));
}

static int tear_down(void **state)
{
	acoustic_free(acoustic);

	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_found),
		cmocka_unit_test(loops_go_round),
		cmocka_unit_test(halves_are_no_sentences),
		cmocka_unit_test(gaps_tell_what_was_said),
		cmocka_unit_test(unknown_sounds_are_named),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
