/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/recogniser.h"
#include <fcntl.h>
#include <math.h>
#include <pocketsphinx.h>
#include <pthread.h>
#include <sphinxbase/err.h>
#include <sphinxbase/fsg_model.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEBIAN_MODEL_DIR "/usr/share/pocketsphinx/model/en-us"

enum {
	FRAME_MS = 10,
	MODEL_MAX_BYTES = 64 << 20, /* dictionaries have a few megabytes */
};

/*
 * Found on 240 synthetic telephone sentences: with PocketSphinx' own word penalty (0.65) short words are heard in the hiss
 * around a sentence.
 */
#define BACKGROUND	  "%"
#define BRANCH_WEIGHT 1.0
#define WORD_PENALTY  "0.05"

/*
 * Confidence, see gap_of. Of 60 sentences of the grammar and 17 others at telephone quality, a mean gap below -0.1 (0.35) has
 * 1 right one and 16 of the others.
 */
#define LOG_UNIT  0.1024 /* PocketSphinx counts acoustic scores in powers of 1.0001^1024 */
#define GAP_MAX	  1.0	 /* a word that fits very well does not make up for one that was not said */
#define GAP_EVEN  0.1F
#define GAP_SLOPE 3.0F

struct recogniser {
	const struct recogniser_model *model;
	ps_decoder_t *ps;
	bool is_started;
	char guess[1024];
};

/*
 * PocketSphinx tells why it failed only in its log. We keep the last error of each thread for our own words and let nothing
 * through to the terminal.
 */
static _Thread_local char last_error[160];

static void on_log(void *user, err_lvl_t level, const char *fmt, ...)
{
	va_list ap;

	if (level < ERR_ERROR)
		return;
	va_start(ap, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, ap);
	va_end(ap);
	last_error[strcspn(last_error, "\n")] = 0;
}

static void silence_log(void)
{
	err_set_logfp(NULL);
	err_set_callback(on_log, NULL);
}

/* ---- the model -------------------------------------------------------------------------------------------------------- */

static int read_file(const char *path, char **ret_text, size_t *ret_n)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_size > MODEL_MAX_BYTES) {
		close(fd);
		return -TR_ETOOBIG;
	}

	size_t want = (size_t)st.st_size, got = 0;
	char *text = mem_zalloc(want + 1);

	while (got < want) {
		ssize_t n = read(fd, text + got, want - got);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(fd);
	*ret_text = text;
	*ret_n = got;

	return 0;
}

/* PocketSphinx reads dictionaries from files only; this one has a path but no name on disk. */
static int hold_dictionary(struct recogniser_model *model, const char *text)
{
	size_t n = strlen(text);

	model->dictionary_fd = memfd_create("tipring-dictionary", MFD_CLOEXEC);
	if (model->dictionary_fd < 0)
		return -errno;
	while (n) {
		ssize_t wrote = write(model->dictionary_fd, text, n);

		if (wrote <= 0)
			return -errno;
		text += wrote;
		n -= (size_t)wrote;
	}
	model->dictionary_path = mem_format("/proc/self/fd/%d", model->dictionary_fd);

	return 0;
}

static void add_phone(struct recogniser_model *model, struct span phone, FILE *out)
{
	if (!phone.n || model->phone_count == RECOGNISER_PHONES_MAX)
		return;
	for (size_t i = 0; i < model->phone_count; i++)
		if (span_eq_z(phone, model->phones[i] + 1))
			return;
	model->phones[model->phone_count] = mem_format("%%%.*s", SPAN_FMT(phone));
	fprintf(out, "%s\t%.*s\n", model->phones[model->phone_count], SPAN_FMT(phone));
	model->phone_count++;
}

/* Each sound of the dictionary becomes a word of its own, marked so that it cannot be confused with one. */
static char *with_phones(struct recogniser_model *model, const char *dictionary)
{
	struct span rest = span_z(dictionary);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert(out);
	fputs(dictionary, out);
	while (rest.n) {
		struct span line = span_cut(&rest, '\n');

		size_t head = MIN(span_find(line, ' '), span_find(line, '\t'));

		line = span_trim(span(line.p + head, line.n - head));
		while (line.n)
			add_phone(model, span_cut(&line, ' '), out);
	}
	fclose(out);

	return text;
}

