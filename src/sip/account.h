/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/digest.h"
#include "sip/reg.h"
#include "sip/trans.h"

/* Inside of an account: identity, next hop, and the challenges that its credentials answer. */

#define SIP_ACCOUNT_REALMS 4 /* a registrar, a proxy or two */

struct sip_account {
	struct list link;
	struct sip_stack *stack;
	uint32_t refs;
	struct sip_bytes aor, domain, display_name, user, auth_id, password, realm;
	struct sip_bytes sent_by, contact, host, routes, service_route, headers, user_agent;
	enum sip_transport transport;
	uint32_t tls;
	struct sip_dest proxy; /* its host points into host */
	struct sip_auth *auths[SIP_ACCOUNT_REALMS];
	uint8_t next_auth; /* which gives way when a fifth realm asks */
	bool no_100rel, no_session_timer;
};

/* "sip:1001@192.0.2.7:5060;transport=tcp", or as configured. is_secure: a sips: one (RFC 3261 §8.1.1.8); so is that of a sips: identity. */
void sip_account_write_contact(const struct sip_account *a, struct sip_writer *w, bool is_secure);

/*
 * A 401 or 407 to ct. 0: *ret_mask tells which challenges the next try has to answer, *ret_fresh those that are new.
 * -TR_EAUTH: our credentials were refused. -TR_EUNSUPP: no challenge that we can answer. -TR_ELIMIT: asked too often.
 */
nodiscard int sip_account_challenged(struct sip_account *a, const struct sip_ctrans *ct, const struct sip_msg *rsp,
				     uint8_t *ret_mask, uint8_t *ret_fresh);
/* One field for each challenge of mask. */
void sip_account_write_auth(struct sip_account *a, struct sip_writer *w, uint8_t mask,
			    const struct sip_auth_request *request);
