/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/parse_en.h"
#include <ctype.h>
#include "flow/calendar.h"
#include "providers/embedded/parse_words.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { MINUTES_OF_HOUR = 60, NOON = 12 * 60 };

static const char *const weekdays[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", NULL};
static const char *const months[] = {"january", "february", "march", "april", "may", "june", "july", "august", "september",
	"october", "november", "december", NULL};

struct parser {
	const struct parse_context *context;
	struct said words;
	bool used[PARSE_WORDS_MAX + 1]; /* belongs to a day, a time, something denied */
	struct parsed *out;
};

static const char *word_at(const struct parser *p, size_t i)
{
	return i < p->words.count ? p->words.at[i] : "";
}

static bool is_at(const struct parser *p, size_t i, const char *word)
{
	return strcmp(word_at(p, i), word) == 0;
}

static void use(struct parser *p, size_t from, size_t to)
{
	for (size_t i = from; i < to && i < p->words.count; i++)
		p->used[i] = true;
}

/* "not Tuesday": what was denied must not be taken for what is wanted. */
static void drop_denied(struct parser *p)
{
	for (size_t i = 0; i + 1 < p->words.count; i++)
		if (is_at(p, i, "not") && word_is(word_at(p, i + 1), weekdays)) {
			use(p, i, i + 2);
			p->words.at[i] = p->words.at[i + 1] = "-";
			p->out->is_correction = true;
		}
}

/* ---- days ------------------------------------------------------------------------------------------------------------- */

static bool date_of(const struct parser *p, int month, int day, int32_t *ret_day)
{
	struct civil now = calendar_civil(p->context->today);
	int year = now.year + (month < now.month || (month == now.month && day < now.day));

	if (day > calendar_month_days(year, month))
		return false;
	*ret_day = calendar_day((struct civil){year, month, day});

	return true;
}

/* The next "fifth" from today on, of any month or, unless weekday is -1, of one where it falls on that weekday. */
static bool day_of_month(const struct parser *p, int day, int weekday, int32_t *ret_day)
{
	for (int32_t at = p->context->today; at < p->context->today + 366; at++)
		if (calendar_civil(at).day == day && (weekday < 0 || calendar_weekday(at) == weekday)) {
			*ret_day = at;
			return true;
		}

	return false;
}

/* "fifth of March", "March the fifth", "the fifth" at i; the index behind it, or 0. */
static size_t read_date(const struct parser *p, size_t i, int weekday, int32_t *ret_day)
{
	size_t used, start = i;
	int month = word_index(word_at(p, i), months);

	if (month >= 0) {
		i++;
		i += is_at(p, i, "the");

		int day = word_ordinal(&p->words, i, &used);

		if (day < 0)
			day = word_number(&p->words, i, &used);

		return day >= 1 && date_of(p, month + 1, day, ret_day) ? i + used : 0;
	}
	i += is_at(p, i, "the");

	int day = word_ordinal(&p->words, i, &used);

	if (day < 0)
		return 0;
	i += used;
	month = is_at(p, i, "of") ? word_index(word_at(p, i + 1), months) : word_index(word_at(p, i), months);
	if (month >= 0)
		return date_of(p, month + 1, day, ret_day) ? i + 1 + is_at(p, i, "of") : 0;
	/* A bare "second" is a moment, "the second" a day. */
	if (!is_at(p, start, "the") && weekday < 0 && strlen(word_at(p, start)) > 4 && !isdigit((unsigned char)*word_at(p, start)))
		return 0;
	if (is_at(p, start, "the") && word_is(word_at(p, i), LIST("available", "one", "thing")))
		return 0;

	return day_of_month(p, day, weekday, ret_day) || day_of_month(p, day, -1, ret_day) ? i : 0;
}

static size_t read_weekday(const struct parser *p, size_t i, int32_t *ret_day)
{
	bool is_next = is_at(p, i, "next");
	int32_t today = p->context->today, day;

	i += is_next || is_at(p, i, "this");
	i += is_at(p, i, "coming");

	int weekday = word_index(word_at(p, i), weekdays);

	if (weekday < 0)
		return 0;
	i++;

	size_t date_end = read_date(p, i, weekday, ret_day);

	if (date_end)
		return date_end;
	if (said_match(&p->words, i, "next week")) {
		is_next = true;
		i += 2;
	}
	/* "next" means the week after this one; otherwise the nearest such day that is not today. */
	if (is_next)
		day = today - calendar_weekday(today) + 7 + weekday;
	else
		day = today + 1 + (weekday - calendar_weekday(today + 1) + 7) % 7;
	*ret_day = day;

	return i;
}

/* "in three days", "in a week" */
static size_t read_distance(const struct parser *p, size_t i, int32_t *ret_day)
{
	size_t used = 1;
	int count = is_at(p, i + 1, "a") ? 1 : word_number(&p->words, i + 1, &used);

	if (!is_at(p, i, "in") || count < 0)
		return 0;
	i += 1 + used;
	if (word_is(word_at(p, i), LIST("day", "days")))
		*ret_day = p->context->today + count;
	else if (word_is(word_at(p, i), LIST("week", "weeks")))
		*ret_day = p->context->today + 7 * count;
	else
		return 0;

	return i + 1;
}

static size_t read_day(const struct parser *p, size_t i, int32_t *ret_day)
{
	size_t end = said_match(&p->words, i, "day after tomorrow");

	if (end) {
		*ret_day = p->context->today + 2;
		return end;
	}
	if (is_at(p, i, "tomorrow") || word_is(word_at(p, i), LIST("today", "tonight"))) {
		*ret_day = p->context->today + is_at(p, i, "tomorrow");
		return i + 1;
	}
	end = read_distance(p, i, ret_day);
	if (!end)
		end = read_weekday(p, i, ret_day);
	if (!end)
		end = read_date(p, i, -1, ret_day);

	return end;
}

static void find_day(struct parser *p)
{
	for (size_t i = 0; i < p->words.count; i++) {
		int32_t day;
		size_t end = p->used[i] ? 0 : read_day(p, i, &day);

		if (!end)
			continue;
		use(p, i, end);
		p->out->has_day = true;
		p->out->day = day; /* of several the last is meant */
		i = end - 1;
	}
	p->out->is_any_day = said_find_any(&p->words,
		LIST("any day", "as soon as possible", "the earliest", "first available", "whenever"));
}

/* ---- times ------------------------------------------------------------------------------------------------------------ */

/* Words behind a clock time that give its half of the day; the index behind them. */
static size_t read_half(struct parser *p, size_t i, enum parse_part *ret_part, bool *ret_is_pm)
{
	static const struct {
		const char *phrase;
		enum parse_part part;
		bool is_pm;
	} halves[] = {{"a m", PART_MORNING, false}, {"p m", PART_UNKNOWN, true}, {"in the morning", PART_MORNING, false},
		{"in the afternoon", PART_AFTERNOON, true}, {"in the evening", PART_EVENING, true},
		{"at night", PART_EVENING, true}, {"this afternoon", PART_AFTERNOON, true},
		{"this morning", PART_MORNING, false}, {"this evening", PART_EVENING, true},
		{"tonight", PART_EVENING, true}};

	for (size_t k = 0; k < ARRAY_LEN(halves); k++) {
		size_t end = said_match(&p->words, i, halves[k].phrase);

		if (!end)
			continue;
		*ret_part = halves[k].part;
		*ret_is_pm = halves[k].is_pm;
		return end;
	}

	return 0;
}

static int read_hour(const struct parser *p, size_t i)
{
	size_t used;
	int hour = word_number(&p->words, i, &used);

	return used == 1 && hour >= 0 && hour <= 24 ? hour : -1;
}

/* "half past two", "quarter to three", "ten past four": minutes around an hour that follows. */
static size_t read_around(const struct parser *p, size_t i, int *ret_minute)
{
	size_t used = 1;
	int offset = is_at(p, i, "half") ? 30 : is_at(p, i, "quarter") ? 15 : word_number(&p->words, i, &used);

	if (offset < 1 || offset % 5)
		return 0;
	i += used;
	i += is_at(p, i, "minutes");

	bool is_after = word_is(word_at(p, i), LIST("past", "after"));
	bool is_before = offset != 30 && word_is(word_at(p, i), LIST("to", "before", "till", "of"));
	int hour = read_hour(p, i + 1);

	if ((!is_after && !is_before) || hour < 1 || hour > 12)
		return 0;
	*ret_minute = hour * MINUTES_OF_HOUR + (is_after ? offset : -offset);

	return i + 2;
}

static bool may_be_hour(const struct parser *p, size_t i, size_t end)
{
	if (i && word_is(word_at(p, i - 1), LIST("at", "around", "about", "by", "before", "after", "it", "said", "meant")))
		return true;
	if (i && p->used[i - 1] && !is_at(p, i - 1, "-"))
		return true; /* "Tuesday two" */
	if (word_is(word_at(p, end), LIST("days", "weeks", "people", "years")))
		return false;

	return p->context->expect == EXPECT_TIME || is_at(p, end, "sharp") ||
	       (i && is_at(p, i - 1, "for") && p->context->expect != EXPECT_NAME);
}

/* "two", "two thirty", "two oh five", "14 30", "ten o'clock"; is_sure: cannot be anything but a time. */
static size_t read_clock(const struct parser *p, size_t i, int *ret_minute, bool *ret_is_sure)
{
	int hour = read_hour(p, i), minute = -1;
	size_t used = 1;

	if (hour < 0)
		return 0;
	i++;
	*ret_is_sure = true;
	if (word_is(word_at(p, i), LIST("o'clock", "oclock")) || said_match(&p->words, i, "o clock")) {
		*ret_minute = hour * MINUTES_OF_HOUR;
		return i + 1 + is_at(p, i, "o");
	}
	if (word_is(word_at(p, i), LIST("oh", "o"))) {
		minute = read_hour(p, i + 1);
		i += minute >= 1 && minute <= 9;
	} else if (strlen(word_at(p, i)) >= 2) {
		minute = word_number(&p->words, i, &used);
		if (minute < 10 && word_at(p, i)[0] != '0')
			minute = -1;
	}
	if (minute >= 0)
		i += used;
	else
		*ret_is_sure = false;
	*ret_minute = hour * MINUTES_OF_HOUR + MAX(minute, 0);

	return i;
}

static size_t read_time(struct parser *p, size_t i, int *ret_minute)
{
	bool is_sure = true, is_pm = false;
	enum parse_part part = PART_UNKNOWN;
	size_t start = i, end = 0;

	if (word_is(word_at(p, i), LIST("noon", "midday"))) {
		p->out->is_half_given = true;
		*ret_minute = NOON;
		return i + 1;
	}
	end = read_around(p, i, ret_minute);
	if (!end)
		end = read_clock(p, i, ret_minute, &is_sure);
	if (!end)
		return 0;

	size_t half_end = read_half(p, end, &part, &is_pm);

	if (!half_end && !is_sure && !may_be_hour(p, start, end))
		return 0;
	p->out->is_half_given = half_end || *ret_minute >= 13 * MINUTES_OF_HOUR || *ret_minute < MINUTES_OF_HOUR;
	if (half_end) {
		*ret_minute = *ret_minute % NOON + (is_pm ? NOON : 0);
		p->out->part = part;
		return half_end;
	}
	/* Nobody visits a business at four in the morning: 7 to 11 are before noon, 12 to 6 after it. */
	if (*ret_minute < 7 * MINUTES_OF_HOUR && !p->out->is_half_given)
		*ret_minute += NOON;

	return end;
}

static void find_part(struct parser *p)
{
	static const struct {
		const char *phrase;
		enum parse_part part;
	} parts[] = {{"morning", PART_MORNING}, {"before lunch", PART_MORNING}, {"afternoon", PART_AFTERNOON},
		{"after lunch", PART_AFTERNOON}, {"evening", PART_EVENING}, {"tonight", PART_EVENING}};

	for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
		size_t end = said_find(&p->words, parts[k].phrase);

		/* "good morning" greets. */
		if (!end || (end >= 2 && is_at(p, end - 2, "good")))
			continue;
		p->out->part = parts[k].part;
		use(p, end - 1, end);
	}
}

