/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/*
 * What is wrong with a call's audio, from what is known of it: which direction is silent, since when, why most likely, and what to
 * do. Pure: facts in, findings out, each a sentence with its evidence and a remedy.
 */
struct call_facts {
	msec_t answered_for_ms;	  /* since the answer */
	bool wants_rx, wants_tx;  /* what the descriptions agreed on: they send, we send */
	struct addr said;	  /* where their SDP wants our audio; unset: a name */
	struct addr heard;	  /* where theirs came from last; unset: nothing came */
	struct addr signalling;	  /* where their SIP comes from */
	struct addr announced;	  /* what our SDP says */
	msec_t first_rx_ms;	  /* after the answer; -1: none yet */
	uint32_t silent_ms;	  /* no packet for so long, now */
	uint64_t rx_packets, tx_packets, tx_failed;
	uint64_t rx_refused;	  /* from addresses that are not the peer's */
	uint64_t rx_invalid;	  /* not playable */
	uint32_t peer_reports;	  /* RTCP report blocks about what we send */
	bool has_rtcp;		  /* the peer sends RTCP at all */
	int32_t peer_lost;
	uint32_t peer_loss_permille, loss_permille; /* of the last seconds: what we send, what we hear */
	uint32_t jitter_ms;
	int32_t rtt_ms;		  /* -1: unknown */
	float mos;		  /* 0: unknown */
	bool is_switched;	  /* we already send elsewhere than the SDP said */
};

enum call_finding_code {
	CALL_NO_AUDIO_IN,      /* nothing was ever heard */
	CALL_AUDIO_IN_STOPPED, /* heard, then silent */
	CALL_AUDIO_REFUSED,    /* packets come, from an address that is not the peer's */
	CALL_AUDIO_INVALID,    /* packets come that cannot be played */
	CALL_NO_AUDIO_OUT,     /* ours does not leave, or does not arrive */
	CALL_LOSS_IN,
	CALL_LOSS_OUT,
	CALL_JITTER,
	CALL_DELAY,
	CALL_FINDING_CODES
};
const char *call_finding_name(enum call_finding_code code);

/* What we can do ourselves. */
enum call_cure {
	CALL_CURE_NONE,
	CALL_CURE_SWITCH, /* send to the address their signalling comes from, at the port they said */
	CALL_CURE_REINVITE, /* offer again: switches forget and learn anew */
};

struct call_finding {
	enum call_finding_code code;
	char text[240];	    /* which direction, since when, likely cause */
	char evidence[200]; /* addresses and counts */
	char remedy[200];   /* for people; what we do ourselves is in cure */
	enum call_cure cure;
};

enum { CALL_FINDINGS = 8 };

/* Returns how many, worst first. */
size_t call_diagnose(const struct call_facts *f, struct call_finding ret[static CALL_FINDINGS]);
