/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/talk_test.h"
#include <unistd.h>

/* The other flows that are built in, and dialogues that nobody would write down. */

static int end(void **state)
{
	talk_end();

	return 0;
}

/* ---- order status ----------------------------------------------------------------------------------------------------- */

static void order_is_found(void **state)
{
	talk_load("order-status", NULL, "{ shop: Acme Lamps }");
	talk.tool = "*";
	talk_begin(NULL);
	hears_exactly("Hello, this is the order line of Acme Lamps. What is your order number?");
	assert_true(talk.reply.is_number);
	says("it's a b one two");
	hears_exactly("A B 1 2. And the rest?");
	says("three four");
	hears_exactly("Order A B 1, 2 3 4. Is that right?");
	says("no a b one two three five");
	hears_exactly("Order A B 1, 2 3 5. Is that right?");
	says("yes");
	hears_exactly("One moment, I'm looking it up.");
	does(FLOW_CALL_TOOL, "{\"order\":\"AB1235\"}");
	tool_answers("{\"status\":\"shipped\",\"item\":\"two blue lamps\",\"eta\":\"2026-12-03\"}");
	hears("Your order of two blue lamps is on its way and should arrive on Thursday the 3rd of December.");
	says("no thank you");
	does(FLOW_HANG_UP, "done");
}

