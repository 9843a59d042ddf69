/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "line/line.h"
#include "line/witness.h"

/*
 * What is wrong with a line, from what was tried of it: `tipring doctor`. Pure: facts in, findings out, each a sentence with its evidence
 * and a remedy, in the order in which a call needs them. Findings about a call's audio have the ids of call/diagnose.h.
 */
enum checkup_level { CHECKUP_OK, CHECKUP_NOTE, CHECKUP_WARNING, CHECKUP_FAULT };
const char *checkup_level_name(enum checkup_level level);

/* One transport tried: OPTIONS over UDP, TCP, TLS. */
struct checkup_reach {
	bool is_tried, is_wanted; /* the line uses it */
	struct addr addr;
	int status;		  /* of the answer; 0: none */
	uint32_t ms;
	char why[400];		  /* of no answer, in words; "" when nothing is known */
};

enum checkup_reg {
	CHECKUP_REG_NONE,      /* the line does not register */
	CHECKUP_REG_UNTRIED,   /* there was nobody to ask */
	CHECKUP_REG_BY_DAEMON, /* the running daemon holds it: left alone */
	CHECKUP_REG_FINE,
	CHECKUP_REG_FAILED,
};

/* The same password under the extension's own name, tried when the authentication id is another and was refused. */
enum checkup_retry { CHECKUP_RETRY_NONE, CHECKUP_RETRY_REFUSED, CHECKUP_RETRY_FINE };

struct checkup_name {
	bool is_literal;
	bool is_known;		  /* something to send to came of it */
	unsigned naptr, srv, a, aaaa; /* records of each kind */
	char srv_name[80];	  /* "_sip._udp" of those srv; "" */
	char addrs[200];	  /* "192.0.2.7:5060, 192.0.2.8:5060", as they will be tried */
	unsigned addr_count;
};

/* RFC 5780, as far as the servers allow. */
struct checkup_nat {
	bool is_asked, is_answered;
	char server[128];
	struct addr local, mapped; /* of one socket */
	struct addr mapped_other;  /* the same socket towards another address or port; unset: nobody to ask */
	bool is_filter_known;	   /* the server can answer from elsewhere */
	bool hears_all, hears_ip;  /* it was heard: from another address; from another port only */
	bool is_life_asked;
	uint32_t life_ms, life_over_ms; /* a mapping still lived after so long; and was gone after so long. 0: not measured */
};

/* What the diagnosis of the call itself has found, in its words and under its ids (call/diagnose.h). */
struct checkup_trouble {
	char id[24], text[240], evidence[200], remedy[200];
};

enum { CHECKUP_TROUBLES = 8 };

struct checkup_call {
	bool is_tried;
	char target[128];
	bool is_answered;
	uint32_t ring_ms;	/* until the answer */
	int status;		/* that ended it before an answer; 0: none */
	char cause[480], remedy[240];
	char codec[16], offered[64]; /* what we can */
	uint32_t talk_ms;
	uint64_t rx_packets, tx_packets;
	int32_t lost;
	uint32_t jitter_ms;
	int32_t rtt_ms;		/* -1: not known */
	bool has_peer_report;
	int32_t peer_lost;
	float tone_share;	/* of what came back, how much is our own tone: 0 to 1 */
	char remote[ADDR_TEXT], local[ADDR_TEXT];
	struct checkup_trouble troubles[CHECKUP_TROUBLES];
	size_t trouble_count;
};

struct checkup_host {
	bool has_daemon;	/* one runs with this configuration */
	char sip_taken[ADDR_TEXT]; /* a configured address that another program has; "" */
	uint32_t port_min, port_max, rtp_pairs, rtp_taken; /* pairs in the range, and of them not free */
	uint32_t max_calls;
	uint64_t files, files_wanted;
};

struct checkup_facts {
	const struct line_config *line;
	struct checkup_name name;
	struct checkup_reach reach[3]; /* by enum line_transport */
	enum checkup_reg reg;
	int reg_status;
	uint32_t reg_expires_s;
	char reg_text[480];
	enum checkup_retry retry;
	struct witness seen;
	struct checkup_nat nat;
	struct checkup_call call;
};

struct checkup_finding {
	char id[24];
	enum checkup_level level;
	char text[400], evidence[300], remedy[400];
};

enum { CHECKUP_FINDINGS = 24 };

/* Of a line; of the machine. Return how many. */
size_t checkup_line(const struct checkup_facts *f, struct checkup_finding ret[static CHECKUP_FINDINGS]);
size_t checkup_host(const struct checkup_host *h, struct checkup_finding ret[static CHECKUP_FINDINGS]);
