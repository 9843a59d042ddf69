/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_priv.h"
#include "net/tls_name.h"
#include "base/addr.h"
#include <openssl/err.h>

/*
 * A connection over memory BIOs:
 *
 *   HANDSHAKE ──done──> OPEN ──close_notify──> ENDED
 *       └──── any fault ──┴──────────────────> FAILED
 */

static void set_failed(struct tls *t, int ssl_error)
{
	t->state = TLS_FAILED;
	tls_explain(t, ssl_error);
}

bool tls_looks_like(struct span s)
{
	/* Change cipher, alert, handshake, application data; version 3.x. */
	return s.n >= 2 && s.p[0] >= 20 && s.p[0] <= 23 && s.p[1] == 3;
}

static int set_names(struct tls *t, const struct tls_peer *peer)
{
	struct addr ip;

	t->host = peer->host ? strdup(peer->host) : NULL;
	t->other = peer->other ? strdup(peer->other) : NULL;
	t->label = strdup(peer->label);
	if ((peer->host && !t->host) || (peer->other && !t->other) || !t->label)
		return -ENOMEM;
	/* RFC 6066 §3: SNI has names only. A literal's second name tells the server which of its certificates is meant. */
	if (t->host && !addr_parse_ip(span_z(t->host), 0, &ip))
		SSL_set_tlsext_host_name(t->ssl, t->host);
	else if (t->other && !addr_parse_ip(span_z(t->other), 0, &ip))
		SSL_set_tlsext_host_name(t->ssl, t->other);

	return 0;
}

int tls_new(struct tls **ret, struct tls_ctx *ctx, const struct tls_peer *peer)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->ctx = tls_ctx_ref(ctx);
	t->ssl = SSL_new(ctx->ssl);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->ssl || !t->in || !t->out || set_names(t, peer)) {
		BIO_free(t->in);
		BIO_free(t->out);
		SSL_free(t->ssl);
		t->ssl = NULL;
		tls_free(t);
		return -ENOMEM;
	}
	BIO_set_mem_eof_return(t->in, -1);
	BIO_set_mem_eof_return(t->out, -1);
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_app_data(t->ssl, t);
	if (ctx->is_server) {
		SSL_set_accept_state(t->ssl);
	} else {
		SSL_set_connect_state(t->ssl);
		tls_resume(t);
	}
	*ret = t;

	return 0;
}

struct tls *tls_free(struct tls *t)
{
	if (!t)
		return NULL;
	/* A session is as good when its connection ends without goodbye: OpenSSL would forget it. */
	if (t->ssl && t->state != TLS_FAILED)
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(t->ssl);
	tls_ctx_unref(t->ctx);
	free(t->host);
	free(t->other);
	free(t->label);
	free(t);

	return NULL;
}

/* OpenSSL's result of anything but a shutdown. */
static void note(struct tls *t, int result)
{
	int e = result > 0 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, result);

	if (e == SSL_ERROR_ZERO_RETURN)
		t->state = t->state == TLS_HANDSHAKE ? TLS_FAILED : TLS_ENDED;
	else if (e != SSL_ERROR_NONE && e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
		set_failed(t, e);
	if (t->state == TLS_FAILED)
		tls_explain(t, e);
}

static bool check_first(struct tls *t, struct span bytes)
{
	if (t->has_first || bytes.n == 0)
		return true;
	t->has_first = true;
	/* A lone byte of a record's head is let pass. */
	if (bytes.n == 1 ? bytes.p[0] >= 20 && bytes.p[0] <= 23 : tls_looks_like(bytes))
		return true;
	tls_explain_plain(t, bytes);
	set_failed(t, SSL_ERROR_SSL);
	/* OpenSSL is silent then; an alert (fatal, protocol_version) tells whoever looks at his wire, and another Tipring, what this is. */
	if (t->ctx->is_server)
		BIO_write(t->out, "\x15\x03\x01\x00\x02\x02\x46", 7);

	return false;
}

enum tls_state tls_feed(struct tls *t, struct span bytes)
{
	if (t->state == TLS_FAILED || t->state == TLS_ENDED || !check_first(t, bytes))
		return t->state;
	ERR_clear_error();
	if (bytes.n && (bytes.n > INT_MAX || BIO_write(t->in, bytes.p, (int)bytes.n) != (int)bytes.n)) {
		set_failed(t, SSL_ERROR_SSL);
		return t->state;
	}
	if (t->state == TLS_HANDSHAKE) {
		int result = SSL_do_handshake(t->ssl);

		if (result == 1)
			t->state = TLS_OPEN;
		else
			note(t, result);
	}

	return t->state;
}

enum tls_state tls_state(const struct tls *t)
{
	return t->state;
}

size_t tls_read(struct tls *t, char *buf, size_t cap)
{
	if (t->state != TLS_OPEN)
		return 0;
	ERR_clear_error();

	int n = SSL_read(t->ssl, buf, (int)MIN(cap, (size_t)INT_MAX));

	note(t, n);

	return n > 0 ? (size_t)n : 0;
}

bool tls_write(struct tls *t, struct span plain)
{
	while (plain.n && t->state == TLS_OPEN) {
		ERR_clear_error();

		int n = SSL_write(t->ssl, plain.p, (int)MIN(plain.n, (size_t)INT_MAX));

		if (n <= 0) {
			set_failed(t, SSL_get_error(t->ssl, n)); /* memory takes all: it never has to wait */
			break;
		}
		plain = span(plain.p + n, plain.n - (size_t)n);
	}

	return t->state == TLS_OPEN && plain.n == 0;
}

struct span tls_out(struct tls *t)
{
	char *p = NULL;
	long n = BIO_get_mem_data(t->out, &p);

	return n > 0 ? span(p, (size_t)n) : (struct span){0};
}

void tls_sent(struct tls *t, size_t n)
{
	struct span all = tls_out(t);
	char skip[4096];

	if (n >= all.n) {
		(void)BIO_reset(t->out);
		return;
	}
	for (size_t left = n; left;) {
		int got = BIO_read(t->out, skip, (int)MIN(left, sizeof(skip)));

		if (got <= 0)
			break;
		left -= (size_t)got;
	}
}

void tls_lost(struct tls *t, int err)
{
	if (t->state != TLS_HANDSHAKE)
		return;
	tls_explain_lost(t, err);
	t->state = TLS_FAILED;
}

void tls_shutdown(struct tls *t)
{
	if (t->state == TLS_OPEN || t->state == TLS_ENDED)
		SSL_shutdown(t->ssl);
	ERR_clear_error();
}

const char *tls_why(const struct tls *t)
{
	return t->why;
}

bool tls_is_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl);
}

bool tls_peer_is(const struct tls *t, const char *name)
{
	const struct tls_ctx *ctx = t->ctx;
	X509 *cert = t->state == TLS_OPEN ? SSL_get0_peer_certificate(t->ssl) : NULL;

	if (!cert || ctx->no_verify || (ctx->pin_count && !ctx->has_ca) || SSL_get_verify_result(t->ssl) != X509_V_OK)
		return false;

	return tls_name_matches(cert, span_z(name));
}

const char *tls_cipher(const struct tls *t, char *ret, size_t cap)
{
	snprintf(ret, cap, "%s %s", SSL_get_version(t->ssl), SSL_get_cipher_name(t->ssl));

	return ret;
}
