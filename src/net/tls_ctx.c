/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_priv.h"
#include <openssl/err.h>
#include <openssl/pem.h>

/* Contexts: keys, certificates, whom we trust, and sessions to resume. */

static int fail(char *why, size_t cap, const char *fmt, ...) printf_like(3, 4);

static int fail(char *why, size_t cap, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, cap, fmt, args);
	va_end(args);
	ERR_clear_error();

	return -TR_ECONFIG;
}

/* The last reason in OpenSSL's words; what it found in the file is deeper. */
static const char *openssl_text(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e ? ERR_reason_error_string(e) : NULL;

	return text ? text : "not readable";
}

/* A clear word for what OpenSSL says in many ways. */
static int check_file(const char *path, const char *what, const char *mark, char *why, size_t cap)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return fail(why, cap, "%s: the %s cannot be read: %s", path, what, strerror(errno));

	auto_free char *text = calloc(1, LIMIT_TLS_FILE_BYTES + 1);
	size_t n = text ? fread(text, 1, LIMIT_TLS_FILE_BYTES + 1, f) : 0;
	int err = ferror(f) ? errno : text ? 0 : ENOMEM;

	fclose(f);
	if (err)
		return fail(why, cap, "%s: the %s cannot be read: %s", path, what, strerror(err));
	if (n > LIMIT_TLS_FILE_BYTES)
		return fail(why, cap, "%s: larger than %d bytes: this is no %s", path, LIMIT_TLS_FILE_BYTES, what);
	if (!memmem(text, n, mark, strlen(mark)))
		return fail(why, cap, "%s: has no %s in PEM form (\"-----%s...\")", path, what, mark);
	if (memmem(text, n, "ENCRYPTED", 9) && strstr(mark, "KEY"))
		return fail(why, cap, "%s: the key is encrypted: store it without passphrase, readable for this service only", path);

	return 0;
}

/* Never asks a terminal. */
static int no_passphrase(char *buf, int size, int is_writing, void *ctx)
{
	return 0;
}

static int use_certificate(struct tls_ctx *ctx, const struct tls_params *p, char *why, size_t cap)
{
	const char *key = p->key ? p->key : p->certificate;
	int err = check_file(p->certificate, "certificate", "BEGIN CERTIFICATE", why, cap);

	if (!err)
		err = check_file(key, "private key", "PRIVATE KEY", why, cap);
	if (err)
		return err;
	SSL_CTX_set_default_passwd_cb(ctx->ssl, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx->ssl, p->certificate) != 1)
		return fail(why, cap, "%s: the certificate is damaged or too weak (%s)", p->certificate, openssl_text());
	if (SSL_CTX_use_PrivateKey_file(ctx->ssl, key, SSL_FILETYPE_PEM) != 1) {
		bool is_mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
			ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;

		return is_mismatch ? fail(why, cap, "%s: this key does not belong to the certificate %s", key, p->certificate)
				   : fail(why, cap, "%s: the private key is damaged (%s)", key, openssl_text());
	}

	struct tm end;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx->ssl)), &end))
		ctx->expires_at = timegm(&end);

	return 0;
}

