/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/codec.h"
#include "audio/wav_file.h"
#include "media/watch.h"
#include "providers/embedded/abe.h"
#include "providers/embedded/recogniser.h"
#include "turn/answer_words.h"
#include <time.h>

/*
 * answering FOLDER [LOSS_PERCENT [BURST [HALF [GRAMMAR]]]]: runs the detector of who has answered over the files of FOLDER/manifest.tsv
 * (scripts/speech/answering/make) of one half (dev, test), with packets lost at random in bursts of that mean length, with the embedded recogniser listening for
 * the words of that grammar as agent/doorman.c has it, and writes a line a file: the
 * manifest's, then verdict, confidence, its time, the first verdict and its time, the beep's time and length, our turn's time, and the
 * mean microseconds of a frame. Times in ms, -1: never.
 */
enum { FRAME = 160, RATE = 8000 };

struct result {
	enum answer_who who, first;
	int confidence, at, first_at, beep_at, beep_ms, speak_at;
	double us;
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void note(struct watch *w, struct result *r)
{
	struct answer_event ev;

	while (answer_take(&w->answer, &ev))
		switch (ev.kind) {
		case ANSWER_EV_VERDICT:
			if (r->first == ANSWER_UNKNOWN) {
				r->first = ev.who;
				r->first_at = (int)ev.at_ms;
			}
			r->who = ev.who;
			r->confidence = ev.confidence;
			r->at = (int)ev.at_ms;
			break;
		case ANSWER_EV_BEEP:
			if (r->beep_at < 0) {
				r->beep_at = (int)ev.at_ms;
				r->beep_ms = (int)ev.length_ms;
			}
			break;
		case ANSWER_EV_SPEAK:
			if (r->speak_at < 0)
				r->speak_at = (int)ev.at_ms;
			break;
		default:
			break;
		}
}

/* Gilbert's model: whether the next packet is lost. */
static bool is_lost(bool was_lost, double loss, double burst, uint64_t *seed)
{
	double x = prng_u32(seed) / 4294967296.0, leave = 1 / burst, enter = loss * leave / (1 - loss);

	return was_lost ? x >= leave : x < enter;
}

/* ---- words, cut and timed as the doorman does it ---------------------------------------------------------------------------- */

enum { LISTEN_MS = 1800, LULL_MS = 300, ONSET = 3, FIRST_PREROLL = 400, NEXT_PREROLL = 900, LATE_FRAMES = 18, MAX_PCM = RATE * 60 };

static struct words {
	struct recogniser_model *model;
	struct recogniser *recogniser;
	struct abe *abe;
	int16_t all[MAX_PCM];
	size_t n, from;
	unsigned voiced, heard_ms, lull_ms, preroll_ms;
	bool is_listening;
	enum answer_who due; /* found, and told so many frames later as the decoder needs time */
	int due_in;
} words;

static bool load_words(const char *path)
{
	struct port_fault fault = {0};
	FILE *f = fopen(path, "re");
	static char text[LIMIT_GRAMMAR_BYTES];
	size_t n = f ? fread(text, 1, sizeof(text), f) : 0;

	if (f)
		fclose(f);
	words.abe = abe_new();
	if (recogniser_model_load(&words.model, NULL, &(struct stt_grammar){.text = span(text, n)}, 1, &fault) != 0 ||
		recogniser_new(&words.recogniser, words.model, &fault) != 0) {
		fprintf(stderr, "%s: %s\n", path, fault.words);
		return false;
	}

	return true;
}

static enum answer_who decode_words(size_t from)
{
	static int16_t wide[2 * MAX_PCM + ABE_OUT_MAX], zeros[ABE_DELAY / 2];
	static struct recogniser_result result;
	static struct answer_word found[LIMIT_STT_WORDS];
	const char *phrase = "";
	size_t n = 0;

	abe_reset(words.abe);
	for (size_t at = from; at < words.n; at += FRAME)
		n += abe_process(words.abe, words.all + at, MIN((size_t)FRAME, words.n - at), wide + n);
	n += abe_process(words.abe, zeros, ARRAY_LEN(zeros), wide + n);
	if (recogniser_decode(words.recogniser, 0, wide, n, &result) != 0)
		return ANSWER_UNKNOWN;
	for (size_t i = 0; i < result.word_count; i++)
		found[i] = (struct answer_word){span_z(result.words[i].text), result.words[i].confidence};

	enum answer_who who = answer_words_judge("en", found, result.word_count, &phrase);

	if (getenv("SHOW_WORDS"))
		fprintf(stderr, "  [%zu] %s | %s\n", from / 8, result.text, phrase);

