/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/*
 * Reading a session description, RFC 8866 (RFC 4566 before it).
 *
 * Zero-copy: every span points into the text that was parsed and lives as long as that text.
 * Lenient where real peers are: bare LF, missing s= and t=, unknown lines, an rtpmap without its
 * clock, c= only in the media. Pure; any thread.
 */

/* As the party that wrote the description sees it. Bit 0: it sends, bit 1: it receives. */
enum sdp_dir {
	SDP_INACTIVE = 0,
	SDP_SENDONLY = 1,
	SDP_RECVONLY = 2,
	SDP_SENDRECV = 3,
};

/* The same stream seen from the other end (RFC 3264 §6.1). */
static inline enum sdp_dir sdp_dir_reverse(enum sdp_dir d)
{
	return (enum sdp_dir)((d >> 1 & 1) | (d << 1 & 2));
}

/* "sendrecv" and so on. */
const char *sdp_dir_name(enum sdp_dir d);

enum sdp_media_kind { SDP_AUDIO, SDP_VIDEO, SDP_IMAGE, SDP_APPLICATION, SDP_OTHER_MEDIA };

enum sdp_proto {
	SDP_RTP_AVP,     /* RFC 3551 */
	SDP_RTP_AVPF,    /* RFC 4585 */
	SDP_RTP_SAVP,    /* RFC 3711, keys in a=crypto (RFC 4568) or a=fingerprint */
	SDP_RTP_SAVPF,   /* RFC 5124 */
	SDP_DTLS_SAVP,   /* UDP/TLS/RTP/SAVP, RFC 5764 */
	SDP_DTLS_SAVPF,  /* UDP/TLS/RTP/SAVPF */
	SDP_OTHER_PROTO, /* udptl, DTLS/SCTP ... */
};

const char *sdp_proto_name(enum sdp_proto p);

/* "c=": absent while host is absent. */
struct sdp_conn {
	struct span host;
	struct addr ip; /* unset when host is a name; its port is 0 */
};

/* "a=name" or "a=name:value"; value is absent without a colon. All lines are kept, in order,
 * understood or not. */
struct sdp_attr {
	struct span name, value;
	int16_t media; /* index of the m-line, SDP_SESSION above the first one */
};
#define SDP_SESSION (-1)

struct sdp_format {
	struct span text;     /* as the m-line writes it */
	struct span encoding; /* of the rtpmap; absent without one */
	struct span fmtp;     /* absent without one */
	uint32_t clock_hz;    /* 0: no rtpmap, or one without a clock */
	uint8_t channels;     /* 1 unless the rtpmap says otherwise */
	uint8_t pt;           /* SDP_NO_PT when text is not 0..127 */
};
#define SDP_NO_PT 255

struct sdp_media {
	struct span kind_text, proto_text;
	enum sdp_media_kind kind;
	enum sdp_proto proto;
	uint16_t port;        /* 0: refused or removed */
	uint16_t port_count;  /* "49170/2"; 1 without it */
	struct sdp_conn conn; /* its own or the session's */
	enum sdp_dir dir;     /* its own, the session's or sendrecv */
	struct addr rtcp; /* RFC 3605; unset without a=rtcp; the address is conn's when a=rtcp has
			     only a port */
	uint16_t ptime_ms, maxptime_ms;      /* 0: not said */
	bool is_rtcp_mux;                    /* RFC 5761 */
	uint16_t first_format, format_count; /* in sdp.formats */
	uint16_t line;                       /* of the m=, for messages; 1 is the first */
};

struct sdp {
	struct span origin_user, origin_id, origin_version, origin_host; /* absent without o= */
	struct span session_name;
	struct sdp_conn conn; /* session level */
	enum sdp_dir dir;     /* session level; sendrecv when not said */
	uint16_t media_count, format_count, attr_count;
	uint16_t ignored; /* lines that made no sense, formats and attributes beyond their limits */
	struct sdp_media media[LIMIT_SDP_MEDIA];
	struct sdp_format formats[LIMIT_SDP_FORMATS_ALL];
	struct sdp_attr attrs[LIMIT_SDP_ATTRS];
};

struct sdp_error {
	unsigned line;    /* 1 is the first; 0: the text as a whole */
	const char *what; /* static text */
};

/*
 * Without a clean-up: nothing is allocated. Only what nothing could be done with is an error
 * (-TR_EPARSE: no v= at all, an m-line without port or format; -TR_ETOOBIG: more text or more
 * m-lines than the limits) and fills *ret_error; then *ret is undefined.
 */
nodiscard int sdp_parse(struct span text, struct sdp *ret, struct sdp_error *ret_error);

/* First attribute of that name in media (or SDP_SESSION), no fallback to the session; NULL without
 * one. */
const struct sdp_attr *sdp_attr_find(const struct sdp *sdp, int media, const char *name);

/* The next one of the same name and media. */
const struct sdp_attr *sdp_attr_next(const struct sdp *sdp, const struct sdp_attr *attr);

/* Format number i of m, i < m->format_count. */
static inline const struct sdp_format *sdp_format_at(
	const struct sdp *sdp, const struct sdp_media *m, unsigned i)
{
	return &sdp->formats[m->first_format + i];
}

/*
 * The session description in a SIP body: the body itself when content_type is application/sdp (or
 * absent and the body begins with "v="), else its first application/sdp part of a multipart/...
 * (RFC 2046 §5.1, RFC 5621 §3.1), nested at most LIMIT_SDP_NESTING deep. false: there is none.
 */
bool sdp_in_body(struct span content_type, struct span body, struct span *ret_sdp);
