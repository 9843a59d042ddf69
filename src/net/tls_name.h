/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include <openssl/x509.h>

/*
 * Whose certificate it is, RFC 5922 §7.1 and §7.2: SIP domains of subjectAltName's URIs; without any, its DNS names; the common name only
 * in a certificate without subjectAltName.
 *
 * Deviations, both because phone systems are addressed so: an IP literal matches an iPAddress entry (RFC 5280 §4.2.1.6) or the same
 * text as a DNS or common name; and "*.example.com" stands for one label (RFC 6125 §6.4.3), which hosted phone systems use.
 */
bool tls_name_matches(X509 *cert, struct span host);

/* All its names, "a.example.com, *.b.example.com, 192.0.2.7", cut to fit; "no name at all" if it has none. */
void tls_name_list(X509 *cert, char *ret, size_t cap);
