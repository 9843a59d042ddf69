/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dtls.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define MTU_BYTES	   1200 /* fits every path that carries IPv6, with TURN's header */
#define RETRANSMIT_MAX_US  2000000
#define VALID_S		   (10L * 365 * 86400) /* nobody checks it: the fingerprint is what counts (RFC 5763 §5) */

struct dtls_identity {
	SSL_CTX *ctx;
	struct sdp_fingerprint fingerprint;
	BIO_METHOD *bio;
};

struct dtls {
	struct dtls_params p;
	SSL *ssl;
	enum dtls_state state;
	char why[160];
	const uint8_t *in; /* the datagram that OpenSSL is to read next; NULL: none */
	size_t in_n;
	struct srtp_key client, server;
};

/* ---- datagrams for OpenSSL ------------------------------------------------------------------------------------------------------- */

static int bio_write(BIO *bio, const char *bytes, int n)
{
	struct dtls *d = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	d->p.send(d->p.ctx, (const uint8_t *)bytes, (size_t)n);

	return n;
}

static int bio_read(BIO *bio, char *ret, int cap)
{
	struct dtls *d = BIO_get_data(bio);
	int n = (int)MIN(d->in_n, (size_t)cap);

	BIO_clear_retry_flags(bio);
	if (!d->in) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(ret, d->in, (size_t)n);
	d->in = NULL;

	return n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return MTU_BYTES;
	default:
		return 0;
	}
}

static BIO_METHOD *bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tipring datagrams");

	if (m && BIO_meth_set_write(m, bio_write) == 1 && BIO_meth_set_read(m, bio_read) == 1 && BIO_meth_set_ctrl(m, bio_ctrl) == 1)
		return m;
	BIO_meth_free(m);

	return NULL;
}

/* ---- certificates ----------------------------------------------------------------------------------------------------------------- */

static const EVP_MD *digest_of(enum sdp_hash hash)
{
	return hash == SDP_SHA512 ? EVP_sha512() : hash == SDP_SHA384 ? EVP_sha384() : EVP_sha256();
}

static bool take_fingerprint(const X509 *cert, enum sdp_hash hash, struct sdp_fingerprint *ret)
{
	unsigned n = 0;

	*ret = (struct sdp_fingerprint){.hash = hash};
	if (X509_digest(cert, digest_of(hash), ret->bytes, &n) != 1)
		return false;
	ret->n = (uint8_t)n;

	return true;
}

/* In the place of a chain of authorities: the certificate is the one that the description named (RFC 8122 §6.2). */
static int verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct dtls *d = SSL_get_app_data(ssl);
	const X509 *cert = X509_STORE_CTX_get0_cert(store);
	struct sdp_fingerprint got;

	if (cert && take_fingerprint(cert, d->p.peer.hash, &got) && sdp_fingerprint_eq(&got, &d->p.peer))
		return 1;
	buf_copy(d->why, sizeof(d->why), "the peer's certificate is not the one whose fingerprint its description has");
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);

	return 0;
}

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	uint8_t serial[8];
	bool is_made = cert && RAND_bytes(serial, sizeof(serial)) == 1;

	if (is_made) {
		BIGNUM *bn = BN_bin2bn(serial, sizeof(serial), NULL);
		X509_NAME *name = X509_get_subject_name(cert);

		/* Nothing in it says who or what we are. */
		is_made = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) && X509_set_version(cert, X509_VERSION_3) == 1 &&
			X509_gmtime_adj(X509_getm_notBefore(cert), -86400) && X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S) &&
			X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"WebRTC", -1, -1, 0) == 1 &&
			X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 && X509_sign(cert, key, EVP_sha256()) > 0;
		BN_free(bn);
	}
	if (is_made)
		return cert;
	X509_free(cert);

	return NULL;
}

static int set_up(struct dtls_identity *id)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key ? self_signed(key) : NULL;
	SSL_CTX *ctx = id->ctx = SSL_CTX_new(DTLS_method());
	bool is_done = cert && ctx && SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
		SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
		SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES") == 1 &&
		/* 0 is success here. */
		SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32") == 0 &&
		take_fingerprint(cert, SDP_SHA256, &id->fingerprint);

	if (ctx) {
		SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
		SSL_CTX_set_read_ahead(ctx, 1);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	id->bio = bio_method();

	return is_done && id->bio ? 0 : -TR_EUNSUPP;
}

int dtls_identity_new(struct dtls_identity **ret)
{
	struct dtls_identity *id = calloc(1, sizeof(*id));

	if (!id)
		return -ENOMEM;

	int err = set_up(id);

	if (err) {
		dtls_identity_free(id);
		return err;
	}
	*ret = id;

	return 0;
}

struct dtls_identity *dtls_identity_free(struct dtls_identity *id)
{
	if (!id)
		return NULL;

	SSL_CTX_free(id->ctx);
	BIO_meth_free(id->bio);
	free(id);

	return NULL;
}

const struct sdp_fingerprint *dtls_identity_fingerprint(const struct dtls_identity *id)
{
	return &id->fingerprint;
}

/* ---- the handshake ------------------------------------------------------------------------------------------------------------------ */

static void fail(struct dtls *d, const char *fallback)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	d->state = DTLS_FAILED;
	if (!d->why[0] && reason)
		(void)snprintf(d->why, sizeof(d->why), "the DTLS handshake failed: %s", reason);
	else if (!d->why[0])
		buf_copy(d->why, sizeof(d->why), fallback);
	ERR_clear_error();
}

