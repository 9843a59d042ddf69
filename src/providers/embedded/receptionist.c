/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/receptionist.h"
#include "flow/calendar.h"

/*
 *   OPEN ──book──> DAY ──> TIME ──> NAME ──> CONFIRM ──yes──> [BOOKING] ──> MORE ──no──> OVER
 *                   ^________^________^________|  no: CHANGE
 *
 * The slots decide the state: whatever a turn brings is filed, then the first slot that is empty is asked for. Every state
 * takes the universal commands.
 */

enum {
	SILENCE_MS = 7000,
	PATIENT_MS = 20000, /* after "hold on" */
	TRIES = 3,
	MINUTES_OF_HOUR = 60,
	NOON = 12 * 60,
};

/* Below it the recogniser guesses; above it a wrong slot is still caught by the read-back. */
#define CONFIDENCE_MIN 0.35F

static const char *const weekday_names[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const month_names[] = {"January", "February", "March", "April", "May", "June", "July", "August",
	"September", "October", "November", "December"};

static const struct {
	const char *context;	 /* grammar */
	enum parse_expect expect;
	bool is_number;		 /* pauses inside the answer are normal */
	const char *keypad;	 /* second re-prompt */
} states[RECEPTION_STATE_COUNT] = {
	[RECEPTION_OPEN] = {"open", EXPECT_ANY, false, "To make an appointment, press 1."},
	[RECEPTION_DAY] = {"when", EXPECT_DAY, true, "You can press 1 for Monday, 2 for Tuesday, up to 5 for Friday."},
	[RECEPTION_TIME] = {"when", EXPECT_TIME, true, "You can type the hour, for example 3 for three o'clock."},
	[RECEPTION_NAME] = {"name", EXPECT_NAME, true, "You can also spell your name."},
	[RECEPTION_CONFIRM] = {"when", EXPECT_YESNO, false, "Press 1 for yes, or 2 for no."},
	[RECEPTION_CHANGE] = {"when", EXPECT_YESNO, false, "Press 1 for the day, 2 for the time, 3 for the name."},
	[RECEPTION_BOOKING] = {"open", EXPECT_ANY, false, ""},
	[RECEPTION_OFFER_HUMAN] = {"yesno", EXPECT_YESNO, false, "Press 1 for yes, or 2 for no."},
	[RECEPTION_MORE] = {"yesno", EXPECT_YESNO, false, "Press 1 for yes, or 2 for no."},
	[RECEPTION_OVER] = {"open", EXPECT_ANY, false, ""},
};

struct turn {
	struct receptionist *r;
	const struct llm_turn *in;
	struct parsed parsed;
	struct receptionist_reply *reply;
};

static void say(struct turn *t, const char *fmt, ...) printf_like(2, 3);

/* Adds to the reply, a blank between. What does not fit is cut: all texts are ours or short. */
static void say(struct turn *t, const char *fmt, ...)
{
	char *text = t->reply->text;
	size_t n = strlen(text), room = sizeof(t->reply->text) - n;
	va_list ap;

	if (n && room > 1) {
		text[n++] = ' ';
		room--;
	}
	va_start(ap, fmt);
	vsnprintf(text + n, room, fmt, ap);
	va_end(ap);
}

/* ---- words for slots -------------------------------------------------------------------------------------------------- */

struct phrase {
	char text[160];
};

static const char *suffix_of(int day)
{
	if (day / 10 == 1)
		return "th";

	return day % 10 == 1 ? "st" : day % 10 == 2 ? "nd" : day % 10 == 3 ? "rd" : "th";
}

static struct phrase day_phrase(int32_t day)
{
	struct civil date = calendar_civil(day);
	struct phrase p;

	snprintf(p.text, sizeof(p.text), "%s the %d%s of %s", weekday_names[calendar_weekday(day)], date.day,
		suffix_of(date.day), month_names[date.month - 1]);

	return p;
}

static struct phrase time_phrase(int32_t minute)
{
	int32_t hour = minute / MINUTES_OF_HOUR;
	struct phrase p;

	if (minute == NOON)
		snprintf(p.text, sizeof(p.text), "noon");
	else if (minute % MINUTES_OF_HOUR)
		snprintf(p.text, sizeof(p.text), "%d:%02d %s", (hour + 11) % 12 + 1, minute % MINUTES_OF_HOUR,
			hour < 12 ? "am" : "pm");
	else
		snprintf(p.text, sizeof(p.text), "%d %s", (hour + 11) % 12 + 1, hour < 12 ? "am" : "pm");

	return p;
}

static struct phrase part_phrase(enum parse_part part)
{
	static const char *const texts[] = {"", " in the morning", " in the afternoon", " in the evening"};
	struct phrase p;

	snprintf(p.text, sizeof(p.text), "%s", texts[part]);

	return p;
}

static struct phrase slots_phrase(const struct receptionist *r)
{
	struct phrase p;

	snprintf(p.text, sizeof(p.text), "%.80s at %.40s", day_phrase(r->day).text, time_phrase(r->minute).text);

	return p;
}

/* ---- asking ----------------------------------------------------------------------------------------------------------- */

static void ask(struct turn *t, enum receptionist_state state, const char *fmt, ...) printf_like(3, 4);

static void ask(struct turn *t, enum receptionist_state state, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->r->prompt, sizeof(t->r->prompt), fmt, ap);
	va_end(ap);
	t->r->state = state;
	say(t, "%s", t->r->prompt);
	t->r->read_back_end = state == RECEPTION_CONFIRM ? strlen(t->reply->text) - strlen(" Is that right?") : 0;
}

