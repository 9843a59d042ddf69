/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "agent/chunk.h"

static char got[8192];
static size_t got_n, pieces;

static void take_all(struct chunker *c)
{
	char piece[CHUNK_BYTES];

	while (chunk_take(c, piece)) {
		assert_true(strlen(piece) > 0 && strlen(piece) <= LIMIT_AGENT_CHUNK_BYTES);
		got_n += (size_t)snprintf(got + got_n, sizeof(got) - got_n, "%s%s", got_n ? "|" : "", piece);
		assert_true(got_n < sizeof(got));
		pieces++;
	}
}

/* Feeds text in steps of that many bytes. */
static const char *cut(const char *text, size_t step)
{
	struct chunker c;
	size_t left = strlen(text);

	got_n = pieces = 0;
	got[0] = '\0';
	chunk_init(&c);
	while (left) {
		size_t took = chunk_put(&c, text, MIN(step, left));

		assert_true(took > 0);
		text += took;
		left -= took;
		take_all(&c);
	}
	chunk_end(&c);
	take_all(&c);

	return got;
}

static const struct {
	const char *text, *want;
} rows[] = {
	{"", ""},
	{"  \n ", ""},
	{"Hello.", "Hello."},
	{"Hello there, how can I help you today? We are open.", "Hello there,|how can I help you today?|We are open."},
	{"Well, let me see what we have. One moment.", "Well, let me see what we have.|One moment."},
	{"Yes. We have a table on Tuesday at eight. Shall I book it?",
		"Yes.|We have a table on Tuesday at eight.|Shall I book it?"},
	{"Dr. Smith is in at 3.30 p.m. on Tuesday. He asks for Mrs. Jones.",
		"Dr. Smith is in at 3.30 p.m. on Tuesday.|He asks for Mrs. Jones."},
	{"We close at 5 p.m. Please come earlier than that.", "We close at 5 p.m.|Please come earlier than that."},
	{"See www.example.com. It has all the prices, too.", "See www.example.com.|It has all the prices, too."},
	{"That is $3.50. Thanks for calling us today.", "That is $3.50.|Thanks for calling us today."},
	{"J. R. Smith lives here. So do I. And nobody else does.", "J. R. Smith lives here.|So do I. And nobody else does."},
	{"1. Press the button. 2. Wait.", "1. Press the button.|2. Wait."},
	{"We open at 9. We close at 5 on every working day.", "We open at 9.|We close at 5 on every working day."},
	{"He said \"Come in!\" and left. Then he came back.", "He said \"Come in!\"|and left. Then he came back."},
	{"Really?! That is quite something, you know.", "Really?!|That is quite something, you know."},
	{"Let me think... Perhaps on Tuesday afternoon then.", "Let me think...|Perhaps on Tuesday afternoon then."},
	{"First line\nsecond line that goes on\n", "First line|second line that goes on"},
	{"您好。请问您要预约吗？好的。", "您好。|请问您要预约吗？好的。"},
	{"I said no. Then he left me there alone.", "I said no.|Then he left me there alone."},
	{"Take the No. 5 and wait. It will come in a minute.", "Take the No. 5 and wait.|It will come in a minute."},
	{"So:  many \t blanks", "So: many blanks"},
};

/* However the text is cut on its way, the pieces are the same. */
static void pieces_are_what_a_voice_can_speak(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t step = 1; step < 60; step += 7)
			assert_string_equal(cut(rows[i].text, step), rows[i].want);
}

static void the_first_clause_is_ready_before_the_sentence(void **state)
{
	struct chunker c;
	char piece[CHUNK_BYTES];

	chunk_init(&c);
	chunk_put(&c, "I can offer you Tuesday,", 24);
	assert_false(chunk_take(&c, piece));
	chunk_put(&c, " or", 3);
	assert_true(chunk_take(&c, piece));
	assert_string_equal(piece, "I can offer you Tuesday,");
}

static void endless_text_is_cut_between_words(void **state)
{
	char text[6000];
	size_t n = 0;

	while (n < sizeof(text) - 16)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "word%s ", n % 7 ? "" : ",");
	cut(text, 100);
	assert_true(pieces >= n / LIMIT_AGENT_CHUNK_BYTES);
	assert_null(strstr(got, "wo|rd"));

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	cut(text, 977);
	assert_int_equal(got_n - (pieces - 1), sizeof(text) - 1);
}

/* Nothing is lost, doubled or reordered: without blanks and separators the bytes are the same. */
static void random_text_comes_out_whole(void **state)
{
	static const char *const bits[] = {"a", "I", "dr", " ", " ", ".", ",", "\n", "3", "é", "。", "\"", "longerword", "p.m.", "\t"};
	uint64_t seed = test_seed();

	for (int round = 0; round < 2000; round++) {
		char text[3000] = "", want[3000];
		size_t n = 0, w = 0, g = 0;
		size_t len = prng_u32(&seed) % 2900;

		while (n < len)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", bits[prng_u32(&seed) % ARRAY_LEN(bits)]);
		for (size_t i = 0; i < n; i++)
			if (!strchr(" \t\n", text[i]))
				want[w++] = text[i];
		cut(text, 1 + prng_u32(&seed) % 700);
		for (size_t i = 0; i < got_n; i++)
			if (!strchr(" |", got[i]))
				got[g++] = got[i];
		assert_int_equal(g, w);
		assert_memory_equal(got, want, w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_what_a_voice_can_speak),
		cmocka_unit_test(the_first_clause_is_ready_before_the_sentence),
		cmocka_unit_test(endless_text_is_cut_between_words),
		cmocka_unit_test(random_text_comes_out_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
