/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "sip/msg.h"

/*
 * Who calls, as far as the INVITE tells and the line is believed: From, P-Asserted-Identity (RFC 3325), Remote-Party-ID, Privacy
 * (RFC 3323), Diversion (RFC 5806), History-Info (RFC 7044). And the same written for calls of ours. Pure.
 */
#define IDENTITY_TEXT 128

struct line_identity {
	char number[IDENTITY_TEXT]; /* user part, unescaped; "anonymous" when it is withheld */
	char name[IDENTITY_TEXT];   /* display name; "" */
	bool is_asserted;	    /* by a peer that is trusted, not only claimed in From */
	bool is_private;	    /* the caller asked that others do not learn the number */
	char diverted_from[IDENTITY_TEXT]; /* who sent the call on to us last; "": nobody */
	char diverted_why[32];	    /* "unconditional", "user-busy", "no-answer", ... ; "" */
	char dialled_first[IDENTITY_TEXT]; /* what the caller dialled before any diversion; "" */
	unsigned diversions;
	char language[16];	    /* first of Accept-Language, "de"; "" */
};

/* is_trusted: the line's P-Asserted-Identity and Remote-Party-ID are believed. */
void identity_read(const struct sip_msg *invite, bool is_trusted, struct line_identity *ret);

/* Where our caller id goes in calls of ours; bits. */
enum identity_place {
	IDENTITY_FROM = 1,
	IDENTITY_PAI = 2,  /* P-Asserted-Identity */
	IDENTITY_PPI = 4,  /* P-Preferred-Identity */
	IDENTITY_RPID = 8, /* Remote-Party-ID */
};

struct identity_out {
	const char *user;   /* of the account: From when the caller id does not go there; NULL: none */
	const char *number; /* caller id in the line's format; NULL: user everywhere */
	const char *name;   /* NULL: none */
	const char *domain;
	unsigned places;
	bool is_private;    /* RFC 3323: anonymous From, Privacy: id, the identity in its header only */
};

/*
 * ret_from: a name-addr without tag, "" to leave the account's; ret_headers: whole lines. -TR_ETOOBIG, or -TR_EPARSE for text
 * that cannot stand in a header.
 */
nodiscard int identity_write(const struct identity_out *id, char *ret_from, size_t from_cap, char *ret_headers, size_t headers_cap);
