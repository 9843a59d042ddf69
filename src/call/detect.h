/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "turn/answer.h"

/* What an outbound call does about who has answered. Plain values of a configuration; texts live as long as it. */
enum call_reaction_kind {
	CALL_REACT_AGENT,   /* the agent begins */
	CALL_REACT_SAY,	    /* text is said when it is our turn; then the call ends, or goes on to whoever a screener lets in */
	CALL_REACT_HANG_UP,
};

struct call_reaction {
	enum call_reaction_kind kind;
	const char *say; /* SAY */
};

struct call_detect {
	struct call_reaction on[ANSWER_WHO_COUNT]; /* UNKNOWN is not used */
};
