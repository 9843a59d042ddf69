/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/trans.h"

/* Shared by strans.c and strans_match.c. */

#define SIP_KEY_BYTES 1024 /* branch and sent-by; of RFC 2543 requests a whole Via. Longer ones are refused */

/*
 * RFC 3261 §17.2.3. With the magic cookie: branch, sent-by, method. Without: an element of RFC 2543, so by what it repeats;
 * the To tag stays out, since an ACK has one that its INVITE had not. Empty: it does not fit.
 */
struct span sip_strans_key(char buf[SIP_KEY_BYTES], const struct sip_msg *req, enum sip_method method);
/* RFC 3261 §8.2.2.2: Call-ID, From tag and CSeq. */
struct span sip_strans_merge_key(char buf[SIP_KEY_BYTES], const struct sip_msg *req);

/* Status line and all that the request decides of an answer, with received and rport as RFC 3261 §18.2.1 and RFC 3581 §4. */
void sip_strans_write_lines(struct sip_writer *w, const struct sip_msg *req, const struct sip_packet *pkt,
			    struct sip_response_params *params);
