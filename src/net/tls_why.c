/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_name.h"
#include "net/tls_priv.h"
#include <openssl/err.h>

/* What went wrong, as the support engineer would write it: who, what, what to do. */

static void say(struct tls *t, const char *fmt, ...) printf_like(2, 3);

static void say(struct tls *t, const char *fmt, ...)
{
	va_list args;

	if (t->why[0])
		return;
	va_start(args, fmt);
	vsnprintf(t->why, sizeof(t->why), fmt, args);
	va_end(args);
}

/* "2026-11-25 18:04 UTC" */
static void date_text(const ASN1_TIME *at, char *ret, size_t cap)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(at, &tm) || strftime(ret, cap, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		buf_copy(ret, cap, "an unreadable date");
}

/* The common name, or the whole of it where there is none. */
static void party_text(X509_NAME *name, char *ret, size_t cap)
{
	if (X509_NAME_get_text_by_NID(name, NID_commonName, ret, (int)cap) <= 0)
		X509_NAME_oneline(name, ret, (int)cap);
	for (char *c = ret; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '"')
			*c = '?';
}

/* --- certificates --- */

static void explain_dates(struct tls *t, X509 *cert, bool is_over, int depth)
{
	char date[40], whose[120];

	party_text(X509_get_subject_name(cert), whose, sizeof(whose));
	date_text(is_over ? X509_get0_notAfter(cert) : X509_get0_notBefore(cert), date, sizeof(date));
	if (is_over)
		say(t, "the certificate of %s expired on %s%s%s%s: it has to be renewed there (or the clock of this machine is wrong)",
			t->label, date, depth ? " (that of its issuer \"" : "", depth ? whose : "", depth ? "\")" : "");
	else
		say(t, "the certificate of %s is not valid before %s: check the clocks of this machine and of that one", t->label, date);
}

/* What makes this machine trust it differs by role. */
static const char *trust_remedy(const struct tls *t)
{
	return t->ctx->is_server ? "add its CA to the file of sip.tls.ca"
				 : "give the CA's certificate as tls.ca of the line, or pin this key as tls.pin";
}

static void explain_unknown(struct tls *t, X509 *cert, X509 *leaf, int code)
{
	char issuer[120], pin[TLS_PIN_BYTES] = "";
	bool is_self = code == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;

	party_text(X509_get_issuer_name(cert), issuer, sizeof(issuer));
	if (!tls_pin_of(leaf, pin))
		pin[0] = 0;
	if (is_self)
		say(t, "the certificate of %s is self-signed (\"%s\") and not known here: %s (%s) once you know that it is right", t->label,
			issuer, t->ctx->is_server ? trust_remedy(t) : "give it as tls.ca of the line, or pin its key as tls.pin", pin);
	else
		say(t, "the certificate of %s was issued by \"%s\", which is not trusted here: %s (%s) once you know that it is right",
			t->label, issuer, trust_remedy(t), pin);
}

void tls_explain_cert(struct tls *t, X509 *cert, X509 *leaf, int code, int depth)
{
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		explain_dates(t, cert, true, depth);
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		explain_dates(t, cert, false, depth);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		explain_unknown(t, cert, leaf, code);
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		say(t, "the certificate of %s is not made for a TLS %s (extended key usage)", t->label,
			t->ctx->is_server ? "client" : "server");
		break;
	default:
		say(t, "the certificate of %s is refused: %s", t->label, X509_verify_cert_error_string(code));
	}
}

void tls_explain_name(struct tls *t, X509 *cert)
{
	char names[200];

	tls_name_list(cert, names, sizeof(names));
	say(t, "the certificate of %s is for %s, not for %s: use a name that it has, or give that machine a certificate for this one",
		t->label, names, t->host ? t->host : "?");
}

void tls_explain_pin(struct tls *t, X509 *cert)
{
	char pin[TLS_PIN_BYTES];

	if (!tls_pin_of(cert, pin))
		buf_copy(pin, sizeof(pin), "unreadable");
	say(t, "%s has another key than the pinned one: it shows %s; if its key was renewed on purpose, change tls.pin", t->label, pin);
}

/* --- the protocol --- */

void tls_explain_plain(struct tls *t, struct span first)
{
	bool is_sip = span_istarts(first, "SIP/2.0"), is_request = memmem(first.p, first.n, " SIP/2.0", 8) != NULL;

	if (t->ctx->is_server)
		say(t, is_request ? "%s speaks plain SIP to our TLS port: set its transport to TLS, or send it to our TCP port"
				  : "%s does not speak TLS on our TLS port", t->label);
	else
		say(t, "%s answered in plain text%s: this port does not speak TLS; check transport and port (SIP over TLS is usually on 5061)",
			t->label, is_sip ? " (SIP)" : "");
}

void tls_explain_lost(struct tls *t, int err)
{
	if (err == -ETIMEDOUT)
		say(t, "%s takes connections but did not finish the TLS handshake in time: check that this port speaks TLS", t->label);
	else
		say(t, "%s closed the connection during the TLS handshake: check that this port speaks TLS and that we are allowed there",
			t->label);
}

static const struct {
	int reason;
	const char *text; /* behind the peer's label */
} rows[] = {
	{SSL_R_UNSUPPORTED_PROTOCOL, "speaks only versions of TLS older than 1.2, which are not safe: update it"},
	{SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "does not speak TLS 1.2 or 1.3: update it"},
	{SSL_R_VERSION_TOO_LOW, "speaks only versions of TLS older than 1.2, which are not safe: update it"},
	{SSL_R_WRONG_VERSION_NUMBER, "does not speak TLS on this port: check transport and port"},
	{SSL_R_NO_SHARED_CIPHER, "and we have no TLS cipher in common"},
	{SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
		"refused the TLS handshake: no common version or cipher, or it wants a client certificate (tls.certificate)"},
	{SSL_R_TLSV1_ALERT_UNKNOWN_CA, "does not trust the issuer of our certificate: give it our CA's certificate"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "says that our certificate has expired"},
	{SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "refused our certificate"},
	{SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "refused our certificate"},
	{SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, "refused our certificate: its kind or its purpose"},
	{SSL_R_TLSV1_ALERT_ACCESS_DENIED, "refused our certificate: it is not allowed there"},
	{SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
		"wants a client certificate and we have none: give tls.certificate and tls.key of the line"},
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "showed no client certificate, which sip.tls.verify_clients wants"},
	{SSL_R_TLSV1_UNRECOGNIZED_NAME, "does not know the host name that we asked for"},
	{SSL_R_UNEXPECTED_EOF_WHILE_READING, "closed the connection during the TLS handshake"},
};

void tls_explain(struct tls *t, int ssl_error)
{
	unsigned long first = ERR_peek_error();
	int reason = ERR_GET_REASON(first);

	for (size_t i = 0; first && i < ARRAY_LEN(rows); i++)
		if (rows[i].reason == reason && ERR_GET_LIB(first) == ERR_LIB_SSL) {
			say(t, "%s %s", t->label, rows[i].text);
			break;
		}

	const char *words = first ? ERR_reason_error_string(first) : NULL;

	say(t, "TLS with %s failed: %s", t->label, words ? words : ssl_error == SSL_ERROR_SYSCALL ? "it ended early" : "for no stated reason");
	ERR_clear_error();
}
