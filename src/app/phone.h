/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
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
	const char *user_agent;
	uint32_t max_calls;
	struct media_engine_params media;
	struct addr announce;
	uint32_t rtp_timeout_ms;
	bool has_ears; /* load speech recognition and a mind too, not only voices */
	struct flow *const *flows; /* that recognition must know; borrowed until phone_new returns */
	size_t flow_count;
	struct calls_hooks hooks;
	/* Registration and out-of-dialog events; may be NULL. */
	void (*on_sip)(void *ctx, const struct sip_stack_event *ev);
	void (*on_network_change)(void *ctx);
	void *ctx; /* of these two */
};

struct phone {
	struct phone_params p;
	uv_loop_t loop;
	struct sip_stack *stack;
	struct ua *ua;
	struct calls *calls;
	struct engines *engines;
	struct trace *trace;
	int64_t wall_offset_us; /* from clock_us to time since 1970, for the trace */
};

/* ret_why: a sentence for people when it fails (which address could not be opened, which model is missing). */
nodiscard int phone_new(struct phone **ret, const struct phone_params *params, char *ret_why, size_t cap);
/* An identity without a server, sip:USER@LOCAL, for calls straight to an address. The caller unrefs it. */
nodiscard int phone_account(struct phone *ph, const char *user, const struct addr *local, struct sip_account **ret);
/* Runs the loop until uv_stop(&ph->loop). */
void phone_run(struct phone *ph);
struct phone *phone_free(struct phone *ph);