static void find_time(struct parser *p)
{
	for (size_t i = 0; i < p->words.count; i++) {
		int minute;
		size_t end = p->used[i] ? 0 : read_time(p, i, &minute);

		if (!end)
			continue;
		use(p, i, end);
		p->out->has_time = true;
		p->out->minute = minute % (24 * MINUTES_OF_HOUR);
		i = end - 1;
	}
	find_part(p);
	p->out->is_any_time = said_find_any(&p->words, LIST("any time", "anytime", "whenever"));
}

/* ---- names ------------------------------------------------------------------------------------------------------------ */

/* Words that stand around names, or alone, and are none. */
static const char *const no_names[] = {"-", "a", "an", "the", "and", "or", "is", "are", "am", "was", "be", "i", "i'm", "i'd",
	"it", "it's", "that", "that's", "this", "my", "your", "you", "me", "we", "he", "she", "they", "name", "yes", "yeah",
	"yep", "yup", "no", "nope", "not", "okay", "ok", "sure", "right", "correct", "wrong", "fine", "great", "perfect",
	"please", "thanks", "thank", "uh", "um", "oh", "well", "so", "hi", "hello", "sorry", "said", "meant", "mean",
	"actually", "make", "change", "to", "for", "of", "on", "at", "in", "with", "from", "by", "about", "around", "day",
	"days", "date", "time", "week", "weeks", "morning", "afternoon", "evening", "tomorrow", "today", "calling", "want",
	"would", "like", "need", "can", "could", "do", "does", "don't", "know", "have", "has", "appointment", "book",
	"booking", "spelled", "what", "when", "where", "how", "why", "who", "did", "say", "repeat", "again", "help",
	"human", "person", "operator", "speak", "talk", "cancel", "wait", "hold", "goodbye", "bye", "all", "else", "good",
	"nothing", "any", "anytime", "whenever", "here", "there", "o'clock", "half", "quarter", "past", "noon", "mister",
	"miss", "misses", "mrs", "mr", "ms", "doctor", "first", "last", "new", "going", "not", "just", "really", "very",
	"instead", "but", "if", "looking", "interested", "patient", "customer", "urgent", "important", "about", NULL};

