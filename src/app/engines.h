/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/agent.h"

/* The one place that names concrete providers: makes them on an agent's loop and adds them to its registry. */
struct engines;

/* What to load besides voices: models take seconds and memory. */
struct engines_wanted {
	bool ears;	/* the embedded recogniser and mind */
	bool vosk;	/* the optional recogniser, which must be installed then */
	bool silero;	/* the optional detector of speech, likewise */
	bool answering; /* the recogniser of machines' words, for calls that look after who answers */
};

/* Before agent_start. ret_why says in a sentence what is missing. */
nodiscard int engines_new(struct engines **ret, struct agent *agent, const struct engines_wanted *want, char *ret_why, size_t cap);
/* After agent_stop, before agent_free. */
struct engines *engines_free(struct engines *e);
