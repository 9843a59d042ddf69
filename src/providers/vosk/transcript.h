/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"

/* What Vosk has made of one utterance, gathered from the JSON of its segments. Pure. */
struct vosk_word {
	char text[48];
	uint32_t start_ms, end_ms;
	float confidence;
};

struct vosk_transcript {
	char text[2048];
	struct vosk_word words[LIMIT_STT_WORDS];
	size_t word_count;
};

/*
 * Appends a segment's {"text", "result": [{"word", "start", "end", "conf"}]}. before_s: the recogniser's own time when the utterance
 * began. "[unk]" and what is no JSON add nothing. A grammar's recogniser gives no confidences: its words count as sure.
 */
void vosk_transcript_add(struct vosk_transcript *t, const char *json, double before_s);

/* The text so far with that of {"partial"} behind it. */
void vosk_transcript_guess(const struct vosk_transcript *t, const char *json, char *ret_text, size_t cap);

/* Mean of the words'; 0 without words. */
float vosk_transcript_confidence(const struct vosk_transcript *t);
