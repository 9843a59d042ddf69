/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow_priv.h"
#include "flow/talk_test.h"

/* Reading flows: what is wrong is named with its line and what would be right; what is right does what it says. */

static struct lang *english(void)
{
	static struct flow_faults faults;
	struct flow *f = NULL;
	struct lang *l;

	assert_int_equal(flow_load(&f, &(struct flow_source){.name = "receptionist"}, &faults, NULL), 0);
	l = lang_ref(f->lang);
	flow_unref(f);

	return l;
}

static int parse(const char *text, struct flow **ret, struct flow_faults *faults)
{
	return flow_parse(ret, english(), span_z(text), NULL, faults);
}

/* Begins a conversation with a flow given as text. */
static void begin(const char *text)
{
	static struct flow_faults faults;

	talk_end();
	if (parse(text, &talk.flow, &faults) != 0)
		fail_msg("line %d: %s", faults.list[0].line, faults.list[0].words);
	talk_begin(NULL);
}

static void mistakes_are_named_with_line_and_remedy(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *words;
	} cases[] = {
		{"", 1, "\"flow\" is missing"},
		{"- a", 1, "must have keys at its top"},
		{"flow: x\nsteps: { a: end", 3, "did not find expected"},
		{"flow: x", 1, "\"steps\" is missing"},
		{"flow: My Flow\nsteps: { a: end }", 1, "small letters, digits and _"},
		{"flow: x\nstep: { a: end }\nsteps: { a: end }", 2, "did you mean \"steps\"?"},
		{"flow: x\nsteps:\n  a: { sai: hello }", 3, "did you mean \"say\"?"},
		{"flow: x\nsteps:\n  a:\n    - goto: bb\n  b: end", 4, "there is no step \"bb\": did you mean \"b\"?"},
		{"flow: x\nsteps:\n  a: end\n  b: end", 4, "nothing leads there"},
		{"flow: x\nsteps:\n  a: { say: \"{nam}\" }\nslots:\n  name: { type: name }", 3,
			"there is no slot or variable \"nam\": did you mean \"name\"?"},
		{"flow: x\nsteps:\n  a: { say: \"{name\" }", 3, "without its \"}\""},
		{"flow: x\nsteps:\n  a: { say: \"a] b\" }", 3, "] without its ["},
		{"flow: x\nslots:\n  d: { type: dat }\nsteps: { a: end }", 3, "there is no type \"dat\": did you mean \"date\"?"},
		{"flow: x\nslots:\n  d: { ask: When? }\nsteps: { a: end }", 3, "\"type\" is missing"},
		{"flow: x\nslots:\n  d: { type: date, length: 4 }\nsteps: { a: end }", 3, "means nothing for a slot of type date"},
		{"flow: x\nslots:\n  d: { type: date, open: yes }\nsteps: { a: end }", 3, "needs the business' hours"},
		{"flow: x\nslots:\n  d: { type: digits, length: 8-4 }\nsteps: { a: end }", 3, "the second number not below the first"},
		{"flow: x\nslots:\n  d: { type: number, from: a }\nsteps: { a: end }", 3, "is no number"},
		{"flow: x\nslots:\n  d: { type: choice }\nsteps: { a: end }", 3, "what may be chosen"},
		{"flow: x\nslots:\n  d: { type: date, keys: { a: monday } }\nsteps: { a: end }", 3, "cannot be pressed"},
		{"flow: x\nslots:\n  d: { type: date }\nsteps:\n  a: { fill: d }", 3, "\"ask\" is missing"},
		{"flow: x\nsteps:\n  a: { fill: d }", 3, "there is no slot \"d\""},
		{"flow: x\nslots:\n  value: { type: date }\nsteps: { a: end }", 3, "has a meaning of its own"},
		{"flow: x\nsteps:\n  a: { confirm: Right? }", 3, "nothing was filled in this step before it"},
		{"flow: x\nsteps:\n  a: { ask: What? }", 3, "\"on\" is missing"},
		{"flow: x\nsteps:\n  a: { ask: What?, on: { bok: end } }\nintents: { book: [ book it ] }", 3,
			"there is no intent or command \"bok\": did you mean \"book\"?"},
		{"flow: x\nintents:\n  book: [ \"(book | it\" ]\nsteps: { a: end }", 3, "\")\" is missing"},
		{"flow: x\nintents:\n  book: [ book <thng> ]\nsteps: { a: end }", 3, "there is no rule <thng>"},
		{"flow: x\nintents:\n  book: [ \"book {thing}\" ]\nsteps: { a: end }", 3, "there is no slot {thing}"},
		{"flow: x\nrules:\n  a: <b>\n  b: <a>\nsteps: { a: end }", 3, "refers to itself"},
		{"flow: x\nsteps:\n  a:\n    - if: n > 2\n      then: end", 4, "there is no slot or variable \"n\""},
		{"flow: x\nsteps:\n  a:\n    - if: 1 >\n      then: end", 4, "is missing before"},
		{"flow: x\nsteps:\n  a:\n    - if: 1 > 2", 4, "\"then\" is missing"},
		{"flow: x\nsteps:\n  a: { then: end }", 3, "belongs to \"if\""},
		{"flow: x\nslots:\n  d: { type: date, ask: When? }\nsteps:\n  a: { set: { d: x } }", 5, "only callers fill slots"},
		{"flow: x\nopen: { monday-fryday: \"8-18\" }\nsteps: { a: end }", 2, "is no day or range of days"},
		{"flow: x\nopen: { monday: \"18-8\" }\nsteps: { a: end }", 2, "is no span of time"},
		{"flow: x\nclosed: [ christmas ]\nsteps: { a: end }", 2, "is no date"},
		{"flow: x\ntries: 20\nsteps: { a: end }", 2, "is not a whole number from 1 to 9"},
		{"flow: x\nprompts: { godbye: Bye. }\nsteps: { a: end }", 2, "did you mean \"goodbye\"?"},
		{"flow: x\nlanguages: [ en, es ]\nsteps:\n  a: { say: { es: hola } }", 4, "\"en\" is missing"},
		{"flow: x\nsteps:\n  a: { say: { sp: hola } }", 3, "one value is wanted"},
		{"flow: x\nvariables: { a b: c }\nsteps: { a: end }", 2, "small letters, digits and _"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct flow_faults faults;
		struct flow *f = NULL;
		bool is_found = false;

		assert_int_equal(parse(cases[i].text, &f, &faults), -TR_ECONFIG);
		assert_null(f);
		for (size_t k = 0; k < MIN(faults.count, (size_t)LIMIT_CONFIG_ERRORS); k++)
			is_found |= faults.list[k].line == cases[i].line && strstr(faults.list[k].words, cases[i].words);
		if (!is_found)
			fail_msg("%s\nline %d: %s (and %zu more)", cases[i].text, faults.list[0].line, faults.list[0].words,
				faults.count - 1);
	}
}

