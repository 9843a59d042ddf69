/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/wav_file.h"
#include "providers/embedded/compute.h"
#include "providers/embedded/stt_pocketsphinx.h"
#include "providers/vosk/stt_vosk.h"
#include "speech_score.h"

/*
 * speech_bench SPEECH_DIR [-e embedded|vosk] [-c CONDITION,..] [-v VOICE,..] [-n EVERY] [-p 1] [-t CALLERS]
 *
 * The test set of scripts/speech/hearing/testset through a recogniser, as calls use it: its port, pre-roll, frames of 20 ms, a pause
 * that prepares the final. Prints the tables of docs/hearing.md and writes each result to SPEECH_DIR/results-ENGINE.tsv. -n: every so
 * manyth sentence. -p: with partials, as when callers talk over the agent; their cost then counts. -t: instead, that many callers
 * talk at once in real time to one compute thread, and the time that each final took is told.
 */
enum { ITEMS_MAX = 20000, FRAME = 160, FRAME_MS = 20, LEAD = 2400, TAIL = 4800, HINT = 1280, LOAD_MS = 40000 };

struct caller {
	struct stt_stream *ear;
	struct speech_item *item; /* being heard; NULL when free */
	struct wav_clip clip;
	size_t at;
	bool is_paused;
};

static struct bench {
	uv_loop_t loop;
	struct compute *compute;
	struct stt_port *stt;
	struct speech_item *items;
	size_t count, next, done;
	bool is_vosk, has_partials, is_load;
	struct caller callers[64];
	size_t caller_count;
	uint32_t waits_us[ITEMS_MAX];
} b;

static struct options {
	const char *conditions, *voices;
	size_t every;
} options = {.every = 1};

static void die(const char *words)
{
	fprintf(stderr, "%s\n", words);
	exit(1);
}

/* ---- hearing ---------------------------------------------------------------------------------------------------------- */

static void on_partial(void *arg, uint32_t id, const char *text, bool is_stable)
{
}

static void on_final(void *arg, uint32_t id, const struct stt_final *final)
{
	struct caller *caller = arg;
	struct speech_item *item = caller->item;

	buf_copy(item->heard, sizeof(item->heard), final->text);
	item->confidence = final->confidence;
	item->shortest = final->word_count ? 1 : 0;
	for (size_t i = 0; i < final->word_count; i++) {
		item->shortest = MIN(item->shortest, final->words[i].confidence);
		item->words_ms += final->words[i].end_ms - final->words[i].start_ms;
	}
	item->word_count = (uint32_t)final->word_count;
	item->audio_ms = final->audio_ms;
	item->compute_us = final->compute_us;
	b.waits_us[b.done++] = final->wait_us;
	wav_clip_done(&caller->clip);
	caller->item = NULL;
}

static void on_error(void *arg, uint32_t id, int err, const char *words)
{
	die(words);
}

static void hear_next(struct caller *caller)
{
	struct port_fault fault = {0};
	char why[160];

	if (b.next == b.count)
		return;
	caller->item = &b.items[b.next++];
	caller->is_paused = false;
	if (wav_clip_load(&caller->clip, caller->item->path, why, sizeof(why)) < 0)
		die(why);
	caller->at = MIN(caller->clip.n, (size_t)LEAD);

	struct stt_context context = {.name = speech_question_context(caller->item->asked)};

	caller->ear->ops->set_partials(caller->ear, b.has_partials);
	if (caller->ear->ops->set_context(caller->ear, &context) < 0 ||
		caller->ear->ops->begin(caller->ear, 1, caller->clip.pcm, caller->at, &fault) < 0)
		die(fault.words);
}

/* The next 20 ms; at the end of the speech a pause, at the end of the clip the end. */
static void hear_frame(struct caller *caller)
{
	const struct stt_ops *ear = caller->ear->ops;
	size_t silent = caller->clip.n - MIN(caller->clip.n, (size_t)(TAIL - HINT));

	if (caller->at + FRAME > caller->clip.n) {
		caller->at = SIZE_MAX / 2;
		ear->end(caller->ear);
		return;
	}
	ear->feed(caller->ear, caller->clip.pcm + caller->at, FRAME);
	if (caller->at >= silent && !caller->is_paused) {
		ear->pause(caller->ear);
		caller->is_paused = true;
	}
	caller->at += FRAME;
}

static void open_ears(size_t n)
{
	b.caller_count = n;
	for (size_t i = 0; i < n; i++) {
		struct stt_params params = {.rate_hz = 8000, .language = "en", .cb = {on_partial, on_final, on_error, &b.callers[i]}};
		struct port_fault fault = {0};

		if (b.stt->ops->open(b.stt, &params, &b.callers[i].ear, &fault) < 0)
			die(fault.words);
	}
}

static void close_ears(void)
{
	for (size_t i = 0; i < b.caller_count; i++)
		b.callers[i].ear->ops->close(b.callers[i].ear);
	while (compute_stats(b.compute).busy)
		uv_run(&b.loop, UV_RUN_ONCE);
}

/* As fast as it goes, one caller for each compute thread. */
static void hear_all(void)
{
	open_ears(compute_threads(b.compute));
	while (b.done < b.count) {
		for (size_t i = 0; i < b.caller_count; i++) {
			struct caller *caller = &b.callers[i];

			if (caller->item)
				continue;
			hear_next(caller);
			while (caller->item && caller->at <= caller->clip.n)
				hear_frame(caller);
		}
		uv_run(&b.loop, UV_RUN_ONCE);
	}
	close_ears();
}

