/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/recogniser.h"
#include <math.h>
#include <pocketsphinx.h>
#include <pthread.h>
#include <sphinxbase/err.h>
#include <sphinxbase/fsg_model.h>
#include "providers/embedded/scores.h"

enum {
	FRAME_MS = 10,
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

/*
 * A word alone ("no", "ten") is short, and its gap more a matter of chance. Of 104 right ones of the speech test set 81 % are above
 * -0.1, 86 % above -0.2, and of its 81 sounds 7 in both cases.
 */
#define GAP_ALONE 0.1F

struct recogniser {
	const struct recogniser_model *model;
	ps_decoder_t *ps;
	/*
	 * Reads the scores that ps has kept; NULL: they are not kept, ps does both. One of its own, because 0.8 writes behind the end of
	 * a buffer when it is given audio and scores by turns.
	 */
	ps_decoder_t *background;
	struct scores scores;
	bool is_started;
	char guess[1024];
};

/*
 * PocketSphinx tells why it failed only in its log. We keep the last error of each thread for our own words and let nothing
 * through to the terminal.
 */
static _Thread_local char last_error[160];

static void on_log(void *user, err_lvl_t level, const char *fmt, ...) printf_like(3, 4);

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
	const struct recogniser_context *c = &r->model->contexts[context];
	const struct automaton *a = c->automaton;
	logmath_t *logmath = ps_get_logmath(r->ps);
	fsg_model_t *fsg = fsg_model_init(c->name, logmath, 1.0F, (int32)a->state_count + 1);
	auto_free uint32_t *arcs_from = mem_zalloc(a->state_count * sizeof(*arcs_from));

	fsg->start_state = 0;
	fsg->final_state = (int32)a->state_count;
	for (size_t i = 0; i < a->arc_count; i++)
		arcs_from[a->arcs[i].from]++;
	for (size_t i = 0; i < a->arc_count; i++) {
		const struct automaton_arc *arc = &a->arcs[i];

		fsg_model_trans_add(fsg, (int32)arc->from, (int32)arc->to, arc_weight(a, arc->from, arcs_from, logmath),
			fsg_model_word_add(fsg, grammar_word(r->model->grammars[c->in], arc->word)));
	}
	for (uint32_t state = 0; state < a->state_count; state++)
		if (a->is_final[state])
			fsg_model_null_trans_add(fsg, (int32)state, fsg->final_state,
				arc_weight(a, state, arcs_from, logmath));
	glist_free(fsg_model_null_trans_closure(fsg, NULL));

	return fsg;
}

static ps_decoder_t *background_of(const struct recogniser *r)
{
	return r->background ? r->background : r->ps;
}

/* Any string of sounds: one state, an arc back to it for each. */
static int add_background(struct recogniser *r)
{
	fsg_model_t *fsg = fsg_model_init(BACKGROUND, ps_get_logmath(background_of(r)), 1.0F, 1);
	int32 weight = logmath_log(fsg->lmath, 1.0 / (double)r->model->phone_count);

	fsg->start_state = fsg->final_state = 0;
	for (size_t i = 0; i < r->model->phone_count; i++)
		fsg_model_trans_add(fsg, 0, 0, weight, fsg_model_word_add(fsg, r->model->phones[i]));

	int err = ps_set_fsg(background_of(r), BACKGROUND, fsg);

	fsg_model_free(fsg);

	return err;
}

static int add_search(struct recogniser *r, size_t context)
{
	fsg_model_t *fsg = fsg_of(r, context);
	int err = ps_set_fsg(r->ps, r->model->contexts[context].name, fsg);

	fsg_model_free(fsg); /* the decoder has its own reference */

	return err;
}

static int add_searches(struct recogniser *r, struct port_fault *ret_fault)
{
	for (size_t i = 0; i < r->model->context_count; i++)
		if (add_search(r, i) < 0)
			return port_fail(ret_fault, -TR_EENGINE, "PocketSphinx refuses the context \"%.60s\": %.60s",
				r->model->contexts[i].name, last_error);
	if (add_background(r) < 0)
		return port_fail(ret_fault, -TR_EENGINE, "PocketSphinx refuses the background: %.80s", last_error);

	return 0;
}

