/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "sip/hdr.h"
#include "sip/method.h"
#include "sip/msg.h"
#include "sip/uri.h"

/*
 * Writes a message into the caller's buffer. Errors stick: call everything, ask once at sip_writer_finish.
 *
 * No text can break out of its place: CR, LF and NUL in any value become spaces (that also unfolds folded values), quotes are
 * escaped in quoted strings, and what must be a token or a URI poisons the writer if it is none.
 */
struct sip_writer {
	char *buf;	/* borrowed */
	size_t cap;
	size_t n;	/* bytes written so far */
	int err;	/* 0, -TR_ETOOBIG or -TR_EPARSE; the first one stays */
};

void sip_writer_init(struct sip_writer *ret, char *buf, size_t cap);

/* 0 and what was written, or the sticky error. */
nodiscard int sip_writer_finish(struct sip_writer *w, struct span *ret);

/* ---- start lines ---- */

void sip_write_request_line(struct sip_writer *w, enum sip_method method, struct span request_uri);
void sip_write_status_line(struct sip_writer *w, uint16_t status, struct span reason); /* absent: the standard phrase */

/*
 * Status line, all Via, From, To, Call-ID, CSeq of the request, RFC 3261 §8.2.6.2; to_tag (may be absent) is added if To has
 * none. Timestamp is copied into a 100. Record-Route is not: see sip_write_copy (§12.1.1). received and rport (absent and 0
 * for none) are put into the topmost Via as RFC 3261 §18.2.1 and RFC 3581 §4 want.
 */
struct sip_response_params {
	uint16_t status;
	struct span reason;	/* absent: the standard phrase */
	struct span to_tag;
	struct span received;	/* the source address; brackets around IPv6 are not written */
	uint16_t rport;		/* the source port; written only if the request asked for it */
};

void sip_write_response(struct sip_writer *w, const struct sip_msg *request, const struct sip_response_params *params);

/* ---- whole header fields ---- */

void sip_write_hdr(struct sip_writer *w, enum sip_hdr_id id, struct span value); /* absent value: nothing */
void sip_write_hdr_z(struct sip_writer *w, enum sip_hdr_id id, const char *value);
void sip_write_hdr_u32(struct sip_writer *w, enum sip_hdr_id id, uint32_t value);
void sip_write_hdr_named(struct sip_writer *w, struct span name, struct span value); /* name must be a token */

/* All fields of one id as they are in msg, in order, under their long name. */
void sip_write_copy(struct sip_writer *w, const struct sip_msg *msg, enum sip_hdr_id id);

void sip_write_cseq(struct sip_writer *w, uint32_t number, struct span method_name);
void sip_write_rack(struct sip_writer *w, const struct sip_rack *rack);
void sip_write_session_expires(struct sip_writer *w, uint32_t interval, enum sip_refresher refresher);

struct sip_via_params {
	enum sip_transport transport;
	struct span host;	/* brackets are added around IPv6 */
	uint16_t port;		/* 0: none */
	struct span branch;	/* with its cookie */
	bool has_rport;		/* ask for RFC 3581 */
	bool has_alias;
};

void sip_write_via(struct sip_writer *w, const struct sip_via_params *params);

/* From, To, Contact, Route, Refer-To ...: name, address, parameters ("tag=1;x"; absent: none). */
struct sip_addr_params {
	struct span display;	/* plain text, quoted and escaped here; absent: none */
	struct span uri;	/* without <> */
	struct span tag;	/* absent: none */
	struct span params;	/* written as they are, without a leading ';' */
};

void sip_write_addr(struct sip_writer *w, enum sip_hdr_id id, const struct sip_addr_params *params);

/* ---- a header field piece by piece ---- */

void sip_write_hdr_begin(struct sip_writer *w, enum sip_hdr_id id); /* "Name: " */
void sip_write_hdr_end(struct sip_writer *w);			    /* CR LF */
void sip_write_span(struct sip_writer *w, struct span text);	    /* CR, LF, NUL become spaces */
void sip_write_z(struct sip_writer *w, const char *text);
void sip_write_char(struct sip_writer *w, char c);
void sip_write_u32(struct sip_writer *w, uint32_t value);
void sip_write_token(struct sip_writer *w, struct span token);	    /* poisons if it is none */
void sip_write_quoted(struct sip_writer *w, struct span text);	    /* "text" with \ before " and \ */
void sip_write_host(struct sip_writer *w, struct span host, uint16_t port); /* brackets if it has a ':'; port 0: none */
void sip_write_name_addr(struct sip_writer *w, const struct sip_addr_params *params);

/* A parsed or composed URI. With text set and nothing else, text is written. Refuses what would end it early (">", space). */
void sip_write_uri(struct sip_writer *w, const struct sip_uri *uri);

/* Escapes what may not stand in a user part (RFC 3261 §25.1), for numbers and names that people configure. */
void sip_write_user(struct sip_writer *w, struct span user);

/* Escapes for the '?' part of a URI: Refer-To with Replaces. */
void sip_write_uri_header(struct sip_writer *w, struct span text);

/* ---- the end ---- */

/* Content-Type (if body is not empty), Content-Length, the empty line, the body byte for byte. */
void sip_write_body(struct sip_writer *w, struct span content_type, struct span body);

/* The same without a body. */
void sip_write_end(struct sip_writer *w);

/* ---- checks for values that people configure ---- */

bool sip_text_is_safe(struct span text);	/* no control characters */
bool sip_text_is_token(struct span text);	/* RFC 3261 §25.1 token, not empty */
