/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/guard.h"

enum rank {
	STRANGER,
	NEAR,	   /* the signalled host at another port, or the host that signals */
	SIGNALLED, /* exactly what the SDP says */
};

#define MAX_STEP 50 /* numbers between packets of a source that proves itself, and from the old source to its successor */

void rtp_guard_init(struct rtp_guard *g, const struct rtp_guard_params *params)
{
	*g = (struct rtp_guard){.params = *params};
	g->params.probation = params->probation ? params->probation : 3;
	g->params.stranger_ms = params->stranger_ms ? params->stranger_ms : 1000;
	g->params.silence_ms = params->silence_ms ? params->silence_ms : 500;
	g->params.dead_ms = params->dead_ms ? params->dead_ms : 10000;
}

static enum rank rank_of(const struct rtp_guard *g, const struct addr *from)
{
	if (addr_is_set(&g->signalled) && addr_eq(from, &g->signalled))
		return SIGNALLED;
	if ((addr_is_set(&g->signalled) && addr_ip_eq(from, &g->signalled)) ||
	    (addr_is_set(&g->peer) && addr_ip_eq(from, &g->peer)))
		return NEAR;

	return STRANGER;
}

void rtp_guard_signal(struct rtp_guard *g, const struct addr *media, const struct addr *peer, msec_t now)
{
	bool is_changed = !addr_eq(media, &g->signalled);
	bool is_behind_nat = g->is_latched && g->source.rank < SIGNALLED && addr_is_private(media) &&
			     !addr_is_private(&g->source.addr);

	g->signalled = *media;
	g->peer = *peer;
	/* a host behind NAT repeats its private address in every re-INVITE: what was learnt stays good */
	if (g->is_latched && !is_changed)
		return;
	g->opened_at = now;
	memset(g->tries, 0, sizeof(g->tries));
	if (g->is_latched)
		g->source.rank = (uint8_t)rank_of(g, &g->source.addr);
	/*
	 * Hold with 0.0.0.0 (RFC 3264 §8.4) says nothing about where to send later, and neither does another private address of
	 * a host that never sent from such.
	 */
	if (addr_is_set(media) && !addr_is_any(media) && !is_behind_nat)
		g->remote = *media;
}

static void note(struct rtp_guard_source *s, const struct rtp_packet *p, msec_t now)
{
	s->ssrc = p->ssrc;
	s->seq = p->seq;
	s->heard_at = now;
}

/* The place of a source on probation; a new one takes the stalest, but never from a better rank that is still heard. */
static struct rtp_guard_source *find_try(struct rtp_guard *g, const struct addr *from, enum rank rank, msec_t now)
{
	struct rtp_guard_source *worst = NULL;

	for (int i = 0; i < LIMIT_RTP_GUARD_SOURCES; i++) {
		struct rtp_guard_source *s = &g->tries[i];

		if (addr_is_set(&s->addr) && addr_eq(&s->addr, from))
			return s;
		if (s->rank > rank && now - s->heard_at < g->params.silence_ms)
			continue;
		if (!worst || !addr_is_set(&s->addr) || (addr_is_set(&worst->addr) && s->heard_at < worst->heard_at))
			worst = s;
	}
	if (worst)
		*worst = (struct rtp_guard_source){.addr = *from, .heard_at = now};

	return worst;
}

/* Counts consecutive packets of one SSRC; a step back or too far begins again. */
static void prove(struct rtp_guard_source *s, const struct rtp_packet *p, msec_t now)
{
	uint16_t step = (uint16_t)(p->seq - s->seq);

	if (s->run && s->ssrc == p->ssrc && step == 0)
		return; /* duplicates prove nothing */
	s->run = s->run && s->ssrc == p->ssrc && step < MAX_STEP ? (uint8_t)MIN(s->run + 1, 255) : 1;
	note(s, p, now);
}

