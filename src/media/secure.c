/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"

/*
 * SRTP on a worker. What does not authenticate is counted and goes no further: neither the jitter buffer nor the guard sees it.
 */

static int open_with(struct srtp *with, bool is_rtcp, uint8_t *bytes, size_t *n)
{
	return is_rtcp ? srtcp_open(with, bytes, *n, n) : srtp_open(with, bytes, *n, n);
}

/*
 * The peer has changed its key lately: what it sent before is still on its way, or it is slow to begin. The first packet under the
 * new key does not end that, since packets overtake each other; the clock does.
 */
static int open_with_both(struct gear *g, bool is_rtcp, uint8_t *bytes, size_t *n, int64_t now_us)
{
	uint8_t copy[LIMIT_RTP_PACKET_BYTES];
	size_t copy_n = *n;
	bool is_current = now_us < g->open_before_until_us;

	/* GCM spoils what does not authenticate. */
	if (is_current)
		memcpy(copy, bytes, copy_n);

	int err = open_with(g->open, is_rtcp, bytes, n);

	if (err != -TR_EAUTH || !is_current)
		return err;
	memcpy(bytes, copy, copy_n);
	*n = copy_n;

	return open_with(g->open_before, is_rtcp, bytes, n);
}

bool secure_open(struct stream *s, bool is_rtcp, uint8_t *bytes, size_t *n, int64_t now_us)
{
	struct gear *g = s->gear;

	if (!g->is_secure)
		return true;

	int err = g->open_before ? open_with_both(g, is_rtcp, bytes, n, now_us) : open_with(g->open, is_rtcp, bytes, n);

	if (err == -TR_EAUTH)
		s->rx.unauthentic++;
	else if (err == -TR_ESTATE)
		s->rx.replayed++;
	else if (err)
		s->rx.invalid++;

	return err == 0;
}

bool secure_seal(struct stream *s, bool is_rtcp, uint8_t *bytes, size_t *n)
{
	struct gear *g = s->gear;

	if (!g->is_secure)
		return true;

	return (is_rtcp ? srtcp_seal(g->seal, bytes, *n, n) : srtp_seal(g->seal, bytes, *n, n)) == 0;
}