/* ---- many at once ----------------------------------------------------------------------------------------------------- */

static int by_size(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, c = *(const uint32_t *)y;

	return a < c ? -1 : a > c;
}

static void on_tick(uv_timer_t *timer)
{
	for (size_t i = 0; i < b.caller_count; i++) {
		struct caller *caller = &b.callers[i];

		if (!caller->item)
			hear_next(caller);
		else if (caller->at <= caller->clip.n)
			hear_frame(caller);
	}
}

static void print_load(void)
{
	uint64_t audio_ms = 0, compute_us = 0;

	for (size_t i = 0; i < b.count; i++) {
		audio_ms += b.items[i].audio_ms;
		compute_us += b.items[i].compute_us;
	}
	qsort(b.waits_us, b.done, sizeof(b.waits_us[0]), by_size);
	printf("%zu callers at once, %s partials, one compute thread, %d s: %zu answers, final after the end %.0f ms (half of them), "
	       "%.0f ms (95 %%), CPU/audio %.3f: a core has time for %.1f callers who talk\n",
		b.caller_count, b.has_partials ? "with" : "without", LOAD_MS / 1000, b.done, b.waits_us[b.done / 2] / 1e3,
		b.waits_us[b.done * 95 / 100] / 1e3, (double)compute_us / 1e3 / (double)MAX(audio_ms, 1),
		(double)audio_ms * 1e3 / (double)MAX(compute_us, 1));
}

static void hear_at_once(size_t n)
{
	uv_timer_t timer;
	msec_t until = clock_ms() + LOAD_MS;

	open_ears(MIN(n, ARRAY_LEN(b.callers)));
	uv_timer_init(&b.loop, &timer);
	uv_timer_start(&timer, on_tick, 0, FRAME_MS);
	while (b.next < b.count && clock_ms() < until)
		uv_run(&b.loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	close_ears();
	print_load();
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

static bool read_item(char *line, struct speech_item *ret)
{
	const char **fields[] = {&ret->path, &ret->condition, &ret->voice, &ret->question, &ret->expect, &ret->words};

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

/* Every so manyth sentence, another one for each voice, the same in all conditions. */
static bool is_chosen(const struct speech_item *item, size_t every)
{
	const char *number = strrchr(item->path, '/');
	size_t offset = 0;

	for (const char *c = item->voice; *c; c++)
		offset += (unsigned char)*c;

	return number && (strtoul(number + 2, NULL, 10) + offset) % every == 0;
}

static void read_manifest(const char *dir)
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
		struct speech_item item = {0};

		if (!read_item(mem_strdup(line), &item))
			die("a line of the manifest has not six fields");
		item.asked = speech_question_find(item.question);
		if (!item.asked)
			die("the manifest names a question that no flow asks");
		if (is_listed(options.conditions, item.condition) && is_listed(options.voices, item.voice) &&
			is_chosen(&item, options.every))
			b.items[b.count++] = item;
		else
			free(item.line);
	}
	fclose(in);
}

/* False when Vosk is not there. */
static bool open_engine(size_t at_once)
{
	struct stt_grammar grammars[SPEECH_FLOWS];
	struct stt_pocketsphinx_params params = {.grammars = grammars, .grammar_count = ARRAY_LEN(grammars),
		.decoders = (uint32_t)at_once};
	struct stt_vosk_params vosk_params = {.recognisers = (uint32_t)at_once};
	struct port_fault fault = {0};
	int err;

	speech_grammars(grammars);
	err = b.is_vosk ? stt_vosk_new(&b.stt, b.compute, &vosk_params, &fault)
			: stt_pocketsphinx_new(&b.stt, b.compute, &params, &fault);

	if (err && b.is_vosk)
		printf("Vosk is left out: %s\n", fault.words);
	else if (err)
		die(fault.words);

	return !err;
}

int main(int argc, char **argv)
{
	size_t at_once = 0;

	if (argc < 2)
		die("speech_bench SPEECH_DIR [options]");
	for (int i = 2; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];

		switch (argv[i][1]) {
		case 'e': b.is_vosk = strcmp(value, "vosk") == 0; break;
		case 'c': options.conditions = value; break;
		case 'v': options.voices = value; break;
		case 'n': options.every = MAX((size_t)strtoul(value, NULL, 10), 1); break;
		case 'p': b.has_partials = value[0] == '1'; break;
		case 't': at_once = MIN((size_t)strtoul(value, NULL, 10), ARRAY_LEN(b.callers)); break;
		default: die("options: -e -c -v -n -p -t");
		}
	}
	speech_questions_load();
	read_manifest(argv[1]);
	uv_loop_init(&b.loop);
	if (compute_new(&b.compute, &b.loop, at_once ? 1 : 0) < 0)
		return 1;
	if (!open_engine(at_once))
		return 0;
	if (at_once)
		hear_at_once(at_once);
	else
		hear_all();
	if (!at_once) {
		auto_free char *path = mem_format("%s/results-%s.tsv", argv[1], b.is_vosk ? "vosk" : "embedded");

		speech_score_print(b.items, b.count);
		if (speech_score_save(b.items, b.count, path) < 0)
			die("cannot write the results");
	}
	if (b.is_vosk)
		stt_vosk_free(b.stt);
	else
		stt_pocketsphinx_free(b.stt);
	compute_free(b.compute);
	speech_questions_free();
	uv_run(&b.loop, UV_RUN_DEFAULT);

	return 0;
}
