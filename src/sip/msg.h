/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "sip/hdr.h"
#include "sip/method.h"
#include "sip/uri.h"

/*
 * A SIP message over the caller's bytes, RFC 3261 §7. Nothing is copied: the buffer must outlive the message and everything
 * taken from it (sip_msg_clone makes a message that owns its bytes).
 *
 * Two stages. sip_msg_parse splits the header and reads what every message needs to be matched and answered: about a
 * microsecond. sip_msg_check reads all other headers we know for their grammar: for requests that create something.
 *
 * A folded header value keeps its CR LF SP in the span; every parser of hdr.h takes CR and LF for white space, and the
 * writer turns them into spaces. Use span_trim and those parsers, never memchr for ' '.
 *
 * Lenient: lines may end in LF alone, white space may stand around ':' and at the ends, Content-Length may be missing in a
 * datagram or smaller than what follows. Strict: what is ambiguous (differing Content-Length, two From), NUL outside of the
 * body, numbers that overflow.
 */

struct sip_header {
	enum sip_hdr_id id;
	uint8_t next;		/* index of the next one with this id; SIP_HDR_NONE at the end */
	struct span name;	/* as received; may be the compact form */
	struct span value;	/* trimmed; may be folded */
};

#define SIP_HDR_NONE 255
static_assert(LIMIT_SIP_HEADERS < SIP_HDR_NONE, "header indices are bytes");

/* What is wrong with a message. */
struct sip_parse_error {
	uint16_t status;	/* to answer a request with: 400, 416, 505, 513 ...; 0: nothing can be answered, drop it */
	const char *text;	/* plain words, constant; NULL if nothing is wrong */
	enum sip_hdr_id hdr;	/* the header at fault; OTHER: the start line or the message as a whole */
};

struct sip_msg {
	struct span text;	/* the message, from its first byte to the end of its body */
	bool is_request;

	/* Requests. */
	enum sip_method method;
	struct span method_name;
	struct span request_uri;
	struct sip_uri uri;	/* the Request-URI parsed */

	/* Responses. */
	uint16_t status;	/* 100..699 */
	struct span reason;	/* may be empty */

	/* Read from the headers at once. */
	struct sip_via via;	/* the topmost */
	struct span call_id;
	struct span from;	/* the whole value */
	struct span to;
	struct span from_tag;	/* absent if none */
	struct span to_tag;
	struct sip_cseq cseq;	/* a request's method equals the start line's */
	int64_t content_length;	/* as stated; -1 if absent */
	int max_forwards;	/* -1 if absent */
	struct span body;

	struct sip_parse_error error; /* set by sip_msg_parse, see there */

	uint8_t first[SIP_HDR_COUNT]; /* index of the first header of an id */
	uint16_t header_count;
	struct sip_header headers[LIMIT_SIP_HEADERS]; /* last, so that a clone ends with those in use */
};

/*
 * Parses one datagram, or one frame that sip_msg_frame has cut out. Empty lines in front are skipped.
 *
 * 0: *ret is complete. -TR_EPARSE or -TR_ETOOBIG: ret->error says why. If error.status is not 0, it is a request, not an
 * ACK, with a usable Via: answer it at once with sip_write_response, which copies of From, To, Call-ID and CSeq what is there
 * (RFC 4475 §3.3.1 wants an answer even without them). Its spans may be absent then, so do nothing else with it.
 */
nodiscard int sip_msg_parse(struct sip_msg *ret, const char *buf, size_t n);

/*
 * The grammar of all other headers we know, the Request-URI's scheme (416) and the version. -TR_EPARSE: *ret has status and
 * reason.
 */
nodiscard int sip_msg_check(const struct sip_msg *msg, struct sip_parse_error *ret);

enum sip_frame {
	SIP_FRAME_MORE,	    /* not complete yet */
	SIP_FRAME_MESSAGE,  /* a message of *ret_len bytes stands at the beginning */
	SIP_FRAME_PING,	    /* CR LF CR LF: answer CR LF (RFC 5626 §3.5.1); *ret_len bytes to skip */
	SIP_FRAME_CRLF,	    /* a lone CR LF: a pong, or filling between messages (RFC 3261 §7.5); *ret_len bytes to skip */
};

/*
 * Cuts messages out of a stream, RFC 3261 §18.3: an enum sip_frame, or -TR_EPARSE (no or contradictory Content-Length, not
 * SIP at all) or -TR_ETOOBIG, after which the stream cannot be followed any more and has to be closed. Call again after
 * skipping *ret_len. A CR LF at the end of what has arrived is SIP_FRAME_CRLF at once, since it may be a pong; so a ping that
 * the network cut in two comes as two of them, and whoever answers pings may count two in a row as one.
 */
nodiscard int sip_msg_frame(const char *buf, size_t n, size_t *ret_len);

/* The first header of that id and the next ones, in order; NULL at the end. Not for SIP_HDR_OTHER. */
const struct sip_header *sip_msg_find(const struct sip_msg *msg, enum sip_hdr_id id);
const struct sip_header *sip_msg_find_next(const struct sip_msg *msg, const struct sip_header *hdr);

/* The first of any name, also of one that has no id: for custom headers ("X-Tenant"). */
const struct sip_header *sip_msg_find_name(const struct sip_msg *msg, struct span name);

/* The value of the first one; absent if there is none. */
struct span sip_msg_value(const struct sip_msg *msg, enum sip_hdr_id id);

/* The value of the first one as a number (Expires, RSeq, Min-SE ...); false if it is absent or no number. */
bool sip_msg_number(const struct sip_msg *msg, enum sip_hdr_id id, uint32_t *ret);

/* Whether any field of this id (Supported, Require, Allow ...) lists the token; case is ignored. */
bool sip_msg_has_token(const struct sip_msg *msg, enum sip_hdr_id id, const char *token);

/*
 * All elements of all fields of one id, separated at commas outside of "" and <>:
 *
 *	struct sip_list it;
 *	struct span value;
 *
 *	sip_list_init(&it, msg, SIP_HDR_ROUTE);
 *	while (sip_list_next(&it, &value))
 *		...
 *
 * Challenges and credentials come whole, since commas separate their parameters.
 */
struct sip_list {
	const struct sip_msg *msg;
	const struct sip_header *hdr;
	struct span rest;
};

void sip_list_init(struct sip_list *ret, const struct sip_msg *msg, enum sip_hdr_id id);
bool sip_list_next(struct sip_list *it, struct span *ret);

/*
 * A copy in one allocation that owns its bytes and takes as much memory as it needs. Never copy a struct sip_msg by
 * assignment from a clone: it is cut after its last header. NULL when memory is out.
 */
nodiscard struct sip_msg *sip_msg_clone(const struct sip_msg *msg);
struct sip_msg *sip_msg_free(struct sip_msg *clone); /* returns NULL */
