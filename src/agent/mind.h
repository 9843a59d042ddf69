/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/history.h"

/*
 * One call's mind: asks the llm, cuts what it streams into pieces for the voice, keeps its tool calls until the reply is
 * complete, asks once more when the engine fails before a word was said.
 *
 * Thread: the agent loop. Faults are kept for the owner to poll.
 */
struct mind;

struct mind_tool {
	char *call_id, *name, *args_json;
};

struct mind_times {
	int64_t asked_us, text_us; /* of the last request */
};

struct mind_params {
	struct llm_port *llm;	   /* NULL: every question is a fault */
	struct llm_params session; /* cb is filled by mind_open; the rest is borrowed until it returns */
	uint32_t timeout_ms;	   /* for the first text, and between two */
	int64_t (*clock_us)(void *ctx);
	void *clock_ctx;

	void (*on_piece)(void *arg, const char *text);
	void (*on_listen)(void *arg, const struct llm_listen *listen);
	/* The reply is complete; tools are borrowed. The next question may be asked from here. */
	void (*on_done)(void *arg, const struct mind_tool *tools, uint32_t tool_count);
	void *arg;
};

nodiscard int mind_open(struct mind **ret, const struct mind_params *params, struct port_fault *ret_fault);
struct mind *mind_close(struct mind *m);

/* turn's history is taken from h. A question that runs is cancelled. */
void mind_ask(struct mind *m, const struct llm_turn *turn, const struct history *h);
void mind_cancel(struct mind *m);

bool mind_is_busy(const struct mind *m);
/* Busy and without a word so far, since how many ms; 0 otherwise. */
uint32_t mind_silent_ms(const struct mind *m);
struct mind_times mind_times(const struct mind *m);
enum llm_fit mind_judge(const struct mind *m, const char *text);

/* Every 20 ms: looks after the engine. */
void mind_tick(struct mind *m);
bool mind_fault(struct mind *m, struct port_fault *ret_fault);
