/* SPDX-License-Identifier: Apache-2.0 */
#include "speech_score.h"
#include <ctype.h>
#include "base/span.h"
#include "providers/embedded/calendar.h"
#include "providers/embedded/parse_en.h"

enum { WORDS_MAX = 64, GROUPS_MAX = 64 };

#define ACCEPTED 0.35F /* what the receptionist believes */

/* ---- what is meant ---------------------------------------------------------------------------------------------------- */

/* The only place that knows a parser. */
struct meaning {
	bool is_empty; /* the receptionist would ask again */
	int intent;
	char slots[200];
};

static enum parse_expect expect_of(const char *name)
{
	static const char *const names[] = {"any", "day", "time", "name", "yesno"};
	static const enum parse_expect values[] = {EXPECT_ANY, EXPECT_DAY, EXPECT_TIME, EXPECT_NAME, EXPECT_YESNO};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return values[i];

	return EXPECT_ANY;
}

/* Digits and scores: the figures said, in order. */
static void figures_of(const char *text, struct meaning *ret)
{
	static const char *const names[] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"};
	struct span rest = span_z(text);
	size_t n = 0;

	while (rest.n && n + 4 < sizeof(ret->slots)) {
		struct span word = span_cut(&rest, ' ');

		while (word.n && !isalpha((unsigned char)word.p[word.n - 1]))
			word.n--;
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			if (span_ieq_z(word, names[i]) || (i == 0 && span_ieq_z(word, "oh")))
				n += (size_t)snprintf(ret->slots + n, sizeof(ret->slots) - n, "%zu", i);
		if (n && span_ieq_z(word, "out"))
			break;
	}
}

static struct meaning meaning_of(const struct speech_item *item, const char *text)
{
	struct parse_context context = {calendar_day((struct civil){2026, 11, 22}), expect_of(item->expect)};
	struct meaning m = {0};
	struct parsed p;

	parse_en(span_z(text), &context, &p);
	m.intent = (int)p.intent * 2 + p.is_correction;
	if (strncmp(item->context, "desk/", 5) == 0) {
		figures_of(text, &m);
		m.intent = m.slots[0] ? -1 : m.intent;
		m.is_empty = !m.slots[0] && p.intent == PARSE_NONE;
		return m;
	}
	m.is_empty = p.intent == PARSE_NONE && !p.has_day && !p.has_time && !p.has_name && !p.is_any_day && !p.is_any_time &&
		     p.part == PART_UNKNOWN && !p.has_yes && !p.has_no;
	snprintf(m.slots, sizeof(m.slots), "%d %d %d %d %d %s", p.has_day, p.has_day ? p.day : p.is_any_day, p.has_time,
		p.has_time ? p.minute : p.is_any_time, (int)p.part, p.name);

	return m;
}

/* ---- figures ---------------------------------------------------------------------------------------------------------- */

struct group {
	const char *condition, *voice;
	uint32_t count, errors, words, intents, slots, understood, wrong;
	uint32_t others, rejected;
	uint64_t audio_ms, compute_us;
};

static size_t words_of(const char *text, struct span *ret_words, char *buf, size_t cap)
{
	size_t n = 0;
	struct span rest;

	buf_copy(buf, cap, text);
	for (char *c = buf; *c; c++)
		*c = isalnum((unsigned char)*c) || *c == '\'' ? (char)tolower((unsigned char)*c) : ' ';
	for (rest = span_z(buf); rest.n && n < WORDS_MAX;) {
		struct span word = span_cut(&rest, ' ');

		if (word.n)
			ret_words[n++] = word;
	}

	return n;
}