static void ask_again(struct turn *t)
{
	struct phrase read_back = slots_phrase(t->r);

	if (t->r->state == RECEPTION_CONFIRM)
		ask(t, RECEPTION_CONFIRM, "That's %s, for %s. Is that right?", read_back.text, t->r->name);
	else
		say(t, "%s", t->r->prompt);
}

/* The first slot that is empty; when none is, reads back. */
static void ask_next(struct turn *t)
{
	struct receptionist *r = t->r;

	if (!r->has_day)
		ask(t, RECEPTION_DAY, "What day would suit you?");
	else if (!r->has_time)
		ask(t, RECEPTION_TIME, "What time on %s%s?", weekday_names[calendar_weekday(r->day)],
			part_phrase(r->part).text);
	else if (!r->has_name)
		ask(t, RECEPTION_NAME, "May I have your name, please?");
	else if (r->is_first_name_only)
		ask(t, RECEPTION_NAME, "Thank you, %s. And your last name?", r->name);
	else
		ask(t, RECEPTION_CONFIRM, "So that's %s, for %s. Is that right?", slots_phrase(r).text, r->name);
}

static void clear_slots(struct receptionist *r)
{
	r->has_day = r->has_time = r->has_name = r->is_first_name_only = false;
	r->part = PART_UNKNOWN;
	r->name[0] = 0;
}

/* ---- ending ----------------------------------------------------------------------------------------------------------- */

static void act(struct turn *t, enum receptionist_action action, const char *args)
{
	t->reply->action = action;
	buf_copy(t->reply->args, sizeof(t->reply->args), args);
	if (action != RECEPTION_BOOK)
		t->r->state = RECEPTION_OVER;
}

static void transfer(struct turn *t, const char *reason)
{
	char args[64];

	say(t, "One moment, I'll connect you with a person.");
	snprintf(args, sizeof(args), "{\"reason\":\"%s\"}", reason);
	act(t, RECEPTION_TRANSFER, args);
}

static void hang_up(struct turn *t, const char *reason)
{
	char args[64];

	say(t, "Thank you for calling. Goodbye.");
	snprintf(args, sizeof(args), "{\"reason\":\"%s\"}", reason);
	act(t, RECEPTION_HANG_UP, args);
}

static void booked(struct turn *t)
{
	say(t, "Your appointment is booked for %s.", slots_phrase(t->r).text);
	ask(t, RECEPTION_MORE, "Is there anything else I can do for you?");
	clear_slots(t->r);
}

