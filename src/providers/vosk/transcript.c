/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/vosk/transcript.h"
#include <jansson.h>

#define UNKNOWN "[unk]"

static void append_text(char *text, size_t cap, const char *more)
{
	size_t n = strlen(text);

	/* Cut at a word, should it ever be too long. */
	if (!*more || n + strlen(more) + 2 > cap)
		return;
	snprintf(text + n, cap - n, "%s%s", n ? " " : "", more);
}

static void add_word(struct vosk_transcript *t, json_t *w, double before_s)
{
	const char *text = json_string_value(json_object_get(w, "word"));
	json_t *conf = json_object_get(w, "conf");
	double start = json_number_value(json_object_get(w, "start")) - before_s;
	double end = json_number_value(json_object_get(w, "end")) - before_s;

	if (!text || !strcmp(text, UNKNOWN))
		return;
	append_text(t->text, sizeof(t->text), text);
	if (t->word_count == LIMIT_STT_WORDS)
		return;

	struct vosk_word *word = &t->words[t->word_count++];

	buf_copy(word->text, sizeof(word->text), text);
	word->start_ms = (uint32_t)(CLAMP(start, 0.0, 3600.0) * 1000);
	word->end_ms = (uint32_t)(CLAMP(end, 0.0, 3600.0) * 1000);
	word->confidence = (float)CLAMP(json_is_number(conf) ? json_number_value(conf) : 1.0, 0.0, 1.0);
}

void vosk_transcript_add(struct vosk_transcript *t, const char *json, double before_s)
{
	json_t *doc = json ? json_loads(json, 0, NULL) : NULL, *list = json_object_get(doc, "result"), *w;
	size_t i;

	json_array_foreach(list, i, w)
		add_word(t, w, before_s);
	json_decref(doc);
}

void vosk_transcript_guess(const struct vosk_transcript *t, const char *json, char *ret_text, size_t cap)
{
	json_t *doc = json ? json_loads(json, 0, NULL) : NULL;
	const char *partial = json_string_value(json_object_get(doc, "partial"));

	buf_copy(ret_text, cap, t->text);
	for (struct span rest = span_z(partial ? partial : ""); rest.n;) {
		auto_free char *word = span_dup(span_cut(&rest, ' '));

		if (word && strcmp(word, UNKNOWN) != 0)
			append_text(ret_text, cap, word);
	}
	json_decref(doc);
}

float vosk_transcript_confidence(const struct vosk_transcript *t)
{
	float sum = 0;

	for (size_t i = 0; i < t->word_count; i++)
		sum += t->words[i].confidence;

	return t->word_count ? sum / (float)t->word_count : 0;
}
