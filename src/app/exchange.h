/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "api/control.h"
#include "app/budget.h"
#include "app/media_servers.h"
#include "app/phone.h"
#include "app/secure.h"
#include "app/snapshot.h"
#include "line/registry.h"
#include "line/usage.h"
#include "sip/digest.h"

/*
 * The switchboard of the daemon: whose an incoming call is (line, credentials, limits, route), and how an outgoing one leaves (line,
 * number, caller id, targets). Signalling thread only. Its functions are the hooks of calls, lines and API; ctx is the exchange.
 */
struct exchange {
	struct phone *phone;
	struct snapshot *snap;	/* current; owned */
	struct lines *lines;	/* owned */
	struct media_servers *servers; /* owned */
	struct secure *secure;	/* certificates of the lines, borrowed; NULL: none */
	struct budget *budget;	/* of outside calls, borrowed; NULL: none */
	struct usage *usage;	/* calls in progress of lines and agents */
	bool is_stopping;
	uint8_t nonce_key[32];
	struct sip_nc_table *nonces;
	struct list questions;	/* names of lines that are being resolved */
	uint64_t challenged, auth_refused;
	void (*line_changed)(void *ctx, const struct line_status *status); /* for watchers; NULL: none */
	void *line_changed_ctx;
};

/* Takes over snap. */
void exchange_init(struct exchange *x, struct snapshot *snap);
/* After the calls have gone; lines and servers have to go before the phone, and are NULL then. */
void exchange_done(struct exchange *x);

/* The lines of its snapshot begin; phone is there. */
nodiscard int exchange_start(struct exchange *x);
/* Another configuration takes the place of the current one, which running calls keep. On failure nothing has changed. */
nodiscard int exchange_reload(struct exchange *x, struct snapshot *fresh);

/* Registrations and probes. */
void exchange_on_sip(struct exchange *x, const struct sip_stack_event *ev);

/* calls_hooks; ended and release may be given any ctx */
int exchange_plan_leg(void *ctx, const struct call_record *by, const char *target, struct call_plan *ret_plan, struct addr *ret_local,
	char *ret_why, size_t cap);
int exchange_route(void *ctx, const struct call_incoming *in, struct call_plan *ret_plan, char *ret_why, size_t cap);
void exchange_ended(void *ctx, void *owner);
void exchange_release(void *ctx, void *owner);
void exchange_hop_done(void *ctx, void *owner, const struct addr *hop, bool is_fine);
/* phone_params.screen: an INVITE that has to prove itself first was challenged; no call comes of it. */
bool exchange_screen(void *ctx, const struct sip_stack_event *ev);

/* control_target */
int exchange_dial(void *ctx, const struct control_dial *dial, struct call **ret, char *ret_why, size_t cap);
json_t *exchange_route_test(void *ctx, json_t *request, char *ret_why, size_t cap);
void exchange_describe_line(void *ctx, size_t line, json_t *answer);
uint32_t exchange_calls_of(void *ctx, const char *agent);
