/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Certificates made here, for local use: a CA of one's own and what it signs. ECDSA on P-256, SHA-256, extensions as browsers and phone
 * systems want them. Blocking: for commands and tests.
 */
struct tls_identity; /* a certificate with its key */

struct tls_cert_params {
	const char *common_name;
	const char *const *names; /* DNS names and IP literals of subjectAltName, NULL at the end; NULL: no subjectAltName */
	unsigned name_count;
	int64_t begins_at, ends_at; /* seconds since 1970 */
	bool is_ca;
};

/* issuer NULL: signed by itself. -TR_ECONFIG with a sentence: a name is no name. */
nodiscard int tls_identity_new(struct tls_identity **ret, const struct tls_cert_params *params, const struct tls_identity *issuer,
	char *ret_why, size_t cap);
struct tls_identity *tls_identity_free(struct tls_identity *id); /* NULL is fine; returns NULL */

/* From PEM files. */
nodiscard int tls_identity_load(struct tls_identity **ret, const char *certificate, const char *key, char *ret_why, size_t cap);

/* Into PEM files that must not exist yet unless may_overwrite; the key's is readable for its owner only. */
nodiscard int tls_identity_save(const struct tls_identity *id, const char *certificate, const char *key, bool may_overwrite, char *ret_why,
	size_t cap);

/* "sha256/..." for tls.pin; ret of TLS_PIN_BYTES. */
nodiscard bool tls_identity_pin(const struct tls_identity *id, char *ret);