static int load_dictionary(struct recogniser_model *model, const char *model_dir, struct port_fault *ret_fault)
{
	auto_free char *path = mem_format("%s/cmudict-en-us.dict", model_dir);
	auto_free char *all = NULL;
	size_t n = 0;
	struct grammar_error error;
	int err = read_file(path, &all, &n);

	if (err)
		return port_fail(ret_fault, -TR_EENGINE,
			"no speech model at %s (%s): install pocketsphinx-en-us or set its directory", path, err_text(err));

	auto_free char *text = grammar_dictionary(model->grammar, span(all, n), &error);

	if (!text)
		return port_fail(ret_fault, -TR_EPARSE, "grammar line %u: %.120s", error.line, error.words);

	auto_free char *extended = with_phones(model, text);

	err = hold_dictionary(model, extended);

	return err ? port_fail(ret_fault, err, "cannot hold the dictionary: %s", err_text(err)) : 0;
}

static int load_model(struct recogniser_model *model, const char *model_dir, struct span grammar_text,
	struct port_fault *ret_fault)
{
	struct grammar_error error;
	int err = grammar_parse(&model->grammar, grammar_text, &error);

	if (err)
		return port_fail(ret_fault, err, "grammar line %u: %.120s", error.line, error.words);

	size_t contexts = grammar_context_count(model->grammar);

	model->automata = mem_zalloc(contexts * sizeof(*model->automata));
	for (size_t i = 0; i < contexts; i++) {
		err = automaton_new(&model->automata[i], model->grammar, i);
		if (err)
			return port_fail(ret_fault, err, "context \"%s\" needs more than %d states",
				grammar_context_name(model->grammar, i), LIMIT_AUTOMATON_STATES);
	}
	model->acoustic_dir = mem_format("%s/en-us", model_dir);

	return load_dictionary(model, model_dir, ret_fault);
}

int recogniser_model_load(struct recogniser_model **ret, const char *model_dir, struct span grammar_text,
	struct port_fault *ret_fault)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct recogniser_model *model = mem_zalloc(sizeof(*model));

	pthread_once(&once, silence_log);
	model->dictionary_fd = -1;

	int err = load_model(model, model_dir ? model_dir : DEBIAN_MODEL_DIR, grammar_text, ret_fault);

	if (err) {
		recogniser_model_free(model);
		return err;
	}
	*ret = model;

	return 0;
}

struct recogniser_model *recogniser_model_free(struct recogniser_model *model)
{
	if (!model)
		return NULL;

	for (size_t i = 0; model->automata && i < grammar_context_count(model->grammar); i++)
		automaton_free(model->automata[i]);
	free(model->automata);
	for (size_t i = 0; i < model->phone_count; i++)
		free(model->phones[i]);
	grammar_free(model->grammar);
	if (model->dictionary_fd >= 0)
		close(model->dictionary_fd);
	free(model->dictionary_path);
	free(model->acoustic_dir);
	free(model);

	return NULL;
}

/* ---- a decoder -------------------------------------------------------------------------------------------------------- */

/* Every way on from a state is as likely as the others; its weight counts less than the sound. */
static int32 arc_weight(const struct automaton *a, uint32_t state, const uint32_t *arcs_from, logmath_t *logmath)
{
	double ways = arcs_from[state] + a->is_final[state];

	return (int32)(logmath_log(logmath, 1 / ways) * BRANCH_WEIGHT);
}

/* PocketSphinx wants one final state: an extra one, reached by empty arcs. */
static fsg_model_t *fsg_of(const struct recogniser *r, size_t context)
{
	const struct automaton *a = r->model->automata[context];
	logmath_t *logmath = ps_get_logmath(r->ps);
	fsg_model_t *fsg = fsg_model_init(grammar_context_name(r->model->grammar, context), logmath, 1.0F,
		(int32)a->state_count + 1);
	auto_free uint32_t *arcs_from = mem_zalloc(a->state_count * sizeof(*arcs_from));

	fsg->start_state = 0;
	fsg->final_state = (int32)a->state_count;
	for (size_t i = 0; i < a->arc_count; i++)
		arcs_from[a->arcs[i].from]++;
	for (size_t i = 0; i < a->arc_count; i++) {
		const struct automaton_arc *arc = &a->arcs[i];

		fsg_model_trans_add(fsg, (int32)arc->from, (int32)arc->to, arc_weight(a, arc->from, arcs_from, logmath),
			fsg_model_word_add(fsg, grammar_word(r->model->grammar, arc->word)));
	}
	for (uint32_t state = 0; state < a->state_count; state++)
		if (a->is_final[state])
			fsg_model_null_trans_add(fsg, (int32)state, fsg->final_state,
				arc_weight(a, state, arcs_from, logmath));
	glist_free(fsg_model_null_trans_closure(fsg, NULL));

	return fsg;
}

