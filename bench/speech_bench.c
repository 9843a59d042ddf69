/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include "audio/wav_file.h"
#include "providers/embedded/abe.h"
#include "providers/embedded/calendar.h"
#include "providers/embedded/compute.h"
#include "providers/embedded/parse_en.h"
#include "providers/embedded/stt_pocketsphinx.h"

/*
 * speech_bench SPEECH_DIR DESK.gram RECEPTIONIST.gram [-c CONDITION,..] [-v VOICE,..] [-n EVERY] [-f 1] [-x 1]: the
 * test set of scripts/speech/testset through the embedded recogniser, as calls use it: its port, pre-roll, frames of 20 ms, a pause that
 * prepares the final. Prints the tables of docs/speech.md and writes each result to SPEECH_DIR/results.tsv. -f: without
 * partials; -x: as wideband, by way of the bandwidth extender.
 */
enum { ITEMS_MAX = 20000, FRAME = 160, LEAD = 2400, TAIL = 4800, HINT = 1280, WORDS_MAX = 64, GROUPS_MAX = 64 };

#define ACCEPTED 0.35F /* what the receptionist believes */

struct item {
	char *line; /* cut at its tabs */
	const char *path, *condition, *voice, *context, *expect, *words;
	char heard[1024];
	float confidence;
	uint32_t audio_ms, compute_us;
};

struct caller {
	struct stt_stream *ear;
	struct item *item; /* being heard; NULL when free */
};

static struct bench {
	uv_loop_t loop;
	struct compute *compute;
	struct stt_port *stt;
	struct item *items;
	size_t count, next, done;
	bool is_extended, is_final_only;
	struct caller callers[LIMIT_COMPUTE_THREADS];
} b;

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

static struct meaning meaning_of(const struct item *item, const char *text)
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

/* ---- hearing ---------------------------------------------------------------------------------------------------------- */

static void hear_next(struct caller *caller);

static void on_partial(void *arg, uint32_t id, const char *text, bool is_stable)
{
}

static void on_final(void *arg, uint32_t id, const struct stt_final *final)
{
	struct caller *caller = arg;
	struct item *item = caller->item;

	buf_copy(item->heard, sizeof(item->heard), final->text);
	item->confidence = final->confidence;
	item->audio_ms = final->audio_ms;
	item->compute_us = final->compute_us;
	caller->item = NULL;
	b.done++;
}

static void on_error(void *arg, uint32_t id, int err, const char *words)
{
	fprintf(stderr, "recogniser: %s\n", words);
	exit(1);
}

/* As another recogniser gets it: extended to 16 kHz. */
static void extend(struct wav_clip *clip)
{
	struct abe *abe = abe_new();
	int16_t *wide = mem_zalloc((2 * clip->n + ABE_OUT_MAX) * sizeof(*wide));
	size_t n = 0;

	for (size_t at = 0; at < clip->n; at += FRAME)
		n += abe_process(abe, clip->pcm + at, MIN((size_t)FRAME, clip->n - at), wide + n);
	free(clip->pcm);
	*clip = (struct wav_clip){wide, n, 16000};
	abe_free(abe);
}

static void hear_next(struct caller *caller)
{
	struct wav_clip clip;
	char why[160];

	if (b.next == b.count)
		return;
	caller->item = &b.items[b.next++];
	if (wav_clip_load(&clip, caller->item->path, why, sizeof(why)) < 0) {
		fprintf(stderr, "%s\n", why);
		exit(1);
	}

	if (b.is_extended)
		extend(&clip);

	size_t twice = b.is_extended ? 2 : 1, frame = FRAME * twice;
	size_t lead = MIN(clip.n, (size_t)LEAD * twice), silent = clip.n - MIN(clip.n, (size_t)(TAIL - HINT) * twice);
	bool is_paused = false;

	caller->ear->ops->set_context(caller->ear, &(struct stt_context){.name = caller->item->context});
	if (caller->ear->ops->begin(caller->ear, 1, clip.pcm, lead, NULL) < 0)
		abort();
	for (size_t at = lead; at + frame <= clip.n; at += frame) {
		caller->ear->ops->feed(caller->ear, clip.pcm + at, frame);
		if (at >= silent && !is_paused)
			caller->ear->ops->pause(caller->ear);
		is_paused |= at >= silent;
		uv_run(&b.loop, UV_RUN_NOWAIT);
	}
	caller->ear->ops->end(caller->ear);
	wav_clip_done(&clip);
}

