/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/speakable.h"
#include <ctype.h>

static const char *const small[] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
	"ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
static const char *const tens[] = {"", "", "twenty", "thirty", "forty", "fifty"};

struct writer {
	struct speakable *out;
	uint32_t source_end; /* of the word that is being written */
	bool is_full;
	bool after_number; /* the word before was a number or time, so that "am" is not the verb */
};

static void put(struct writer *w, const char *word, size_t n)
{
	struct speakable *out = w->out;

	if (out->word_count == SPEAKABLE_WORDS_MAX || out->text_len + n + 2 > sizeof(out->text)) {
		w->is_full = true;
		return;
	}
	if (out->text_len)
		out->text[out->text_len++] = ' ';
	memcpy(out->text + out->text_len, word, n);
	out->text_len += n;
	out->text[out->text_len] = 0;
	out->source_end[out->word_count++] = w->source_end;
}

static void put_z(struct writer *w, const char *word)
{
	put(w, word, strlen(word));
}

/* Punctuation belongs to the word before it, so that it makes no word of its own. */
static void put_mark(struct writer *w, char c)
{
	struct speakable *out = w->out;

	if (out->text_len == 0 || out->text_len + 2 > sizeof(out->text) || out->text[out->text_len - 1] == c)
		return;
	out->text[out->text_len++] = c;
	out->text[out->text_len] = 0;
}

static void put_number(struct writer *w, uint32_t n)
{
	assert(n < 60);
	if (n >= 20) {
		put_z(w, tens[n / 10]);
		if (n % 10)
			put_z(w, small[n % 10]);
	} else {
		put_z(w, small[n]);
	}
}

static void put_half_day(struct writer *w, bool is_pm)
{
	put_z(w, is_pm ? "p" : "a");
	put_z(w, "m");
}

/* "am", "pm", "a.m.", "p.m" in any case: 'a', 'p', or 0. */
static char half_day_of(struct span s)
{
	static const char *const forms[] = {"am", "a.m", "a.m.", "pm", "p.m", "p.m."};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (span_ieq_z(s, forms[i]))
			return forms[i][0];

	return 0;
}

static struct span take_digits(struct span *rest)
{
	size_t n = 0;

	while (n < rest->n && isdigit((unsigned char)rest->p[n]))
		n++;

	struct span digits = span(rest->p, n);

	*rest = span(rest->p + n, rest->n - n);

	return digits;
}

/* "2:30", "2:30pm", "14:00", "3pm". next is the word that follows, for "2:00 pm". */
static bool say_time(struct writer *w, struct span core, struct span next)
{
	struct span rest = core, minutes = {0};
	uint32_t hour, minute = 0;

	if (!span_u32(take_digits(&rest), &hour) || hour > 24)
		return false;
	if (rest.n && rest.p[0] == ':') {
		rest = span(rest.p + 1, rest.n - 1);
		minutes = take_digits(&rest);
		if (minutes.n != 2 || !span_u32(minutes, &minute) || minute > 59)
			return false;
	}

	char half_day = half_day_of(rest);

	if ((rest.n && !half_day) || (!minutes.n && !half_day))
		return false;

	bool is_24h = hour > 12 || hour == 0;
	bool is_followed = half_day || half_day_of(next);

	put_number(w, is_24h ? (hour % 12 ? hour % 12 : 12) : hour);
	if (minute >= 10) {
		put_number(w, minute);
	} else if (minute > 0) {
		put_z(w, "oh");
		put_number(w, minute);
	} else if (!is_24h && !is_followed) {
		put_z(w, "o'clock");
	}
	if (half_day)
		put_half_day(w, half_day == 'p');
	else if (is_24h && !is_followed)
		put_half_day(w, hour >= 12 && hour < 24);

	return true;
}

/* Where a long number without separators takes a breath: 3 4, 3 3 4, otherwise threes. */
static bool is_breath(size_t said, size_t total)
{
	if (total == 7)
		return said == 3;
	if (total == 10)
		return said == 3 || said == 6;

	return said % 3 == 0 && total - said >= 2;
}

/* Five digits or more: a code or a telephone number, said digit by digit. */
static bool say_digits(struct writer *w, struct span core)
{
	size_t digits = 0, said = 0;
	bool has_separators = false;

	for (size_t i = 0; i < core.n; i++) {
		if (isdigit((unsigned char)core.p[i]))
			digits++;
		else if (strchr("-()./", core.p[i]) || (core.p[i] == '+' && i == 0))
			has_separators |= core.p[i] != '+';
		else
			return false;
	}
	if (digits < 5 || (has_separators && digits < 7))
		return false;

	for (size_t i = 0; i < core.n; i++) {
		char c = core.p[i];

		if (!isdigit((unsigned char)c)) {
			if (c == '+')
				put_z(w, "plus");
			else if (said)
				put_mark(w, ',');
			continue;
		}
		if (!has_separators && said && is_breath(said, digits))
			put_mark(w, ',');
		put_z(w, small[c - '0']);
		said++;
	}

	return true;
}

