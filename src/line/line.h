/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/*
 * Lines and routes as configured: plain values, immutable once built, shared by pointer. And the pure decisions on them: which
 * line an incoming call belongs to, and which agent answers it.
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
	const char *server;	    /* host or host:port of PBX or carrier; NULL for LINE_LOCAL */
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
	uint32_t expires_s;
	uint32_t keepalive_s;	    /* 0: none */
	bool keepalive_options;	    /* by OPTIONS instead of CRLF */
	const char *codecs[LINE_CODECS]; /* names, most wanted first; NULL-terminated unless full; empty: all of ours */
	struct line_cidr *allow;    /* trunk, local: sources whose calls are ours */
	size_t allow_count;
};

/* Where servers of that transport listen unless they say otherwise. */
static inline uint16_t line_default_port(enum line_transport t)
{
	return t == LINE_TLS ? 5061 : 5060;
}

/* What one preset changes of the defaults; NULL if there is no such preset. */
struct line_preset {
	const char *name;
	uint32_t expires_s;
	uint32_t keepalive_s;
	bool keepalive_options;
	const char *note; /* one line for people: what to look at on that system */
};
const struct line_preset *line_preset_find(const char *name);
extern const struct line_preset line_presets[]; /* ends with a NULL name */

struct route_config {
	int file_line;
	const char *line;  /* NULL: any */
	const char *to;	   /* called number: exact, or with a trailing "*"; NULL: any */
	const char *from;  /* calling number, the same way */
	const char *agent;
};

struct line_request {
	const char *line;
	const char *to;	  /* user part of the called address */
	const char *from; /* user part of the caller's */
};

/*
 * The first route that fits. NULL when none does; ret_why then says, in a sentence, which route came nearest and what kept it from
 * fitting. When one fits it says which and why.
 */
const struct route_config *route_decide(const struct route_config *routes, size_t n, const struct line_request *rq,
	char *ret_why, size_t cap);

/*
 * Which line an INVITE belongs to: a registered extension when to_user is one of ours and the source is its server (resolved
 * addresses are passed in by is_server), else the trunk or local line whose allow has the source. -1: nobody's.
 */
typedef bool line_is_server_fn(void *ctx, size_t line, const struct addr *source);
int line_identify(const struct line_config *lines, size_t n, const char *to_user, const struct addr *source,
	line_is_server_fn *is_server, void *ctx);