/* RFC 5764 §4.2: both master keys, then both salts. */
static void take_keys(struct dtls *d)
{
	const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(d->ssl);
	uint8_t secret[2 * (SRTP_KEY_BYTES + SRTP_SALT_BYTES)];
	enum srtp_suite suite = SRTP_NONE;

	for (unsigned i = 1; profile && i < SRTP_SUITE_COUNT; i++)
		if (srtp_suite_info(i)->dtls_profile == profile->id)
			suite = (enum srtp_suite)i;

	const struct srtp_suite_info *info = srtp_suite_info(suite);
	size_t n = 2 * srtp_key_bytes(suite), key_n = info->key_bytes, salt_n = info->salt_bytes;

	if (suite == SRTP_NONE || SSL_export_keying_material(d->ssl, secret, n, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0) != 1) {
		buf_copy(d->why, sizeof(d->why), "the peer has no SRTP profile in common with us (use_srtp)");
		fail(d, "");
		return;
	}
	d->client.suite = d->server.suite = suite;
	memcpy(d->client.bytes, secret, key_n);
	memcpy(d->server.bytes, secret + key_n, key_n);
	memcpy(d->client.bytes + key_n, secret + 2 * key_n, salt_n);
	memcpy(d->server.bytes + key_n, secret + 2 * key_n + salt_n, salt_n);
	OPENSSL_cleanse(secret, sizeof(secret));
	d->state = DTLS_DONE;
}

static void shake(struct dtls *d)
{
	ERR_clear_error();

	int r = SSL_do_handshake(d->ssl);
	int why = r == 1 ? SSL_ERROR_NONE : SSL_get_error(d->ssl, r);

	if (r == 1)
		take_keys(d);
	else if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		fail(d, "the DTLS handshake failed");
}

/* Behind the handshake only alerts and repetitions come; OpenSSL answers the latter itself. */
static void read_on(struct dtls *d)
{
	uint8_t junk[256];

	ERR_clear_error();
	if (SSL_read(d->ssl, junk, sizeof(junk)) <= 0 && SSL_get_shutdown(d->ssl) & SSL_RECEIVED_SHUTDOWN)
		d->state = DTLS_CLOSED;
	ERR_clear_error();
}

static unsigned retransmit_us(SSL *ssl, unsigned before_us)
{
	const struct dtls *d = SSL_get_app_data(ssl);

	return before_us ? MIN(before_us * 2, RETRANSMIT_MAX_US) : d->p.retransmit_ms * 1000;
}

int dtls_new(struct dtls **ret, const struct dtls_params *params)
{
	struct dtls *d = calloc(1, sizeof(*d));
	BIO *bio = NULL;

	if (!d)
		return -ENOMEM;

	d->p = *params;
	d->p.retransmit_ms = params->retransmit_ms ? params->retransmit_ms : 200;
	d->ssl = SSL_new(params->identity->ctx);
	if (d->ssl)
		bio = BIO_new(params->identity->bio);
	if (!bio) {
		dtls_free(d);
		return -ENOMEM;
	}
	BIO_set_data(bio, d);
	BIO_set_init(bio, 1);
	SSL_set_bio(d->ssl, bio, bio);
	SSL_set_app_data(d->ssl, d);
	SSL_set_mtu(d->ssl, MTU_BYTES);
	DTLS_set_timer_cb(d->ssl, retransmit_us);
	if (params->is_client)
		SSL_set_connect_state(d->ssl);
	else
		SSL_set_accept_state(d->ssl);
	*ret = d;

	return 0;
}

struct dtls *dtls_free(struct dtls *d)
{
	if (!d)
		return NULL;

	if (d->state == DTLS_DONE)
		(void)SSL_shutdown(d->ssl);
	SSL_free(d->ssl);
	ERR_clear_error();
	OPENSSL_cleanse(d, sizeof(*d));
	free(d);

	return NULL;
}

void dtls_start(struct dtls *d)
{
	if (d->p.is_client && d->state == DTLS_SHAKING)
		shake(d);
}

void dtls_recv(struct dtls *d, const uint8_t *bytes, size_t n)
{
	if (d->state == DTLS_FAILED || d->state == DTLS_CLOSED)
		return;
	d->in = bytes;
	d->in_n = n;
	if (d->state == DTLS_SHAKING)
		shake(d);
	/* A datagram may hold more than what ended the handshake. */
	if (d->state == DTLS_DONE)
		read_on(d);
	d->in = NULL;
}

int dtls_tick(struct dtls *d)
{
	struct timeval left;

	if (d->state == DTLS_FAILED || d->state == DTLS_CLOSED)
		return -1;

	ERR_clear_error();
	if (DTLSv1_handle_timeout(d->ssl) < 0)
		fail(d, "the peer does not answer the DTLS handshake");
	if (d->state == DTLS_FAILED || DTLSv1_get_timeout(d->ssl, &left) != 1)
		return -1;

	return (int)(left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}

enum dtls_state dtls_state(const struct dtls *d)
{
	return d->state;
}

const char *dtls_why(const struct dtls *d)
{
	return d->why;
}

void dtls_keys(const struct dtls *d, struct srtp_key *ret_tx, struct srtp_key *ret_rx)
{
	*ret_tx = d->p.is_client ? d->client : d->server;
	*ret_rx = d->p.is_client ? d->server : d->client;
}