static void book(struct turn *t)
{
	struct receptionist *r = t->r;
	struct civil date = calendar_civil(r->day);
	char args[sizeof(t->reply->args)];

	/* The name is letters, blanks and apostrophes, as parse_en makes it, so that it needs no escaping. */
	snprintf(args, sizeof(args), "{\"date\":\"%04d-%02d-%02d\",\"time\":\"%02d:%02d\",\"name\":\"%s\"}", date.year,
		date.month, date.day, r->minute / MINUTES_OF_HOUR, r->minute % MINUTES_OF_HOUR, r->name);
	act(t, RECEPTION_BOOK, args);
	if (!r->params.has_book_tool) {
		booked(t);
		return;
	}
	say(t, "One moment, please.");
	r->state = RECEPTION_BOOKING;
}

/* ---- what could not be used ------------------------------------------------------------------------------------------- */

static void no_match(struct turn *t)
{
	struct receptionist *r = t->r;

	if (++r->no_match >= TRIES) {
		say(t, "I'm sorry, I still don't understand.");
		transfer(t, "not understood");
		return;
	}
	say(t, r->no_match == 1 ? "Sorry, I didn't get that." : "I'm sorry, I didn't understand.");
	if (r->no_match == 2)
		say(t, "%s For a person, press 0.", states[r->state].keypad);
	ask_again(t);
}

static void no_input(struct turn *t)
{
	struct receptionist *r = t->r;

	if (++r->no_input >= TRIES) {
		say(t, "I can't hear you, so I'll end this call.");
		hang_up(t, "silence");
		return;
	}
	say(t, "Are you still there?");
	if (r->no_input == 2)
		say(t, "%s For a person, press 0.", states[r->state].keypad);
	ask_again(t);
}

/* ---- filing slots ----------------------------------------------------------------------------------------------------- */

/* false after having said why the day cannot be. */
static bool take_day(struct turn *t)
{
	struct receptionist *r = t->r;
	int32_t day = t->parsed.day, weekday;

	if (t->parsed.is_any_day && !t->parsed.has_day) {
		for (day = r->params.today + 1; !(r->params.open_days >> calendar_weekday(day) & 1);)
			day++;
	} else if (!t->parsed.has_day) {
		return true;
	}
	weekday = calendar_weekday(day);
	if (!(r->params.open_days >> weekday & 1)) {
		say(t, "I'm afraid we're closed on %ss.", weekday_names[weekday]);
		r->has_day = false;
		return false;
	}
	if (t->parsed.is_correction && r->has_day)
		say(t, "%s, then.", day_phrase(day).text);
	r->has_day = true;
	r->day = day;

	return true;
}

/* The half of the day may come with the hour, or have come before it. */
static int32_t minute_of(const struct receptionist *r, const struct parsed *p)
{
	enum parse_part part = p->part ? p->part : r->part;
	int32_t minute = p->minute;

	if (!p->is_half_given && part == PART_MORNING && minute >= NOON + MINUTES_OF_HOUR)
		minute -= NOON;
	if (!p->is_half_given && part > PART_MORNING && minute < NOON)
		minute += NOON;

	return minute;
}

static bool take_time(struct turn *t)
{
	struct receptionist *r = t->r;
	const struct parsed *p = &t->parsed;
	int32_t minute;

	if (p->has_time) {
		minute = minute_of(r, p);
	} else if (p->is_any_time && !p->is_any_day) {
		minute = r->part > PART_MORNING ? NOON + 2 * MINUTES_OF_HOUR : 10 * MINUTES_OF_HOUR;
	} else {
		if (p->part) {
			r->part = p->part;
			r->has_time = false;
		}
		return true;
	}
	if (minute < r->params.opens || minute >= r->params.closes) {
		say(t, "I'm afraid we're only open from %s to %s.", time_phrase(r->params.opens).text,
			time_phrase(r->params.closes).text);
		r->has_time = false;
		r->part = PART_UNKNOWN;
		return false;
	}
	if (p->is_correction && r->has_time)
		say(t, "%s, then.", time_phrase(minute).text);
	r->has_time = true;
	r->minute = minute;
	r->part = PART_UNKNOWN;

	return true;
}

