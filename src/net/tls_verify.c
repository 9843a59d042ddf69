/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_name.h"
#include "net/tls_priv.h"

bool tls_pin_of(X509 *cert, char ret[static TLS_PIN_BYTES])
{
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool is_fine = length > 0 && EVP_Digest(der, (size_t)length, digest, &n, EVP_sha256(), NULL) && n == 32;

	OPENSSL_free(der);
	if (!is_fine)
		return false;
	memcpy(ret, "sha256/", 7);
	EVP_EncodeBlock((unsigned char *)ret + 7, digest, 32);

	return true;
}

static bool is_pinned(const struct tls_ctx *ctx, X509 *cert)
{
	char pin[TLS_PIN_BYTES];

	if (!tls_pin_of(cert, pin))
		return false;
	for (unsigned i = 0; i < ctx->pin_count; i++)
		if (strcmp(ctx->pins[i], pin) == 0)
			return true;

	return false;
}

static bool is_named(const struct tls *t, X509 *cert)
{
	return (t->host && tls_name_matches(cert, span_z(t->host))) || (t->other && tls_name_matches(cert, span_z(t->other)));
}

static int refuse(X509_STORE_CTX *store, int code)
{
	X509_STORE_CTX_set_error(store, code); /* OpenSSL picks the alert by it */

	return 0;
}

int tls_verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get0_cert(store);

	if (t->ctx->pin_count && !is_pinned(t->ctx, cert)) {
		tls_explain_pin(t, cert);
		return refuse(store, X509_V_ERR_APPLICATION_VERIFICATION);
	}
	if (t->ctx->no_verify || (t->ctx->pin_count && !t->ctx->has_ca))
		return 1;
	if (X509_verify_cert(store) <= 0) {
		X509 *bad = X509_STORE_CTX_get_current_cert(store);

		tls_explain_cert(t, bad ? bad : cert, cert, X509_STORE_CTX_get_error(store), X509_STORE_CTX_get_error_depth(store));
		return 0;
	}
	if (!t->ctx->is_server && !is_named(t, cert)) {
		tls_explain_name(t, cert);
		return refuse(store, X509_V_ERR_HOSTNAME_MISMATCH);
	}

	return 1;
}
