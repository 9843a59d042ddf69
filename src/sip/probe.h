/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/stack.h"

/*
 * Asks a server whether it is there: one OPTIONS (RFC 3261 §11) to one place. Any response says yes, a challenge and a refusal too.
 * SIP_EV_PROBED tells, once.
 */
struct sip_probe_params {
	struct sip_account *account; /* From, Via, User-Agent; a reference is taken */
	struct span uri;	     /* Request-URI; absent: "sip:" and the domain of the account */
	struct sip_dest dest;
	uint32_t answer_ms;	     /* 0: 2000 */
	void *user;
};
nodiscard int sip_probe_send(struct sip_stack *stack, const struct sip_probe_params *params, msec_t now, struct sip_probe **ret);
void *sip_probe_user(const struct sip_probe *p);
uint32_t sip_probe_age_ms(const struct sip_probe *p, msec_t now); /* since it was sent: within SIP_EV_PROBED the round trip */
/* Forgets it: no event comes. NULL is fine; returns NULL. */
struct sip_probe *sip_probe_free(struct sip_probe *p);
