/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdatomic.h>
#include "base/arena.h"
#include "flow/pattern.h"
#include "flow/words.h"
#include "yaml/tree.h"

/*
 * What a language is to a flow, read from one file (share/tipring/languages/en.yaml): words for numbers, days and times, ways to say
 * dates and to agree, what everybody may ask for at any moment, how values are written to be spoken, and the sentences a flow falls
 * back on. No code knows a language; docs/flows.md says how to add one.
 *
 * Immutable once read; any thread. Pure.
 */

/* Phrases with values; of several that fit the longest counts. */
struct lang_entry {
	const char *phrase; /* folded words with one blank between */
	const char *raw;    /* with accents, for grammars and speech */
	int64_t value;
};

struct lang_table {
	struct lang_entry *entries;
	size_t count;
};

/* What every caller may ask for in any state. */
enum lang_command {
	LANG_NOTHING,
	LANG_HUMAN,
	LANG_CANCEL,
	LANG_START_OVER,
	LANG_REPEAT,
	LANG_HELP,
	LANG_WAIT,
	LANG_GOODBYE,
	LANG_THANKS,   /* the last two count only when nothing else was said */
	LANG_GREETING,
	LANG_COMMANDS
};

extern const char *const lang_command_names[LANG_COMMANDS + 1]; /* "", "human", ...; NULL at the end */

/* Sentences a flow says by itself; it may replace each. */
enum lang_prompt {
	LANG_SAY_GREETING,
	LANG_SAY_HOW_CAN_I_HELP,
	LANG_SAY_NO_MATCH,
	LANG_SAY_NO_MATCH_AGAIN,
	LANG_SAY_NO_MATCH_LAST,
	LANG_SAY_NO_INPUT,
	LANG_SAY_NO_INPUT_LAST,
	LANG_SAY_KEY_HUMAN,
	LANG_SAY_TRANSFER,
	LANG_SAY_TRANSFER_FAILED,
	LANG_SAY_GOODBYE,
	LANG_SAY_WAIT,
	LANG_SAY_START_OVER,
	LANG_SAY_CANCELLED,
	LANG_SAY_HELP,
	LANG_SAY_WELCOME,
	LANG_SAY_ALL_RIGHT,
	LANG_SAY_ONE_MOMENT,
	LANG_SAY_TOOL_FAILED,
	LANG_SAY_CORRECTED,
	LANG_SAY_WHAT_CHANGE,
	LANG_SAY_CLOSED_DAY,
	LANG_SAY_CLOSED_TIME,
	LANG_SAY_PAST_DAY,
	LANG_SAY_FUTURE_DAY,
	LANG_SAY_NUMBER_RANGE,
	LANG_SAY_TOO_SHORT,
	LANG_SAY_TOO_LONG,
	LANG_SAY_AND_THE_REST,
	LANG_SAY_LAST_NAME,
	LANG_SAY_PRESS,
	LANG_SAY_PRESS_YES_NO,
	LANG_SAY_TYPE_NUMBER,
	LANG_SAY_TYPE_DIGITS,
	LANG_SAY_TYPE_TIME,
	LANG_SAY_TYPE_DATE,
	LANG_SAY_SPELL_NAME,
	LANG_SAY_AND,
	LANG_SAY_OR,
	LANG_PROMPTS
};

extern const char *const lang_prompt_names[LANG_PROMPTS + 1];

enum lang_part { LANG_PART_NONE, LANG_PART_MORNING, LANG_PART_AFTERNOON, LANG_PART_EVENING, LANG_PARTS };
enum lang_half { LANG_HALF_NONE, LANG_HALF_AM, LANG_HALF_PM };

