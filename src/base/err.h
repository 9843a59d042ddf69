/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Every failure of Tipring is 0 > -errno or one of these, from one table: constant, name (metric label and log key), SIP
 * status to answer with, HTTP status to answer with, text for people.
 *
 * Add a code only when a caller does something different for it; otherwise use the nearest.
 */
#define TR_ERRORS(X)                                                                                         \
	X(TR_EPARSE,     "parse",         400, 400, "the text does not follow its grammar")                  \
	X(TR_ETOOBIG,    "too_big",       513, 413, "larger than the limit")                                 \
	X(TR_ELIMIT,     "limit",         503, 429, "a limit is reached")                                    \
	X(TR_ENOTFOUND,  "not_found",     404, 404, "no such thing")                                         \
	X(TR_ESTATE,     "state",         491, 409, "not possible in this state")                            \
	X(TR_EAUTH,      "auth",          403, 401, "the credentials were refused")                          \
	X(TR_EDENIED,    "denied",        403, 403, "not allowed by the configuration")                      \
	X(TR_EUNSUPP,    "unsupported",   501, 501, "not supported")                                         \
	X(TR_ENOCODEC,   "no_codec",      488, 422, "no codec in common")                                    \
	X(TR_ESECURITY,  "security",      488, 422, "the two sides do not agree on media encryption")        \
	X(TR_ENOPORT,    "no_port",       503, 503, "every media port is in use")                            \
	X(TR_ETIMEDOUT,  "timed_out",     408, 504, "no answer in time")                                     \
	X(TR_ETRANSPORT, "transport",     503, 502, "the network refused or dropped it")                     \
	X(TR_EDNS,       "dns",           503, 502, "the name cannot be resolved")                           \
	X(TR_ECLOSED,    "closed",        481, 410, "already closed")                                        \
	X(TR_ECONFIG,    "config",        500, 422, "the configuration is not valid")                        \
	X(TR_EENGINE,    "engine",        500, 500, "a speech engine or model failed")                       

enum tr_err {
	TR_E_FIRST = 10000,
#define X(code, name, sip, http, text) code,
	TR_ERRORS(X)
#undef X
	TR_E_END
};

/* All accept a negative code, its absolute value, or 0; an errno gives strerror's text and 500. Never NULL. */
const char *err_name(int err);
const char *err_text(int err);
int err_sip_status(int err);
int err_http_status(int err);
