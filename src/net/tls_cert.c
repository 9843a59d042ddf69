/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_cert.h"
#include "base/addr.h"
#include "net/tls_priv.h"
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

struct tls_identity {
	X509 *cert;
	EVP_PKEY *key;
};

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

struct tls_identity *tls_identity_free(struct tls_identity *id)
{
	if (!id)
		return NULL;
	X509_free(id->cert);
	EVP_PKEY_free(id->key);
	free(id);

	return NULL;
}

/* --- extensions --- */

static bool add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool is_fine;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	is_fine = ext && X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);

	return is_fine;
}

static bool is_dns_name(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 253 || name[0] == '.' || name[0] == '-')
		return false;

	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*") == n;
}

/* "DNS:a.example,IP:192.0.2.7": names are checked, so that none can add entries of its own. */
static int san_text(const struct tls_cert_params *p, char *ret, size_t cap, char *why, size_t why_cap)
{
	ret[0] = 0;
	for (unsigned i = 0; i < p->name_count; i++) {
		struct addr ip;
		bool is_ip = addr_parse_ip(span_z(p->names[i]), 0, &ip);
		size_t n = strlen(ret);
		char text[ADDR_TEXT];

		if (!is_ip && !is_dns_name(p->names[i]))
			return fail(why, why_cap, "\"%s\" is neither a host name nor an IP address", p->names[i]);
		if (buf_format(ret + n, cap - n, "%s%s:%s", n ? "," : "", is_ip ? "IP" : "DNS",
			    is_ip ? addr_ip_text(&ip, text) : p->names[i]))
			return fail(why, why_cap, "too many names");
	}

	return 0;
}

static bool add_exts(X509 *cert, X509 *issuer, const struct tls_cert_params *p, const char *san)
{
	bool is_fine = add_ext(cert, issuer, NID_basic_constraints, p->is_ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") &&
		add_ext(cert, issuer, NID_key_usage, p->is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
		add_ext(cert, issuer, NID_subject_key_identifier, "hash");

	if (is_fine && issuer != cert)
		is_fine = add_ext(cert, issuer, NID_authority_key_identifier, "keyid");
	/* Both purposes: SIP peers are client and server of one another. */
	if (is_fine && !p->is_ca)
		is_fine = add_ext(cert, issuer, NID_ext_key_usage, "serverAuth,clientAuth");

	return is_fine && (!san[0] || add_ext(cert, issuer, NID_subject_alt_name, san));
}

/* --- making --- */

static bool set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *number;
	bool is_fine;

	random_bytes(bytes, sizeof(bytes));
	bytes[0] &= 0x7f;
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	is_fine = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);

	return is_fine;
}

static bool fill(X509 *cert, EVP_PKEY *key, X509 *issuer, const struct tls_cert_params *p)
{
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_set_version(cert, X509_VERSION_3) && set_serial(cert) && ASN1_TIME_set(X509_getm_notBefore(cert), p->begins_at) &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), p->ends_at) &&
	       X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Tipring", -1, -1, 0) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)p->common_name, -1, -1, 0) &&
	       X509_set_issuer_name(cert, X509_get_subject_name(issuer)) && X509_set_pubkey(cert, key);
}

int tls_identity_new(struct tls_identity **ret, const struct tls_cert_params *p, const struct tls_identity *issuer, char *ret_why,
	size_t cap)
{
	char san[4096];
	int err = san_text(p, san, sizeof(san), ret_why, cap);
	struct tls_identity *id = calloc(1, sizeof(*id));

	if (err || !id) {
		free(id);
		return err ? err : -ENOMEM;
	}
	id->cert = X509_new();
	id->key = EVP_EC_gen("P-256");

	X509 *by = issuer ? issuer->cert : id->cert;
	bool is_fine = id->cert && id->key && fill(id->cert, id->key, by, p) && add_exts(id->cert, by, p, san) &&
		X509_sign(id->cert, issuer ? issuer->key : id->key, EVP_sha256());

	if (!is_fine) {
		tls_identity_free(id);
		return fail(ret_why, cap, "the certificate cannot be made: %s", ERR_reason_error_string(ERR_peek_last_error()));
	}
	*ret = id;

	return 0;
}

bool tls_identity_pin(const struct tls_identity *id, char *ret)
{
	return tls_pin_of(id->cert, ret);
}

/* --- files --- */

static FILE *open_new(const char *path, mode_t mode, bool may_overwrite)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (may_overwrite ? O_TRUNC : O_EXCL), mode);

	/* A file that was there keeps its mode: a key must not stay readable for others. */
	if (fd >= 0 && fchmod(fd, mode)) {
		close(fd);
		return NULL;
	}

	return fd < 0 ? NULL : fdopen(fd, "we");
}

static int save_one(const struct tls_identity *id, const char *path, bool is_key, bool may_overwrite, char *why, size_t cap)
{
	FILE *f = open_new(path, is_key ? 0600 : 0644, may_overwrite);
	int ok;

	if (!f)
		return fail(why, cap, errno == EEXIST ? "%s is there already%s" : "%s: %s", path,
			errno == EEXIST ? ": --force overwrites it" : strerror(errno));
	ok = is_key ? PEM_write_PKCS8PrivateKey(f, id->key, NULL, NULL, 0, NULL, NULL) : PEM_write_X509(f, id->cert);
	if (fclose(f) || !ok)
		return fail(why, cap, "%s cannot be written: %s", path, strerror(errno));

	return 0;
}

int tls_identity_save(const struct tls_identity *id, const char *certificate, const char *key, bool may_overwrite, char *ret_why,
	size_t cap)
{
	/* The key first: a certificate without one is of no use. */
	int err = save_one(id, key, true, may_overwrite, ret_why, cap);

	return err ? err : save_one(id, certificate, false, may_overwrite, ret_why, cap);
}

int tls_identity_load(struct tls_identity **ret, const char *certificate, const char *key, char *ret_why, size_t cap)
{
	struct tls_identity *id = calloc(1, sizeof(*id));
	FILE *f = fopen(certificate, "re");

	if (!id)
		return -ENOMEM;
	if (f) {
		id->cert = PEM_read_X509(f, NULL, NULL, NULL);
		fclose(f);
	}
	f = fopen(key, "re");
	if (f) {
		id->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		fclose(f);
	}
	if (!id->cert || !id->key || X509_check_private_key(id->cert, id->key) != 1) {
		const char *what = !id->cert ? certificate : key;
		bool is_mismatch = id->cert && id->key;

		tls_identity_free(id);
		return fail(ret_why, cap, "%s %s", what, is_mismatch ? "does not belong to the certificate" : "cannot be read");
	}
	*ret = id;

	return 0;
}
