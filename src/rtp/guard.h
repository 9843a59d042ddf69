/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"
#include "rtp/packet.h"

/*
 * Symmetric RTP with a guard against injection ("RTPbleed"): learns from which address a call's media really comes, sends
 * there, and accepts nothing from anywhere else. Sources are ranked: the address of the SDP, then the same host at another
 * port or the host that signals (NAT), then strangers. A better source always replaces a worse one; a stranger wins only
 * if nobody better is heard, and never a call that has a source already, unless that fell silent and the newcomer carries its
 * stream on. Every take-over needs consecutive packets of one SSRC. Pure; the stream's owner.
 */
enum rtp_guard_verdict {
	RTP_GUARD_REJECT,	/* a stranger, or not proven yet */
	RTP_GUARD_ACCEPT,
	RTP_GUARD_LATCH,	/* accept, and rtp_guard_remote changed: send there from now on */
};

struct rtp_guard_params {
	uint8_t probation;	/* consecutive packets before a source is believed; 0: 3 */
	uint32_t stranger_ms;	/* how long to wait for a better one before a stranger may win; 0: 1000 */
	uint32_t silence_ms;	/* of the latched source before its stream may continue from elsewhere; 0: 500 */
	uint32_t dead_ms;	/* before any source may follow it; 0: 10000 */
	bool is_strict;		/* only the SDP's address and the signalling host: trunks without NAT */
};

struct rtp_guard_source {
	struct addr addr;
	uint32_t ssrc;
	uint16_t seq;
	uint8_t run;		/* consecutive packets */
	uint8_t rank;
	msec_t heard_at;
};

struct rtp_guard {
	struct rtp_guard_params params;
	struct addr signalled;	/* from the SDP */
	struct addr peer;	/* where SIP comes from; port ignored */
	struct addr remote;	/* where to send */
	bool is_latched;
	msec_t opened_at;	/* last (re-)negotiation */
	struct rtp_guard_source source; /* latched */
	struct rtp_guard_source tries[LIMIT_RTP_GUARD_SOURCES];
	uint64_t accepted, rejected;
	uint32_t latches;	/* changes of remote by what was heard */
	uint32_t strangers;	/* rejected packets of sources that never proved themselves */
};

void rtp_guard_init(struct rtp_guard *g, const struct rtp_guard_params *params);

/*
 * An offer or answer said where the peer's media is; peer is where SIP comes from (AF_UNSPEC: unknown). Called again on a
 * re-INVITE: a changed address re-opens learning, and the old source is accepted until the new one is heard.
 */
void rtp_guard_signal(struct rtp_guard *g, const struct addr *media, const struct addr *peer, msec_t now);

/* May this RTP packet be used? */
enum rtp_guard_verdict rtp_guard_recv(struct rtp_guard *g, const struct addr *from, const struct rtp_packet *p, msec_t now);

/*
 * The same for a packet that has proven by its key (SRTP) that it is the peer's: its source is followed at once, unless the packet
 * is an old one that came another way. Never REJECT.
 */
enum rtp_guard_verdict rtp_guard_proven(struct rtp_guard *g, const struct addr *from, const struct rtp_packet *p, msec_t now);

/* RTCP without mux: the latched host, any port; before that the signalled or signalling host. */
bool rtp_guard_is_rtcp_ok(const struct rtp_guard *g, const struct addr *from);

/* Where to send: the latched source, else the SDP's address; AF_UNSPEC before both. */
const struct addr *rtp_guard_remote(const struct rtp_guard *g);