static bool is_name_word(const struct parser *p, size_t i)
{
	const char *word = word_at(p, i);

	return *word && !p->used[i] && !isdigit((unsigned char)*word) && !word_is(word, no_names);
}

static void add_name_word(struct parser *p, const char *word)
{
	char *name = p->out->name;
	size_t n = strlen(name), room = sizeof(p->out->name) - n;

	if (strlen(word) + 2 > room)
		return;
	if (n)
		name[n++] = ' ';
	name[n] = (char)toupper((unsigned char)word[0]);
	strncpy(name + n + 1, word + 1, sizeof(p->out->name) - n - 1);
}

/* "s m i t h", three letters or more: one word. */
static size_t read_spelling(const struct parser *p, size_t i, char *ret_word, size_t n)
{
	size_t len = 0;

	while (strlen(word_at(p, i + len)) == 1 && isalpha((unsigned char)word_at(p, i + len)[0]) && len + 1 < n) {
		ret_word[len] = word_at(p, i + len)[0];
		len++;
	}
	ret_word[len] = 0;

	return len >= 3 ? i + len : 0;
}

static void take_name(struct parser *p, size_t i, size_t least)
{
	size_t count = 0, start = i;

	while (count < 3 && is_name_word(p, i) && strlen(word_at(p, i)) > 1) {
		i++;
		count++;
	}
	if (count < least)
		return;
	p->out->name[0] = 0;
	for (size_t k = start; k < i; k++)
		add_name_word(p, word_at(p, k));
	p->out->has_name = count;
	p->out->is_full_name = count >= 2;
}

