/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/chunk.h"
#include <ctype.h>

enum {
	CLAUSE_MIN = 10,   /* a first clause shorter than that ("Well,") sounds broken off on its own */
	SENTENCE_MIN = 25, /* after the first piece: shorter sentences are joined with the next ("Sure. Great. ...") */
};

/* Languages are not told apart: what is an abbreviation in one is no word in the others. A dot behind these ends no sentence... */
static const char *const titles[] = {"mr", "mrs", "ms", "dr", "prof", "st", "mt", "ft", "jr", "sr", "vs", "approx", "dept", "gen", "sgt", "capt",
	"rev", "hon", "e.g", "i.e", "cf", "sra", "srta", "dra", "ud", "uds", "avda"};
/* ...behind these only when a number follows ("No. 5"; but "I said no. Then...")... */
static const char *const before_numbers[] = {"no", "nos", "nr", "tel", "ext", "fig", "est", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
	"sept", "oct", "nov", "dec", "núm"};
/* ...and behind these only when a capital follows. */
static const char *const endings[] = {"a.m", "p.m", "etc", "inc", "ltd", "co", "corp", "ave", "blvd", "rd", "u.s", "u.k"};

void chunk_init(struct chunker *c)
{
	c->n = c->seen = 0;
	c->is_begun = c->is_ended = false;
}

size_t chunk_put(struct chunker *c, const char *text, size_t n)
{
	n = MIN(n, sizeof(c->text) - c->n);
	memcpy(c->text + c->n, text, n);
	c->n += n;

	return n;
}

void chunk_end(struct chunker *c)
{
	c->is_ended = true;
}

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

static bool is_closing(char ch)
{
	return ch == '"' || ch == '\'' || ch == ')' || ch == ']';
}

static bool is_one_of(struct span word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_ieq_z(word, list[i]))
			return true;

	return false;
}

/* The token that the dot at byte i ends. */
static struct span token_before(const struct chunker *c, size_t i)
{
	size_t from = i;

	while (from > 0 && !is_blank(c->text[from - 1]))
		from--;
	while (from < i && (c->text[from] == '(' || c->text[from] == '"'))
		from++;

	return span(c->text + from, i - from);
}

/* First character of the next word, or 0 when it has not come yet. */
static char next_letter(const struct chunker *c, size_t i)
{
	while (i < c->n && (is_blank(c->text[i]) || c->text[i] == '"' || c->text[i] == '('))
		i++;

	return i < c->n ? c->text[i] : '\0';
}

enum stop { STOP_NO, STOP_YES, STOP_WAIT /* what follows decides */ };

static enum stop judge_dot(const struct chunker *c, size_t i, size_t after)
{
	struct span token = token_before(c, i);
	char next = next_letter(c, after);
	bool is_number = token.n > 0, is_first = token.p == c->text;

	for (size_t k = 0; k < token.n; k++)
		is_number = is_number && isdigit((unsigned char)token.p[k]);

	if (token.n == 1 && isupper((unsigned char)*token.p) && *token.p != 'I')
		return STOP_NO; /* "J. Smith" */
	if (is_number && is_first && token.n <= 2)
		return STOP_NO; /* "1. The first" */
	if (is_one_of(token, titles, ARRAY_LEN(titles)))
		return STOP_NO;
	if (is_one_of(token, before_numbers, ARRAY_LEN(before_numbers)))
		return !next ? STOP_WAIT : isdigit((unsigned char)next) ? STOP_NO : STOP_YES;
	if (is_one_of(token, endings, ARRAY_LEN(endings)))
		return !next ? STOP_WAIT : isupper((unsigned char)next) ? STOP_YES : STOP_NO;

	return STOP_YES;
}