/* Any string of sounds: one state, an arc back to it for each. */
static int add_background(struct recogniser *r)
{
	fsg_model_t *fsg = fsg_model_init(BACKGROUND, ps_get_logmath(r->ps), 1.0F, 1);
	int32 weight = logmath_log(fsg->lmath, 1.0 / (double)r->model->phone_count);

	fsg->start_state = fsg->final_state = 0;
	for (size_t i = 0; i < r->model->phone_count; i++)
		fsg_model_trans_add(fsg, 0, 0, weight, fsg_model_word_add(fsg, r->model->phones[i]));

	int err = ps_set_fsg(r->ps, BACKGROUND, fsg);

	fsg_model_free(fsg);

	return err;
}

static int add_contexts(struct recogniser *r, struct port_fault *ret_fault)
{
	const struct grammar *g = r->model->grammar;

	for (size_t i = 0; i < grammar_context_count(g); i++) {
		fsg_model_t *fsg = fsg_of(r, i);
		int err = ps_set_fsg(r->ps, grammar_context_name(g, i), fsg);

		fsg_model_free(fsg); /* the decoder has its own reference */
		if (err < 0)
			return port_fail(ret_fault, -TR_EENGINE, "PocketSphinx refuses the context \"%s\": %.80s",
				grammar_context_name(g, i), last_error);
	}
	if (add_background(r) < 0)
		return port_fail(ret_fault, -TR_EENGINE, "PocketSphinx refuses the background: %.80s", last_error);

	return 0;
}

int recogniser_new(struct recogniser **ret, const struct recogniser_model *model, struct port_fault *ret_fault)
{
	last_error[0] = 0;

	cmd_ln_t *config = cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", model->acoustic_dir, "-dict",
		model->dictionary_path, "-wip", WORD_PENALTY,
		/* Scores of two searches compare only when both weigh all sounds; the look-ahead serves another search. */
		"-compallsen", "yes", "-pl_window", "0", NULL);
	struct recogniser *r = mem_zalloc(sizeof(*r));

	r->model = model;
	r->ps = config ? ps_init(config) : NULL;
	if (config)
		cmd_ln_free_r(config);

	int err = r->ps ? add_contexts(r, ret_fault)
			: port_fail(ret_fault, -TR_EENGINE, "PocketSphinx cannot load %.60s: %.60s",
				  model->acoustic_dir, last_error);

	if (err) {
		recogniser_free(r);
		return err;
	}
	*ret = r;

	return 0;
}

struct recogniser *recogniser_free(struct recogniser *r)
{
	if (!r)
		return NULL;

	if (r->ps)
		ps_free(r->ps);
	free(r);

	return NULL;
}

static int begin(struct recogniser *r, const char *search)
{
	if (ps_set_search(r->ps, search) < 0)
		return -TR_EENGINE;
	/* Adapts noise estimates and the energy normalisation to a new channel. */
	ps_start_stream(r->ps);

	return ps_start_utt(r->ps) < 0 ? -TR_EENGINE : 0;
}

int recogniser_start(struct recogniser *r, size_t context)
{
	assert(!r->is_started);

	int err = begin(r, grammar_context_name(r->model->grammar, context));

	r->is_started = !err;
	r->guess[0] = 0;

	return err;
}

void recogniser_feed(struct recogniser *r, const int16_t *pcm, size_t n)
{
	if (r->is_started)
		ps_process_raw(r->ps, pcm, n, FALSE, FALSE);
}

bool recogniser_guess(struct recogniser *r, char *ret_text, size_t n)
{
	const char *text = r->is_started ? ps_get_hyp(r->ps, NULL) : NULL;

	if (!text || strcmp(text, r->guess) == 0)
		return false;
	buf_copy(r->guess, sizeof(r->guess), text);
	buf_copy(ret_text, n, text);

	return true;
}

void recogniser_stop(struct recogniser *r)
{
	if (r->is_started)
		ps_end_utt(r->ps);
	r->is_started = false;
}

/* ---- results ---------------------------------------------------------------------------------------------------------- */

/* Silence, noise and sentence marks: <sil>, [noise], ++breath++, and JSGF's (NULL). */
static bool is_filler(const char *word)
{
	return !word || strchr("<[+(", word[0]);
}

/* What the background's string of sounds scores up to each frame. */
struct background {
	int64_t *until; /* frame_count + 1 sums */
	size_t frame_count;
};

/* A word's own score, until it is compared with the background. */
struct heard {
	int first, last;
	int64_t score;
};

