/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "call/call.h"

/*
 * Any number of legs that hear each other. A call enters with whom it talks to (its agent leaves); a phone that is rung enters by answering.
 * Who is alone for a while is with the agent again that answered first, or the call ends: nobody is lost in an empty room. A conference is
 * over when its last member is gone, or when it is closed. Signalling thread.
 */
struct conference;

#define CONFERENCE_ID_TEXT 24

struct conference_member {
	const struct call_record *call;
	bool is_muted;	/* heard by nobody */
	bool is_ringing; /* not in it yet */
};

/* -TR_ELIMIT: LIMIT_CALL_ROOMS are open. */
nodiscard int conference_new(struct calls *cs, struct conference **ret);
struct conference *conference_find(struct calls *cs, const char *id); /* NULL: none */
const char *conference_id(const struct conference *k);
void conferences_each(struct calls *cs, void (*fn)(void *ctx, const struct conference *k), void *ctx);
/* In the order in which they came; stops when fn returns false. */
void conference_members(const struct conference *k, bool (*fn)(void *ctx, const struct conference_member *m), void *ctx);

/*
 * A call that is up enters, and the person it is connected with too. -TR_ESTATE: it is not up, on hold, parked, on its way to somebody,
 * supervised or in a conference; -TR_ELIMIT: LIMIT_MIX_MEMBERS are there.
 */
nodiscard int conference_add(struct conference *k, struct call *c);
/* Rings target by the line of a member; who answers is in. -TR_ESTATE: nobody is there whose line that could be, as call_dial_for. */
nodiscard int conference_ring(struct conference *k, const char *target, bool is_muted);
/* -TR_ENOTFOUND: not a member of it. */
nodiscard int conference_mute(struct conference *k, struct call *c, bool is_muted);
bool conference_has(const struct conference *k, const struct call *c);
/* Ends the member's call. -TR_ENOTFOUND. */
nodiscard int conference_remove(struct conference *k, struct call *c);
/* Ends the calls of all members, and with the last it is gone. */
void conference_close(struct conference *k);
