/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"

/*
 * libvosk, loaded when it is asked for: it is no package of Debian's, and Tipring does without it. scripts/install-vosk puts the
 * library and an English model where vosk_lib_open looks for them.
 *
 * Only what is used of its C interface (version 0.3.39, Apache-2.0), which comes without a header. Strings that it returns are JSON and
 * live until the next call with the same recogniser. A model may be used by many recognisers at once, a recogniser by one thread.
 */
struct vosk_model;
struct vosk_recogniser;

struct vosk_lib {
	void *handle;
	struct vosk_model *model;
	char dir[512]; /* where it was found */
	void (*set_log_level)(int level);
	struct vosk_model *(*model_new)(const char *path);
	void (*model_free)(struct vosk_model *m);
	struct vosk_recogniser *(*recogniser_new)(struct vosk_model *m, float rate_hz);
	struct vosk_recogniser *(*recogniser_new_grm)(struct vosk_model *m, float rate_hz, const char *phrases_json);
	void (*recogniser_free)(struct vosk_recogniser *r);
	void (*set_words)(struct vosk_recogniser *r, int wants_words);
	int (*accept)(struct vosk_recogniser *r, const short *pcm, int n); /* 1: a segment ended in silence; -1: it broke */
	const char *(*result)(struct vosk_recogniser *r);		   /* of the segment that ended */
	const char *(*partial)(struct vosk_recogniser *r);
	const char *(*final)(struct vosk_recogniser *r); /* of what is left; the recogniser begins anew */
	void (*reset)(struct vosk_recogniser *r);
};

/*
 * Loads library and model, which takes a second or two and 100 MB. dir: where scripts/install-vosk put them; NULL: $TIPRING_VOSK, else
 * ~/.local/share/tipring/vosk, else /var/lib/tipring/vosk. -TR_EENGINE with words that say what is missing and how to get it.
 */
nodiscard int vosk_lib_open(struct vosk_lib **ret, const char *dir, struct port_fault *ret_fault);
struct vosk_lib *vosk_lib_close(struct vosk_lib *lib);
