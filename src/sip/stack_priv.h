/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/hash.h"
#include "base/list.h"
#include "base/timer.h"
#include "sip/msg.h"
#include "sip/outbox.h"
#include "sip/rand.h"
#include "sip/stack.h"
#include "sip/write.h"

/* Inside of the user agent core: shared by its machines, not for its users. */

#define SIP_T2_MS 4000 /* RFC 3261 §17.1.2.1: longest interval between two sendings */
#define SIP_T4_MS 5000 /* a message's life in the network */
#define SIP_TAG_CHARS 13     /* 65 bits */
#define SIP_BRANCH_CHARS 20  /* "z9hG4bK" and 65 bits */
#define SIP_HEADERS_BYTES 8192 /* scratch for the headers that a machine adds to a message */

/* Text on the heap. */
struct sip_bytes {
	char *p;
	size_t n;
};

/* Replaces; an empty span empties. -ENOMEM leaves it as it was. */
nodiscard int sip_bytes_set(struct sip_bytes *b, struct span text);
void sip_bytes_free(struct sip_bytes *b);

static inline struct span sip_bytes_span(const struct sip_bytes *b)
{
	return span(b->p, b->n);
}

struct sip_strans;

struct sip_slot {
	struct sip_session *session;
	uint32_t generation;
	uint32_t next_free;
};

struct sip_stack {
	struct sip_stack_params params;
	struct sip_bytes user_agent;
	struct timer_wheel wheel;
	struct sip_rand rand;
	struct sip_outbox out;
	msec_t now;	/* of the call that is being served */
	unsigned depth; /* calls of ours that are on the C stack: objects are freed at zero */
	bool is_serving; /* the outermost of them is recv, tick, conn_lost or send_failed: events may be told */
	unsigned in_user; /* callbacks of the user that are on the C stack */

	struct hash_table clients; /* by branch */
	struct hash_table servers; /* by the key of RFC 3261 §17.2.3 */
	struct hash_table merges;  /* the same by Call-ID, From tag and CSeq: RFC 3261 §8.2.2.2 */
	struct hash_table dialogs; /* by our tag */
	struct list dead_clients, dead_servers;
	struct list sessions; /* all that have memory */
	struct list ended;    /* those whose SIP_EV_ENDED is due, and then those that can be freed */
	struct list regs, accounts, dead_regs, probes;
	struct sip_slot *slots;
	uint32_t slot_count, slot_free;
	uint32_t serial; /* of transactions */
	uint32_t calls; /* sessions that the user has not seen the end of */

	struct sip_strans *asked; /* the request of the event that sip_stack_reply may answer */
	const struct sip_packet *packet; /* being served */
	const char *fault; /* why the network said no, while that is told; NULL */
	struct sip_stack_stats stats;
	char scratch[LIMIT_SIP_MSG_BYTES];
};

/* Around every entry from outside: sets the time, and frees what died once nobody is inside any more. */
void sip_stack_enter(struct sip_stack *stack, msec_t now);
void sip_stack_leave(struct sip_stack *stack);

/* Hands a message to the outbox and counts. */
void sip_stack_send(struct sip_stack *stack, struct span bytes, const struct sip_dest *dest, uint64_t token);

/* Only while serving recv, tick, conn_lost or send_failed. */
void sip_stack_emit(struct sip_stack *stack, struct sip_stack_event *ev);

static inline uint32_t sip_t1(const struct sip_stack *stack)
{
	return stack->params.t1_ms;
}

/* A random text of n characters and terminator. */
static inline struct span sip_stack_token(struct sip_stack *stack, char *buf, size_t n)
{
	sip_rand_text(&stack->rand, buf, n);
	buf[n] = 0;

	return span(buf, n);
}

/* "z9hG4bK..." */
struct span sip_stack_branch(struct sip_stack *stack, char ret_branch[SIP_BRANCH_CHARS + 1]);

/* 503 with Retry-After, and nothing kept. */
void sip_stack_overloaded(struct sip_stack *stack, const struct sip_msg *req, const struct sip_packet *pkt);

/* What we can: the same in every Allow and Supported of ours. */
#define SIP_ALLOW_NO_UPDATE "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, INFO, REFER, NOTIFY"
#define SIP_ALLOW SIP_ALLOW_NO_UPDATE ", UPDATE"
#define SIP_ACCEPT "application/sdp, application/dtmf-relay, application/dtmf, message/sipfrag"
struct span sip_stack_supported(const struct sip_stack *stack);
struct span sip_supported(bool has_100rel, bool has_timer);
struct span sip_stack_allow(const struct sip_stack *stack);