/* A slot says that its answer is nobody else's; only its own question does. */
static void a_sensitive_slot_says_so(void **state)
{
	static const char text[] = "flow: pin\nslots:\n  name: { type: name, ask: \"Your name?\" }\n"
		"  pin: { type: digits, length: 4, sensitive: yes, ask: \"Your PIN?\" }\n"
		"steps: { start: [ { fill: [ name, pin ] }, { say: \"Thank you.\" } ] }\n";
	char path[] = "/tmp/tipring-flow-XXXXXX.yaml";
	int fd = mkstemps(path, 5);

	assert_true(fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
	close(fd);
	talk_load(path, NULL, NULL);
	unlink(path);
	talk_begin(NULL);
	assert_false(talk.reply.is_sensitive);
	says("sarah miller");
	hears("Your PIN?");
	assert_true(talk.reply.is_sensitive);
	presses("47#");
	assert_true(talk.reply.is_sensitive); /* asked again */
	presses("4711");
	hears("Thank you.");
	assert_false(talk.reply.is_sensitive);
}

static void order_is_typed_and_unknown(void **state)
{
	talk_load("order-status", NULL, NULL);
	talk.tool = "*";
	talk_begin(NULL);
	presses("123456#");
	hears("Order 1 2 3, 4 5 6. Is that right?");
	presses("1");
	does(FLOW_CALL_TOOL, "123456");
	tool_answers("{}");
	hears("I cannot find an order 1 2 3, 4 5 6. What is your order number?");
	says("one two three four five seven");
	presses("1");
	tool_answers("{}");
	hears("Shall I connect you with a person?");
	says("yes please");
	does(FLOW_TRANSFER, "order not found");
}

static void order_line_without_its_tool_offers_a_person(void **state)
{
	talk_load("order-status", NULL, NULL);
	talk_begin(NULL);
	says("i lost my order number");
	hears("Without the number I cannot look it up. Shall I connect you");
	says("no");
	hears("another order");
	says("where is my order one two three four five");
	hears("Order 1 2 3, 4 5. Is that right?");
	says("yes");
	hears("I cannot reach our orders right now. Shall I connect you with a person?");
	assert_int_equal(flow_machine_judge(talk.machine, "yes"), FLOW_FIT_COMPLETE);
}

static void digits_are_judged_by_their_length(void **state)
{
	talk_load("order-status", NULL, NULL);
	talk_begin(NULL);
	assert_int_equal(flow_machine_judge(talk.machine, "one two three"), FLOW_FIT_OPEN);
	assert_int_equal(flow_machine_judge(talk.machine, "one two three four five"), FLOW_FIT_UNKNOWN);
	assert_int_equal(flow_machine_judge(talk.machine, "one two three four five double"), FLOW_FIT_OPEN);
	assert_int_equal(flow_machine_judge(talk.machine, "one two three four five six seven eight nine oh"), FLOW_FIT_COMPLETE);
}

/* ---- survey ----------------------------------------------------------------------------------------------------------- */

static void survey_by_voice(void **state)
{
	talk_load("survey", NULL, NULL);
	talk.tool = "save_survey";
	talk_begin(NULL);
	hears("Do you have a minute?");
	says("yes i do");
	hears_exactly("From 1 to 10, how likely are you to recommend us to a friend?");
	says("i would say eight out of ten");
	hears_exactly("Was everything solved that you came for?");
	says("no not really");
	hears("Is there anything you would like to add?");
	/* Free words are kept as they are, however sure the recogniser is, and whatever intents they hold. */
	talk_turn((struct flow_turn){.cause = FLOW_TEXT, .text = "I had to wait, and nobody could help me.", .confidence = 0.1F});
	does(FLOW_CALL_TOOL, "{\"score\":8,\"solved\":false,\"comment\":\"I had to wait, and nobody could help me.\"}");
	tool_answers("{\"ok\":true}");
	hears_exactly("Thank you for your time. Goodbye.");
	does(FLOW_HANG_UP, "done");
}

static void survey_by_key(void **state)
{
	talk_load("survey", NULL, NULL);
	talk_begin(NULL);
	presses("1");
	presses("10");
	hears("Thank you.");
	presses("2");
	hears("Is there anything");
	presses("#");
	does(FLOW_HANG_UP, "done");
	talk_begin(NULL);
	presses("2");
	hears("No problem.");
	does(FLOW_HANG_UP, "done");
}

static void survey_in_spanish(void **state)
{
	talk_load("survey", "es", NULL);
	talk.tool = "save_survey";
	talk_begin(NULL);
	hears("¿Tiene un minuto?");
	says("sí, claro");
	hears("Del 1 al 10");
	says("un once");
	hears("Tiene que ser un número del 1 al 10.");
	says("perdón ¿puede repetir?");
	hears("Del 1 al 10");
	says("espere un momento");
	hears_exactly("Tómese su tiempo.");
	says("no sé qué decir... el nueve");
	says("nueve");
	hears("¿Se resolvió todo");
	says("no");
	hears("¿Quiere añadir algo más?");
	says("Todo muy bien, gracias");
	does(FLOW_CALL_TOOL, "{\"score\":9,\"solved\":false,\"comment\":\"Todo muy bien, gracias\"}");
	tool_answers("{}");
	hears_exactly("Gracias por su tiempo. Adiós.");
	talk_begin(NULL);
	says("quiero hablar con una persona");
	hears("le paso con una persona");
	does(FLOW_TRANSFER, "asked");
}

/* ---- anything --------------------------------------------------------------------------------------------------------- */

/* Any sequence of turns: bounded text, a context of the grammar, arguments that are JSON, and never stuck. */
static void random_dialogues_are_survived(void **state)
{
	static const char *const texts[] = {"yes", "no", "tuesday", "at ten", "sarah miller", "sarah", "an appointment", "help", "never mind",
		"the day", "change the time", "no i said friday", "sunday", "midnight", "any time", "any day", "repeat", "in the afternoon",
		"purple", "", "start over", "thanks", "hello", "the fifth of march at noon", "one two three", "a b c", "eight", "twelve fifty",
		"goodbye", "operator", "where is my order one two three four five six", "sí", "no gracias", "el martes", "cancelar", "nueve",
		"yes no yes", "double", "change the day and the time and the name"};
	static const struct {
		const char *name, *language;
	} flows[] = {{"receptionist", NULL}, {"order-status", NULL}, {"survey", "en"}, {"survey", "es"}};
	static const char *const keys[] = {"0", "1", "2", "5", "9", "12", "#", "*", "123456", "0930", "1224", "00000000000000000000000000"};
	static const char *const results[] = {"{}", "{\"ok\":true}", "{\"error\":\"x\"}", "", "[1", "{\"status\":\"shipped\",\"eta\":\"soon\"}",
		"{\"status\":7}", "null"};
	uint64_t seed = test_seed();

	for (size_t f = 0; f < ARRAY_LEN(flows); f++) {
		talk_load(flows[f].name, flows[f].language, NULL);
		for (int run = 0; run < 600; run++) {
			talk.tool = run % 2 ? "*" : NULL;
			talk_begin(run % 3 ? NULL : "Hello.");
			for (int i = 0; i < 25; i++) {
				struct flow_turn t = {.cause = (enum flow_cause)(1 + prng_u32(&seed) % 4),
					.text = texts[prng_u32(&seed) % ARRAY_LEN(texts)], .confidence = (float)(prng_u32(&seed) % 100) / 100,
					.is_interrupted = prng_u32(&seed) % 2, .heard = prng_u32(&seed) % 2 ? "So" : NULL,
					.is_continued = prng_u32(&seed) % 5 == 0};
				char context[80];

				if (t.cause == FLOW_KEYS)
					t.text = keys[prng_u32(&seed) % ARRAY_LEN(keys)];
				if (t.cause == FLOW_TOOL_RESULT)
					t.text = results[prng_u32(&seed) % ARRAY_LEN(results)];
				(void)!flow_machine_judge(talk.machine, t.text);
				talk_turn(t);
				assert_true(strlen(talk.reply.text) < sizeof(talk.reply.text) - 1);
				assert_true(talk.reply.text[0] || talk.reply.action != FLOW_LISTEN);
				assert_non_null(talk.reply.context);
				snprintf(context, sizeof(context), "context %s =", talk.reply.context);
				assert_non_null(strstr(flow_grammar(talk.flow), context));
				assert_true(talk.reply.action == FLOW_LISTEN || talk.reply.args[0] == '{');
				assert_int_equal(talk.reply.action == FLOW_CALL_TOOL, talk.reply.tool != NULL);
			}
		}
	}
}

#define T(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(order_is_found),
		T(order_is_typed_and_unknown),
		T(a_sensitive_slot_says_so),
		T(order_line_without_its_tool_offers_a_person),
		T(digits_are_judged_by_their_length),
		T(survey_by_voice),
		T(survey_by_key),
		T(survey_in_spanish),
		T(random_dialogues_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
