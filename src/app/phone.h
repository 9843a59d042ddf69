/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/engines.h"
#include "call/call.h"
#include "obs/trace.h"
#include "sip/reg.h"
#include "ua/ua.h"

/*
 * Everything that makes calls on one loop: SIP stack, its sockets, calls with media and agent, flight recorder. The daemon is one with
 * lines, routes and an API; the demo caller is one with a script.
 */
struct engines;

struct phone_params {
	const struct ua_listen *listens;
	unsigned listen_count;
	struct tls_ctx *tls_server; /* of TLS and WSS listeners; NULL: there are none */
	const char *user_agent;
	uint32_t max_calls;
	struct media_engine_params media;
	struct addr announce;
	uint32_t rtp_timeout_ms;
	struct engines_wanted engines;
	struct calls_hooks hooks;
	const char *dns_servers; /* NULL: the system's */
	/* An INVITE that no call shall come of: it has been answered (challenged). May be NULL. */
	bool (*screen)(void *ctx, const struct sip_stack_event *ev);
	/* Registration and out-of-dialog events; may be NULL. */
	void (*on_sip)(void *ctx, const struct sip_stack_event *ev);
	void (*on_network_change)(void *ctx);
	/* As in sip_stack_params and ua_hooks; may be NULL. */
	bool (*is_welcome)(void *ctx, const struct sip_packet *pkt, const struct sip_msg *msg);
	void (*on_banned)(void *ctx, const struct addr *source, enum ua_offence what, uint32_t ban_ms);
	void (*on_message)(void *ctx, const struct trace_message *m); /* each SIP message, in and out */
	void *ctx; /* of these six */
};

struct phone {
	struct phone_params p;
	uv_loop_t loop;
	struct sip_stack *stack;
	struct ua *ua;
	struct calls *calls;
	struct engines *engines;
	struct trace *trace;
	msec_t refused_at;	/* when a refused handshake was last logged */
	int64_t wall_offset_us; /* from clock_us to time since 1970, for the trace */
};

/* ret_why: a sentence for people when it fails (which address could not be opened, which model is missing). */
nodiscard int phone_new(struct phone **ret, const struct phone_params *params, char *ret_why, size_t cap);
/* An identity without a server, sip:USER@LOCAL, for calls straight to an address over that transport. The caller unrefs it. */
nodiscard int phone_account(
	struct phone *ph, const char *user, enum sip_transport transport, const struct addr *local, struct sip_account **ret);
/* Runs the loop until uv_stop(&ph->loop). */
void phone_run(struct phone *ph);
struct phone *phone_free(struct phone *ph);
