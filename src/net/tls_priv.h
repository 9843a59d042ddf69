/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "net/tls.h"
#include <openssl/ssl.h>

/* Inside of TLS: tls_ctx.c contexts, tls.c connections, tls_verify.c whose certificate counts, tls_why.c sentences. */

#define TLS_PINS 4

struct tls_resume {
	char key[300]; /* whose session it is: host names and label */
	SSL_SESSION *session;
};

struct tls_ctx {
	SSL_CTX *ssl;
	unsigned refs;
	bool is_server, no_verify, has_ca;
	char pins[TLS_PINS][TLS_PIN_BYTES];
	unsigned pin_count;
	int64_t expires_at;
	struct tls_resume *sessions; /* client: LIMIT_TLS_SESSIONS, newest at a rotating place */
	unsigned session_at;
};

struct tls {
	struct tls_ctx *ctx;
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
	enum tls_state state;
	bool has_first; /* bytes have come */
	char *host, *other, *label;
	char why[TLS_WHY_BYTES];
};

/* Gives t's handshake a session of an earlier connection to the same peer. */
void tls_resume(struct tls *t);

/* SSL_CTX_set_cert_verify_callback: leaves a sentence in t->why. */
int tls_verify(X509_STORE_CTX *store, void *arg);

/* "sha256/..." of the certificate's public key. */
bool tls_pin_of(X509 *cert, char ret[static TLS_PIN_BYTES]);

/* Fills t->why from OpenSSL's error queue unless there is a sentence already. */
void tls_explain(struct tls *t, int ssl_error);
/* A sentence about cert, the leaf of the peer's chain or one above it; code is X509_V_ERR_. */
void tls_explain_cert(struct tls *t, X509 *cert, X509 *leaf, int code, int depth);
void tls_explain_name(struct tls *t, X509 *cert);
void tls_explain_pin(struct tls *t, X509 *cert);
void tls_explain_lost(struct tls *t, int err);
/* What the peer's first bytes show when they are not TLS. */
void tls_explain_plain(struct tls *t, struct span first);
