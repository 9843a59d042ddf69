/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/answer_words.h"

struct phrase {
	enum answer_who who;
	const char *text;
};

/* The first that is found counts: screeners and menus say things that voicemail says too, and not the other way round. */
static const struct phrase en[] = {
	{ANSWER_SCREENING, "record your name"},
	{ANSWER_SCREENING, "reason for your call"},
	{ANSWER_SCREENING, "reason for calling"},
	{ANSWER_SCREENING, "why you are calling"},
	{ANSWER_SCREENING, "why you're calling"},
	{ANSWER_SCREENING, "screening service"},
	{ANSWER_SCREENING, "call screening"},
	{ANSWER_SCREENING, "say your name"},
	{ANSWER_SCREENING, "state your name"},
	{ANSWER_SCREENING, "if this person is available"},
	{ANSWER_SCREENING, "before i connect you"},
	{ANSWER_IVR, "press one"},
	{ANSWER_IVR, "press two"},
	{ANSWER_IVR, "press three"},
	{ANSWER_IVR, "press zero"},
	{ANSWER_IVR, "press the pound key"},
	{ANSWER_IVR, "menu options"},
	{ANSWER_IVR, "main menu"},
	{ANSWER_IVR, "your party's extension"},
	{ANSWER_IVR, "your call is important"},
	{ANSWER_VOICEMAIL, "leave a message"},
	{ANSWER_VOICEMAIL, "leave your message"},
	{ANSWER_VOICEMAIL, "leave your name"},
	{ANSWER_VOICEMAIL, "leave me a message"},
	{ANSWER_VOICEMAIL, "record your message"},
	{ANSWER_VOICEMAIL, "after the tone"},
	{ANSWER_VOICEMAIL, "after the beep"},
	{ANSWER_VOICEMAIL, "at the tone"},
	{ANSWER_VOICEMAIL, "at the beep"},
	{ANSWER_VOICEMAIL, "voice mail"},
	{ANSWER_VOICEMAIL, "voicemail"},
	{ANSWER_VOICEMAIL, "voice mailbox"},
	{ANSWER_VOICEMAIL, "voice message system"},
	{ANSWER_VOICEMAIL, "you have reached"},
	{ANSWER_VOICEMAIL, "you've reached"},
	{ANSWER_VOICEMAIL, "is not available"},
	{ANSWER_VOICEMAIL, "come to the phone"},
	{ANSWER_VOICEMAIL, "take your call"},
	{ANSWER_VOICEMAIL, "missed your call"},
	{ANSWER_VOICEMAIL, "get back to you"},
	{ANSWER_UNKNOWN, NULL},
};

static const struct phrase es[] = {
	{ANSWER_SCREENING, "diga su nombre"},
	{ANSWER_SCREENING, "motivo de su llamada"},
	{ANSWER_SCREENING, "grabe su nombre"},
	{ANSWER_IVR, "pulse uno"},
	{ANSWER_IVR, "oprima uno"},
	{ANSWER_IVR, "marque uno"},
	{ANSWER_IVR, "oprima el número"},
	{ANSWER_VOICEMAIL, "deje su mensaje"},
	{ANSWER_VOICEMAIL, "deje un mensaje"},
	{ANSWER_VOICEMAIL, "después de la señal"},
	{ANSWER_VOICEMAIL, "después del tono"},
	{ANSWER_VOICEMAIL, "buzón de voz"},
	{ANSWER_VOICEMAIL, "no está disponible"},
	{ANSWER_UNKNOWN, NULL},
};

static const struct {
	const char *language;
	const struct phrase *phrases;
} lists[] = {{"en", en}, {"es", es}};

#define SURE 0.5f

size_t answer_words_split(const char *text, float confidence, struct answer_word *ret, size_t cap)
{
	size_t n = 0;

	for (struct span rest = span_z(text); rest.n && n < cap;) {
		struct span word = span_cut(&rest, ' ');

		if (word.n)
			ret[n++] = (struct answer_word){word, confidence};
	}

	return n;
}

/* Does the phrase stand at the beginning of these words, and surely so? */
static bool begins(const struct answer_word *words, size_t n, const char *phrase)
{
	float sum = 0;
	size_t count = 0;

	for (struct span rest = span_z(phrase); rest.n; count++) {
		struct span word = span_cut(&rest, ' ');

		if (count >= n || !span_eq(words[count].text, word))
			return false;
		sum += words[count].confidence;
	}

	return sum >= SURE * (float)count;
}

enum answer_who answer_words_judge(const char *language, const struct answer_word *words, size_t n, const char **ret_phrase)
{
	size_t primary = language ? strcspn(language, "-_") : 0;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (!span_ieq_z(span(language, primary), lists[i].language))
			continue;
		for (const struct phrase *p = lists[i].phrases; p->text; p++)
			for (size_t at = 0; at < n; at++)
				if (begins(words + at, n - at, p->text)) {
					*ret_phrase = p->text;
					return p->who;
				}
	}

	return ANSWER_UNKNOWN;
}
