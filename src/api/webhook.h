/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "api/event.h"

/*
 * Events as signed HTTP POSTs (Standard Webhooks): a thread an endpoint with a queue on disk, so that a restart loses nothing and a slow or dead
 * consumer harms nobody. An answer of 2xx is a success; 410 ends the endpoint until the next start; anything else is tried again after 5 s,
 * 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, with jitter, or when Retry-After says; then given up and counted.
 */
#define WEBHOOK_EVENTS 16

struct webhook_params {
	const char *url;
	const char *secrets[2];		     /* "whsec_" + base64; the second: one that goes out of use; NULL */
	const char *events[WEBHOOK_EVENTS];  /* patterns; NULL at the end */
	bool may_be_private;		     /* addresses of private networks, loopback and link-local too */
	const char *queue_path;
	uint32_t retry_ms;		     /* first wait; 0: 5000 */
};

struct webhook;

struct webhook_stats {
	uint64_t delivered, failed, lost; /* attempts that failed; events that were given up */
	int64_t waiting;
	bool is_gone; /* 410 */
	char why[200]; /* the last attempt failed; "" */
};

/* All but the texts is copied; those outlive it. -ENOMEM, -EAGAIN. */
nodiscard int webhook_start(struct webhook **ret, const struct webhook_params *params);
/* An attempt under way is ended. */
struct webhook *webhook_stop(struct webhook *w);
/* Any thread; never waits. Those that no pattern is meant for are ignored; id is of the event, text its JSON. */
void webhook_tell(struct webhook *w, const char *id, const struct event *event);
void webhook_stats(struct webhook *w, struct webhook_stats *ret);

/* Whether a secret is "whsec_" and base64 of 24 to 64 bytes. */
bool webhook_secret_is_good(const char *secret);
/* "v1,BASE64" of id.timestamp.body, terminated. False: a bad secret. */
#define WEBHOOK_SIGNATURE 64
bool webhook_sign(const char *secret, const char *id, int64_t timestamp_s, const char *body, char ret[static WEBHOOK_SIGNATURE]);
/* Milliseconds until attempt number n (1: the second) when the first wait is first_ms; 0: give up. Without jitter. */
int64_t webhook_wait_ms(uint32_t n, uint32_t first_ms);
