/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/request.h"

enum sip_reg_state {
	SIP_REG_TRYING,	 /* REGISTER in flight */
	SIP_REG_WAITING, /* for the refresh, or for another try */
	SIP_REG_STUCK,	 /* needs a human */
	SIP_REG_LEAVING, /* unregistering */
	SIP_REG_GONE,
};

struct sip_reg {
	struct list link;
	struct sip_stack *stack;
	struct sip_account *account;
	void *user;
	enum sip_reg_state state;
	struct sip_bytes registrar, instance_id, contact, call_id;
	char tag[SIP_TAG_CHARS + 1];
	uint32_t cseq, expires_s, retry_max_s, keepalive_s, reg_id, patience_ms;
	enum sip_keepalive keepalive;
	bool learn_public, is_registered, was_registered, has_pong, is_pinging;
	uint8_t auth_mask;
	struct sip_ctrans *ct, *ping;
	struct timer timer;	  /* refresh, next try, end of leaving */
	struct timer alive;	  /* keep-alive, and how long to wait for its answer */
	uint32_t conn;
	enum sip_reg_fault fault;
	int status;
	msec_t expires_at;
	struct addr public_addr;
	bool is_behind_nat;	/* the registrar saw us at another address than ours */
	uint32_t attempts;
	bool is_dead;
};

/* Sends REGISTER; expires 0 removes. reg.c */
void sip_reg_send(struct sip_reg *reg, uint32_t expires_s);
nodiscard int sip_reg_dest(const struct sip_reg *reg, struct sip_dest *ret);

/* reg_alive.c */
void sip_reg_alive_start(struct sip_reg *reg, const struct sip_msg *rsp);
void sip_reg_alive_stop(struct sip_reg *reg);
void sip_reg_on_alive(struct timer *t, msec_t now);
/* What the registrar's answer shows of our address: RFC 3581. True: learned and to be registered anew. */
bool sip_reg_learn(struct sip_reg *reg, const struct sip_msg *rsp);

/* From the stack. */
void sip_reg_pong(struct sip_stack *stack, uint32_t conn);
void sip_reg_conn_lost(struct sip_stack *stack, uint32_t conn);
void sip_reg_destroy_all(struct sip_stack *stack);
void sip_reg_free_dead(struct sip_stack *stack);
