/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/caller_file.h"
#include "app/phone.h"

/* A telephone with a scripted person at it: calls, answers, follows transfers, until all calls are over. */
struct dialler {
	/* set before dialler_open */
	const struct caller_file *file;
	struct addr listen;
	uint16_t rtp_port_min, rtp_port_max; /* 0: 30000-30399 */
	msec_t most_ms;	      /* then everything is hung up; 0: never */
	bool waits;	      /* for calls, instead of ending without any */
	void (*said)(struct dialler *d, const struct call_record *r, const struct call_line *line); /* by us, on any call */
	void (*changed)(struct dialler *d, const struct call_record *r, const char *what);	      /* may be NULL */

	/* what came of it */
	char sip_call_id[LIMIT_CALLID_BYTES]; /* of the call we made */
	bool was_answered, reached_another, was_stopped_by_user;
	enum call_end ended_by;
	char cause[240];
	char transferred_to[160];
	uint32_t calls_answered;

	/* its own */
	struct phone *phone;
	struct sip_account *account;
	uv_timer_t limit;
	uv_signal_t stop[2];
	msec_t began_at;
};

/* who: the command, for messages on standard error. Returns an enum cli_exit. */
int dialler_open(struct dialler *d, const char *who);
int dialler_dial(struct dialler *d, const char *who, const char *target);
/* Until the last call is over, or a signal. */
void dialler_run(struct dialler *d);
void dialler_close(struct dialler *d);

/* Is this record the call we made, and not one that a transfer led to? */
bool dialler_is_first(const struct dialler *d, const struct call_record *r);
