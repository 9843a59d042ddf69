/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "call/private.h"

static void says(const struct call_record *r, const char *instructions, const char *expected)
{
	auto_free char *text = about_call(r, instructions);

	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void the_agent_learns_who_calls(void **state)
{
	struct call_record r = {.to = "+49301000", .caller = {.number = "+49151", .name = "Ann"}};

	says(&r, "Be kind.", "Be kind.\n\nAbout this call: The caller's number is +49151, name Ann. The call came to +49301000.");
	strcpy(r.caller.diverted_from, "201");
	strcpy(r.caller.diverted_why, "no-answer");
	strcpy(r.caller.dialled_first, "200");
	says(&r, NULL,
		"About this call: The caller's number is +49151, name Ann. The call came to +49301000. It was diverted to you from 201 because of "
		"no-answer; the caller dialled 200.");
}

static void a_withheld_number_is_not_told(void **state)
{
	struct call_record r = {.caller = {.number = "+49151", .is_private = true}};

	says(&r, NULL, "About this call: The caller withholds the number.");
	strcpy(r.caller.number, "anonymous");
	r.caller.is_private = false;
	says(&r, NULL, "About this call: The caller withholds the number.");
}

static void nothing_known_is_nothing_said(void **state)
{
	struct call_record r = {.to = "1"};

	says(&r, "x", NULL);
	strcpy(r.caller.number, "1");
	r.is_outgoing = true;
	says(&r, "x", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_agent_learns_who_calls),
		cmocka_unit_test(a_withheld_number_is_not_told),
		cmocka_unit_test(nothing_known_is_nothing_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
