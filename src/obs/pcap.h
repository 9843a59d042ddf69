/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/*
 * SIP messages as a packet capture that Wireshark opens: each message becomes one UDP datagram between its addresses, whatever it
 * travelled in, so that it is shown decoded (a TLS stream would need its keys). Classic pcap, microseconds, link type 101 (raw IP).
 * Pure.
 */
struct pcap_message {
	int64_t wall_us; /* since 1970 */
	struct addr from, to; /* of one family */
	struct span bytes;
};

enum { PCAP_FILE_HEADER = 24, PCAP_MESSAGE_MOST = 65535 - 48 };

void pcap_file_header(uint8_t ret[static PCAP_FILE_HEADER]);

/* Bytes written to ret, 0 when it has no room. A message that is larger than a datagram may be is cut. */
size_t pcap_write(const struct pcap_message *m, uint8_t *ret, size_t cap);