static void say(struct writer *w, struct span word, struct span next)
{
	struct span core = word;
	char half_day = half_day_of(word);

	while (core.n && strchr("(\"'[", core.p[0]))
		core = span(core.p + 1, core.n - 1);
	while (core.n && strchr(".,;:!?)\"'][", core.p[core.n - 1]))
		core.n--;

	/* What may follow directly, "2:00 p.m.", counts without its own punctuation. */
	bool is_time = say_time(w, core, next);
	bool is_said = is_time || say_digits(w, core);

	if (!half_day)
		half_day = half_day_of(core);
	if (!is_said && half_day && w->after_number) {
		put_half_day(w, half_day == 'p');
		is_said = true;
	}
	if (is_said) {
		const char *tail = core.p + core.n;

		/* The last dot of "a.m." ends a sentence only where the text ends. */
		if (tail < word.p + word.n && !(half_day_of(word) && next.n))
			put_mark(w, *tail == ')' || *tail == '"' ? ',' : *tail);
	} else if (span_eq_z(word, "&")) {
		put_z(w, "and");
	} else if (core.n || w->out->text_len == 0) {
		put(w, word.p, word.n);
	} else {
		put_mark(w, ',');
	}
	w->after_number = is_time || (core.n && isdigit((unsigned char)core.p[core.n - 1]));
}

/* Typographic UTF-8 to what the synthesiser knows; other characters outside ASCII become nothing. Lengths stay. */
static void fold_ascii(const char *source, size_t n, char *ret_text)
{
	static const struct {
		const char *from;
		char to;
	} table[] = {{"\xe2\x80\x99", '\''}, {"\xe2\x80\x98", '\''}, {"\xe2\x80\x9c", '"'}, {"\xe2\x80\x9d", '"'},
		{"\xe2\x80\x94", ','}, {"\xe2\x80\x93", ','}, {"\xe2\x80\xa6", '.'}, {"\xc3\xa1", 'a'},
		{"\xc3\xa4", 'a'}, {"\xc3\xa7", 'c'}, {"\xc3\xa8", 'e'}, {"\xc3\xa9", 'e'}, {"\xc3\xad", 'i'},
		{"\xc3\xb1", 'n'}, {"\xc3\xb3", 'o'}, {"\xc3\xb6", 'o'}, {"\xc3\xba", 'u'}, {"\xc3\xbc", 'u'}};

	for (size_t i = 0; i < n;) {
		size_t used = 1;

		ret_text[i] = (unsigned char)source[i] < 0x80 ? source[i] : 1;
		for (size_t k = 0; k < ARRAY_LEN(table); k++) {
			size_t len = strlen(table[k].from);

			if (i + len > n || memcmp(source + i, table[k].from, len) != 0)
				continue;
			ret_text[i] = table[k].to;
			/* Bytes of 1 are dropped when words are cut. */
			memset(ret_text + i + 1, 1, len - 1);
			used = len;
		}
		i += used;
	}
	ret_text[n] = 0;
}

/* The next word of text from *at; cleans it of the fillers of fold_ascii into buf. */
static struct span next_word(const char *text, size_t *at, char *buf)
{
	size_t n = 0;

	while (text[*at] && (isspace((unsigned char)text[*at]) || text[*at] == 1))
		(*at)++;
	for (; text[*at] && !isspace((unsigned char)text[*at]); (*at)++)
		if (text[*at] != 1)
			buf[n++] = text[*at];

	return span(buf, n);
}

int speakable_en(const char *source, struct speakable *ret)
{
	size_t n = strlen(source), at = 0, next_at;
	char text[LIMIT_TTS_TEXT_BYTES + 1], one[LIMIT_TTS_TEXT_BYTES + 1], two[LIMIT_TTS_TEXT_BYTES + 1];
	struct writer w = {.out = ret};

	if (n > LIMIT_TTS_TEXT_BYTES)
		return -TR_ETOOBIG;

	ret->text_len = ret->word_count = 0;
	ret->text[0] = 0;
	fold_ascii(source, n, text);
	for (;;) {
		struct span word = next_word(text, &at, one);

		if (!word.n)
			break;
		next_at = at;

		struct span next = next_word(text, &next_at, two);

		while (next.n && strchr(",;!?)", next.p[next.n - 1]))
			next.n--;
		w.source_end = (uint32_t)at;
		say(&w, word, next);
	}

	return w.is_full ? -TR_ETOOBIG : 0;
}