	return who;
}

static void hear_words(struct watch *w, const int16_t *pcm, uint8_t prob)
{
	bool is_voiced = prob >= 140;

	if (words.n + FRAME > MAX_PCM)
		return;
	memcpy(words.all + words.n, pcm, FRAME * sizeof(*pcm));
	words.n += FRAME;
	if (words.due_in > 0 && --words.due_in == 0 && words.due != ANSWER_UNKNOWN)
		answer_hint(&w->answer, words.due);
	if (words.due_in > 0)
		return;
	if (!words.is_listening) {
		words.voiced = is_voiced ? words.voiced + 1 : 0;
		if (words.voiced < ONSET)
			return;
		words.is_listening = true;
		words.heard_ms = words.lull_ms = 0;
		words.from = words.n - MIN(words.n, (size_t)words.preroll_ms * 8);
		return;
	}
	words.heard_ms += 20;
	words.lull_ms = is_voiced ? 0 : words.lull_ms + 20;
	if (words.heard_ms < LISTEN_MS && words.lull_ms < LULL_MS)
		return;
	words.due = decode_words(words.from);
	words.due_in = LATE_FRAMES;
	words.is_listening = false;
	words.voiced = 0;
	words.preroll_ms = NEXT_PREROLL;
}

static void begin_words(void)
{
	words.n = words.from = 0;
	words.voiced = words.heard_ms = words.lull_ms = 0;
	words.preroll_ms = FIRST_PREROLL;
	words.is_listening = false;
	words.due_in = 0;
}

static int run(const char *path, double loss, double burst, uint64_t seed, struct result *r)
{
	struct wav_clip clip;
	char why[200];
	struct codec *c;
	static struct watch w;
	struct vad vad;
	int16_t pcm[FRAME];
	uint8_t payload[FRAME];
	bool lost = false;
	size_t frames = 0;
	int err = wav_clip_load(&clip, path, why, sizeof(why));

	if (!err)
		err = codec_new(CODEC_PCMU, &(struct codec_params){0}, &c);
	if (err) {
		fprintf(stderr, "%s: %s\n", path, why);
		return err;
	}
	begin_words();
	watch_init(&w, RATE);
	vad_init(&vad, RATE);
	*r = (struct result){.at = -1, .first_at = -1, .beep_at = -1, .beep_ms = -1, .speak_at = -1};
	for (size_t at = 0; at + FRAME <= clip.n; at += FRAME, frames++) {
		struct watch_frame f = {.pcm = pcm};

		lost = loss > 0 && is_lost(lost, loss, burst, &seed);
		if (lost) {
			codec_conceal(c, pcm, FRAME);
			f.is_concealed = true;
		} else {
			int n = codec_encode(c, clip.pcm + at, FRAME, payload, sizeof(payload));

			(void)!codec_decode(c, payload, (size_t)n, pcm, FRAME);
		}
		f.prob = vad_run(&vad, pcm, FRAME);

		double from = cpu_us();

		watch_run(&w, &f);
		r->us += cpu_us() - from;
		if (words.recogniser && r->speak_at < 0 && w.answer.who != ANSWER_HUMAN)
			hear_words(&w, pcm, f.prob);
		note(&w, r);
	}
	r->us /= (double)MAX(frames, 1u);
	wav_clip_done(&clip);
	codec_free(c);

	return 0;
}

int main(int argc, char **argv)
{
	char line[1000], path[1200];
	double loss = argc > 2 ? atof(argv[2]) / 100 : 0, burst = argc > 3 ? atof(argv[3]) : 1.0;
	uint64_t seed = 1;
	FILE *f;

	if (argc > 5 && !load_words(argv[5]))
		return 1;
	snprintf(path, sizeof(path), "%s/manifest.tsv", argc > 1 ? argv[1] : ".");
	f = fopen(path, "re");
	if (!f) {
		fprintf(stderr, "usage: answering FOLDER [LOSS_PERCENT [BURST [HALF [GRAMMAR]]]]; %s: %s\n", path, strerror(errno));
		return 2;
	}
	while (fgets(line, sizeof(line), f)) {
		struct result r;

		line[strcspn(line, "\n")] = 0;
		if (argc > 4 && strncmp(line, argv[4], strcspn(line, "\t")) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], strrchr(line, '\t') ? strrchr(line, '\t') + 1 : line);
		if (run(path, loss, burst, seed += 2, &r) != 0)
			return 1;
		printf("%s\t%s\t%d\t%d\t%s\t%d\t%d\t%d\t%d\t%.2f\n", line, answer_who_name(r.who), r.confidence, r.at, answer_who_name(r.first),
			r.first_at, r.beep_at, r.beep_ms, r.speak_at, r.us);
	}
	fclose(f);

	return 0;
}
