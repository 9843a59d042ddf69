/* SPDX-License-Identifier: Apache-2.0 */
#include "speech_score.h"
#include <ctype.h>
#include "base/span.h"

enum { WORDS_MAX = 64, GROUPS_MAX = 64 };

/* ---- one sentence ----------------------------------------------------------------------------------------------------- */

struct verdict {
	bool is_other; /* must be asked again */
	bool is_intent, is_all;
	bool is_believed;    /* the conversation goes on, rightly or not */
	bool is_as_meant;    /* and as it does after the words that were said */
};

static struct verdict verdict_of(const struct speech_item *item)
{
	char want[SPEECH_OUTCOME] = "", got[SPEECH_OUTCOME] = "", again[SPEECH_OUTCOME] = "";
	struct flow_meaning said, heard;
	struct verdict v = {.is_other = strcmp(item->expect, "none") == 0};

	speech_question_meaning(item->asked, item->words, &said);
	speech_question_meaning(item->asked, item->heard, &heard);
	v.is_intent = strcmp(said.intent, heard.intent) == 0;
	v.is_all = v.is_intent && strcmp(said.slots, heard.slots) == 0;
	speech_question_outcome(item->asked, NULL, 0, again);
	speech_question_outcome(item->asked, item->words, 1, want);
	if (item->heard[0])
		speech_question_outcome(item->asked, item->heard, item->confidence, got);
	v.is_believed = item->heard[0] && strcmp(got, again) != 0;
	v.is_as_meant = v.is_believed && strcmp(got, want) == 0;

	return v;
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
	struct verdict v = verdict_of(item);
	uint32_t words;

	g->audio_ms += item->audio_ms;
	g->compute_us += item->compute_us;
	if (v.is_other) {
		g->others++;
		g->rejected += !v.is_believed;
		return;
	}
	g->count++;
	g->errors += edits(item->words, item->heard, &words);
	g->words += words;
	g->intents += v.is_intent;
	g->slots += v.is_all;
	g->understood += v.is_as_meant;
	g->wrong += v.is_believed && !v.is_as_meant;
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
		bool is_own_kind = strcmp(item->voice, "human") == 0 || strcmp(item->voice, "sounds") == 0;
		const char *kind = is_own_kind ? item->voice : "synthetic";

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
	struct verdict v = verdict_of(item);

	if (v.is_other)
		return v.is_believed ? "believed" : "rejected";
	if (!v.is_all)
		return v.is_intent ? "slots" : "intent";

	return v.is_as_meant ? "right" : v.is_believed ? "goes wrong" : "doubted";
}

int speech_score_save(const struct speech_item *items, size_t n, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return -errno;
	for (size_t i = 0; i < n; i++) {
		const struct speech_item *item = &items[i];

		fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.3f\t%.3f\t%u\t%u\t%s\n", item->path, item->condition, item->voice,
			item->question, item->expect, item->words, item->heard, (double)item->confidence, (double)item->shortest,
			item->words_ms, item->word_count, verdict(item));
	}

	return fclose(out) ? -errno : 0;
}
