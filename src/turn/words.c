/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/words.h"

#define TWO_WORDS_MS 450 /* of voice: "okay stop" takes 550 from a fast talker */

/* What callers say while they listen. Only what is never an order: "no", "stop" and "yes" to a question are not here...
   "Hello" over our greeting asks whether we are there, which we are. */
static const char *const nods_en[] = {
	"mhm", "mm hmm", "mm", "hm", "hmm", "uh huh", "uh", "um", "ah", "oh", "okay", "ok", "yeah", "yep", "yes", "right",
	"sure", "i see", "alright", "all right", "good", "great", "got it", "hello", "hi", "that is right", "that's right", "correct",
	"exactly", "perfect", "fine", "that's fine", "sounds good", "yes please", "thank you", "thanks", NULL,
};
static const char *const fillers_en[] = {"mm", "hm", "hmm", "uh", "um", "ah", "oh", "mhm", "well", NULL};

static const char *const nods_es[] = {
	"mhm", "mm", "hm", "ajá", "aja", "ah", "eh", "oh", "sí", "si", "ya", "vale", "claro", "bien", "de acuerdo",
	"ok", "okay", "entiendo", "hola", "diga", "dígame", "bueno", "eso es", "correcto", "perfecto", "exacto", "gracias", NULL,
};
static const char *const fillers_es[] = {"mm", "hm", "eh", "ah", "oh", "mhm", "este", "pues", NULL};

/* ...or rather: "yes" is, because over our own running sentence it agrees; see turn_params.answer_ms for the end of one. */
static const struct {
	const char *language;
	struct word_list list;
} lists[] = {{"en", {nods_en, fillers_en}}, {"es", {nods_es, fillers_es}}};

struct word_list words_nods(const char *language)
{
	static const char *const nothing[] = {NULL};
	size_t n = language ? strcspn(language, "-_") : 0;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (span_ieq_z(span(language, n), lists[i].language))
			return lists[i].list;

	return (struct word_list){nothing, nothing};
}

static bool is_mark(char c)
{
	return c != '\0' && strchr(".,;:!?\"'()[]{}<>*_-", c) != NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Cuts the next word off *rest, without punctuation around it; false at the end. */
static bool next_word(struct span *rest, struct span *ret)
{
	while (rest->n) {
		size_t n = 0;

		while (rest->n && is_blank(*rest->p))
			*rest = span(rest->p + 1, rest->n - 1);
		while (n < rest->n && !is_blank(rest->p[n]))
			n++;

		struct span word = span(rest->p, n);

		*rest = span(rest->p + n, rest->n - n);
		while (word.n && is_mark(*word.p))
			word = span(word.p + 1, word.n - 1);
		while (word.n && is_mark(word.p[word.n - 1]))
			word.n--;
		if (word.n) {
			*ret = word;
			return true;
		}
	}

	return false;
}

/* How many bytes of text are left after the words of `phrase`; false when it does not begin with them. */
static bool skip_words(struct span *text, const char *phrase)
{
	struct span want = span_z(phrase), have = *text, a, b;

	while (next_word(&want, &a))
		if (!next_word(&have, &b) || !span_ieq(a, b))
			return false;
	*text = have;

	return true;
}

/* The text, all of it, is the beginning of this phrase. */
static bool is_beginning(struct span text, const char *phrase)
{
	struct span want = span_z(phrase), a, b;

	while (next_word(&text, &a))
		if (!next_word(&want, &b) || !span_ieq(a, b))
			return false;

	return true;
}

static bool are_only(struct span text, const char *const *items, bool may_grow)
{
	struct span word, rest = text;
	bool found = true;

	while (found && (rest = text, next_word(&rest, &word))) {
		found = false;
		for (size_t i = 0; items[i] && may_grow; i++)
			if (is_beginning(text, items[i]))
				return true;
		for (size_t i = 0; items[i] && !found; i++)
			found = skip_words(&text, items[i]);
	}

	return found;
}

/* One nod and one word more. */
static bool is_nod_and_a_word(struct span text, struct word_list nods)
{
	struct span word, rest;

	for (size_t i = 0; nods.items[i]; i++) {
		rest = text;
		if (skip_words(&rest, nods.items[i]) && next_word(&rest, &word) && !next_word(&rest, &word))
			return true;
	}

	return false;
}

static bool is_echo(struct span text, const char *ours)
{
	struct span from = span_z(ours), a, b, first;
	struct span tail = text;

	if (!next_word(&tail, &first) || !next_word(&tail, &a))
		return false;

	while (next_word(&from, &b)) {
		struct span mine = from, theirs = text;

		if (!span_ieq(b, first))
			continue;
		next_word(&theirs, &a);

		bool same = true;

		while (same && next_word(&theirs, &a))
			same = next_word(&mine, &b) && span_ieq(a, b);
		if (same)
			return true;
	}

	return false;
}

enum turn_words words_judge(const char *text, struct word_list nods, const char *ours, uint32_t voiced_ms, bool may_grow)
{
	struct span all = span_z(text), rest = all, word;

	if (!next_word(&rest, &word))
		return TURN_WORDS_NONE;
	if (are_only(all, nods.fillers, false))
		return TURN_WORDS_FILLER;
	if (are_only(all, nods.items, may_grow) || (ours && is_echo(all, ours)))
		return TURN_WORDS_NOD;
	if (voiced_ms < TWO_WORDS_MS && is_nod_and_a_word(all, nods))
		return TURN_WORDS_NOD;

	return TURN_WORDS_REAL;
}