static void flows_that_are_not_there_are_named(void **state)
{
	static struct flow_faults faults;
	struct flow *f;
	const char *path;

	assert_int_equal(flow_load(&f, &(struct flow_source){.name = "survy"}, &faults, &path), -TR_ENOTFOUND);
	assert_non_null(strstr(faults.list[0].words, "did you mean survey?"));
	assert_int_equal(flow_load(&f, &(struct flow_source){.name = "/nonexistent/x.yaml"}, &faults, &path), -TR_ENOTFOUND);
	assert_string_equal(path, "/nonexistent/x.yaml");
	assert_int_equal(flow_load(&f, &(struct flow_source){.name = "receptionist", .language = "es"}, &faults, &path), -TR_EUNSUPP);
	assert_non_null(strstr(faults.list[0].words, "written in en"));
	assert_int_equal(flow_load(&f, &(struct flow_source){.name = "survey", .language = "es-MX"}, &faults, &path), 0);
	assert_string_equal(flow_language_name(f), "Spanish");
	flow_unref(f);
}

/* A loop without a question would never end. */
static void endless_steps_are_left(void **state)
{
	begin("flow: x\nsteps:\n  a: { say: on, goto: b }\n  b: { goto: a }");
	does(FLOW_TRANSFER, "round in circles");
}

