/* SPDX-License-Identifier: Apache-2.0 */
#include "call/diagnose.h"

enum {
	LONG_SILENT_MS = 8000,	  /* no pause of a phone that suppresses silence */
	SILENT_MS = 2900,	  /* the worker tells of it after 3 s */
	REPORTS_MS = 12000,	  /* a peer with RTCP reports each 5 s: two were missed */
	LOSS_PERMILLE = 30,	  /* speech suffers, recognition first */
	ALL_LOST_PERMILLE = 950,
	JITTER_MS = 60,
	RTT_MS = 400,		  /* people begin to speak at the same time */
	FEW_PACKETS = 50,
};

const char *call_finding_name(enum call_finding_code code)
{
	static const char *const names[CALL_FINDING_CODES] = {"no_audio_in", "audio_in_stopped", "audio_refused", "audio_invalid",
		"no_audio_out", "loss_in", "loss_out", "jitter", "delay"};

	return names[code];
}

struct list_of_findings {
	struct call_finding *list;
	size_t n;
};

static struct call_finding *add(struct list_of_findings *l, enum call_finding_code code)
{
	assert(l->n < CALL_FINDINGS); /* more codes do not apply at once */

	struct call_finding *f = &l->list[l->n++];

	*f = (struct call_finding){.code = code};

	return f;
}

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

static const char *at(const struct addr *a, char *buf)
{
	return addr_is_set(a) ? addr_text(a, buf) : "a name";
}

/* Behind another NAT than ours: its private address means nothing here. */
static bool is_said_unreachable(const struct call_facts *f)
{
	return addr_is_set(&f->said) && addr_is_private(&f->said) && addr_is_set(&f->signalling) && !addr_is_private(&f->signalling) &&
	       !addr_is_loopback(&f->signalling);
}

static bool is_ours_unreachable(const struct call_facts *f)
{
	return addr_is_private(&f->announced) && addr_is_set(&f->signalling) && !addr_is_private(&f->signalling) &&
	       !addr_is_loopback(&f->signalling);
}

static void nothing_heard(const struct call_facts *f, struct list_of_findings *l)
{
	char said[ADDR_TEXT], ours[ADDR_TEXT], sip[ADDR_TEXT];
	struct call_finding *x = add(l, CALL_NO_AUDIO_IN);

	SET(x->evidence, "0 packets in, %" PRIu64 " out; they announced %s, we announced %s, their signalling comes from %s", f->tx_packets,
		at(&f->said, said), at(&f->announced, ours), at(&f->signalling, sip));
	if (is_ours_unreachable(f)) {
		SET(x->text, "nothing is heard from the other side: we announced %s, a private address that it cannot reach", ours);
		SET(x->remedy, "set media.address to the address the other side sees, or let the line find it (stun)");
	} else if (is_said_unreachable(f)) {
		SET(x->text, "nothing is heard from the other side: it announced %s, a private address behind its own NAT, and sends nothing itself",
			said);
		SET(x->remedy, "on the other side turn on its NAT settings (FreePBX: External Address and Local Networks in SIP Settings)");
	} else {
		SET(x->text, "nothing is heard from the other side: a firewall on the way drops its audio, or it sends none");
		SET(x->remedy, "let UDP through to our media ports (media.port_min to port_max) from %s", said);
	}
	/* A new offer makes switches learn anew; against a firewall it does nothing, and some peers take it badly. */
	if (is_said_unreachable(f) && !f->is_switched)
		x->cure = CALL_CURE_SWITCH;
	else if (is_said_unreachable(f) || is_ours_unreachable(f))
		x->cure = CALL_CURE_REINVITE;
}

static void refused(const struct call_facts *f, struct list_of_findings *l)
{
	char said[ADDR_TEXT];
	struct call_finding *x = add(l, CALL_AUDIO_REFUSED);

	SET(x->text, "audio comes from an address that is not the one the other side announced, and is not let in");
	SET(x->evidence, "%" PRIu64 " packets refused, %" PRIu64 " taken; they announced %s", f->rx_refused, f->rx_packets, at(&f->said, said));
	SET(x->remedy, "a media gateway with several addresses: have it announce the one it sends from");
}

static void invalid(const struct call_facts *f, struct list_of_findings *l)
{
	struct call_finding *x = add(l, CALL_AUDIO_INVALID);

	SET(x->text, "packets come that cannot be played: another codec than agreed on, or encrypted audio where plain was agreed on");
	SET(x->evidence, "%" PRIu64 " packets not playable, %" PRIu64 " in all", f->rx_invalid, f->rx_packets);
	SET(x->remedy, "compare the codecs and the encryption (SRTP) of both sides; tipring trace shows what was agreed on");
}

