/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/*
 * What the messages of a line give away when they are read side by side: what we wrote and how it came back, where the other side sees
 * us, its realm, its clock, its codecs. A SIP ALG betrays itself here, since it changes what nobody else may. Pure: messages in.
 */
enum { WITNESS_SENT = 8, WITNESS_TEXT = 96 };

struct witness_sent {
	char branch[80], sent_by[WITNESS_TEXT], contact[WITNESS_TEXT], call_id[WITNESS_TEXT];
	struct addr local;
	bool is_udp;
};

struct witness {
	struct witness_sent sent[WITNESS_SENT]; /* the latest requests of ours */
	unsigned sent_count;
	unsigned answers;	 /* that belong to them */

	/* What of it came back otherwise: "Via said A, came back as B"; "" while nothing did. */
	char via_changed[300], call_id_changed[300], contact_changed[300];
	struct addr local, seen; /* of the last answer over UDP: where we sent from, and received and rport of it; unset: not said */

	bool was_challenged, has_answered; /* we were asked to prove who we are; a request with our proof was answered */
	char realm[WITNESS_TEXT];
	char server[WITNESS_TEXT]; /* Server or User-Agent of its answers */
	int64_t date_s, date_at_ms; /* Date of an answer, since 1970, and our clock (milliseconds) when it came; 0: none had one */
	bool has_codecs;
	char codecs[WITNESS_TEXT]; /* audio formats of the last SDP that it sent, "PCMU, PCMA" */
	char warning[200];	   /* text of a Warning header; "" */
};

/* bytes: a message as it was on the wire; what is no SIP is left alone. wall_ms: since 1970. */
void witness_note(struct witness *w, bool is_out, const struct addr *local, bool is_udp, struct span bytes, int64_t wall_ms);
