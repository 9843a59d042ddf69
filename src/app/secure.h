/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/config.h"
#include "ua/ua.h"

/*
 * The TLS of a configuration made ready: keys and certificates read from their files, for our listeners and for each line. A reload makes
 * a new one, from the files as they are then; connections that are open keep what they began with.
 */
struct secure;

/*
 * Reads every file. Negative: ret_why names the first that will not do, and why. may_be_expired: at the start an expired certificate of
 * ours is better than no telephone; at a reload the one that is running is.
 */
nodiscard int secure_new(struct secure **ret, const struct config *config, bool may_be_expired, char *ret_why, size_t cap);
struct secure *secure_free(struct secure *s); /* NULL is fine; returns NULL */

/* For ua_params.tls_server: borrowed; NULL without a certificate. */
struct tls_ctx *secure_server(const struct secure *s);

/* Puts it to work: listeners from the next connection on, lines, origins. */
nodiscard int secure_apply(struct secure *s, struct ua *ua);

/* sip_account_params.tls of a line of the configuration; 0: none. */
uint32_t secure_line(const struct secure *s, const struct line_config *line);

/* Logs what ends soon or has ended. */
void secure_warn(const struct secure *s);