static void take_name(struct turn *t)
{
	struct receptionist *r = t->r;

	if (!t->parsed.has_name)
		return;
	if (r->is_first_name_only && !t->parsed.is_full_name && !t->parsed.is_correction &&
		strcmp(r->name, t->parsed.name) != 0) {
		size_t n = strlen(r->name);

		snprintf(r->name + n, sizeof(r->name) - n, " %s", t->parsed.name);
		r->is_first_name_only = false;
		return;
	}
	buf_copy(r->name, sizeof(r->name), t->parsed.name);
	r->has_name = true;
	r->is_first_name_only = !t->parsed.is_full_name;
}

static bool has_slots(const struct parsed *p)
{
	return p->has_day || p->has_time || p->has_name || p->part || p->is_any_day || p->is_any_time;
}

static void take_slots(struct turn *t)
{
	bool is_new_time = t->parsed.has_time;

	/* Both are filed even when the first is refused: the next question is then about that one only. */
	bool day_ok = take_day(t), time_ok = take_time(t);

	take_name(t);
	if (day_ok && time_ok && t->r->state == RECEPTION_DAY && t->r->has_day && !is_new_time && !t->parsed.is_correction)
		say(t, "%s.", day_phrase(t->r->day).text);
	ask_next(t);
}

static void drop_named(struct turn *t)
{
	struct receptionist *r = t->r;

	if (t->parsed.names_day)
		r->has_day = false;
	if (t->parsed.names_time)
		r->has_time = false;
	if (t->parsed.names_name)
		r->has_name = r->is_first_name_only = false;
	say(t, "All right.");
	ask_next(t);
}

/* ---- intents ---------------------------------------------------------------------------------------------------------- */

static void answer(struct turn *t, const char *text, const char *otherwise)
{
	say(t, "%s", text ? text : otherwise);
	ask_again(t);
}

static void help(struct turn *t)
{
	if (t->r->state == RECEPTION_OPEN || t->r->state == RECEPTION_MORE)
		say(t, "I can make an appointment for you, tell you our opening hours, or connect you with a person.");
	else
		say(t, "You can say start over, or ask for a person. %s", states[t->r->state].keypad);
	ask_again(t);
}

static void on_yes(struct turn *t)
{
	struct receptionist *r = t->r;

	switch (r->state) {
	case RECEPTION_CONFIRM:
		/* A "yes" to a read-back that was not heard to its end confirms nothing. */
		if (t->in->is_interrupted && t->in->heard && strlen(t->in->heard) < r->read_back_end)
			ask_again(t);
		else
			book(t);
		break;
	case RECEPTION_OFFER_HUMAN:
		transfer(t, "asked");
		break;
	case RECEPTION_OPEN:
	case RECEPTION_MORE:
		/* "Yes ... that is right" over the beginning of our answer says nothing new: the answer once more, from its beginning. */
		if (t->in->is_interrupted && t->in->heard)
			say(t, "%s", r->last);
		else
			ask(t, RECEPTION_OPEN, "How can I help you?");
		break;
	default:
		ask_again(t);
	}
}

static void on_no(struct turn *t)
{
	struct receptionist *r = t->r;

	switch (r->state) {
	case RECEPTION_CONFIRM:
		ask(t, RECEPTION_CHANGE, "What should I change: the day, the time, or the name?");
		break;
	case RECEPTION_MORE:
		hang_up(t, "done");
		break;
	case RECEPTION_OFFER_HUMAN:
	case RECEPTION_OPEN:
		ask(t, RECEPTION_MORE, "All right. Is there anything else I can do for you?");
		break;
	case RECEPTION_NAME:
		if (r->is_first_name_only) {
			r->is_first_name_only = false;
			ask_next(t);
			break;
		}
		/* fall through */
	default:
		no_match(t);
	}
}

