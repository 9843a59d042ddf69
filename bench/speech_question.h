/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "providers/embedded/recogniser_model.h"
#include "flow/flow.h"

/* The questions that the sentences of the speech test set answer: each is a place in one of the flows that are built in. */
enum { SPEECH_FLOWS = 3, SPEECH_OUTCOME = 4096 };

struct speech_question;

/* Loads the flows; ends the program when they are wrong. */
void speech_questions_load(void);
void speech_questions_free(void);
/* NULL: there is none of that name. */
const struct speech_question *speech_question_find(const char *name);

/* What recognisers are told, borrowed. */
void speech_grammars(struct stt_grammar *ret);
/* The context a recogniser listens with. */
const char *speech_question_context(const struct speech_question *q);

/* What a sentence means as an answer to the question. */
void speech_question_meaning(const struct speech_question *q, const char *text, struct flow_meaning *ret);
/* Where the conversation is after it, in words that can be compared; text NULL: after something that was not understood. */
void speech_question_outcome(const struct speech_question *q, const char *text, float confidence, char *ret_outcome);
