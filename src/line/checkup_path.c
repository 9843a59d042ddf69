/* SPDX-License-Identifier: Apache-2.0 */
#include "line/checkup_priv.h"

/* What stands between us and them: NAT, and helpers that rewrite SIP. */

/* ---- SIP ALG ----------------------------------------------------------------------------------------------------------------- */

/*
 * A server on a public address cannot have seen us at the private address that we sent from, and "received" and "rport" are its own words:
 * whoever wrote ours there is on the way. Where private networks are routed to each other (a VPN) the server is private as well.
 */
static bool is_seen_private(const struct checkup_facts *f)
{
	const struct addr *server = &f->reach[f->line->transport].addr;
	const struct checkup_nat *n = &f->nat;
	bool is_public_server = addr_is_set(server) && !addr_is_private(server) && !addr_is_loopback(server);
	bool is_natted = n->is_answered && !addr_ip_eq(&n->mapped, &n->local);

	return addr_is_set(&f->seen.seen) && addr_is_private(&f->seen.seen) && addr_ip_eq(&f->seen.seen, &f->seen.local) &&
		(is_public_server || (is_natted && !addr_ip_eq(&n->mapped, &f->seen.seen)));
}

void checkup_judge_alg(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct witness *w = &f->seen;
	char seen[ADDR_TEXT];
	struct checkup_finding *x;

	if (!w->answers)
		return;
	if (w->via_changed[0] || w->call_id_changed[0]) {
		x = checkup_add(l, "sip_alg", CHECKUP_WARNING,
			"a SIP ALG on the way rewrites our messages: what nobody may change came back changed");
		checkup_evidence(x, "%s%s%s", w->via_changed, w->via_changed[0] && w->call_id_changed[0] ? "; " : "", w->call_id_changed);
	} else if (is_seen_private(f)) {
		x = checkup_add(l, "sip_alg", CHECKUP_WARNING,
			"a SIP ALG on the way rewrites the answers: they say that the server sees our private address, which it cannot");
		checkup_evidence(x, "received and rport of the answer: %s", addr_text(&w->seen, seen));
	} else {
		if (w->contact_changed[0]) {
			x = checkup_add(l, "contact_rewritten", CHECKUP_NOTE,
				"the registrar's answer has another Contact than ours: the system replaced it by where it sees us, or a SIP ALG did");
			checkup_evidence(x, "%s", w->contact_changed);
			checkup_remedy(x, "nothing to do while calls come in");
		}
		if (w->answers)
			checkup_evidence(checkup_add(l, "sip_alg", CHECKUP_OK, "no SIP ALG shows: what we sent came back unchanged"), "%u answers read",
				w->answers);
		return;
	}
	checkup_remedy(x, "switch it off in the router (\"SIP ALG\", \"SIP helper\", \"VoIP assistant\"), or use transport tcp or tls, which it "
			  "does not touch: calls drop and audio goes one way where it errs");
}

/* ---- NAT --------------------------------------------------------------------------------------------------------------------- */

static const char *filter_text(const struct checkup_nat *n)
{
	return !n->is_filter_known ? "cone NAT: one outside port for all destinations" :
		n->hears_all	   ? "full cone NAT: one outside port, open to everybody" :
		n->hears_ip	   ? "restricted cone NAT: one outside port, open to the addresses that we have sent to" :
				     "port-restricted cone NAT: one outside port, open to the ports that we have sent to";
}

static void judge_stun(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct checkup_nat *n = &f->nat;
	char local[ADDR_TEXT], mapped[ADDR_TEXT], other[ADDR_TEXT] = "";
	bool is_symmetric = addr_is_set(&n->mapped_other) && !addr_eq(&n->mapped, &n->mapped_other);
	struct checkup_finding *x;

	addr_text(&n->local, local);
	addr_text(&n->mapped, mapped);
	if (addr_is_set(&n->mapped_other))
		addr_text(&n->mapped_other, other);
	if (addr_eq(&n->mapped, &n->local)) {
		x = checkup_add(l, "nat", CHECKUP_OK, "no NAT: the outside sees our own address");
	} else if (is_symmetric) {
		x = checkup_add(l, "nat", CHECKUP_WARNING,
			"symmetric NAT: every destination sees another outside port, so nobody can be told where to send audio");
		checkup_remedy(x, "switch on the PBX's NAT settings for the extension (symmetric RTP, rewrite contact: FreePBX's default); or "
				  "\"ice: full\" with a turn server; or forward media.port_min to media.port_max in the router");
	} else if (!addr_is_set(&n->mapped_other)) {
		x = checkup_add(l, "nat", CHECKUP_OK, "behind a NAT; whether each destination sees another port was not to be found out");
		checkup_remedy(x, "give a second STUN server (--stun) to find out");
	} else {
		x = checkup_add(l, "nat", CHECKUP_OK, "%s", filter_text(n));
	}
	checkup_evidence(x, "STUN %s: %s is seen as %s%s%s", n->server, local, mapped, other[0] ? ", from elsewhere as " : "", other);
}

static void judge_life(const struct checkup_nat *n, struct checkup_list *l)
{
	struct checkup_finding *x;

	if (!n->is_life_asked)
		return;
	if (!n->life_ms) {
		x = checkup_add(l, "mapping_life", CHECKUP_NOTE, "how long the NAT keeps an unused UDP mapping could not be measured");
		checkup_remedy(x, "give a STUN server that answers to another port when asked (RFC 5780; coturn with two addresses): --stun HOST");
		return;
	}
	if (!n->life_over_ms)
		x = checkup_add(l, "mapping_life", CHECKUP_OK, "the NAT keeps an unused UDP mapping for %u s or longer", n->life_ms / 1000);
	else
		x = checkup_add(l, "mapping_life", n->life_over_ms > 30000 ? CHECKUP_OK : CHECKUP_NOTE,
			"the NAT forgets an unused UDP mapping after %u to %u s", n->life_ms / 1000, n->life_over_ms / 1000);
	if (n->life_over_ms && n->life_over_ms <= 30000)
		checkup_remedy(x, "keepalive_s of the line has to stay below %u", MAX(n->life_ms / 1000, 5u));
}

void checkup_judge_nat(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct checkup_nat *n = &f->nat;
	char seen[ADDR_TEXT], local[ADDR_TEXT];
	struct checkup_finding *x;

	if (n->is_answered) {
		judge_stun(f, l);
		judge_life(n, l);
		return;
	}
	if (n->is_asked) {
		x = checkup_add(l, "stun", CHECKUP_WARNING, "the STUN server %s does not answer", n->server);
		checkup_remedy(x, "check its name and port (3478), and that UDP goes out");
	}
	if (!addr_is_set(&f->seen.seen) || is_seen_private(f))
		return;
	addr_text(&f->seen.seen, seen);
	addr_text(&f->seen.local, local);
	if (addr_eq(&f->seen.seen, &f->seen.local))
		x = checkup_add(l, "nat", CHECKUP_OK, "no NAT: the other side sees our own address");
	else if (addr_port(&f->seen.seen) == addr_port(&f->seen.local))
		x = checkup_add(l, "nat", CHECKUP_OK, "behind a NAT that keeps our port; of what kind only a STUN server can tell (--stun HOST)");
	else
		x = checkup_add(l, "nat", CHECKUP_NOTE, "behind a NAT that changes our port; of what kind only a STUN server can tell (--stun HOST)");
	checkup_evidence(x, "the other side sees %s as %s", local, seen);
}
