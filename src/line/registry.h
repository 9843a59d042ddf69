/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "line/line.h"
#include "sip/reg.h"

/*
 * The lines at work: a SIP account and, where configured, a registration for each; and what is known of their state. Signalling
 * thread only.
 */
struct lines;

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

struct lines_params {
	struct sip_stack *stack;
	/* The local address that packets to this destination leave from ("192.0.2.7:5060"); false: not known yet. */
	bool (*local_for)(void *ctx, const struct line_config *line, struct addr *ret);
	/* Which TLS settings the line's connections use: sip_account_params.tls. NULL: the default ones. */
	uint32_t (*tls_for)(void *ctx, const struct line_config *line);
	void (*changed)(void *ctx, const struct line_status *status); /* state or text changed; may be NULL */
	void *ctx;
};

/* configs outlive it. */
nodiscard int lines_new(struct lines **ret, const struct lines_params *params, const struct line_config *configs, size_t n, msec_t now);
/* Unregisters every line; lines_is_idle tells when the registrars have answered or their time is over. */
void lines_stop(struct lines *ls, msec_t now);
bool lines_is_idle(const struct lines *ls);
struct lines *lines_free(struct lines *ls);

/* Registration events of the stack (reg is set). */
void lines_on_sip(struct lines *ls, const struct sip_stack_event *ev, msec_t now);
/* The network changed: register again at once. */
void lines_refresh(struct lines *ls, msec_t now);

size_t lines_count(const struct lines *ls);
const struct line_status *lines_status(const struct lines *ls, size_t i);
struct sip_account *lines_account(const struct lines *ls, size_t i); /* borrowed; NULL for a local line */
/* line_is_server_fn: the source is where this line's registrar answers from, or its configured literal address. */
bool lines_is_server(void *lines, size_t i, const struct addr *source);
