/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "line/registry.h"
#include "sip/probe.h"

/* Shared by registry.c (lines and registrations) and target.c (names, health, choice of targets). */

struct line;

/* A server as configured, and the question about it that is under way. */
struct line_server {
	struct line *line;
	char host[256];
	uint16_t port;
	struct addr literal;	/* unset: host is a name */
	bool is_resolving;
	msec_t resolve_at;
	int err;		/* of the last answer */
};

struct target {
	struct line *line;
	struct line_server *server;
	struct lines_target at;
	struct health health;
	struct sip_probe *probe;
	bool is_listed;		/* the latest answer of the resolver has it */
};

/* A registration: one, or one with each server. */
struct line_reg {
	struct line *line;
	struct sip_account *account;
	struct sip_reg *reg;	     /* NULL: not begun, or gone */
	struct line_server *server;  /* with this one only; NULL: whichever answers */
	struct target *target;	     /* where it is now; NULL: by name */
	bool is_begun, is_registered;
	unsigned rounds;	     /* targets tried in vain since it last worked */
	msec_t begin_at;
};

struct line {
	struct lines *owner;
	size_t index;
	struct line_status status;
	struct sip_account *account;
	struct addr local;	     /* of ours, as last said in Via and Contact; unset: none was known */
	bool is_local_sure;	     /* it was asked for with a target, not guessed */
	struct line_server servers[LIMIT_LINE_SERVERS];
	size_t server_count;
	struct target *targets[LIMIT_LINE_TARGETS];
	size_t target_count;
	struct line_reg regs[LIMIT_LINE_SERVERS];
	size_t reg_count;
	uint32_t tls;		     /* of its account */
	bool is_leaving;
};

struct lines {
	struct lines_params p;
	struct line **list;
	size_t count;
	struct line **leaving; /* unregistering after a reload */
	size_t leaving_count;
	bool is_stopping;
};

/* registry.c */
void line_set_state(struct line *l, enum line_state state, const char *text, msec_t now);

/* Says the address in Via and Contact that packets to t leave from, when that has changed; r NULL: of all accounts. */
void line_say_local(struct line *l, struct line_reg *r, const struct target *t);

/* target.c */
void target_open(struct line *l, msec_t now); /* servers from the configuration; literals become targets at once */
void target_close(struct line *l);
void target_tick(struct line *l, msec_t now);
void target_refresh(struct line *l, msec_t now);
struct target *target_find(const struct line *l, const struct addr *addr);
void target_on_probe(const struct sip_stack_event *ev, msec_t now);
void target_note(struct target *t, bool is_fine, msec_t now);
/* The best one for a registration that must not be `except`; NULL: none, or all are down and is_any is false. */
struct target *target_best(const struct line *l, const struct line_server *server, const struct target *except, bool is_any);
void target_dest(const struct target *t, struct sip_dest *ret);
/* Smaller is better. */
uint32_t target_rank(const struct target *t);
/* A line that does not register is as well as its targets. */
void target_judge(struct line *l, msec_t now);