static void hear_all(void)
{
	size_t n = MIN(compute_threads(b.compute), ARRAY_LEN(b.callers));

	for (size_t i = 0; i < n; i++) {
		struct stt_params params = {.rate_hz = b.is_extended ? 16000 : 8000, .language = "en",
			.cb = {on_partial, on_final, on_error, &b.callers[i]}};

		if (b.stt->ops->open(b.stt, &params, &b.callers[i].ear, NULL) < 0)
			abort();
	}
	while (b.done < b.count) {
		for (size_t i = 0; i < n; i++)
			if (!b.callers[i].item)
				hear_next(&b.callers[i]);
		uv_run(&b.loop, UV_RUN_ONCE);
	}
	for (size_t i = 0; i < n; i++)
		b.callers[i].ear->ops->close(b.callers[i].ear);
	while (compute_stats(b.compute).busy)
		uv_run(&b.loop, UV_RUN_ONCE);
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

static void count(struct group *g, const struct item *item)
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

static void print_tables(void)
{
	struct group by_kind[GROUPS_MAX], by_voice[GROUPS_MAX];
	size_t kinds = 0, voices = 0;

	for (size_t i = 0; i < b.count; i++) {
		const struct item *item = &b.items[i];
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

static void write_results(const char *dir)
{
	auto_free char *path = mem_format("%s/results.tsv", dir);
	FILE *out = fopen(path, "we");

	if (!out) {
		perror(path);
		exit(1);
	}
	for (size_t i = 0; i < b.count; i++) {
		const struct item *item = &b.items[i];
		struct meaning want = meaning_of(item, item->words), got = meaning_of(item, item->heard);
		bool is_none = strcmp(item->expect, "none") == 0;

		fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.2f\t%s\n", item->path, item->condition, item->voice, item->context,
			item->expect, item->words, item->heard, (double)item->confidence,
			is_none				     ? "other"
			: want.intent != got.intent	     ? "intent"
			: strcmp(want.slots, got.slots) != 0 ? "slots"
							     : "right");
	}
	fclose(out);
}

/* ---- the set ---------------------------------------------------------------------------------------------------------- */

static bool is_listed(const char *list, const char *name)
{
	struct span rest = span_z(list ? list : "");

	if (!list)
		return true;
	while (rest.n)
		if (span_eq_z(span_cut(&rest, ','), name))
			return true;

	return false;
}

static bool read_item(char *line, struct item *ret)
{
	const char **fields[] = {&ret->path, &ret->condition, &ret->voice, &ret->context, &ret->expect, &ret->words};

	ret->line = line;
	line[strcspn(line, "\n")] = 0;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		*fields[i] = line;
		line += strcspn(line, "\t");
		if (!*line)
			return i + 1 == ARRAY_LEN(fields);
		*line++ = 0;
	}

	return false;
}

/* Every so manyth synthetic sentence, in all conditions; all recorded ones. */
static bool is_chosen(const struct item *item, size_t every)
{
	const char *number = strrchr(item->path, '/');

	return strcmp(item->voice, "human") == 0 || (number && strtoul(number + 2, NULL, 10) % every == 0);
}

static void read_manifest(const char *dir, const char *conditions, const char *voices, size_t every)
{
	auto_free char *path = mem_format("%s/manifest.tsv", dir);
	FILE *in = fopen(path, "re");
	char line[1024];

	if (!in) {
		perror(path);
		exit(1);
	}
	b.items = mem_zalloc(ITEMS_MAX * sizeof(*b.items));
	while (b.count < ITEMS_MAX && fgets(line, sizeof(line), in)) {
		struct item item = {0};

		if (!read_item(mem_strdup(line), &item)) {
			fprintf(stderr, "%s: not six fields: %s\n", path, item.path);
			exit(1);
		}
		if (is_listed(conditions, item.condition) && is_listed(voices, item.voice) && is_chosen(&item, every))
			b.items[b.count++] = item;
		else
			free(item.line);
	}
	fclose(in);
}

static struct span read_text(const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *in = fopen(path, "re");

	if (!in || getdelim(&text, &len, 0, in) < 0) {
		perror(path);
		exit(1);
	}
	fclose(in);

	return span_z(text);
}

int main(int argc, char **argv)
{
	const char *conditions = NULL, *voices = NULL;
	size_t every = 1;
	struct port_fault fault;

	if (argc < 4)
		return 2;
	for (int i = 4; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "-c") == 0)
			conditions = argv[i + 1];
		else if (strcmp(argv[i], "-v") == 0)
			voices = argv[i + 1];
		else if (strcmp(argv[i], "-f") == 0)
			b.is_final_only = argv[i + 1][0] == '1';
		else if (strcmp(argv[i], "-x") == 0)
			b.is_extended = argv[i + 1][0] == '1';
		else
			every = MAX((size_t)strtoul(argv[i + 1], NULL, 10), 1);
	}
	read_manifest(argv[1], conditions, voices, every);

	struct stt_grammar grammars[] = {{NULL, read_text(argv[3])}, {"desk", read_text(argv[2])}};
	struct stt_pocketsphinx_params params = {.grammars = grammars, .grammar_count = ARRAY_LEN(grammars),
		.without_partials = b.is_final_only};

	uv_loop_init(&b.loop);
	if (compute_new(&b.compute, &b.loop, 0) < 0)
		return 1;
	if (stt_pocketsphinx_new(&b.stt, b.compute, &params, &fault) < 0) {
		fprintf(stderr, "%s\n", fault.words);
		return 1;
	}
	hear_all();
	print_tables();
	write_results(argv[1]);
	printf("\n%u decoders, loaded in %u ms\n", stt_pocketsphinx_stats(b.stt).decoders, stt_pocketsphinx_stats(b.stt).load_ms);
	stt_pocketsphinx_free(b.stt);
	compute_free(b.compute);
	uv_run(&b.loop, UV_RUN_DEFAULT);

	return 0;
}
