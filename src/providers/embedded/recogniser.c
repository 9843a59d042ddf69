/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/recogniser.h"
#include <math.h>
#include "providers/embedded/decoder.h"
#include "providers/embedded/ears.h"
#include "providers/embedded/mfcc.h"

enum {
	FRAME_MS = 10,
	FRAMES_MAX = LIMIT_STT_UTTERANCE_MS / FRAME_MS,
	LOOK_AHEAD = 3, /* frames that a frame's features need behind it */
	MEASURE_FRAMES = 20, /* between looks at level and noise */
	MEAN_FRAMES = 60, /* what the usual mean weighs against what was heard, while an utterance is young */
};

/*
 * Confidence, see confidence_of: the gap that is as likely right as wrong.
 */
#define GAP_MAX	  1.0F /* a word that fits very well does not make up for one that was not said */
#define GAP_EVEN  0.1F
#define GAP_SLOPE 3.0F

/* Cepstra of an average caller. */
static const float usual_mean[ACOUSTIC_CEPSTRA] = {41.0F, -5.29F, -0.12F, 5.09F, 2.48F, -4.07F, -1.37F, -1.78F, -5.08F, -2.05F,
	-6.45F, -1.42F, 1.17F};

struct recogniser {
	const struct recogniser_model *model;
	struct decoder *decoder;
	size_t context;
	bool is_wide;
	struct mfcc mfcc; /* wide */
	struct ears ears; /* not */
	size_t measured;  /* frames when the ears did so last */
	float (*cepstra)[ACOUSTIC_CEPSTRA];
	size_t count, cap, done; /* frames heard, and given to the decoder */
	double sum[ACOUSTIC_CEPSTRA];
	float *scores;
	bool is_started;
	char guess[1024];
};

struct recogniser *recogniser_new(const struct recogniser_model *model)
{
	struct recogniser *r = mem_zalloc(sizeof(*r));

	r->model = model;
	r->decoder = decoder_new(model->acoustic);
	r->scores = mem_zalloc(acoustic_senone_count(model->acoustic) * sizeof(*r->scores));
	ears_init(&r->ears);

	return r;
}

struct recogniser *recogniser_free(struct recogniser *r)
{
	if (!r)
		return NULL;

	decoder_free(r->decoder);
	ears_done(&r->ears);
	free(r->cepstra);
	free(r->scores);
	free(r);

	return NULL;
}

/* ---- frames ----------------------------------------------------------------------------------------------------------- */

static void begin(struct recogniser *r, size_t context, uint32_t rate_hz)
{
	r->context = context;
	r->is_wide = rate_hz == 16000;
	r->count = r->done = r->measured = 0;
	memset(r->sum, 0, sizeof(r->sum));
	mfcc_init(&r->mfcc);
	ears_reset(&r->ears);
	decoder_begin(r->decoder, r->model->contexts[context].network);
}

static float *room_for_frame(struct recogniser *r)
{
	if (r->count == r->cap) {
		r->cap = MAX(2 * r->cap, 256);
		r->cepstra = mem_realloc(r->cepstra, r->cap * sizeof(*r->cepstra));
	}

	return r->cepstra[r->count];
}

static void count_frame(struct recogniser *r)
{
	for (int c = 0; c < ACOUSTIC_CEPSTRA; c++)
		r->sum[c] += (double)r->cepstra[r->count][c];
	r->count++;
}

static void take_wide(struct recogniser *r, const int16_t *pcm, size_t n)
{
	while (n && r->count < FRAMES_MAX) {
		bool is_frame;
		size_t part = mfcc_take(&r->mfcc, pcm, n, room_for_frame(r), &is_frame);

		pcm += part;
		n -= part;
		if (is_frame)
			count_frame(r);
	}
}

/* Telephone audio that was taken becomes frames as far as their surroundings are known. */
static void hear(struct recogniser *r, bool is_end)
{
	size_t known = is_end ? r->ears.count : MAX(r->ears.count, (size_t)EARS_CONTEXT) - EARS_CONTEXT;

	if (is_end || r->ears.count >= r->measured + MEASURE_FRAMES) {
		ears_measure(&r->ears);
		r->measured = r->ears.count;
	}
	if (!r->measured)
		return;
	while (r->count < MIN(known, (size_t)FRAMES_MAX)) {
		ears_cepstra(&r->ears, r->count, room_for_frame(r));
		count_frame(r);
	}
}