static uint32_t edits(const char *want, const char *got, uint32_t *ret_words)
{
	char want_buf[1024], got_buf[1024];
	struct span w[WORDS_MAX], g[WORDS_MAX];
	size_t m = words_of(want, w, want_buf, sizeof(want_buf)), n = words_of(got, g, got_buf, sizeof(got_buf));
	uint32_t row[WORDS_MAX + 1];

	for (size_t j = 0; j <= n; j++)
		row[j] = (uint32_t)j;
	for (size_t i = 1; i <= m; i++) {
		uint32_t corner = row[0];

		row[0] = (uint32_t)i;
		for (size_t j = 1; j <= n; j++) {
			uint32_t best = corner + !span_eq(w[i - 1], g[j - 1]);

			corner = row[j];
			row[j] = MIN(MIN(row[j], row[j - 1]) + 1, best);
		}
	}
	*ret_words = (uint32_t)m;

	return row[n];
}

static void count(struct group *g, const struct speech_item *item)
{
	struct meaning want = meaning_of(item, item->words), got = meaning_of(item, item->heard);
	bool is_believed = item->heard[0] && item->confidence >= ACCEPTED && !got.is_empty;

	g->audio_ms += item->audio_ms;
	g->compute_us += item->compute_us;
	if (strcmp(item->expect, "none") == 0) {
		g->others++;
		g->rejected += !is_believed;
		return;
	}

	uint32_t words;
	bool is_intent = want.intent == got.intent, is_all = is_intent && strcmp(want.slots, got.slots) == 0;

	g->count++;
	g->errors += edits(item->words, item->heard, &words);
	g->words += words;
	g->intents += is_intent;
	g->slots += is_all;
	g->understood += is_all && is_believed;
	g->wrong += !is_all && is_believed;
}

static float percent(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (float)part / (float)whole : 0;
}

static void print_group(const struct group *g)
{
	printf("| %s | %s | %u | %.1f | %.1f | %.1f | %.1f | %.1f | %u | %.0f | %.3f |\n", g->condition, g->voice, g->count,
		(double)percent(g->errors, g->words), (double)percent(g->intents, g->count), (double)percent(g->slots, g->count),
		(double)percent(g->understood, g->count), (double)percent(g->wrong, g->count), g->others,
		(double)percent(g->rejected, g->others), (double)g->compute_us / 1e3 / (double)MAX(g->audio_ms, 1));
}

static struct group *group_get(struct group *groups, size_t *count, const char *condition, const char *voice)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(groups[i].condition, condition) == 0 && strcmp(groups[i].voice, voice) == 0)
			return &groups[i];
	assert(*count < GROUPS_MAX);
	groups[*count] = (struct group){.condition = condition, .voice = voice};

	return &groups[(*count)++];
}

void speech_score_print(const struct speech_item *items, size_t n)
{
	struct group by_kind[GROUPS_MAX], by_voice[GROUPS_MAX];
	size_t kinds = 0, voices = 0;

	for (size_t i = 0; i < n; i++) {
		const struct speech_item *item = &items[i];
		const char *kind = strcmp(item->voice, "human") == 0 ? "human" : "synthetic";

		count(group_get(by_kind, &kinds, item->condition, kind), item);
		if (strcmp(item->condition, "clean") == 0)
			count(group_get(by_voice, &voices, "clean", item->voice), item);
	}
	printf("| line | voice | sentences | WER %% | intent %% | + all slots %% | understood %% | misunderstood %% "
	       "| other sentences | rejected %% | CPU s / audio s |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < kinds; i++)
		print_group(&by_kind[i]);
	for (size_t i = 0; i < voices; i++)
		print_group(&by_voice[i]);
}

static const char *verdict(const struct speech_item *item)
{
	struct meaning want = meaning_of(item, item->words), got = meaning_of(item, item->heard);

	if (strcmp(item->expect, "none") == 0)
		return "other";
	if (want.intent != got.intent)
		return "intent";

	return strcmp(want.slots, got.slots) != 0 ? "slots" : "right";
}

int speech_score_save(const struct speech_item *items, size_t n, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		const struct speech_item *item = &items[i];

		fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.3f\t%.3f\t%u\t%u\t%s\n", item->path, item->condition, item->voice,
			item->context, item->expect, item->words, item->heard, (double)item->confidence, (double)item->shortest,
			item->words_ms, item->word_count, verdict(item));
	}

	return fclose(out) ? -errno : 0;
}
