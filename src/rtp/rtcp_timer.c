/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/rtcp.h"

/*
 * RFC 3550 §6.3 and Appendix A.7. A timer that reconsiders: at tn it computes a fresh interval from what is known then, and
 * only sends if tp plus that is over.
 */
#define HEADERS_BYTES 28 /* IPv4 and UDP: the average counts them (§6.2) */

void rtcp_timer_init(struct rtcp_timer *t, uint32_t session_bps, uint32_t min_ms, msec_t now, uint32_t random)
{
	*t = (struct rtcp_timer){
		.bandwidth = MAX(session_bps / 8 / 20, 1u), /* 5 % */
		.min_ms = min_ms ? min_ms : 5000,
		.members = 2, /* a call: we and the peer */
		.senders = 2,
		.pmembers = 2,
		.avg_size = 16 * (HEADERS_BYTES + 80), /* §6.3.2: the probable size of the first: SR, a block, CNAME */
		.is_initial = true,
		.is_sender = true,
		.last_at = now,
	};
	t->next_at = now + rtcp_timer_interval(t, random);
}

/* §6.3.3: avg = 1/16 size + 15/16 avg, kept times 16 */
void rtcp_timer_size(struct rtcp_timer *t, size_t n)
{
	t->avg_size += (uint32_t)MIN(n, (size_t)LIMIT_RTP_PACKET_BYTES) + HEADERS_BYTES - t->avg_size / 16;
}

/* §6.3.1: the deterministic interval, in milliseconds */
static uint64_t interval_fixed(const struct rtcp_timer *t)
{
	uint64_t share = t->bandwidth, n = t->members;
	uint32_t min_ms = t->is_initial ? t->min_ms / 2 : t->min_ms;

	/* senders get a quarter of the bandwidth while they are at most a quarter of the members */
	if (t->senders > 0 && t->senders * 4 <= t->members) {
		n = t->is_sender ? t->senders : t->members - t->senders;
		share = t->is_sender ? MAX(share / 4, 1u) : MAX(share * 3 / 4, 1u);
	}

	return MAX(t->avg_size / 16 * n * 1000 / share, min_ms);
}

/* times 0.5 to 1.5, divided by e - 1.5 since reconsideration settles too low otherwise */
uint32_t rtcp_timer_interval(const struct rtcp_timer *t, uint32_t random)
{
	uint64_t fixed = MIN(interval_fixed(t), UINT64_C(24) * 3600 * 1000);
	uint64_t spread = fixed / 2 + (fixed * random >> 32);

	return (uint32_t)(spread * 100000 / 121828);
}

void rtcp_timer_members(struct rtcp_timer *t, uint32_t members, uint32_t senders, msec_t now)
{
	members = MAX(members, 1u);
	if (members < t->pmembers) {
		/* §6.3.4: those who leave must not make the rest fall silent */
		t->next_at = now + (t->next_at - now) * members / t->pmembers;
		t->last_at = now - (now - t->last_at) * members / t->pmembers;
		t->pmembers = members;
	}
	t->members = members;
	t->senders = MIN(senders, members);
}

/* §6.3.6 */
bool rtcp_timer_tick(struct rtcp_timer *t, msec_t now, uint32_t random)
{
	if (now < t->next_at)
		return false;

	msec_t due = t->last_at + rtcp_timer_interval(t, random);
	bool is_due = due <= now;

	t->pmembers = t->members;
	if (!is_due) {
		t->next_at = due;
		return false;
	}
	t->last_at = now;
	t->is_initial = false;
	/* another draw, from the same 32 bits turned, saves the caller a second argument */
	t->next_at = now + rtcp_timer_interval(t, random * UINT32_C(2654435761) + 1);

	return true;
}
