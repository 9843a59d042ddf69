/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/stack.h"

/* Who we are on one line: identity, credentials, next hop. Shared by its registration and calls; counted references. */
struct sip_account_params {
	struct span aor;	  /* "sip:1001@pbx.example.com" */
	struct span display_name; /* absent: none */
	struct span auth_id;	  /* absent: user of aor. 3CX wants another */
	struct span password;
	struct span realm;	  /* answer only challenges of this realm; absent: any */
	enum sip_transport transport;
	uint32_t tls;		  /* which TLS settings connections for it use: sip_dest.tls */
	struct span sent_by;	  /* "192.0.2.7:5060": what Via and the host of Contact say */
	struct span contact;	  /* whole Contact URI; absent: sip:<user of aor>@<sent_by> with the transport */
	struct sip_dest proxy;	  /* first hop of requests outside dialogs; no host and addr: the request URI decides */
	struct span routes;	  /* Route value to preload: "<sip:edge.example.com;lr>"; absent: none */
	struct span headers;	  /* into every request outside dialogs */
	struct span user_agent;	  /* absent: the stack's. Yeastar can restrict it */
	bool no_100rel;		  /* neither offered nor used in calls of this account: 3CX has no PRACK */
	bool no_session_timer;	  /* not asked for by us; a peer that asks gets it */
};
/* Copies all of params. -TR_EPARSE: aor is not a SIP URI. */
nodiscard int sip_account_new(struct sip_stack *stack, const struct sip_account_params *params, struct sip_account **ret);
struct sip_account *sip_account_ref(struct sip_account *a);
struct sip_account *sip_account_unref(struct sip_account *a); /* NULL is fine; returns NULL */

/* After SIP_EV_PUBLIC_ADDR or a change of network: later Via and Contact headers. Calls keep the Contact they began with. */
nodiscard int sip_account_set_sent_by(struct sip_account *a, struct span sent_by);
/* Where later requests go; NULL leaves it. */
nodiscard int sip_account_set_proxy(struct sip_account *a, const struct sip_dest *proxy);

/*
 * Keeps one account registered, RFC 3261 §10.2, from sip_reg_new until SIP_EV_REG_GONE or sip_reg_free: refreshes ahead of
 * expiry, backs off with jitter, learns the public address (RFC 3581), keeps NAT bindings alive.
 */
enum sip_keepalive { SIP_KA_CRLF, SIP_KA_OPTIONS, SIP_KA_NONE };

struct sip_reg_params {
	struct sip_account *account; /* a reference is taken */
	struct span registrar;	     /* request URI; absent: "sip:" and the domain of the account */
	uint32_t expires_s;	     /* asked for; 0: 300 */
	uint32_t retry_max_s;	     /* longest pause between attempts; 0: 10. First pauses are 1, 2, 4 s with jitter */
	enum sip_keepalive keepalive;
	uint32_t keepalive_s;	     /* 0: 25 on UDP, 95 on streams (RFC 5626 §4.4) */
	bool learn_public;	     /* re-register with the address that the registrar sees (RFC 3581) */
	uint32_t patience_ms;	     /* as of sip_reg_set_patience */
	uint32_t delay_ms;	     /* before the first REGISTER: many lines of one process do not begin in step */
	struct span instance_id;     /* RFC 5626 §4.1: "urn:uuid:..."; absent: plain registration */
	uint32_t reg_id;	     /* RFC 5626 §4.2; 0: 1 */
	void *user;
};
/* The first REGISTER is sent at once, or after delay_ms. */
nodiscard int sip_reg_new(struct sip_stack *stack, const struct sip_reg_params *params, msec_t now, struct sip_reg **ret);
/* Forgets it without a word to the registrar. May be called from within on_event. NULL is fine; returns NULL. */
struct sip_reg *sip_reg_free(struct sip_reg *reg);

void *sip_reg_user(const struct sip_reg *reg);
/* The network changed, or a human asked: registers now, without waiting for refresh or back-off. */
void sip_reg_refresh_now(struct sip_reg *reg, msec_t now);
/*
 * There is another registrar to try: a REGISTER without any response after so long has failed (SIP_REG_NO_ANSWER), which RFC 3261 would
 * only say after 64*T1. 0: that. From the next REGISTER on.
 */
void sip_reg_set_patience(struct sip_reg *reg, uint32_t ms);
/* Removes our binding; SIP_EV_REG_GONE comes within 64*T1 whatever the registrar does. Free it there or later. */
void sip_reg_unregister(struct sip_reg *reg, msec_t now);

struct sip_reg_info {
	bool is_registered;
	enum sip_reg_fault fault;
	int status;		/* of the last answer; 0: none yet */
	msec_t expires_at, next_at;
	struct addr public_addr; /* as the registrar sees us; AF_UNSPEC: not known */
	struct span contact;	/* URI as registered */
	struct span service_route; /* RFC 3608, used for calls of the account */
	uint32_t attempts;	/* failed in a row */
};
void sip_reg_get_info(const struct sip_reg *reg, struct sip_reg_info *ret);