/* Gives frames to the decoder, up to but not including end. */
static void advance(struct recogniser *r, size_t end, const float *mean)
{
	float features[ACOUSTIC_FEATURES];

	for (; r->done < end; r->done++) {
		mfcc_features((const float(*)[ACOUSTIC_CEPSTRA])r->cepstra, r->count, r->done, mean, features);
		acoustic_score(r->model->acoustic, features, r->scores);
		decoder_step(r->decoder, r->scores);
	}
}

/* ---- live ------------------------------------------------------------------------------------------------------------- */

void recogniser_start(struct recogniser *r, size_t context, uint32_t rate_hz)
{
	begin(r, context, rate_hz);
	r->is_started = true;
	r->guess[0] = 0;
}

void recogniser_feed(struct recogniser *r, const int16_t *pcm, size_t n)
{
	float mean[ACOUSTIC_CEPSTRA];

	if (!r->is_started)
		return;
	if (r->is_wide) {
		take_wide(r, pcm, n);
	} else {
		ears_take(&r->ears, pcm, n);
		hear(r, false);
	}
	for (int c = 0; c < ACOUSTIC_CEPSTRA; c++)
		mean[c] = ((float)r->sum[c] + usual_mean[c] * MEAN_FRAMES) / (float)(r->count + MEAN_FRAMES);
	advance(r, MAX(r->count, (size_t)LOOK_AHEAD) - LOOK_AHEAD, mean);
}

static size_t words_of(struct recogniser *r, bool is_partial, struct decoder_word *ret_words, bool *ret_is_whole)
{
	size_t count;

	*ret_is_whole = decoder_result(r->decoder, is_partial, ret_words, LIMIT_STT_WORDS, &count);

	return count;
}

static const char *text_of(const struct recogniser *r, uint32_t word)
{
	const struct recogniser_context *context = &r->model->contexts[r->context];

	return grammar_word(r->model->grammars[context->in], word);
}

bool recogniser_guess(struct recogniser *r, char *ret_text, size_t n)
{
	struct decoder_word words[LIMIT_STT_WORDS];
	char text[sizeof(r->guess)] = "";
	size_t used = 0;
	bool is_whole;

	if (!r->is_started)
		return false;

	size_t count = words_of(r, true, words, &is_whole);

	for (size_t i = 0; i < count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "", text_of(r, words[i].word));
	if (strcmp(text, r->guess) == 0)
		return false;
	buf_copy(r->guess, sizeof(r->guess), text);
	buf_copy(ret_text, n, text);

	return true;
}

void recogniser_stop(struct recogniser *r)
{
	r->is_started = false;
}

/* ---- whole ------------------------------------------------------------------------------------------------------------ */

static float confidence_of(float gap)
{
	return 1 / (1 + expf((GAP_EVEN - gap) * GAP_SLOPE));
}

static void take_words(struct recogniser *r, const struct decoder_word *words, size_t count, struct recogniser_result *ret)
{
	float sum = 0, total = 0;
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const char *text = text_of(r, words[i].word);
		struct recogniser_word *w = &ret->words[ret->word_count];
		float gap = fminf(words[i].gap, GAP_MAX), length = (float)(words[i].to - words[i].from);

		if (used + strlen(text) + 2 > sizeof(ret->text))
			break;
		buf_copy(w->text, sizeof(w->text), text);
		w->start_ms = words[i].from * FRAME_MS;
		w->end_ms = words[i].to * FRAME_MS;
		w->confidence = confidence_of(gap);
		used += (size_t)snprintf(ret->text + used, sizeof(ret->text) - used, "%s%s", used ? " " : "", text);
		ret->word_count++;
		sum += gap * length;
		total += length;
	}
	ret->confidence = total > 0 ? confidence_of(sum / total) : 0;
}

void recogniser_decode(struct recogniser *r, size_t context, const struct recogniser_audio *audio, struct recogniser_result *ret)
{
	struct decoder_word words[LIMIT_STT_WORDS];
	float mean[ACOUSTIC_CEPSTRA];
	bool is_whole;

	r->is_started = false;
	ret->text[0] = 0;
	ret->word_count = 0;
	ret->confidence = 0;
	begin(r, context, audio->rate_hz);
	if (r->is_wide) {
		take_wide(r, audio->pcm, audio->n);
	} else {
		ears_take(&r->ears, audio->pcm, audio->n);
		hear(r, true);
	}
	if (!r->count)
		return;
	for (int c = 0; c < ACOUSTIC_CEPSTRA; c++)
		mean[c] = (float)(r->sum[c] / (double)r->count);
	advance(r, r->count, mean);
	take_words(r, words, words_of(r, false, words, &is_whole), ret);
}