static void on_cancel(struct turn *t)
{
	struct receptionist *r = t->r;

	if (r->state == RECEPTION_OPEN || r->state == RECEPTION_MORE) {
		ask(t, RECEPTION_OFFER_HUMAN, "For an existing appointment, shall I connect you with a person?");
		return;
	}
	clear_slots(r);
	ask(t, RECEPTION_MORE, "All right, nothing is booked. Is there anything else I can do for you?");
}

static void on_book(struct turn *t)
{
	if (t->r->state == RECEPTION_OPEN || t->r->state == RECEPTION_MORE)
		say(t, "Certainly.");
	if (has_slots(&t->parsed))
		take_slots(t);
	else
		ask_next(t);
}

static void on_intent(struct turn *t)
{
	struct receptionist *r = t->r;

	switch (t->parsed.intent) {
	case PARSE_HUMAN:
		transfer(t, "asked");
		break;
	case PARSE_BYE:
		hang_up(t, "caller");
		break;
	case PARSE_REPEAT:
		ask_again(t);
		break;
	case PARSE_HELP:
		help(t);
		break;
	case PARSE_WAIT:
		say(t, "Take your time.");
		t->reply->silence_ms = PATIENT_MS;
		break;
	case PARSE_RESTART:
		clear_slots(r);
		say(t, "All right, from the start.");
		ask_next(t);
		break;
	case PARSE_HOURS:
		answer(t, r->params.hours, "We are open Monday to Friday, from 8 am to 6 pm.");
		break;
	case PARSE_PRICE:
		answer(t, r->params.prices, "That depends on the appointment; a person can tell you.");
		break;
	case PARSE_WHERE:
		answer(t, r->params.address, "A person can give you directions.");
		break;
	case PARSE_BOOK:
		on_book(t);
		break;
	case PARSE_CANCEL:
		on_cancel(t);
		break;
	case PARSE_RESCHEDULE:
		if (r->state == RECEPTION_OPEN || r->state == RECEPTION_MORE)
			on_cancel(t);
		else
			ask(t, RECEPTION_CHANGE, "What should I change: the day, the time, or the name?");
		break;
	case PARSE_YES:
		on_yes(t);
		break;
	case PARSE_NO:
		on_no(t);
		break;
	case PARSE_THANKS:
		if (r->state == RECEPTION_MORE) {
			hang_up(t, "done");
			break;
		}
		say(t, "You're welcome.");
		ask_again(t);
		break;
	case PARSE_GREETING:
		ask_again(t);
		break;
	case PARSE_NONE:
		no_match(t);
	}
}

static void on_text(struct turn *t)
{
	struct parsed *p = &t->parsed;
	struct parse_context context = {t->r->params.today, states[t->r->state].expect};

	parse_en(span_z(t->in->text), &context, p);
	if (t->in->confidence < CONFIDENCE_MIN) {
		no_match(t);
		return;
	}

	uint32_t misses = t->r->no_match;

	if (p->intent == PARSE_NONE && has_slots(p))
		take_slots(t);
	else if (p->intent == PARSE_NONE && (p->names_day || p->names_time || p->names_name))
		drop_named(t);
	else
		on_intent(t);
	if (t->r->no_match == misses)
		t->r->no_match = 0;
}

/* ---- the keypad ------------------------------------------------------------------------------------------------------- */

