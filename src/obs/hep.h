/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/*
 * Homer Encapsulation Protocol version 3: a copy of each SIP message, and a report of each call's audio, for Homer or any other
 * collector. Over UDP: a datagram that the kernel does not take at once is lost and counted; nothing waits for a collector.
 */
struct hep_message {
	int64_t wall_us; /* since 1970 */
	bool is_datagram; /* UDP; otherwise it is said to be TCP */
	struct addr from, to;
	struct span correlation; /* Call-ID: what Homer joins reports with; absent for SIP */
	struct span bytes;
};

enum hep_type { HEP_SIP = 1, HEP_QUALITY = 34 /* a JSON report of the audio */ };

enum { HEP_MOST = 65507 };

struct hep_sender {
	uint32_t agent_id;
	const char *key;  /* NULL: none */
	const char *name; /* NULL: none */
};

/* Pure. Bytes written, 0 when it has no room or the two addresses are of different families. */
size_t hep_write(const struct hep_sender *sender, enum hep_type type, const struct hep_message *m, uint8_t *ret, size_t cap);

/* The sender with its socket; one thread. */
struct hep;

struct hep_params {
	struct addr server;
	struct hep_sender sender; /* borrowed strings */
};

nodiscard int hep_new(const struct hep_params *params, struct hep **ret); /* -errno of the socket, -ENOMEM */
struct hep *hep_free(struct hep *h);
void hep_send(struct hep *h, enum hep_type type, const struct hep_message *m);
uint64_t hep_lost(const struct hep *h);
