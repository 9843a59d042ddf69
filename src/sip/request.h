/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/account.h"
#include "sip/trans.h"

/* Requests: composing them, sending them by a client transaction, sending them once more with credentials. */

struct sip_request {
	enum sip_method method;
	struct span uri;	  /* Request-URI */
	struct span from, to;	  /* whole values with their tags */
	struct span call_id;
	uint32_t cseq;
	struct span routes;	  /* Route value; absent: none */
	struct span contact;	  /* URI; absent: no Contact */
	struct span contact_params; /* ";expires=300"; absent: none */
	struct span headers;	  /* whole lines */
	struct span content_type, body;
	struct span sent_by;
	enum sip_transport transport;
	struct sip_account *account; /* credentials, User-Agent; NULL: none */
	uint8_t auth_mask;	  /* challenges known from before that are answered ahead */
};

/* What a request written to the scratch buffer is. */
struct sip_written {
	struct span text;
	size_t via_at;
	char branch[SIP_BRANCH_CHARS + 1];
};

nodiscard int sip_request_write(struct sip_stack *stack, const struct sip_request *r, struct sip_written *ret);

/* Writes and sends. to has fn, owner, ref, purpose and dest filled in. */
nodiscard int sip_request_send(struct sip_stack *stack, const struct sip_request *r, struct sip_ctrans_params *to,
			       struct sip_ctrans **ret);

/* The same request again with another CSeq, Via and credentials, and some headers replaced. */
struct sip_again {
	uint32_t cseq;
	struct span headers;	    /* whole lines, to be added */
	enum sip_hdr_id drop[3];    /* headers that they replace; SIP_HDR_OTHER: none */
	struct sip_account *account;
	uint8_t auth_mask, fresh_mask;
};
/* The new transaction has the old one's owner and purpose. Only while ct's final response is being handled. */
nodiscard int sip_request_again(struct sip_ctrans *ct, const struct sip_again *again, struct sip_ctrans **ret);

/* After a 401 or 407: as sip_account_challenged, and then sends. */
nodiscard int sip_request_authorize(struct sip_ctrans *ct, const struct sip_msg *rsp, struct sip_account *account,
				    uint32_t cseq, struct sip_ctrans **ret);

/* RFC 3261 §8.1.2: where a URI says that requests go. fallback: the transport if it says none. */
nodiscard int sip_uri_dest(struct span uri, enum sip_transport fallback, struct sip_dest *ret);
