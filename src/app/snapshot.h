/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/agent.h"
#include "app/config.h"
#include "call/call.h"

/*
 * A configuration made ready for calls: agents in the words of agent.h, recordings loaded. Counted: each call holds the one it began
 * with, so a reload changes nothing under a running call. Signalling thread only.
 */
struct snapshot {
	struct config *config; /* owned */
	struct agent_config *agents;  /* as config->agents */
	struct media_clip **clips;    /* of play agents, else NULL */
	struct media_clip **music; /* of each agent; NULL: none */
	struct media_clip **consent; /* the same */
	struct flow **flows;	      /* of agents that follow one, else NULL; borrowed from config */
	unsigned refs;
};

/* Takes over config, also when it fails: *ret_why in words then (a recording that cannot be read). */
nodiscard int snapshot_new(struct snapshot **ret, struct config *config, char *ret_why, size_t cap);
struct snapshot *snapshot_ref(struct snapshot *s);
struct snapshot *snapshot_unref(struct snapshot *s); /* returns NULL */

/* The plan of a call for agent number i; takes a reference, which the calls' release hook gives back. */
void snapshot_plan(struct snapshot *s, size_t agent, struct call_plan *ret);
