/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/request.h"

/*
 * One dialog, RFC 3261 §12: names, CSeq numbers, route set, remote target, and what offer/answer has come to in it
 * (RFC 3264, RFC 6337). A session has one, or while its INVITE forks several.
 */

/* RFC 6337 §2.2: whose turn it is. */
enum sip_oa {
	SIP_OA_NONE,   /* nothing was offered yet */
	SIP_OA_LOCAL,  /* our offer waits for the peer's answer */
	SIP_OA_REMOTE, /* the peer's offer waits for ours */
	SIP_OA_STABLE,
};

struct sip_dialog {
	struct hash_node by_tag;
	struct list link; /* in the session's dialogs */
	struct sip_stack *stack;
	struct sip_session *session;
	unsigned fork;

	struct sip_bytes text;	 /* what the spans up to routes point into */
	struct span call_id, local_tag, remote_tag;
	struct span local, remote; /* From and To of our requests, tags included */
	struct span routes;	 /* Route value; absent: none */
	bool is_strict;		 /* the first route is a strict router: RFC 3261 §12.2.1.1 */
	struct sip_bytes target; /* the peer's Contact URI, whole */
	struct sip_bytes contact; /* ours */
	struct sip_bytes sent_by;
	uint32_t local_cseq, remote_cseq;
	bool has_remote_cseq;

	uint32_t tls;		 /* of the account: sip_dest.tls of our requests */
	struct sip_dest peer;	 /* how its last message came: transport, connection, source, our address */

	enum sip_oa oa;
	struct sip_bytes sdp;	 /* our last: repeated when a refresh needs a re-INVITE */
	bool is_confirmed, is_refused; /* refused: a fork that lost, told BYE */
	bool peer_has_update, peer_has_timer, peer_has_100rel, peer_has_norefersub;
	bool has_preview;	 /* SDP came in an unreliable 1xx */
	uint32_t rseq_seen;	 /* last RSeq of the peer's reliable 1xx; 0: none */
	uint32_t rack_cseq;	 /* of the INVITE it answered */
	struct sip_bytes ack;	 /* of the last 2xx to our INVITE, for when that comes again */
	struct sip_dest ack_dest;
	struct sip_bytes ack_host;
	uint32_t ack_cseq;
};

/* From the first response with a To tag to our INVITE (§12.1.2), whose own names these are. */
struct sip_dialog_names {
	struct span call_id;
	struct span from; /* with tag */
	struct span tag;
	uint32_t cseq;
};
nodiscard int sip_dialog_new_uac(struct sip_session *s, struct sip_stack *stack, const struct sip_dialog_names *ours,
				 const struct sip_msg *rsp, struct sip_dialog **ret);
/* From an INVITE to us (§12.1.1); tag is ours. */
nodiscard int sip_dialog_new_uas(struct sip_session *s, struct sip_stack *stack, const struct sip_msg *req, struct span tag,
				 struct sip_dialog **ret);
void sip_dialog_free(struct sip_dialog *d);

/* Of this request or of this response to one of ours; NULL: none. */
struct sip_dialog *sip_dialog_find(struct sip_stack *stack, struct span call_id, struct span local_tag,
				   struct span remote_tag);

/* A target refresh, §12.2: Contact becomes the remote target; Allow and Supported are noted. The packet says where from. */
void sip_dialog_refresh(struct sip_dialog *d, const struct sip_msg *msg);
/* Every message: where the peer sends from. */
void sip_dialog_heard(struct sip_dialog *d, const struct sip_packet *pkt);

struct sip_dialog_request {
	enum sip_method method;
	struct span headers;
	struct span content_type, body;
	bool has_contact; /* target refreshes: INVITE, UPDATE; and REFER, SUBSCRIBE */
	uint8_t auth_mask;
	struct sip_account *account;
};
/* to has fn, owner, ref and purpose. The next CSeq is taken. */
nodiscard int sip_dialog_send(struct sip_dialog *d, const struct sip_dialog_request *r, struct sip_ctrans_params *to,
			      struct sip_ctrans **ret);

/* ACK to a 2xx (§13.2.2.4), kept for its repetitions. auth: the INVITE's credentials, whole lines (§22.1). */
nodiscard int sip_dialog_ack(struct sip_dialog *d, uint32_t cseq, struct span auth, struct span sdp);
void sip_dialog_ack_again(struct sip_dialog *d);

/* The CSeq of a request from the peer (§12.2.2): false if it is lower than the last, and then nothing is changed. */
bool sip_dialog_take_cseq(struct sip_dialog *d, const struct sip_msg *req);

size_t sip_dialog_bytes(const struct sip_dialog *d);
