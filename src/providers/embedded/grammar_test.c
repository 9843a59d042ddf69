/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "providers/embedded/answering_grammar.h"
#include "providers/embedded/grammar_parse_test.h"

static const char small[] = "# days\n"
			    "<day> = monday | next <n>+ days | (the [very] <n>);\n"
			    "<n> = one | two ;\n"
			    "context day = [on] <day> | please* stop;\n"
			    "say monday = M AH N;";

static void sentences_are_accepted(void **state)
{
	static const struct {
		const char *text;
		bool is_sentence, is_prefix;
	} cases[] = {
		{"monday", true, false},
		{"on monday", true, false},
		{"on", false, true},
		{"", false, true},
		{"next", false, true},
		{"next one", false, true},
		{"next one two one days", true, false},
		{"next days", false, false},
		{"the very two", true, false},
		{"the very very two", false, false},
		{"stop", true, false},
		{"please please", false, true},
		{"please please stop", true, false},
		{"on stop", false, false},
		{"on tuesday", false, false},
	};
	struct grammar *g = parse(small);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(grammar_accepts(g, 0, span_z(cases[i].text)), cases[i].is_sentence);
		assert_int_equal(grammar_accepts_prefix(g, 0, span_z(cases[i].text)), cases[i].is_prefix);
	}
	grammar_free(g);
}

static void jsgf_holds_what_the_context_reaches(void **state)
{
	struct grammar *g = parse("<a> = x | y z+; <b> = q; context one = [<a>] w; context two = <b>;");
	char *jsgf = grammar_write_jsgf(g, 0);

	assert_string_equal(jsgf, "#JSGF V1.0;\ngrammar g;\npublic <one_context> = ([(<a>)] w);\n<a> = (x | y (z)+);\n");
	free(jsgf);
	assert_int_equal(grammar_context_count(g), 2);
	assert_string_equal(grammar_context_name(g, 1), "two");
	grammar_free(g);
}

static void dictionary_is_cut_to_the_words(void **state)
{
	static const char dictionary[] = "a AH\na(2) EY\nmonday M AH N D EY\nmondays M\none W AH N\ntwo T UW\nnext N\n"
					 "days D\nthe DH AH\nthe(2) DH IY\nvery V\non AA N\nplease P\nstop S\nzebra Z";
	struct grammar_error error = {0};
	struct grammar *g = parse(small);
	char *text = grammar_dictionary(g, span_z(dictionary), &error);

	assert_string_equal(text, "one W AH N\ntwo T UW\nnext N\ndays D\nthe DH AH\nthe(2) DH IY\nvery V\non AA N\n"
				  "please P\nstop S\nmonday\tM AH N\n");
	free(text);
	assert_null(grammar_dictionary(g, SPAN_LIT("one W AH N\n"), &error));
	assert_int_equal(error.line, 2);
	assert_non_null(strstr(error.words, "\"next\" has no pronunciation"));
	grammar_free(g);
}

static void mistakes_are_named_with_their_line(void **state)
{
	static const struct {
		const char *text;
		uint32_t line;
		const char *words;
	} cases[] = {
		{"", 1, "no context"},
		{"context a = <b>;", 1, "<b> is not defined"},
		{"context a = x;\n<b> = <c>;", 2, "<c> is not defined"},
		{"context a = <b>;\n<b> = x <b>;", 2, "refers to itself"},
		{"context a = <b>;\n<b> = <c>;\n<c> = y | <b>;", 2, "refers to itself"},
		{"context a = x;\ncontext a = y;", 2, "defined twice"},
		{"context a = x\ncontext b = y;", 2, "expected ;"},
		{"context a = (x;", 1, "expected \")\""},
		{"context a = x | ;", 1, "expected a word"},
		{"context a = [];", 1, "expected a word"},
		{"context a = [x];", 1, "may be empty"},
		{"context a = x [y]+;", 1, "neither be empty"},
		{"context a = x (y*)+;", 1, "neither be empty"},
		{"context a = x (y+ z)+;", 1, "repeat anything"},
		{"context a = Hello;", 1, "expected a word"},
		{"\n\ncontext a = x @;", 3, "unexpected character 0x40"},
		{"context a = <x;", 1, "a rule's name"},
		{"say x = ay;", 1, "upper case"},
		{"say x = EY", 1, "a ; behind"},
		{"rule x = y;", 1, "expected <rule> ="},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct grammar *g = NULL;
		struct grammar_error error = {0};

		assert_int_equal(grammar_parse(&g, span_z(cases[i].text), &error), -TR_EPARSE);
		assert_null(g);
		if (!strstr(error.words, cases[i].words) || error.line != cases[i].line)
			fail_msg("%s: line %u: %s", cases[i].text, error.line, error.words);
	}
}

/* Rules of rules: small in the source, huge when written out; and long chains, which would need a deep stack. */
static void size_is_bounded(void **state)
{
	char *text = NULL;
	size_t len;
	struct grammar *g = NULL;
	struct grammar_error error;
	FILE *out = open_memstream(&text, &len);

	fprintf(out, "context c = <r0>;\n");
	for (int i = 0; i < 12; i++)
		fprintf(out, "<r%d> = <r%d> <r%d> <r%d> <r%d>;\n", i, i + 1, i + 1, i + 1, i + 1);
	fprintf(out, "<r12> = x;\n");
	fclose(out);
	assert_int_equal(grammar_parse(&g, span(text, len), &error), -TR_ETOOBIG);
	free(text);

	out = open_memstream(&text, &len);
	fprintf(out, "context c = <r0>;\n");
	for (int i = 0; i < 5000; i++)
		fprintf(out, "<r%d> = <r%d>;\n", i, i + 1);
	fprintf(out, "<r5000> = x;\n");
	fclose(out);
	assert_int_equal(grammar_parse(&g, span(text, len), &error), -TR_ETOOBIG);
	free(text);

	out = open_memstream(&text, &len);
	fprintf(out, "context c = ");
	for (int i = 0; i < 5000; i++)
		fputc('(', out);
	fclose(out);
	assert_int_equal(grammar_parse(&g, span(text, len), &error), -TR_ETOOBIG);
	free(text);
}

/* What a grammar makes, it must accept; for the shipped one in every context. */
static void samples_are_accepted(void **state)
{
	uint64_t seed = test_seed();
	struct grammar *g = parse(answering_grammar);
	char text[400];

	for (size_t c = 0; c < grammar_context_count(g); c++)
		for (int i = 0; i < 300; i++) {
			if (!grammar_sample(g, c, &seed, text, sizeof(text)))
				continue;
			if (!grammar_accepts(g, c, span_z(text)))
				fail_msg("%s: %s", grammar_context_name(g, c), text);
		}
	grammar_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentences_are_accepted),
		cmocka_unit_test(jsgf_holds_what_the_context_reaches),
		cmocka_unit_test(dictionary_is_cut_to_the_words),
		cmocka_unit_test(mistakes_are_named_with_their_line),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(samples_are_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