static void find_name(struct parser *p)
{
	static const char *const strong[] = {"my name is", "the name is", "name is", "name's", "call me", NULL};
	static const char *const weak[] = {"this is", "it's", "it is", "i'm", "i am", "that's", "to", "said", NULL};
	bool is_asked = p->context->expect == EXPECT_NAME;
	char spelled[40];

	for (size_t k = 0; strong[k] && !p->out->has_name; k++) {
		size_t end = said_find(&p->words, strong[k]);

		if (end)
			take_name(p, end, 1);
	}
	for (size_t k = 0; weak[k] && !p->out->has_name; k++) {
		size_t end = said_find(&p->words, weak[k]);

		if (end && (k < 6 || is_asked))
			take_name(p, end, is_asked ? 1 : 2);
	}
	for (size_t i = 0; is_asked && i < p->words.count; i++) {
		if (read_spelling(p, i, spelled, sizeof(spelled))) {
			/* A spelling after the name corrects its last word. */
			char *last = strrchr(p->out->name, ' ');

			if (last)
				*last = 0;
			else
				p->out->name[0] = 0;
			add_name_word(p, spelled);
			p->out->has_name = true;
			p->out->is_full_name = last;
			return;
		}
		if (!p->out->has_name && is_name_word(p, i))
			take_name(p, i, 1);
	}
}

/* ---- intents ---------------------------------------------------------------------------------------------------------- */

