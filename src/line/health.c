/* SPDX-License-Identifier: Apache-2.0 */
#include "line/health.h"

const char *health_state_name(enum health_state s)
{
	static const char *const names[] = {"unknown", "up", "down"};

	return names[s];
}

void health_init(struct health *h, uint32_t every_ms, msec_t now)
{
	*h = (struct health){.since = now, .every_ms = every_ms, .wanted = HEALTH_ANSWERS, .ping_at = every_ms ? now : NEVER};
}

static bool set_state(struct health *h, enum health_state s, msec_t now)
{
	if (h->state == s)
		return false;
	h->state = s;
	h->since = now;

	return true;
}

static void plan(struct health *h, msec_t now)
{
	/* Not sure yet, or down: soon again. */
	if (h->state == HEALTH_DOWN)
		h->ping_at = now + HEALTH_DOWN_PING_MS;
	else if (!h->every_ms)
		h->ping_at = NEVER;
	else
		h->ping_at = now + (h->silences ? MIN(HEALTH_DOWN_PING_MS, (msec_t)h->every_ms) : (msec_t)h->every_ms);
}

bool health_answered(struct health *h, uint32_t rtt_ms, msec_t now)
{
	bool is_news = false;

	h->silences = 0;
	h->rtt_ms = rtt_ms;
	h->answers++;
	/* The first answer ever is enough; what was down has to show more. */
	if (h->state == HEALTH_UNKNOWN || h->answers >= h->wanted)
		is_news = set_state(h, HEALTH_UP, now);
	plan(h, now);

	return is_news;
}

static bool go_down(struct health *h, msec_t now)
{
	if (h->state == HEALTH_UP && now - h->since < HEALTH_FLAP_MS)
		h->wanted = MIN(h->wanted + 1, HEALTH_ANSWERS_MAX);
	else if (h->state != HEALTH_DOWN)
		h->wanted = HEALTH_ANSWERS;
	h->answers = 0;

	bool is_news = set_state(h, HEALTH_DOWN, now);

	plan(h, now);

	return is_news;
}

bool health_silent(struct health *h, msec_t now)
{
	h->silences++;
	h->answers = 0;
	h->failures++;
	if (h->silences >= HEALTH_SILENCES)
		return go_down(h, now);
	plan(h, now);

	return false;
}

bool health_failed(struct health *h, msec_t now)
{
	h->failures++;

	return go_down(h, now);
}
