/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Keys of one entry, collected: until there are enough, one that ends it, or none came in time. Pure; time is an argument.
 */
struct collect_params {
	uint32_t most;		  /* keys: the entry is complete with so many; 1..LIMIT_DTMF_COLLECT, 0: that limit */
	char terminators[17];	  /* keys that end it and do not belong to it; "": none does */
	uint32_t first_ms;	  /* for the first key; 0: 10000 */
	uint32_t inter_ms;	  /* from each key to the next; 0: 4000 */
};

enum collect_end { COLLECT_OPEN, COLLECT_LENGTH, COLLECT_TERMINATOR, COLLECT_NO_KEY, COLLECT_PAUSE, COLLECT_CANCELLED };

struct collect {
	struct collect_params p;
	char keys[LIMIT_DTMF_COLLECT + 1];
	uint32_t count;
	char terminator;	  /* that ended it; 0: none */
	enum collect_end end;
	msec_t due_at;
};

void collect_begin(struct collect *c, const struct collect_params *params, msec_t now);
/* False: it is over already, the key is not its. */
bool collect_key(struct collect *c, char key, msec_t now);
/* Ends it when its time is over; returns when to call again, NEVER when it is over. */
msec_t collect_tick(struct collect *c, msec_t now);
void collect_cancel(struct collect *c);

/* "length", "terminator", "no_key", "pause", "cancelled"; "open" while it runs. */
const char *collect_end_name(enum collect_end e);
