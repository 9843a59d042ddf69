/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "line/preset.h"

static char advice[PRESET_ADVICE_MAX][PRESET_ADVICE_TEXT];

static struct line_config of(const char *preset)
{
	struct line_config l;

	line_preset_apply(line_preset_find(preset), &l);

	return l;
}

static void every_preset_is_complete(void **state)
{
	static const char *const codecs[] = {"opus", "g722", "pcmu", "pcma"};

	for (const struct line_preset *p = line_presets; p->name; p++) {
		struct line_config l = of(p->name);
		struct line_cidr c;

		assert_non_null(p->title);
		assert_non_null(p->server_is && p->extension_is && p->password_is ? p : NULL);
		assert_true(l.expires_s >= 60 && (l.full_status == 486 || l.full_status == 503));
		for (size_t i = 0; i < LINE_CODECS && l.codecs[i]; i++) {
			bool is_known = false;

			for (size_t k = 0; k < ARRAY_LEN(codecs); k++)
				is_known |= !strcmp(l.codecs[i], codecs[k]);
			assert_true(is_known);
		}
		for (size_t i = 0; p->allow && p->allow[i]; i++)
			assert_true(line_cidr_parse(span_z(p->allow[i]), &c));
		assert_ptr_equal(line_preset_find(p->name), p);
	}
	assert_null(line_preset_find("nortel"));
	assert_null(line_preset_names()[10]);
}

static bool advises(struct line_config *l, const char *words)
{
	size_t n = line_preset_advise(l, advice, PRESET_ADVICE_MAX);

	for (size_t i = 0; i < n; i++)
		if (strstr(advice[i], words))
			return true;

	return false;
}

static void mistakes_of_each_system_are_named(void **state)
{
	struct line_config l = of("3cx");

	l.extension = "100";
	assert_true(advises(&l, "auth_id is missing"));
	l.auth_id = "100";
	assert_true(advises(&l, "Authentication ID"));
	l.auth_id = "kT7";
	assert_int_equal(line_preset_advise(&l, advice, PRESET_ADVICE_MAX), 0);
	l.no_100rel = false;
	assert_true(advises(&l, "PRACK"));

	l = of("twilio");
	l.server = "example.com";
	l.does_register = true;
	assert_true(advises(&l, "takes no registrations") && advises(&l, "Termination") && advises(&l, "caller_id is missing"));
	l.caller_id = "4155550100";
	assert_true(advises(&l, "not E.164"));

	l = of("fritzbox");
	assert_string_equal(l.server, "fritz.box");
	l.extension = "**620";
	assert_true(advises(&l, "user name"));

	l = of("freepbx");
	l.server = "pbx:5160";
	assert_true(advises(&l, "chan_sip"));

	l = of("generic-trunk");
	l.server = "carrier";
	assert_true(advises(&l, "country"));
	l.numbers.country = "49";
	assert_int_equal(line_preset_advise(&l, advice, PRESET_ADVICE_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_preset_is_complete),
		cmocka_unit_test(mistakes_of_each_system_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
