/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "providers/embedded/speak_lang.h"
#include "providers/embedded/speakable.h"

/* Private to speakable.c and its parts: one text on its way from written to spoken. */
enum { WRITTEN_WORDS_MAX = LIMIT_TTS_TEXT_BYTES / 2 + 1, NUMBER_TEXT = 256 };

struct written {
	struct span all;  /* as it stands */
	struct span core; /* without brackets, quotes and punctuation around it */
	uint32_t end;	  /* byte of the source behind it */
};

struct say {
	const struct speak_lang *lang;
	struct speakable *out;
	struct written words[WRITTEN_WORDS_MAX];
	size_t count;
	uint32_t source_end; /* of the word that is being said */
	bool is_full;
};

/* ---- the writer (speakable.c) ---- */

void say_word(struct say *s, struct span word);
/* Several words; a comma in them is a pause. */
void say_text(struct say *s, const char *text);
/* A pause or stop behind the last word. */
void say_mark(struct say *s, char mark);
void say_number(struct say *s, const struct speak_set *set, uint64_t n);
/* Letters and digits one by one; c is ASCII. */
void say_letter(struct say *s, char c);
/* What %d, %M... of a pattern stand for. */
struct say_slot {
	char name;
	const struct speak_set *set; /* NULL: text */
	uint64_t n;
	const char *text;
};
void say_pattern(struct say *s, const char *pattern, const struct say_slot *slots, size_t n);

/* What is said from now on comes from word i. */
void say_from(struct say *s, size_t i);
/* Core of word i, empty behind the end. */
struct span say_core(const struct say *s, size_t i);
/* Word i ends a sentence or clause: what follows does not belong to it. */
bool say_ends(const struct say *s, size_t i);

/* ---- helpers ---- */

struct span span_digits(struct span *rest); /* cuts leading digits off */
bool span_is_digits(struct span s);
bool word_is_in(struct span word, const char *const *list); /* case folded */

/* ---- shapes: each says what begins at word i and returns how many words that was; 0 when it is something else ---- */

typedef size_t say_shape(struct say *s, size_t i);

/* speak_time.c */
say_shape say_time, say_date;
bool say_plain_time(struct say *s, struct span core);
/* speak_amount.c */
say_shape say_money, say_measure, say_amount, say_ordinal, say_range;
/* One amount without units; false when it is none. "1,234.5", "-3". */
bool say_plain_amount(struct say *s, struct span core, const struct speak_set *set);
/* speak_code.c */
say_shape say_telephone, say_digits, say_code, say_spelled, say_address, say_capitals;