/* Adds the word without its variant number, "the(2)". */
static bool add_word(struct recogniser_result *result, const char *word, const struct heard *heard)
{
	size_t used = strlen(result->text), n = strcspn(word, "(");

	if (result->word_count == LIMIT_STT_WORDS || used + n + 2 > sizeof(result->text))
		return false;

	struct recogniser_word *w = &result->words[result->word_count++];

	snprintf(w->text, sizeof(w->text), "%.*s", (int)n, word);
	w->start_ms = (uint32_t)heard->first * FRAME_MS;
	w->end_ms = (uint32_t)(heard->last + 1) * FRAME_MS;
	snprintf(result->text + used, sizeof(result->text) - used, "%s%.*s", used ? " " : "", (int)n, word);

	return true;
}

static struct heard heard_of(ps_seg_t *seg)
{
	struct heard heard;
	int32 acoustic, language, back;

	ps_seg_frames(seg, &heard.first, &heard.last);
	ps_seg_prob(seg, &acoustic, &language, &back);
	heard.score = acoustic;

	return heard;
}

static void take_words(struct recogniser *r, struct recogniser_result *ret, struct heard *ret_heard)
{
	ret->text[0] = 0;
	ret->word_count = 0;
	ret->confidence = 0;
	for (ps_seg_t *seg = ps_seg_iter(r->ps); seg; seg = ps_seg_next(seg)) {
		struct heard heard = heard_of(seg);

		if (!is_filler(ps_seg_word(seg)) && add_word(ret, ps_seg_word(seg), &heard))
			ret_heard[ret->word_count - 1] = heard;
	}
}

static void take_background(struct recogniser *r, struct background *ret)
{
	size_t n = (size_t)MAX(ps_get_n_frames(r->ps), 0), at = 0;

	ret->until = mem_zalloc((n + 1) * sizeof(*ret->until));
	ret->frame_count = n;
	for (ps_seg_t *seg = ps_seg_iter(r->ps); seg; seg = ps_seg_next(seg)) {
		struct heard heard = heard_of(seg);
		int64_t frames = heard.last - heard.first + 1;

		for (int64_t i = 0; i < frames && at < n; i++, at++)
			ret->until[at + 1] = ret->until[at] + heard.score / MAX(frames, 1);
	}
	for (; at < n; at++)
		ret->until[at + 1] = ret->until[at];
}

/*
 * By how much, in nats a frame, the word explains its stretch better than a string of sounds does: its sounds are modelled
 * with their neighbours, the background's are not. What was not said is worse than the string.
 */
static float gap_of(const struct heard *heard, const struct background *background)
{
	size_t from = MIN((size_t)MAX(heard->first, 0), background->frame_count);
	size_t to = MIN((size_t)MAX(heard->last + 1, 0), background->frame_count);
	double frames = (double)MAX(to - from, 1);
	double gap = (double)(heard->score - (background->until[to] - background->until[from])) * LOG_UNIT / frames;

	return (float)fmin(gap, GAP_MAX);
}

static float confidence_of(float gap)
{
	return 1 / (1 + expf((GAP_EVEN - gap) * GAP_SLOPE));
}

static void take_confidences(struct recogniser_result *ret, const struct heard *heard, const struct background *background)
{
	float sum = 0, total = 0;

	for (size_t i = 0; i < ret->word_count; i++) {
		float length = (float)(heard[i].last - heard[i].first + 1), gap = gap_of(&heard[i], background);

		ret->words[i].confidence = confidence_of(gap);
		sum += gap * length;
		total += length;
	}
	ret->confidence = total > 0 ? confidence_of(sum / total) : 0;
}

static int decode_once(struct recogniser *r, const char *search, const int16_t *pcm, size_t n)
{
	int err = begin(r, search);

	if (err)
		return err;
	ps_process_raw(r->ps, pcm, n, FALSE, TRUE);

	return ps_end_utt(r->ps) < 0 ? -TR_EENGINE : 0;
}

int recogniser_decode(struct recogniser *r, size_t context, const int16_t *pcm, size_t n,
	struct recogniser_result *ret)
{
	struct heard heard[LIMIT_STT_WORDS];
	struct background background;
	int err = decode_once(r, grammar_context_name(r->model->grammar, context), pcm, n);

	if (err)
		return err;
	take_words(r, ret, heard);
	if (!ret->word_count)
		return 0;

	err = decode_once(r, BACKGROUND, pcm, n);
	if (err)
		return err;
	take_background(r, &background);
	take_confidences(ret, heard, &background);
	free(background.until);

	return 0;
}