static void conditions_and_variables(void **state)
{
	begin("flow: x\n"
	      "variables: { n: \"2\", who: Ann }\n"
	      "steps:\n"
	      "  a:\n"
	      "    - set: { n: \"= n + 3\", text: \"Dear {who}\" }\n"
	      "    - if: n == 5 and not (n < 5) and who == 'Ann' and n != 4\n"
	      "      then: { say: \"{text}, {n}.\" }\n"
	      "      else: { say: wrong }\n"
	      "    - if: nothing or 1 > 2\n"
	      "      then: { say: wrong }\n"
	      "    - set: { nothing: \"\" }\n"
	      "    - say: \"Left[ out {nothing}] and kept[ {n}].\"\n"
	      "    - end\n");
	hears_exactly("Hello. Dear Ann, 5. Left and kept 5. Thank you for calling. Goodbye.");
	does(FLOW_HANG_UP, "done");
}

static void prompts_vary(void **state)
{
	begin("flow: x\n"
	      "slots: { d: { type: digits, length: 4, ask: [ Your code?, \"Once more, your code?\" ] } }\n"
	      "steps:\n  a: [ { fill: d }, { say: Thanks. }, end ]\n");
	hears_exactly("Hello. Your code?");
	says("i have no idea");
	hears("Once more, your code?");
}

static void choices_by_word_and_key(void **state)
{
	static const char flow[] = "flow: x\n"
				   "slots:\n"
				   "  team:\n"
				   "    type: choice\n"
				   "    ask: Sales or support?\n"
				   "    choices: { sales: [ sales, to buy something ], support: [ support, help with my (phone | bill) ] }\n"
				   "steps:\n"
				   "  a: [ { fill: team }, { say: \"{team} it is.\" }, { transfer: \"{team}\", to: \"{team.iso}@example.com\" } ]\n";

	begin(flow);
	says("i need help with my bill");
	hears("support it is.");
	does(FLOW_TRANSFER, "\"to\":\"support@example.com\"");
	begin(flow);
	presses("1");
	hears("sales it is.");
	begin(flow);
	says("purple");
	says("purple");
	hears("Press 1 for sales, press 2 for support.");
}

/* Answers may ask questions of their own, and come back. */
static void answers_return_to_the_question(void **state)
{
	begin("flow: x\n"
	      "intents: { weather: [ what is the weather ] }\n"
	      "slots: { city: { type: choice, ask: Which city?, choices: { paris: paris, rome: rome } },\n"
	      "         day: { type: date, ask: What day? } }\n"
	      "steps:\n  a: [ { fill: day }, { say: \"{day}.\" }, end ]\n"
	      "on: { weather: [ { fill: city }, { say: \"It rains in {city}.\" }, { clear: city } ] }\n");
	says("what is the weather");
	hears_exactly("Which city?");
	says("rome");
	hears_exactly("It rains in rome. What day?");
	says("repeat that please");
	hears("It rains in rome. What day?");
	says("tomorrow");
	hears("Monday the 23rd of November.");
}

static void optional_slots_are_asked_once(void **state)
{
	static const char flow[] = "flow: x\n"
				   "slots: { note: { type: text, optional: yes, ask: Anything else? }, n: { type: number, ask: How many? } }\n"
				   "steps:\n  a: [ { fill: [ note, n ] }, { say: \"Note: {note}.\" }, end ]\n";

	begin(flow);
	is_silent();
	hears_exactly("How many?");
	begin(flow);
	says("no thank you");
	hears_exactly("How many?");
	begin(flow);
	says("the door was locked, and nobody came");
	hears_exactly("How many?");
	says("eight out of ten");
	hears("Note: the door was locked, and nobody came.");
	assert_string_equal(knows("n"), "8");
}

