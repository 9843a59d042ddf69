/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/event.h"
#include "agent/registry.h"
#include "media/port.h"

/*
 * What drives an agent on one call. The runtime (agent.c) owns brains and knows no more of them than this.
 *
 * Thread: the agent loop; tests call it in virtual time.
 */
struct brain;
struct recorded;

struct brain_ops {
	void (*start)(struct brain *b); /* once, before anything else */
	void (*tick)(struct brain *b);	/* when the caller's frames have come, and at least every 20 ms */
	void (*dtmf)(struct brain *b, char digit);
	void (*hold)(struct brain *b);
	void (*resume)(struct brain *b);
	void (*say)(struct brain *b, const char *text);
	void (*transfer_failed)(struct brain *b, const char *reason);
	/* Of a brain that waits for who answers (doorman.h); NULL otherwise. */
	void (*begin)(struct brain *b);
	void (*leave)(struct brain *b, const char *text);
	void (*free)(struct brain *b); /* any time; no event follows */
};

struct brain {
	const struct brain_ops *ops;
};

/* What a brain needs from its surroundings; borrowed, outlives it. */
struct brain_env {
	uint64_t call;
	struct media_port *port;
	const struct agent_providers *providers;
	struct recorded *recorded; /* phrases made beforehand; NULL: none */
	agent_event_fn *on_event;
	void *event_ctx;
	int64_t (*clock_us)(void *ctx); /* CLOCK_MONOTONIC, or virtual */
	void *clock_ctx;
	int64_t wall_ms;
};
