/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"
#include "line/identity.h"
#include "line/number.h"

/*
 * Lines as configured: plain values, immutable once built, shared by pointer. And the pure decision which line an incoming call
 * belongs to. Presets are in preset.h, routes in route.h.
 */

enum line_kind {
	LINE_EXTENSION, /* registers on a PBX as one of its extensions */
	LINE_TRUNK,	/* a carrier or PBX that sends us calls from known addresses; may also register */
	LINE_LOCAL,	/* softphones that call us directly, from the addresses in allow */
};

enum line_transport { LINE_UDP, LINE_TCP, LINE_TLS };

/* An address block, "10.0.0.0/8". */
struct line_cidr {
	struct addr net;
	uint8_t bits;
};

/* "10.0.0.0/8", "192.0.2.7", "::1", "fd00::/8". */
nodiscard bool line_cidr_parse(struct span text, struct line_cidr *ret);
bool line_cidr_has(const struct line_cidr *c, const struct addr *a);

#define LINE_CODECS 8
#define LINE_STUN   4

enum line_srtp { LINE_SRTP_OFF, LINE_SRTP_OPTIONAL, LINE_SRTP_REQUIRED };
enum line_ice { LINE_ICE_OFF, LINE_ICE_LITE, LINE_ICE_FULL };

/* How the media of a line is secured and finds its way. */
struct line_media {
	enum line_srtp srtp;
	bool uses_dtls;		      /* our offers: keys by DTLS, as browsers want; else SDES */
	enum line_ice ice;
	const char *stun[LINE_STUN];  /* host[:port]; NULL-terminated unless full */
	const char *turn_server;      /* host[:port]; NULL: none */
	const char *turn_user, *turn_password;
};

/* How keys are sent. */
enum line_dtmf {
	LINE_DTMF_AUTO,	  /* telephone-event where the other side has it, else as tones */
	LINE_DTMF_INBAND, /* as tones in the audio, always */
	LINE_DTMF_INFO,	  /* SIP INFO, application/dtmf-relay */
};

/* Whose certificate counts when the transport is TLS; files by their whole path. */
struct line_tls {
	const char *ca;		 /* NULL: the system's CAs */
	const char *pin;	 /* "sha256/...": exactly this key; NULL: any that ca has signed */
	const char *certificate; /* ours, for servers that ask; NULL: none */
	const char *key;	 /* NULL: in certificate's file */
	bool verify;
};

struct line_config {
	const char *name;
	int file_line;
	enum line_kind kind;
	const char *preset;
	const char *servers[LIMIT_LINE_SERVERS]; /* host or host:port of PBX or carrier, first choice first; none for LINE_LOCAL */
	size_t server_count;
	const char *server;	    /* the first of them; NULL: none */
	const char *domain;	    /* in our address of record; NULL: server's host */
	const char *extension;	    /* user of our address of record */
	const char *auth_id;	    /* NULL: extension */
	const char *password;	    /* NULL: none */
	const char *display_name;   /* NULL: none */
	const char *outbound_proxy; /* host[:port] that gets all requests instead of server; NULL */
	const char *user_agent;	    /* NULL: ours */
	enum line_transport transport;
	struct line_tls tls;
	bool does_register;
	bool registers_everywhere;  /* with each server at once, not only with the first that answers */
	uint32_t expires_s;
	uint32_t keepalive_s;	    /* 0: none */
	bool keepalive_options;	    /* by OPTIONS instead of CRLF */
	const char *codecs[LINE_CODECS]; /* names, most wanted first; NULL-terminated unless full; empty: all of ours */
	struct line_media media;
	struct line_cidr *allow;    /* trunk, local: sources whose calls are ours */
	size_t allow_count;
	const char *const *client_names; /* its calls come over TLS from whoever shows a certificate for one of these, wherever from, and
					    from nobody else; NULL-terminated; NULL: addresses decide */

	/* trunks */
	const char *const *dids;    /* patterns of its numbers, NULL-terminated: tells lines of one server apart; NULL: not said */
	struct number_plan numbers;
	unsigned caller_id_in;	    /* bits of enum identity_place */
	const char *caller_id;	    /* shown to those we call; NULL: the account's */
	bool is_private;	    /* withhold it */
	bool trusts_identity;	    /* its P-Asserted-Identity, Remote-Party-ID, Privacy are believed */
	const char *inbound_user, *inbound_password; /* its calls to us have to prove that they know these; NULL: they need not */
	uint32_t max_calls, max_cps; /* both directions together; 0: no limit */
	uint16_t full_status;	    /* to calls beyond max_calls: 486 or 503 */
	uint32_t health_s;	    /* between OPTIONS to each target; 0: none while all is well */
	uint32_t failover_ms;	    /* a target that has not said a word to an INVITE after so long: the next */

	/* what some systems need otherwise */
	bool no_100rel, no_session_timer;
	enum line_dtmf dtmf;
};

/* Where servers of that transport listen unless they say otherwise. */
static inline uint16_t line_default_port(enum line_transport t)
{
	return t == LINE_TLS ? 5061 : 5060;
}

/* Whether two configurations mean the same line at work: a reload leaves it alone then. Not compared: file_line. */
bool line_config_equal(const struct line_config *a, const struct line_config *b);

/* Who sends a request, as far as lines care. */
struct line_sender {
	const struct addr *source;
	bool (*is_server)(void *servers, size_t line, const struct addr *source); /* it is an address of that line's server, resolved */
	void *servers;
	bool (*shows)(void *peer, const char *name); /* it showed a certificate for that name; NULL: none */
	void *peer;
};

/* The line wants certificates, and the sender shows one for a name of its. */
bool line_shows(const struct line_config *line, const struct line_sender *from);

/*
 * Which line an INVITE belongs to: one that knows the sender's certificate; else one whose server is the source; else the trunk or local
 * line whose allow has the source. Of several the one whose extension or DID is called. Lines that want a certificate are nobody's
 * without. -1: no line's.
 */
int line_identify(const struct line_config *lines, size_t n, const char *to_user, const struct line_sender *from);
