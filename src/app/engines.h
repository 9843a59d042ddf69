/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/agent.h"
#include "app/config.h"

/* The one place that names concrete providers: makes them on an agent's loop and adds them to its registry. */
struct engines;

/* What to load besides voices: models take seconds and memory. */
struct engines_wanted {
	bool ears;	/* the embedded recogniser */
	bool vosk;	/* the optional recogniser, which must be installed then */
	bool silero;	/* the optional detector of speech, likewise */
	struct flow *const *flows; /* what the embedded recogniser listens for. References are taken */
	size_t flow_count;
	const struct config *config; /* its providers in the network; borrowed until engines_new returns */
	bool answering; /* the recogniser of machines' words, for calls that look after who answers */
};

/* Before agent_start. ret_why says in a sentence what is missing. */
nodiscard int engines_new(struct engines **ret, struct agent *agent, const struct engines_wanted *want, char *ret_why, size_t cap);
/*
 * Other flows, after a reload: the recogniser learns them beside its work; calls that run keep what they have. Any thread; what goes
 * wrong is logged, and the old ones stay.
 */
void engines_set_flows(struct engines *e, struct flow *const *flows, size_t n);
/*
 * Would the embedded recogniser take these flows: words without pronunciation, sizes. 0, or a negative code with words for people.
 * No engine is needed.
 */
nodiscard int engines_check_flows(struct flow *const *flows, size_t n, char *ret_why, size_t cap);
/* After agent_stop, before agent_free. */
struct engines *engines_free(struct engines *e);