/* The same stream from elsewhere: a NAT that rebound, a phone that roams. */
static bool carries_on(const struct rtp_guard *g, const struct rtp_guard_source *s, msec_t now)
{
	uint16_t step = (uint16_t)(s->seq - g->source.seq);
	/* what is sent in the time it was silent, at up to 100 packets a second, and a few */
	int64_t most = MAX_STEP + (now - g->source.heard_at) / 10;

	return s->ssrc == g->source.ssrc && step > 0 && step <= MIN(most, 0x7fff);
}

/* May a source with its probation behind it take over? */
static bool may_take_over(const struct rtp_guard *g, const struct rtp_guard_source *s, msec_t now)
{
	msec_t silence = now - g->source.heard_at;

	if (!g->is_latched)
		return s->rank > STRANGER || now - g->opened_at >= g->params.stranger_ms;
	if (s->rank > g->source.rank)
		return true;
	if (silence >= g->params.silence_ms && carries_on(g, s, now))
		return true;
	/*
	 * The same rank at another port: after a re-INVITE the peer may send from a new one; otherwise only after a silence.
	 * Strangers have to wait until the call is about to be given up anyway.
	 */
	if (s->rank == NEAR && g->source.rank == NEAR)
		return silence >= g->params.silence_ms || g->source.heard_at < g->opened_at;

	return silence >= g->params.dead_ms;
}

static enum rtp_guard_verdict admit(struct rtp_guard *g, const struct rtp_packet *p, msec_t now)
{
	note(&g->source, p, now);
	g->accepted++;

	return RTP_GUARD_ACCEPT;
}

static enum rtp_guard_verdict latch(struct rtp_guard *g, struct rtp_guard_source *s, const struct rtp_packet *p, msec_t now)
{
	bool is_moved = !addr_eq(&g->remote, &s->addr);

	g->source = *s;
	g->is_latched = true;
	g->remote = s->addr;
	memset(s, 0, sizeof(*s));
	admit(g, p, now);
	if (!is_moved)
		return RTP_GUARD_ACCEPT;
	g->latches++;

	return RTP_GUARD_LATCH;
}

static enum rtp_guard_verdict reject(struct rtp_guard *g, enum rank rank)
{
	g->rejected++;
	g->strangers += rank == STRANGER;

	return RTP_GUARD_REJECT;
}

enum rtp_guard_verdict rtp_guard_recv(struct rtp_guard *g, const struct addr *from, const struct rtp_packet *p, msec_t now)
{
	if (g->is_latched && addr_eq(from, &g->source.addr))
		return admit(g, p, now);

	enum rank rank = rank_of(g, from);
	if (rank == STRANGER && g->params.is_strict)
		return reject(g, rank);

	struct rtp_guard_source *s = find_try(g, from, rank, now);
	if (!s)
		return reject(g, rank);
	s->rank = (uint8_t)rank;
	prove(s, p, now);
	/* what the SDP announced needs no proof while nobody else is believed: its first packet is the greeting's first word */
	bool is_proven = s->run >= g->params.probation || (rank == SIGNALLED && !g->is_latched);
	if (!is_proven || !may_take_over(g, s, now))
		return reject(g, rank);

	return latch(g, s, p, now);
}

enum rtp_guard_verdict rtp_guard_proven(struct rtp_guard *g, const struct addr *from, const struct rtp_packet *p, msec_t now)
{
	struct rtp_guard_source s = {.addr = *from, .rank = (uint8_t)rank_of(g, from)};

	if (g->is_latched && addr_eq(from, &g->source.addr))
		return admit(g, p, now);
	if (g->is_latched && p->ssrc == g->source.ssrc && (int16_t)(p->seq - g->source.seq) <= 0) {
		g->accepted++;
		return RTP_GUARD_ACCEPT;
	}

	return latch(g, &s, p, now);
}

bool rtp_guard_is_rtcp_ok(const struct rtp_guard *g, const struct addr *from)
{
	if (g->is_latched && addr_ip_eq(from, &g->source.addr))
		return true;

	return rank_of(g, from) > STRANGER;
}

const struct addr *rtp_guard_remote(const struct rtp_guard *g)
{
	return &g->remote;
}