static ps_decoder_t *decoder_new(const struct recogniser_model *model, const char *scores_dir)
{
	cmd_ln_t *config = cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", model->acoustic_dir, "-dict",
		model->dictionary_path, "-wip", WORD_PENALTY,
		/* Scores of two searches compare only when both weigh all sounds; the look-ahead serves another search. */
		"-compallsen", "yes", "-pl_window", "0", NULL);
	ps_decoder_t *ps;

	if (!config)
		return NULL;
	if (scores_dir[0])
		cmd_ln_set_str_r(config, "-senlogdir", scores_dir);
	ps = ps_init(config);
	cmd_ln_free_r(config);

	return ps;
}

int recogniser_new(struct recogniser **ret, const struct recogniser_model *model, struct port_fault *ret_fault)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, silence_log);
	last_error[0] = 0;

	struct recogniser *r = mem_zalloc(sizeof(*r));

	r->model = model;
	scores_init(&r->scores);
	r->ps = decoder_new(model, r->scores.dir);
	if (r->ps && r->scores.dir[0])
		r->background = decoder_new(model, "");

	int err = r->ps ? add_searches(r, ret_fault)
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
	if (r->background)
		ps_free(r->background);
	scores_done(&r->scores);
	free(r);

	return NULL;
}

static int begin(struct recogniser *r, const char *search, bool keeps_scores)
{
	int err;

	if (ps_set_search(r->ps, search) < 0 || scores_before(&r->scores, keeps_scores) < 0)
		return -TR_EENGINE;
	/* Adapts noise estimates and the energy normalisation to a new channel. */
	ps_start_stream(r->ps);
	err = ps_start_utt(r->ps);
	scores_behind(&r->scores);

	return err < 0 ? -TR_EENGINE : 0;
}

int recogniser_start(struct recogniser *r, size_t context)
{
	assert(!r->is_started);

	int err = begin(r, r->model->contexts[context].name, false);

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
	size_t n = (size_t)MAX(ps_get_n_frames(background_of(r)), 0), at = 0;

	ret->until = mem_zalloc((n + 1) * sizeof(*ret->until));
	ret->frame_count = n;
	for (ps_seg_t *seg = ps_seg_iter(background_of(r)); seg; seg = ps_seg_next(seg)) {
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
	ret->confidence = total > 0 ? confidence_of(sum / total + (ret->word_count == 1 ? GAP_ALONE : 0)) : 0;
}

static int decode_once(struct recogniser *r, const char *search, const int16_t *pcm, size_t n)
{
	int err = begin(r, search, true);

	if (err)
		return err;
	ps_process_raw(r->ps, pcm, n, FALSE, TRUE);

	return ps_end_utt(r->ps) < 0 ? -TR_EENGINE : 0;
}

/* The utterance that was decoded last, as a string of sounds. */
static int decode_background(struct recogniser *r, const int16_t *pcm, size_t n)
{
	FILE *scores = r->background ? scores_open(&r->scores) : NULL;
	int frames;

	if (!r->background)
		return decode_once(r, BACKGROUND, pcm, n);
	frames = scores && ps_set_search(r->background, BACKGROUND) == 0 ? ps_decode_senscr(r->background, scores) : -1;
	if (scores)
		fclose(scores);
	scores_forget(&r->scores);

	return frames < 0 ? -TR_EENGINE : 0;
}

int recogniser_decode(struct recogniser *r, size_t context, const int16_t *pcm, size_t n,
	struct recogniser_result *ret)
{
	struct heard heard[LIMIT_STT_WORDS];
	struct background background;
	int err = decode_once(r, r->model->contexts[context].name, pcm, n);

	if (err)
		return err;
	take_words(r, ret, heard);
	if (!ret->word_count) {
		scores_forget(&r->scores);
		return 0;
	}
	err = decode_background(r, pcm, n);
	if (err)
		return err;
	take_background(r, &background);
	take_confidences(ret, heard, &background);
	free(background.until);

	return 0;
}