static int use_trust(struct tls_ctx *ctx, const struct tls_params *p, char *why, size_t cap)
{
	if (!p->ca) {
		/* The hashed folder is read at need, one small file for each CA that is met. */
		if (!p->is_server)
			SSL_CTX_set_default_verify_paths(ctx->ssl);
		return p->verify_clients || p->asks_clients ? fail(why, cap, "verify_clients needs ca: the file of the CAs whose clients may come") : 0;
	}

	int err = check_file(p->ca, "CA certificate", "BEGIN ", why, cap);

	if (err)
		return err;
	if (SSL_CTX_load_verify_file(ctx->ssl, p->ca) != 1)
		return fail(why, cap, "%s: the CA certificate is damaged (%s)", p->ca, openssl_text());
	/* A self-signed certificate that is given as CA may be the peer's own; one that is not self-signed too. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx->ssl), X509_V_FLAG_PARTIAL_CHAIN);
	if (p->is_server)
		SSL_CTX_set_client_CA_list(ctx->ssl, SSL_load_client_CA_file(p->ca));
	ctx->has_ca = true;

	return 0;
}

static int use_pins(struct tls_ctx *ctx, const char *text, char *why, size_t cap)
{
	struct span rest = span_z(text);

	while (rest.p) {
		struct span one = span_trim(span_cut(&rest, ' '));
		unsigned char raw[36];

		if (!one.n)
			continue;
		if (one.n != TLS_PIN_BYTES - 1 || !span_istarts(one, "sha256/") || one.p[one.n - 1] != '=' ||
			EVP_DecodeBlock(raw, (const unsigned char *)one.p + 7, 44) != 33)
			return fail(why, cap, "pin: \"%.*s\" is not sha256/ and 44 characters of base64 (of the public key)", SPAN_FMT(one));
		if (ctx->pin_count == TLS_PINS)
			return fail(why, cap, "pin: more than %d", TLS_PINS);
		memcpy(ctx->pins[ctx->pin_count], "sha256/", 7);
		memcpy(ctx->pins[ctx->pin_count++] + 7, one.p + 7, 44);
	}

	return 0;
}

/* --- sessions --- */

static const char *resume_key(const struct tls *t, char *ret, size_t cap)
{
	snprintf(ret, cap, "%s|%s|%s", t->host ? t->host : "", t->other ? t->other : "", t->label);

	return ret;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls *t = SSL_get_app_data(ssl);
	struct tls_ctx *ctx = t->ctx;

	if (!ctx->sessions)
		ctx->sessions = calloc(LIMIT_TLS_SESSIONS, sizeof(*ctx->sessions));
	if (!ctx->sessions)
		return 0;

	struct tls_resume *r = &ctx->sessions[ctx->session_at++ % LIMIT_TLS_SESSIONS];

	SSL_SESSION_free(r->session);
	r->session = session;
	resume_key(t, r->key, sizeof(r->key));

	return 1; /* it is ours now */
}

/* Each is used once (RFC 8446 §C.4). */
void tls_resume(struct tls *t)
{
	char key[sizeof(t->ctx->sessions->key)];

	resume_key(t, key, sizeof(key));
	for (unsigned i = 0; t->ctx->sessions && i < LIMIT_TLS_SESSIONS; i++) {
		struct tls_resume *r = &t->ctx->sessions[(t->ctx->session_at + LIMIT_TLS_SESSIONS - 1 - i) % LIMIT_TLS_SESSIONS];

		if (!r->session || strcmp(r->key, key) != 0)
			continue;
		if (SSL_SESSION_is_resumable(r->session))
			SSL_set_session(t->ssl, r->session);
		SSL_SESSION_free(r->session);
		*r = (struct tls_resume){0};
		return;
	}
}

/* --- life --- */

static void set_options(struct tls_ctx *ctx, const struct tls_params *p)
{
	int verify = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;

	if (p->is_server && !p->verify_clients)
		verify = p->asks_clients ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
	SSL_CTX_set_min_proto_version(ctx->ssl, TLS1_2_VERSION);
	/* A renegotiation costs a handshake and has no use here; compression tells secrets by sizes. */
	SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_cert_verify_callback(ctx->ssl, tls_verify, NULL);
	SSL_CTX_set_verify(ctx->ssl, verify, NULL);
	if (p->is_server) {
		static const unsigned char id[] = "tipring";

		/* Tickets only: nothing is kept for strangers. */
		SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_num_tickets(ctx->ssl, 1); /* one connection at a time is what a SIP peer has */
		SSL_CTX_set_session_id_context(ctx->ssl, id, sizeof(id) - 1);
	} else {
		SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx->ssl, on_session);
	}
}

int tls_ctx_new(struct tls_ctx **ret, const struct tls_params *p, char *ret_why, size_t cap)
{
	struct tls_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return -ENOMEM;
	*ctx = (struct tls_ctx){.refs = 1, .is_server = p->is_server, .no_verify = p->no_verify, .expires_at = INT64_MAX};
	ctx->ssl = SSL_CTX_new(p->is_server ? TLS_server_method() : TLS_client_method());
	if (!ctx->ssl) {
		free(ctx);
		return fail(ret_why, cap, "TLS cannot be set up: %s", openssl_text());
	}
	set_options(ctx, p);

	int err = 0;

	if (p->certificate)
		err = use_certificate(ctx, p, ret_why, cap);
	else if (p->is_server)
		err = fail(ret_why, cap, "a TLS server needs a certificate");
	if (!err)
		err = use_trust(ctx, p, ret_why, cap);
	if (!err && p->pin)
		err = use_pins(ctx, p->pin, ret_why, cap);
	ERR_clear_error();
	if (err) {
		tls_ctx_unref(ctx);
		return err;
	}
	*ret = ctx;

	return 0;
}

struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx)
{
	if (ctx)
		ctx->refs++;

	return ctx;
}

struct tls_ctx *tls_ctx_unref(struct tls_ctx *ctx)
{
	if (!ctx || --ctx->refs)
		return NULL;
	for (unsigned i = 0; ctx->sessions && i < LIMIT_TLS_SESSIONS; i++)
		SSL_SESSION_free(ctx->sessions[i].session);
	free(ctx->sessions);
	SSL_CTX_free(ctx->ssl);
	free(ctx);

	return NULL;
}

int64_t tls_ctx_expires_at(const struct tls_ctx *ctx)
{
	return ctx->expires_at;
}