static void two_slots_of_one_type(void **state)
{
	begin("flow: x\n"
	      "slots: { from_day: { type: date, called: the arrival, ask: When do you arrive? },\n"
	      "         to_day: { type: date, called: the departure, ask: When do you leave? } }\n"
	      "steps:\n  a: [ { fill: [ from_day, to_day ] }, { confirm: \"{from_day} to {to_day}?\" }, end ]\n");
	says("monday");
	hears_exactly("When do you leave?");
	says("no i said tuesday");
	hears_exactly("Tuesday the 24th of November, then. When do you leave?");
	says("friday");
	hears_exactly("Tuesday the 24th of November to Friday the 27th of November?");
	says("change the arrival to wednesday");
	hears_exactly("Wednesday the 25th of November to Friday the 27th of November?");
	says("no");
	hears("the arrival or the departure?");
	presses("2");
	hears("When do you leave?");
	says("saturday");
	hears("Wednesday the 25th of November to Saturday the 28th of November?");
}

static void past_dates_and_ranges(void **state)
{
	begin("flow: x\n"
	      "slots: { born: { type: date, when: past, ask: When were you born? }, age: { type: number, from: 18, to: 120, ask: Your age? },\n"
	      "         sum: { type: money, to: \"50\", ask: How much? } }\n"
	      "steps:\n  a: [ { fill: [ born, age, sum ] }, { say: \"{born.full}, {age}, {sum}.\" }, end ]\n");
	says("tomorrow");
	hears("still to come");
	says("march third nineteen eighty five");
	hears("Your age?");
	says("seventeen");
	hears("a number from 18 to 120. Your age?");
	presses("41");
	says("eighty dollars");
	hears("from $0 to $50");
	says("twelve fifty");
	hears("the 3rd of March 1985, 41, $12.50.");
}

static void tools_that_fail_take_their_branch(void **state)
{
	static const char flow[] = "flow: x\n"
				   "slots: { n: { type: number, ask: How many? } }\n"
				   "steps:\n"
				   "  a:\n"
				   "    - fill: n\n"
				   "    - call: count\n"
				   "      with: { n: \"{n}\", text: \"{n} of them\" }\n"
				   "      save: { left: stock.left, ok: stock.ok }\n"
				   "      on_error: { say: No luck., goto: a }\n"
				   "    - say: \"{left} are left, {ok}.\"\n"
				   "    - end\n";

	begin(flow); /* no such tool */
	says("three");
	hears("No luck.");
	talk.tool = "count";
	begin(flow);
	talk.tool = "count";
	talk_begin(NULL);
	says("three");
	does(FLOW_CALL_TOOL, "{\"n\":3,\"text\":\"3 of them\"}");
	says("hello");
	hears("One moment"); /* it still runs */
	tool_answers("{\"stock\":{\"left\":7,\"ok\":true}}");
	hears("7 are left, yes.");
	talk_begin(NULL);
	says("three");
	tool_answers("not json");
	hears("No luck.");
	talk_begin(NULL);
	says("three");
	says("i want to talk to a person");
	does(FLOW_TRANSFER, "asked");
}

static void limits_take_their_answers(void **state)
{
	begin("flow: x\n"
	      "tries: 2\n"
	      "slots: { n: { type: number, ask: How many? } }\n"
	      "steps:\n  a: [ { fill: n }, end ]\n"
	      "on: { no_match: { say: I give up., hang_up: lost }, no_input: { say: Nobody there., hang_up: gone },\n"
	      "      transfer_failed: { say: All lines are busy. } }\n");
	says("purple");
	says("purple");
	hears("I give up.");
	does(FLOW_HANG_UP, "lost");
	talk_begin(NULL);
	is_silent();
	is_silent();
	does(FLOW_HANG_UP, "gone");
	talk_begin(NULL);
	presses("0");
	does(FLOW_TRANSFER, "asked");
	tool_answers("{\"error\":\"busy\"}");
	hears_exactly("All lines are busy. How many?");
}

static int end(void **state)
{
	talk_end();

	return 0;
}

#define T(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(mistakes_are_named_with_line_and_remedy),
		T(flows_that_are_not_there_are_named),
		T(endless_steps_are_left),
		T(conditions_and_variables),
		T(prompts_vary),
		T(choices_by_word_and_key),
		T(answers_return_to_the_question),
		T(optional_slots_are_asked_once),
		T(two_slots_of_one_type),
		T(past_dates_and_ranges),
		T(tools_that_fail_take_their_branch),
		T(limits_take_their_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
