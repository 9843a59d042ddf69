/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * TLS 1.2 and 1.3 without sockets: bytes that arrived go in, bytes to send come out, plain text on the other side. For either role.
 *
 * A context has keys, certificates and whom they trust; it never changes, so a reload makes a new one and connections keep theirs. A
 * struct tls is one connection's.
 *
 * Whose certificate counts (RFC 5922 §7.2 and §7.3): trusted by ca or the system's store, valid today, and for the host that was
 * asked for (tls_name.h). A pin replaces trust, name and dates: exactly that key is accepted, and with ca both are wanted.
 *
 * Every failure has a sentence for people, which names the peer, what is wrong and what to do. Thread: one at a time.
 */

#define TLS_WHY_BYTES 400
#define TLS_PIN_BYTES 52 /* "sha256/", 44 characters of base64, terminator */

struct tls_ctx;

struct tls_params {
	bool is_server;
	const char *certificate; /* PEM file, ours first, then intermediates; NULL: none (clients) */
	const char *key;	 /* PEM file; NULL: in certificate's */
	const char *ca;		 /* PEM file of trusted CAs; NULL: a client trusts the system's */
	bool verify_clients;	 /* server: only clients with a certificate of ca */
	bool asks_clients;	 /* server: clients may come without one, but what they show has to be of ca */
	bool no_verify;		 /* client: any certificate will do; a pin still counts */
	const char *pin;	 /* client: "sha256/BASE64" of the public key; several with spaces between them */
};

/* Reads the files. Negative: *ret_why says which file and why. */
nodiscard int tls_ctx_new(struct tls_ctx **ret, const struct tls_params *params, char *ret_why, size_t cap);
struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx); /* NULL is fine */
struct tls_ctx *tls_ctx_unref(struct tls_ctx *ctx); /* NULL is fine; returns NULL */

/* When our own certificate ends, seconds since 1970; INT64_MAX without one. */
int64_t tls_ctx_expires_at(const struct tls_ctx *ctx);

/* --- a connection --- */

struct tls;

struct tls_peer {
	const char *host;  /* client: for SNI (names only) and the certificate's check; NULL for a server */
	const char *other; /* client: a second name that its certificate may have instead; NULL */
	const char *label; /* for sentences: "pbx.example.com (192.0.2.7:5061)" */
};

nodiscard int tls_new(struct tls **ret, struct tls_ctx *ctx, const struct tls_peer *peer);
struct tls *tls_free(struct tls *t); /* NULL is fine; returns NULL */

enum tls_state {
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_ENDED,  /* the peer said goodbye: nothing more will come */
	TLS_FAILED, /* tls_why */
};

/* Bytes that arrived (none to begin a client's handshake), then the handshake as far as it goes. */
enum tls_state tls_feed(struct tls *t, struct span bytes);
enum tls_state tls_state(const struct tls *t);

/* Plain text: bytes, or 0 when there is none now; ask until 0. tls_state tells whether more can come. */
nodiscard size_t tls_read(struct tls *t, char *buf, size_t cap);

/* Encrypts; only when open. False: failed. */
nodiscard bool tls_write(struct tls *t, struct span plain);

/* What waits to be sent, and how much of it was. Look after every call above, also when it failed: an alert tells the peer. */
struct span tls_out(struct tls *t);
void tls_sent(struct tls *t, size_t n);

/* The connection under it ended (err: -ECONNRESET) or the handshake took too long (-ETIMEDOUT): makes the sentence of a handshake that is
 * under way. */
void tls_lost(struct tls *t, int err);

/* Says goodbye: tls_out has it. */
void tls_shutdown(struct tls *t);

/* The sentence; "" while nothing failed. */
const char *tls_why(const struct tls *t);
bool tls_is_resumed(const struct tls *t);
/* The peer showed a certificate that was checked against CAs and is for this name (tls_name.h); a pin alone, and verification that is
 * switched off, prove no name. */
bool tls_peer_is(const struct tls *t, const char *name);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384" once open. */
const char *tls_cipher(const struct tls *t, char *ret, size_t cap);

/* First bytes of a stream: a TLS record, as a client or a refusing server begins. */
bool tls_looks_like(struct span bytes);
