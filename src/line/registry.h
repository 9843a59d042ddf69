/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "line/health.h"
#include "line/line.h"
#include "sip/reg.h"

/*
 * The lines at work: of each a SIP account, the addresses of its servers and what is known of their health, and where configured a
 * registration, or one with each server. Signalling thread only; time is told by its callers, names are resolved by a hook.
 *
 * A server is a name; behind it stand targets (RFC 3263). A registration stays with one target until that fails, then takes the next,
 * and returns to a better one that has been up for LINES_RETURN_MS. Calls are offered the targets in order, those that are down last.
 */
struct lines;

#define LINES_RETURN_MS 30000

enum line_state {
	LINE_READY,	  /* nothing to register: calls may come and go */
	LINE_REGISTERING, /* no answer yet */
	LINE_REGISTERED,
	LINE_FAILED,	  /* refused or not reachable; tried again at retry_at */
};
enum sip_transport line_sip_transport(const struct line_config *c);
const char *line_state_name(enum line_state s);

struct line_status {
	const struct line_config *config;
	enum line_state state;
	int sip_status;	     /* of the last answer to REGISTER; 0: none */
	char text[480];	     /* why it failed, in plain words; "" */
	msec_t since;	     /* of the state, clock_ms */
	msec_t retry_at;     /* NEVER: a human is needed */
	uint32_t expires_s;
	struct addr server;  /* where the registrar answered from; unset: not yet */
	struct addr public_addr; /* how it sees us, when that is another address; unset otherwise */
};

/* One address behind a name. */
struct lines_target {
	enum sip_transport transport;
	struct addr addr;
	uint16_t priority; /* lower is wanted more, RFC 2782 */
};

/* targets in the order to try; err as in net/dns.h, count 0 then. */
typedef void lines_resolved_fn(void *arg, int err, const struct lines_target *targets, size_t count);

struct lines_params {
	struct sip_stack *stack;
	/* The local address that packets to peer leave from ("192.0.2.7:5060"); peer NULL: to wherever the server may be. False: not known. */
	bool (*local_for)(void *ctx, const struct line_config *line, const struct addr *peer, struct addr *ret);
	/* Which TLS settings the line's connections use: sip_account_params.tls. NULL: the default ones. */
	uint32_t (*tls_for)(void *ctx, const struct line_config *line);
	/* RFC 3263 of dest; fn is called once, maybe before this returns, unless it fails or is cancelled. */
	int (*resolve)(void *ctx, const struct sip_dest *dest, lines_resolved_fn *fn, void *arg);
	void (*resolve_cancel)(void *ctx, void *arg);
	void (*changed)(void *ctx, const struct line_status *status); /* state or text changed; may be NULL */
	/* A target went up or down; may be NULL. */
	void (*target_changed)(void *ctx, const struct line_status *status, const struct addr *target, enum health_state state);
	void *ctx;
};

/* configs outlive it, or the next lines_update. */
nodiscard int lines_new(struct lines **ret, const struct lines_params *params, const struct line_config *configs, size_t n, msec_t now);
/*
 * Another configuration: lines that mean the same go on as they are, registration and all; the rest begins anew; what is gone
 * unregisters. On failure nothing has changed.
 */
nodiscard int lines_update(struct lines *ls, const struct line_config *configs, size_t n, msec_t now);
/* Unregisters every line; lines_is_idle tells when the registrars have answered or their time is over. */
void lines_stop(struct lines *ls, msec_t now);
bool lines_is_idle(const struct lines *ls);
struct lines *lines_free(struct lines *ls);

/* Events of the stack with reg or probe set. */
void lines_on_sip(struct lines *ls, const struct sip_stack_event *ev, msec_t now);
/* What is due: names, OPTIONS, the return to a better target. Each some 100 ms. */
void lines_tick(struct lines *ls, msec_t now);
/* The network changed: resolve and register again at once. */
void lines_refresh(struct lines *ls, msec_t now);

size_t lines_count(const struct lines *ls);
const struct line_status *lines_status(const struct lines *ls, size_t i);
struct sip_account *lines_account(const struct lines *ls, size_t i); /* borrowed; NULL for a line without server */
/* line_is_server_fn: the source is a target of this line, or where its registrar answered from. */
bool lines_is_server(void *lines, size_t i, const struct addr *source);

/* Whether calls out have a chance: registered where it registers, some target not down. */
bool lines_is_usable(const struct lines *ls, size_t i);

/* Where a call out is to be sent, first choice first; 0: names are not resolved yet, the account knows its host. Hosts are borrowed. */
size_t lines_hops(const struct lines *ls, size_t i, struct sip_dest *ret, size_t cap);
/* What became of a call there: false when it did not answer, was not reachable or said 503. */
void lines_hop_done(struct lines *ls, size_t i, const struct addr *target, bool is_fine, msec_t now);

struct lines_target_info {
	struct lines_target target;
	const char *server; /* as configured */
	struct health health;
	bool is_registered; /* a registration of ours is there */
};
size_t lines_targets(const struct lines *ls, size_t i, struct lines_target_info *ret, size_t cap);