/* The first row with a phrase in the sentence wins. */
static const struct {
	enum parse_intent intent;
	const char *const *phrases;
} intents[] = {
	{PARSE_HUMAN, LIST("human", "operator", "agent", "representative", "receptionist", "manager", "real person",
			      "a person", "talk to", "speak to", "talk with", "speak with", "put me through", "transfer me")},
	{PARSE_RESCHEDULE, LIST("reschedule", "move my", "move the", "change my appointment", "change the appointment",
				   "change an appointment", "change my booking")},
	{PARSE_CANCEL, LIST("cancel", "never mind", "nevermind", "forget it")},
	{PARSE_RESTART, LIST("start over", "start again", "go back")},
	{PARSE_REPEAT, LIST("repeat", "say that again", "pardon", "what did you say", "what was that", "come again",
			       "didn't hear", "didn't catch", "didn't understand", "excuse me", "once more")},
	{PARSE_HELP, LIST("help", "what can i say", "what can you do", "my options", "i don't know")},
	{PARSE_WAIT, LIST("hold on", "one moment", "just a moment", "wait", "give me a second", "one second")},
	{PARSE_HOURS, LIST("hours", "you open", "you close")},
	{PARSE_PRICE, LIST("how much", "cost", "price", "prices", "you charge")},
	{PARSE_WHERE, LIST("where are you", "address", "located", "get there", "find you")},
	{PARSE_BOOK, LIST("appointment", "booking", "reservation", "book", "come in", "see the doctor", "see the dentist",
			     "see someone", "check up", "checkup", "cleaning", "consultation", "schedule", "do you have")},
	{PARSE_BYE, LIST("goodbye", "bye", "that's all", "that is all", "that's it", "nothing else", "see you",
			    "have a nice day")},
};

static void find_yes_no(struct parser *p)
{
	const struct said *w = &p->words;

	p->out->has_no = said_find_any(w, LIST("no", "nope", "nah", "wrong", "incorrect", "not right", "not correct",
						   "not really", "not quite", "it's not"));
	p->out->has_yes = !p->out->has_no &&
			  said_find_any(w, LIST("yes", "yeah", "yep", "yup", "sure", "okay", "ok", "correct", "right",
						    "exactly", "absolutely", "perfect", "fine", "great", "sounds good",
						    "that works", "of course", "go ahead", "i do", "please do", "book it"));
}

static void find_correction(struct parser *p)
{
	const struct said *w = &p->words;
	struct parsed *out = p->out;
	bool changes = said_find(w, "change the") || said_find(w, "change my") || said_find(w, "wrong");
	bool is_slot_asked = p->context->expect == EXPECT_YESNO;

	out->names_day = said_find_any(w, LIST("the day", "the date")) && (changes || is_slot_asked);
	out->names_time = said_find(w, "the time") && (changes || is_slot_asked);
	out->names_name = said_find_any(w, LIST("the name", "my name")) && (changes || is_slot_asked) && !out->has_name;
	out->is_correction |= out->names_day || out->names_time || out->names_name ||
			      said_find_any(w, LIST("i said", "i meant", "i mean", "actually", "make it", "change it",
						       "instead", "rather", "let's do")) ||
			      (out->has_no && (out->has_day || out->has_time || out->has_name));
}

static void find_intent(struct parser *p)
{
	const struct said *w = &p->words;
	struct parsed *out = p->out;

	for (size_t i = 0; i < ARRAY_LEN(intents) && !out->intent; i++)
		if (said_find_any(w, intents[i].phrases))
			out->intent = intents[i].intent;

	bool has_slot = out->has_day || out->has_time || out->has_name || out->part || out->is_correction;

	if (out->intent || has_slot)
		return;
	if (out->has_no)
		out->intent = PARSE_NO;
	else if (out->has_yes)
		out->intent = PARSE_YES;
	else if (said_find_any(w, LIST("thank you", "thanks")))
		out->intent = PARSE_THANKS;
	else if (said_find_any(w, LIST("hello", "hi", "good morning", "good afternoon", "good evening")))
		out->intent = PARSE_GREETING;
}

static bool is_dangling(const struct parser *p)
{
	size_t n = p->words.count;

	return n && word_is(word_at(p, n - 1), LIST("of", "past", "to", "at", "half", "quarter", "the", "next", "on", "for",
						"around", "about", "in", "a", "an", "my", "is", "and", "this", "said", "it's",
						"i'm", "i'd", "with", "or", "uh", "um", "well", "so", "it", "meant"));
}

void parse_en(struct span text, const struct parse_context *context, struct parsed *ret)
{
	struct parser p = {.context = context, .out = ret};

	*ret = (struct parsed){0};
	said_cut(text, &p.words);
	ret->is_dangling = is_dangling(&p);
	drop_denied(&p);
	find_day(&p);
	find_time(&p);
	find_name(&p);
	find_yes_no(&p);
	find_correction(&p);
	find_intent(&p);
}
