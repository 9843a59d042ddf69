/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "rtp/srtp.h"
#include "sdp/transport.h"

/*
 * DTLS-SRTP, RFC 5763 and RFC 5764: a handshake whose certificates are vouched for by fingerprints in the descriptions, and whose
 * secret becomes the keys of SRTP. DTLS 1.2 over datagrams that others carry.
 *
 * Without sockets; OpenSSL reads the clock itself for its retransmissions, so dtls_tick has to be called when it says. Not for a
 * media thread: it allocates, and a signature takes a tenth of a millisecond. One thread at a time.
 */
struct dtls_identity;
struct dtls;

/* A fresh P-256 key with a self-signed certificate. -ENOMEM, -TR_EUNSUPP. */
nodiscard int dtls_identity_new(struct dtls_identity **ret);
struct dtls_identity *dtls_identity_free(struct dtls_identity *id);
const struct sdp_fingerprint *dtls_identity_fingerprint(const struct dtls_identity *id); /* SHA-256 */

enum dtls_state {
	DTLS_SHAKING,
	DTLS_DONE,
	DTLS_CLOSED, /* the peer said good-bye after DONE: the keys stay good */
	DTLS_FAILED,
};

struct dtls_params {
	struct dtls_identity *identity;	  /* borrowed, outlives it */
	struct sdp_fingerprint peer;	  /* of the certificate that the peer has to show */
	bool is_client;
	/* A datagram to the peer. Must not call back. */
	void (*send)(void *ctx, const uint8_t *bytes, size_t n);
	void *ctx;
	uint32_t retransmit_ms; /* first time; doubled up to 2 s; 0: 200 */
};

nodiscard int dtls_new(struct dtls **ret, const struct dtls_params *params);
struct dtls *dtls_free(struct dtls *d); /* says good-bye if the handshake was done */

/* The client's first flight; a server waits. */
void dtls_start(struct dtls *d);
void dtls_recv(struct dtls *d, const uint8_t *bytes, size_t n);
/* Retransmits what is due; milliseconds until it has to be called again, -1: only the peer can act. */
int dtls_tick(struct dtls *d);

enum dtls_state dtls_state(const struct dtls *d);
const char *dtls_why(const struct dtls *d); /* DTLS_FAILED: a sentence; else "" */

/* After DTLS_DONE: what we seal with and what the peer seals with. */
void dtls_keys(const struct dtls *d, struct srtp_key *ret_tx, struct srtp_key *ret_rx);