/* A way to say a date, a time, a half or a part of the day. */
struct lang_saying {
	const char *say; /* source, for grammars */
	const struct pattern *pattern;
	const struct pattern *unless_before; /* what must not follow; NULL: anything may */
	bool is_loose;	/* counts only where it is asked for, or right behind a date or a correction */
	bool is_unheard; /* written, never said: not for recognisers */
	bool is_any;	/* "any day" */
	int32_t days, weeks, minutes, at; /* at: minute of the day; -1 */
	bool is_full;	/* "ten o'clock": no minutes follow */
	bool is_before; /* <minute> counts backwards: "ten to four" */
	enum lang_half half;
	enum lang_part part;
	enum { LANG_UNIT_NONE, LANG_UNIT_DAY, LANG_UNIT_WEEK } unit; /* of <number>: "in three days" */
};

struct lang_sayings {
	struct lang_saying *all;
	size_t count;
};

/* References of the patterns. */
enum lang_ref {
	LANG_REF_NUMBER,
	LANG_REF_ORDINAL,
	LANG_REF_WEEKDAY,
	LANG_REF_MONTH,
	LANG_REF_YEAR,
	LANG_REF_HOUR,
	LANG_REF_MINUTE,
	LANG_REF_UNIT,
	LANG_REF_CENT,
	LANG_REFS
};

extern const char *const lang_ref_names[LANG_REFS + 1];

/* The words that one set of phrases is made of, for spotting. */
struct lang_phrases {
	const struct pattern **all;
	const char **sources; /* with ~ in front: not for recognisers */
	size_t count;
};

struct lang_half_of_day {
	int32_t from; /* hour */
	const char *say;
};

struct lang {
	_Atomic uint32_t refs;
	const char *code; /* "en" */
	const char *name; /* "English" */

	struct lang_table numbers, numbers_also, scales, joiners, digits, repeats, point, ordinals, ordinal_suffixes, weekdays, months, units, cents,
		letters, alphabet, letter_as, hours, fillers;
	bool has_scale_of_one;	/* "mil", not "un mil" */
	bool joins_tens;	/* "treinta y uno" */
	bool joins_hundreds;	/* written so: "one hundred and five"; understood both ways */
	bool has_year_pairs;	/* "nineteen eighty five" */

	struct lang_sayings dates, times, halves, parts, moneys;
	const char *part_say[LANG_PARTS]; /* "in the morning" */
	int32_t part_default[LANG_PARTS]; /* minute for "any time in the morning" */

	struct lang_phrases yes, no, deny, corrections, commands[LANG_COMMANDS], change;
	struct lang_table name_strong, name_weak, name_no, dangling;

	/* How values are written. */
	const char *format_date, *format_date_year, *format_weekday, *format_time, *format_time_hour, *format_time_one,
		*format_time_one_hour, *format_noon, *format_midnight, *format_money, *format_money_whole, *format_range,
		*format_open;
	const char *ordinal_of[32];
	const char *weekday_names[7], *month_names[12];
	struct lang_half_of_day half_names[6];
	size_t half_name_count;

	const char **prompts[LANG_PROMPTS]; /* variants, NULL at the end */

	/* For recognisers: rules by name, and vocabulary. */
	struct lang_rule {
		const char *name, *source;
	} *rules;
	size_t rule_count;
	struct lang_rule *sounds; /* how words sound, in place of the recogniser's dictionary: a word once for each way */
	size_t sound_count;
	struct pattern_names names; /* compiles patterns in this language */

	struct arena arena;
};

struct lang_fault {
	int line;
	char words[300];
};

/* -TR_ECONFIG with line and words. */
nodiscard int lang_parse(struct lang **ret, struct span text, struct lang_fault *ret_fault);
struct lang *lang_ref(struct lang *l); /* any thread */
struct lang *lang_unref(struct lang *l);

/* The entry whose phrase stands at i, the longest; NULL. *ret_end: the index behind it. */
const struct lang_entry *lang_find(const struct lang_table *t, const struct words *w, size_t i, size_t *ret_end);
static inline bool lang_has(const struct lang_table *t, const struct words *w, size_t i)
{
	size_t end;

	return lang_find(t, w, i, &end);
}

/* The source of a rule of the language; NULL. */
const char *lang_rule(const struct lang *l, struct span name);

/* n (0 to 999,999,999) in words, as one says it. */
void lang_number_words(const struct lang *l, uint32_t n, char *ret_text, size_t cap);