/* Keys become what the caller would have said, so that there is one way through the dialogue. */
static const char *words_for_key(const struct receptionist *r, const char *digits)
{
	static const char *const days[] = {"monday", "tuesday", "wednesday", "thursday", "friday"};
	static const char *const parts[] = {"the day", "the time", "the name"};
	uint32_t number = 0;
	bool is_number = span_u32(span_z(digits), &number);

	if (strcmp(digits, "0") == 0)
		return "operator";
	if (strcmp(digits, "*") == 0)
		return "start over";
	if (!is_number || number < 1)
		return "";

	switch (r->state) {
	case RECEPTION_OPEN:
		return number == 1 ? "an appointment" : "";
	case RECEPTION_DAY:
		return number <= ARRAY_LEN(days) ? days[number - 1] : "";
	case RECEPTION_TIME:
		return number <= 12 ? digits : "";
	case RECEPTION_CHANGE:
		return number <= ARRAY_LEN(parts) ? parts[number - 1] : "";
	case RECEPTION_CONFIRM:
	case RECEPTION_OFFER_HUMAN:
	case RECEPTION_MORE:
		return number == 1 ? "yes" : number == 2 ? "no" : "";
	default:
		return "";
	}
}

static void on_keys(struct turn *t)
{
	struct llm_turn spoken = *t->in;

	spoken.text = words_for_key(t->r, t->in->text);
	spoken.confidence = 1;
	t->in = &spoken;
	on_text(t);
}

static void on_tool_result(struct turn *t)
{
	if (t->r->state != RECEPTION_BOOKING) {
		ask_again(t);
	} else if (strstr(t->in->text, "error")) {
		say(t, "I'm sorry, I could not book that.");
		transfer(t, "booking failed");
	} else {
		booked(t);
	}
}

/* ---- the outside ------------------------------------------------------------------------------------------------------ */

void receptionist_init(struct receptionist *r, const struct receptionist_params *params)
{
	*r = (struct receptionist){.params = *params};
	if (!r->params.open_days)
		r->params.open_days = 0x1f;
	if (!r->params.closes) {
		r->params.opens = 8 * MINUTES_OF_HOUR;
		r->params.closes = 18 * MINUTES_OF_HOUR;
	}
	buf_copy(r->prompt, sizeof(r->prompt), "How can I help you?");
}

void receptionist_turn(struct receptionist *r, const struct llm_turn *turn, struct receptionist_reply *ret)
{
	struct turn t = {.r = r, .in = turn, .reply = ret};

	*ret = (struct receptionist_reply){.silence_ms = SILENCE_MS};
	if (turn->cause != LLM_ON_SILENCE)
		r->no_input = 0;

	switch (turn->cause) {
	case LLM_ON_START:
		if (r->params.greeting)
			say(&t, "%s", r->params.greeting);
		else
			say(&t, "Hello, how can I help you?");
		break;
	case LLM_ON_TEXT:
		on_text(&t);
		break;
	case LLM_ON_DTMF:
		on_keys(&t);
		break;
	case LLM_ON_SILENCE:
		no_input(&t);
		break;
	case LLM_ON_TOOL_RESULT:
		on_tool_result(&t);
		break;
	}
	ret->context = states[r->state].context;
	ret->is_number = states[r->state].is_number;
	buf_copy(r->last, sizeof(r->last), ret->text);
}

enum llm_fit receptionist_judge(const struct receptionist *r, const char *text)
{
	struct parse_context context = {r->params.today, states[r->state].expect};
	struct parsed p;

	parse_en(span_z(text), &context, &p);
	if (p.is_dangling)
		return LLM_FIT_OPEN;
	if (p.intent != PARSE_NONE)
		return LLM_FIT_COMPLETE;

	switch (r->state) {
	case RECEPTION_DAY:
		return p.has_day ? LLM_FIT_COMPLETE : LLM_FIT_UNKNOWN;
	case RECEPTION_TIME:
		return p.has_time ? LLM_FIT_COMPLETE : LLM_FIT_UNKNOWN;
	case RECEPTION_NAME:
		/* After a first name the last one usually follows. */
		return p.is_full_name || (p.has_name && r->is_first_name_only) ? LLM_FIT_COMPLETE
		       : p.has_name					       ? LLM_FIT_OPEN
									       : LLM_FIT_UNKNOWN;
	default:
		return p.has_day || p.has_time || p.has_name || p.names_day || p.names_time || p.names_name
			       ? LLM_FIT_COMPLETE
			       : LLM_FIT_UNKNOWN;
	}
}
