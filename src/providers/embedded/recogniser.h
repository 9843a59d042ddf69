/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "providers/embedded/automaton.h"

/*
 * One PocketSphinx decoder with a search for each context of a grammar. Wideband: 16 kHz only.
 *
 * Two ways to recognise: live (start, feed, guess, stop), which knows the loudness of the channel only by and by, and whole
 * (decode), which normalises by the utterance itself and is what finals come from: on the first words of a call it makes half
 * the errors. Both take about a twentieth of the audio's time.
 *
 * Confidence: a grammar fits its nearest sentence to anything. So the utterance is decoded once more as a mere string of
 * sounds, and a word's confidence is how much worse than that string the word explains its stretch of audio.
 *
 * Thread: one at a time.
 */
struct recogniser;

enum { RECOGNISER_PHONES_MAX = 80 };

/* What all decoders of a process share; immutable. */
struct recogniser_model {
	char *acoustic_dir;	  /* PocketSphinx' acoustic model */
	char *dictionary_path;	  /* the grammar's words only */
	int dictionary_fd;
	struct grammar *grammar;
	struct automaton **automata; /* of each context */
	char *phones[RECOGNISER_PHONES_MAX]; /* words of one sound each, for the background */
	size_t phone_count;
};

/*
 * model_dir: NULL for Debian's pocketsphinx-en-us. grammar_text: as for grammar_parse. -TR_EENGINE with words and a remedy when
 * a file is missing, -TR_EPARSE with line and words when the grammar has mistakes.
 */
nodiscard int recogniser_model_load(struct recogniser_model **ret, const char *model_dir, struct span grammar_text,
	struct port_fault *ret_fault);
struct recogniser_model *recogniser_model_free(struct recogniser_model *model);

/* Loads the acoustic model: tens of milliseconds and megabytes. Borrows model. */
nodiscard int recogniser_new(struct recogniser **ret, const struct recogniser_model *model, struct port_fault *ret_fault);
struct recogniser *recogniser_free(struct recogniser *r);

struct recogniser_word {
	char text[40];
	uint32_t start_ms, end_ms;
	float confidence;
};

struct recogniser_result {
	char text[1024];
	float confidence; /* 0..1: from the mean of what its words' are made of; 0 without words */
	struct recogniser_word words[LIMIT_STT_WORDS];
	size_t word_count;
};

/* Utterance after utterance; context is an index of the grammar. */
nodiscard int recogniser_start(struct recogniser *r, size_t context);
void recogniser_feed(struct recogniser *r, const int16_t *pcm, size_t n);
/* The words so far; true when they changed since the last call. */
bool recogniser_guess(struct recogniser *r, char *ret_text, size_t n);
void recogniser_stop(struct recogniser *r);

nodiscard int recogniser_decode(struct recogniser *r, size_t context, const int16_t *pcm, size_t n,
	struct recogniser_result *ret);
