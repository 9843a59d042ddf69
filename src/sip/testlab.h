/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/list.h"
#include "base/testing.h"
#include "sip/reg.h"
#include "sip/session.h"
#include "sip/msg.h"

/*
 * For tests: whole stacks on one virtual network in virtual time. The network loses, delays, reorders and doubles as told, from
 * a seed. Addresses that belong to no stack are a raw peer: what is sent there is kept, and the test writes what comes back.
 */

#define LAB_NODES 3
#define LAB_LOG	  400
#define LAB_RAW	  64

struct lab;
struct lab_node;

/* One event, copied. */
struct lab_event {
	enum sip_stack_event_type type;
	sip_session_id session;
	int status;
	enum sip_cause cause;
	unsigned fork;
	bool is_final;
	msec_t at;
	char sdp[64], text[64];
	uint32_t refer_id;
};

struct lab_node {
	struct lab *lab;
	struct sip_stack *stack;
	struct addr addr;
	char host[ADDR_TEXT]; /* "192.0.2.10:5060" */
	struct sip_account *account;
	/* What the test wants done when an event comes; may be NULL. */
	void (*on_event)(struct lab_node *node, const struct sip_stack_event *ev);
	void *user;
	struct lab_event log[LAB_LOG];
	unsigned count;
	struct sip_session *last; /* the session of the last event that had one; NULL once it has ended */
};

struct lab_packet {
	struct list link;
	msec_t at;
	struct addr from, to;
	enum sip_transport transport;
	uint64_t token;
	size_t n;
	char bytes[];
};

struct lab {
	struct lab_node nodes[LAB_NODES];
	unsigned node_count;
	msec_t now;
	uint64_t seed;
	unsigned loss, doubles; /* per cent */
	msec_t delay, jitter;	/* jitter > delay of the next reorders */
	bool is_traced;
	bool is_interrupted; /* set by a callback: lab_run returns at once */
	struct addr group;	/* what is sent here reaches every node but the first: a forking proxy, almost */
	struct list flying;
	uint64_t delivered, lost;
	/* What went to raw peers, oldest first. */
	char *raw[LAB_RAW];
	msec_t raw_at[LAB_RAW];
	struct sip_dest raw_dest[LAB_RAW];
	uint64_t raw_token[LAB_RAW];
	unsigned raw_count;
};

void lab_init(struct lab *lab, uint64_t seed);
/* params may be NULL; on_event and ctx in it are the lab's. */
struct lab_node *lab_add(struct lab *lab, const struct sip_stack_params *params);
void lab_done(struct lab *lab);

/* An account of the node: sip:<user>@<domain>, no proxy. */
struct sip_account *lab_account(struct lab_node *node, const char *user, const char *password);

/* Sends what the stacks want to send. After calls from outside of on_event. */
void lab_drain(struct lab *lab);

/* Runs everything that is due until that time; returns early, with the time, when nothing is left to happen. */
msec_t lab_run(struct lab *lab, msec_t until);
/* For so many milliseconds more. */
void lab_wait(struct lab *lab, msec_t ms);

struct sip_session *lab_call(struct lab_node *from, struct lab_node *to, const char *sdp);
void lab_accept(struct lab_node *node, const char *sdp);

/* How often an event came, and the last of its kind. */
unsigned lab_count(const struct lab_node *node, enum sip_stack_event_type type);
const struct lab_event *lab_last(const struct lab_node *node, enum sip_stack_event_type type);

/* ---- raw peers ---- */

#define LAB_RAW_ADDR "192.0.2.99:5060"

/* Lets node receive text ("\n" becomes CR LF; "$L" the body's length) from the raw peer now, over UDP or connection 7. */
void lab_inject(struct lab_node *node, const char *text);
void lab_inject_on(struct lab_node *node, const char *text, enum sip_transport transport);
/* The n-th message to raw peers, 0 the first; negative from the end. Fails the test when it is not there. */
const char *lab_raw(struct lab *lab, int n);
void lab_raw_forget(struct lab *lab);
/* How many of them begin with this. */
unsigned lab_raw_count(const struct lab *lab, const char *start);
/* The last of them that begins with this. */
const char *lab_raw_last(const struct lab *lab, const char *start);
/* Value of the first header of that name, in a static buffer of several. */
const char *lab_header(const char *text, const char *name);
/* A response to a request that went to the raw peer: status line, its Via, From, To with tag, Call-ID, CSeq; then more lines. */
void lab_answer(struct lab_node *node, const char *request, const char *status, const char *tag, const char *more,
		const char *body);

/* Every stack has nothing left. */
void lab_assert_empty(struct lab *lab);