static void judge_in(const struct call_facts *f, struct list_of_findings *l)
{
	char heard[ADDR_TEXT];

	if (!f->wants_rx)
		return;
	if (f->rx_refused > FEW_PACKETS && f->rx_refused > f->rx_packets)
		refused(f, l);
	if (f->rx_invalid > FEW_PACKETS && f->rx_invalid * 2 > f->rx_packets)
		invalid(f, l);
	if (l->n || f->silent_ms < SILENT_MS)
		return;
	if (f->first_rx_ms < 0) {
		nothing_heard(f, l);
		return;
	}

	struct call_finding *x = add(l, CALL_AUDIO_IN_STOPPED);

	SET(x->text, "the other side's audio stopped %.1f s ago", f->silent_ms / 1000.0);
	SET(x->evidence, "first packet %.1f s after the answer, %" PRIu64 " in all, the last from %s", (double)f->first_rx_ms / 1000,
		f->rx_packets, at(&f->heard, heard));
	SET(x->remedy, "its network is down, its NAT forgot us, or it went on hold without saying so");
	x->cure = f->silent_ms >= LONG_SILENT_MS ? CALL_CURE_REINVITE : CALL_CURE_NONE;
}

static void judge_out(const struct call_facts *f, struct list_of_findings *l)
{
	char said[ADDR_TEXT];
	bool is_lost = f->peer_reports && f->peer_loss_permille >= ALL_LOST_PERMILLE;
	bool is_unseen = f->has_rtcp && !f->peer_reports && f->answered_for_ms >= REPORTS_MS && f->tx_packets > FEW_PACKETS;
	struct call_finding *x;

	if (!f->wants_tx || f->answered_for_ms < SILENT_MS)
		return;
	if (f->tx_failed > FEW_PACKETS && f->tx_failed * 2 > f->tx_packets) {
		x = add(l, CALL_NO_AUDIO_OUT);
		SET(x->text, "our audio does not leave this machine: the network refuses it");
		SET(x->evidence, "%" PRIu64 " of %" PRIu64 " packets to %s refused", f->tx_failed, f->tx_packets + f->tx_failed,
			at(&f->said, said));
		SET(x->remedy, "check the route and the firewall of this machine towards that address");
	} else if (is_lost || is_unseen) {
		x = add(l, CALL_NO_AUDIO_OUT);
		SET(x->text, "the other side hears nothing of us: its reports say that our audio does not arrive");
		SET(x->evidence, "%" PRIu64 " packets sent to %s, %u reports about them, %u per mille lost", f->tx_packets, at(&f->said, said),
			f->peer_reports, f->peer_loss_permille);
		SET(x->remedy, "a firewall in front of %s drops our packets", said);
		x->cure = is_said_unreachable(f) && !f->is_switched ? CALL_CURE_SWITCH : CALL_CURE_NONE;
	}
}

static void judge_quality(const struct call_facts *f, struct list_of_findings *l)
{
	struct call_finding *x;

	if (f->rx_packets > FEW_PACKETS && f->loss_permille >= LOSS_PERMILLE) {
		x = add(l, CALL_LOSS_IN);
		SET(x->text, "%.1f %% of the other side's audio is lost on the way to us", f->loss_permille / 10.0);
		SET(x->evidence, "MOS %.1f, jitter %u ms", (double)f->mos, f->jitter_ms);
		SET(x->remedy, "look for a full or wireless link on the way; prioritise voice (DSCP EF)");
	}
	if (f->peer_reports && f->peer_loss_permille >= LOSS_PERMILLE && f->peer_loss_permille < ALL_LOST_PERMILLE) {
		x = add(l, CALL_LOSS_OUT);
		SET(x->text, "%.1f %% of our audio is lost on the way to the other side", f->peer_loss_permille / 10.0);
		SET(x->evidence, "%u reports of the other side, %d packets lost", f->peer_reports, f->peer_lost);
		SET(x->remedy, "look for a full or wireless link on the way; prioritise voice (DSCP EF)");
	}
	if (f->rx_packets > FEW_PACKETS && f->jitter_ms >= JITTER_MS) {
		x = add(l, CALL_JITTER);
		SET(x->text, "the other side's audio comes unevenly, by %u ms: it is held back so long to smooth it", f->jitter_ms);
		SET(x->evidence, "MOS %.1f", (double)f->mos);
		SET(x->remedy, "look for a full link on the way; a steady one keeps it below 20 ms");
	}
	if (f->rtt_ms >= RTT_MS) {
		x = add(l, CALL_DELAY);
		SET(x->text, "what is said arrives late: %d ms there and back", f->rtt_ms);
		SET(x->evidence, "by RTCP");
		SET(x->remedy, "a shorter way: a trunk or a server nearer to the other side");
	}
}

size_t call_diagnose(const struct call_facts *f, struct call_finding ret[static CALL_FINDINGS])
{
	struct list_of_findings l = {.list = ret};

	judge_in(f, &l);
	judge_out(f, &l);
	judge_quality(f, &l);

	return l.n;
}