/* The full stops of Chinese and Japanese need no space behind them. Returns their length. */
static size_t wide_stop(const struct chunker *c, size_t i)
{
	static const char *const stops[] = {"。", "！", "？"};

	for (size_t k = 0; k < ARRAY_LEN(stops); k++)
		if (c->n - i >= 3 && memcmp(c->text + i, stops[k], 3) == 0)
			return 3;

	return 0;
}

/* Is there an end of sentence (or, for the first piece, of a clause) at byte i? *ret_end: where the piece ends. */
static enum stop judge(const struct chunker *c, size_t i, size_t *ret_end)
{
	char ch = c->text[i];
	size_t end = i + 1;

	if (ch == '\n') {
		*ret_end = end;
		return STOP_YES;
	}
	if (wide_stop(c, i)) {
		*ret_end = i + 3;
		return STOP_YES;
	}
	if (!strchr(".!?,;:", ch) || ch == '\0')
		return STOP_NO;

	while (end < c->n && (strchr(".!?", c->text[end]) || is_closing(c->text[end])) && c->text[end])
		end++;
	if (end == c->n)
		return STOP_WAIT;
	if (!is_blank(c->text[end]))
		return STOP_NO; /* 3.50, 3:30, example.com */

	*ret_end = end;
	if (strchr(",;:", ch))
		return !c->is_begun && i >= CLAUSE_MIN ? STOP_YES : STOP_NO;

	return ch == '.' ? judge_dot(c, i, end) : STOP_YES;
}

/* Too much text without an end: cut between words, behind a comma if there is one in the second half. */
static size_t forced_end(const struct chunker *c)
{
	size_t end = MIN(c->n, LIMIT_AGENT_CHUNK_BYTES), space = 0, comma = 0;

	for (size_t i = 1; i < end; i++) {
		if (!is_blank(c->text[i]))
			continue;
		space = i;
		if (strchr(",;:)", c->text[i - 1]))
			comma = i;
	}
	if (comma > end / 2)
		return comma;
	if (space)
		return space;
	while (end > 1 && end < c->n && (c->text[end] & 0xC0) == 0x80)
		end--;

	return end;
}

/* Where the next piece ends; 0: not known yet. */
static size_t find_end(struct chunker *c)
{
	size_t end = 0, i;

	for (i = c->seen; i < MIN(c->n, LIMIT_AGENT_CHUNK_BYTES); i++) {
		enum stop stop = judge(c, i, &end);

		if (stop == STOP_WAIT)
			break;
		if (stop == STOP_YES && end <= LIMIT_AGENT_CHUNK_BYTES &&
			(!c->is_begun || end >= SENTENCE_MIN || c->text[i] == '\n'))
			return end;
	}
	if (c->n >= LIMIT_AGENT_CHUNK_BYTES)
		return forced_end(c);
	/* The last bytes may be the beginning of a wide stop. */
	c->seen = MIN(i, c->n - MIN(c->n, 2));

	return c->is_ended ? c->n : 0;
}

static void drop(struct chunker *c, size_t n)
{
	if (!n)
		return;
	memmove(c->text, c->text + n, c->n - n);
	c->n -= n;
	c->seen = 0;
}

static void drop_blanks(struct chunker *c)
{
	size_t n = 0;

	while (n < c->n && (is_blank(c->text[n]) || c->text[n] == '\0'))
		n++;
	drop(c, n);
}

bool chunk_take(struct chunker *c, char ret_piece[static CHUNK_BYTES])
{
	size_t used, n = 0;

	drop_blanks(c);
	used = find_end(c);
	if (!used)
		return false;

	for (size_t i = 0; i < used; i++) {
		bool is_space = is_blank(c->text[i]) || c->text[i] == '\0';

		if (!is_space)
			ret_piece[n++] = c->text[i];
		else if (n > 0 && ret_piece[n - 1] != ' ')
			ret_piece[n++] = ' ';
	}
	while (n > 0 && ret_piece[n - 1] == ' ')
		n--;
	ret_piece[n] = '\0';
	drop(c, used);
	c->is_begun = true;

	return true;
}
