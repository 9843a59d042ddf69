/* SPDX-License-Identifier: Apache-2.0 */
#include "line/checkup_priv.h"

/* A call to a number that should send back what it hears. The share of our own tone in what comes back tells both directions apart. */
#define BACK_SHARE   0.5f
#define LOSS_PERCENT 3
#define JITTER_MS    60
#define DELAY_MS     400

static void judge_refusal(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct checkup_call *c = &f->call;
	struct checkup_finding *x;

	if (c->status == 488 || c->status == 606 || c->status == 415) {
		x = checkup_add(l, "codecs", CHECKUP_FAULT, "no codec in common: the other side refuses all that we offer (%s) with %d", c->offered,
			c->status);
		checkup_evidence(x, "call to %s%s%s%s%s", c->target, f->seen.has_codecs ? "; it has " : "", f->seen.has_codecs ? f->seen.codecs : "",
			f->seen.warning[0] ? "; it warns: " : "", f->seen.warning);
		checkup_remedy(x, "allow pcma (alaw) or pcmu (ulaw) on its page of this extension, or take what it has into \"codecs\" of the "
				  "line; a system that wants encrypted audio answers the same: see srtp");
		return;
	}
	x = checkup_add(l, "call", CHECKUP_FAULT, "the call to %s fails: %s", c->target, c->cause[0] ? c->cause : "not answered");
	checkup_evidence(x, "status %d", c->status);
	checkup_remedy(x, "%s", c->remedy);
}

static void judge_audio(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct checkup_call *c = &f->call;
	struct checkup_finding *x;

	if (!c->rx_packets) {
		x = checkup_add(l, "no_audio_in", CHECKUP_FAULT, "nothing is heard from the other side: its audio does not reach us");
		checkup_remedy(x, "open UDP ports media.port_min to media.port_max for what comes in; behind a NAT check the PBX's NAT settings "
				  "(symmetric RTP), \"ice\" and media.address");
	} else if (c->tone_share > BACK_SHARE) {
		x = checkup_add(l, "audio", CHECKUP_OK, "audio goes both ways: our own tone came back");
	} else if (c->has_peer_report && c->peer_lost > 0 && (uint64_t)c->peer_lost * 2 > c->tx_packets) {
		x = checkup_add(l, "no_audio_out", CHECKUP_FAULT, "the other side is heard, and says by RTCP that our audio does not arrive");
		checkup_remedy(x, "let UDP out to the ports of the other side; check what it sees as our address");
	} else {
		x = checkup_add(l, "no_audio_out", CHECKUP_WARNING,
			"the other side is heard, but our own tone did not come back: %s is no echo, or our audio does not arrive", c->target);
		checkup_remedy(x, "call a number that is an echo for sure (FreePBX: *43); if it is, let UDP out to the ports of the other side");
	}
	checkup_evidence(x, "%u ms: %" PRIu64 " packets sent from %s, %" PRIu64 " came from %s, %d lost, jitter %u ms, %.0f %% of it our tone",
		c->talk_ms, c->tx_packets, c->local, c->rx_packets, c->remote[0] ? c->remote : "nowhere", c->lost, c->jitter_ms,
		(double)c->tone_share * 100);
}

static void judge_quality(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct checkup_call *c = &f->call;
	uint64_t all = c->rx_packets + (uint64_t)MAX(c->lost, 0);
	struct checkup_finding *x;

	if (c->rx_packets && (uint64_t)MAX(c->lost, 0) * 100 >= all * LOSS_PERCENT) {
		x = checkup_add(l, "loss_in", CHECKUP_WARNING, "%u %% of the other side's audio is lost on its way to us",
			(unsigned)((uint64_t)c->lost * 100 / all));
		checkup_remedy(x, "look for a full or wireless link on the way, and give voice priority there (DSCP EF)");
	}
	if (c->jitter_ms >= JITTER_MS) {
		x = checkup_add(l, "jitter", CHECKUP_WARNING, "the other side's audio comes unevenly, by %u ms", c->jitter_ms);
		checkup_remedy(x, "look for a full or wireless link on the way, and give voice priority there (DSCP EF)");
	}
	if (c->rtt_ms >= DELAY_MS) {
		x = checkup_add(l, "delay", CHECKUP_WARNING, "audio takes %d ms there and back: people will talk over each other", c->rtt_ms);
		checkup_remedy(x, "use a server that is nearer, or a shorter way (no VPN)");
	}
}

static bool has(const struct checkup_list *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->to[i].id, id) == 0)
			return true;

	return false;
}

/* What was seen while the call lasted and has not been said yet: refused or unplayable packets, losses on the way to them. */
static void judge_troubles(const struct checkup_facts *f, struct checkup_list *l)
{
	for (size_t i = 0; i < f->call.trouble_count; i++) {
		const struct checkup_trouble *t = &f->call.troubles[i];
		struct checkup_finding *x;

		if (has(l, t->id))
			continue;
		x = checkup_add(l, t->id, CHECKUP_WARNING, "%s", t->text);
		checkup_evidence(x, "%s", t->evidence);
		checkup_remedy(x, "%s", t->remedy);
	}
}

/* Writes what both lists, "opus, pcmu", have; false: nothing. */
static bool codecs_in_common(const char *ours, const char *theirs, char *ret, size_t cap)
{
	struct span rest = span_z(ours);
	size_t n = 0;

	ret[0] = 0;
	while (rest.p) {
		struct span mine = span_trim(span_cut(&rest, ',')), others = span_z(theirs);

		while (others.p)
			if (span_ieq(mine, span_trim(span_cut(&others, ','))) && n < cap)
				n += (size_t)snprintf(ret + n, cap - n, "%s%.*s", n ? ", " : "", SPAN_FMT(mine));
	}

	return n > 0;
}

/* Without a call: some systems describe themselves in their answer to OPTIONS. */
static void judge_description(const struct checkup_facts *f, struct checkup_list *l)
{
	char common[128];
	struct checkup_finding *x;

	if (!f->seen.has_codecs)
		return;
	if (codecs_in_common(f->call.offered, f->seen.codecs, common, sizeof(common))) {
		x = checkup_add(l, "codecs", CHECKUP_OK, "codecs in common: %s", common);
	} else {
		x = checkup_add(l, "codecs", CHECKUP_FAULT, "no codec in common: we have %s, the other side has %s", f->call.offered, f->seen.codecs);
		checkup_remedy(x, "allow pcma (alaw) or pcmu (ulaw) on its page of this extension, or take what it has into \"codecs\" of the line");
	}
	checkup_evidence(x, "the description in its answer to OPTIONS: %s", f->seen.codecs);
}

void checkup_judge_call(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct checkup_call *c = &f->call;
	struct checkup_finding *x;

	if (!c->is_tried) {
		judge_description(f, l);
		return;
	}
	if (!c->is_answered) {
		judge_refusal(f, l);
		return;
	}
	x = checkup_add(l, "call", CHECKUP_OK, "%s answered after %u ms", c->target, c->ring_ms);
	if (c->rtt_ms >= 0)
		checkup_evidence(x, "audio there and back in %d ms", c->rtt_ms);
	x = checkup_add(l, "codecs", CHECKUP_OK, "codec %s agreed", c->codec);
	checkup_evidence(x, "we offered %s%s%s", c->offered, f->seen.has_codecs ? "; it took " : "", f->seen.has_codecs ? f->seen.codecs : "");
	judge_audio(f, l);
	judge_quality(f, l);
	judge_troubles(f, l);
}
