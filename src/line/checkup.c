/* SPDX-License-Identifier: Apache-2.0 */
#include "line/checkup_priv.h"

#define CLOCK_OFF_S 60 /* certificates and nonces do not mind less */

const char *checkup_level_name(enum checkup_level level)
{
	static const char *const names[] = {"ok", "note", "warning", "fault"};

	return names[level];
}

struct checkup_finding *checkup_add(struct checkup_list *l, const char *id, enum checkup_level level, const char *fmt, ...)
{
	struct checkup_finding *f = &l->to[l->n < CHECKUP_FINDINGS ? l->n++ : CHECKUP_FINDINGS - 1];
	va_list ap;

	*f = (struct checkup_finding){.level = level};
	buf_copy(f->id, sizeof(f->id), id);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);

	return f;
}

void checkup_evidence(struct checkup_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->evidence, sizeof(f->evidence), fmt, ap);
	va_end(ap);
}

void checkup_remedy(struct checkup_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->remedy, sizeof(f->remedy), fmt, ap);
	va_end(ap);
}

/* ---- name ---------------------------------------------------------------------------------------------------------------- */

static const char *server_of(const struct line_config *c)
{
	return c->outbound_proxy ? c->outbound_proxy : c->server ? c->server : "";
}

static void judge_name(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct checkup_name *n = &f->name;
	struct checkup_finding *x;

	if (n->is_literal) {
		checkup_add(l, "name", CHECKUP_OK, "%s is an address: no name has to be resolved", server_of(f->line));
		return;
	}
	if (!n->is_known) {
		x = checkup_add(l, "name", CHECKUP_FAULT, "the name %s cannot be resolved", server_of(f->line));
		checkup_evidence(x, "NAPTR %u, SRV %u, A %u, AAAA %u records", n->naptr, n->srv, n->a, n->aaaa);
		checkup_remedy(x, "check its spelling (server); ask `getent hosts NAME` on this machine; or give the IP address instead");
		return;
	}
	x = checkup_add(l, "name", CHECKUP_OK, "%s is %s%s", server_of(f->line), n->addrs,
		n->addr_count > 1 ? ", tried in this order" : "");
	checkup_evidence(x, "NAPTR %u, SRV %u%s%s%s, A %u, AAAA %u records", n->naptr, n->srv, n->srv ? " (" : "", n->srv ? n->srv_name : "",
		n->srv ? ")" : "", n->a, n->aaaa);
}

/* ---- transports ------------------------------------------------------------------------------------------------------------ */

static const char *const transports[] = {[LINE_UDP] = "UDP", [LINE_TCP] = "TCP", [LINE_TLS] = "TLS"};
static const char *const reach_ids[] = {[LINE_UDP] = "reach_udp", [LINE_TCP] = "reach_tcp", [LINE_TLS] = "reach_tls"};

static bool answers_elsewhere(const struct checkup_facts *f, enum line_transport t)
{
	for (size_t i = 0; i < ARRAY_LEN(f->reach); i++)
		if (i != t && f->reach[i].status)
			return true;

	return false;
}

/* Silence to OPTIONS is no proof on a line that registers: the registration tells. */
static void judge_silence(const struct checkup_facts *f, enum line_transport t, struct checkup_list *l)
{
	const struct checkup_reach *r = &f->reach[t];
	bool is_registered = f->reg == CHECKUP_REG_FINE || f->reg == CHECKUP_REG_BY_DAEMON;
	bool is_tls = strstr(r->why, "certificate") || strstr(r->why, "TLS handshake");
	char addr[ADDR_TEXT], where[60] = "";
	struct checkup_finding *x;

	addr_text(&r->addr, addr);
	if (r->why[0])
		x = checkup_add(l, is_tls ? "certificate" : reach_ids[t], !r->is_wanted || is_registered ? CHECKUP_NOTE : CHECKUP_FAULT, "%s",
			r->why);
	else
		x = checkup_add(l, reach_ids[t], !r->is_wanted || is_registered ? CHECKUP_NOTE : CHECKUP_FAULT,
			"%s does not answer OPTIONS over %s", addr, transports[t]);
	checkup_evidence(x, is_tls ? "TLS handshake with %s, over after %u ms" : "OPTIONS to %s, nothing in %u ms", addr, r->ms);
	if (!r->is_wanted)
		checkup_remedy(x, "the line does not use %s: nothing to do", transports[t]);
	else if (is_registered)
		checkup_remedy(x, "it answers REGISTER, which is what counts");
	else if (is_tls)
		x->remedy[0] = 0; /* the sentence has it */
	else if (answers_elsewhere(f, t))
		for (size_t i = 0; i < ARRAY_LEN(f->reach) && !where[0]; i++) {
			if (i == t || !f->reach[i].status)
				continue;
			snprintf(where, sizeof(where), "transport: %s", i == LINE_UDP ? "udp" : i == LINE_TCP ? "tcp" : "tls");
			checkup_remedy(x, "it answers over %s: set \"%s\" on the line, or open %s for us on the way there", transports[i], where,
				transports[t]);
		}
	else
		checkup_remedy(x, "check the address, the port (%u unless the system says another) and every firewall between; many carriers "
				  "are silent until they know our address", line_default_port(t));
}

static void judge_reach(const struct checkup_facts *f, struct checkup_list *l)
{
	for (size_t t = 0; t < ARRAY_LEN(f->reach); t++) {
		const struct checkup_reach *r = &f->reach[t];
		char addr[ADDR_TEXT];

		if (!r->is_tried)
			continue;
		if (!r->status) {
			judge_silence(f, (enum line_transport)t, l);
			continue;
		}
		checkup_evidence(checkup_add(l, reach_ids[t], CHECKUP_OK, "%s answers over %s in %u ms", addr_text(&r->addr, addr), transports[t],
					 r->ms),
			"OPTIONS: %d%s%s", r->status, f->seen.server[0] ? ", it is " : "", f->seen.server);
	}
}

/* ---- clock ----------------------------------------------------------------------------------------------------------------- */

static void judge_clock(const struct checkup_facts *f, struct checkup_list *l)
{
	int64_t ours = f->seen.date_at_ms / 1000, off = ours - f->seen.date_s;
	struct checkup_finding *x;

	if (!f->seen.date_s)
		return;
	if (llabs(off) <= CLOCK_OFF_S) {
		checkup_evidence(checkup_add(l, "clock", CHECKUP_OK, "our clock and the other side's agree"), "%" PRId64 " s apart, by the Date of its answer", off);
		return;
	}
	x = checkup_add(l, "clock", CHECKUP_WARNING, "our clock and the other side's are %" PRId64 " s apart: ours is %s", (int64_t)llabs(off),
		off > 0 ? "ahead" : "behind");
	checkup_evidence(x, "by the Date of its answer");
	checkup_remedy(x, "set the clock of the wrong one (timedatectl set-ntp true): certificates are refused by a wrong clock, and call "
			  "records do not fit together");
}

size_t checkup_line(const struct checkup_facts *f, struct checkup_finding ret[static CHECKUP_FINDINGS])
{
	struct checkup_list l = {.to = ret};

	judge_name(f, &l);
	judge_reach(f, &l);
	checkup_judge_registration(f, &l);
	checkup_judge_nat(f, &l);
	checkup_judge_alg(f, &l);
	judge_clock(f, &l);
	checkup_judge_call(f, &l);

	return l.n;
}

/* ---- the machine ------------------------------------------------------------------------------------------------------------- */

static void judge_ports(const struct checkup_host *h, struct checkup_list *l)
{
	uint32_t is_free = h->rtp_pairs - MIN(h->rtp_taken, h->rtp_pairs);
	bool is_few = is_free < h->max_calls && !h->has_daemon;
	struct checkup_finding *x;

	if (h->rtp_pairs < h->max_calls || is_few)
		x = checkup_add(l, "rtp_ports", is_free ? CHECKUP_WARNING : CHECKUP_FAULT,
			"the ports for audio, %u to %u, are enough for %u calls at once; sip.max_calls allows %u", h->port_min, h->port_max,
			h->has_daemon ? h->rtp_pairs : is_free, h->max_calls);
	else
		x = checkup_add(l, "rtp_ports", CHECKUP_OK, "the ports for audio, %u to %u, are enough for %u calls at once", h->port_min,
			h->port_max, h->max_calls);
	checkup_evidence(x, "%u pairs of UDP ports, %u of them taken%s", h->rtp_pairs, h->rtp_taken,
		h->has_daemon ? " (the daemon runs and may hold them)" : "");
	if (x->level != CHECKUP_OK)
		checkup_remedy(x, "widen media.port_min to media.port_max, and open that range for UDP in the firewall; or lower sip.max_calls");
}

size_t checkup_host(const struct checkup_host *h, struct checkup_finding ret[static CHECKUP_FINDINGS])
{
	struct checkup_list l = {.to = ret};
	struct checkup_finding *x;

	if (h->sip_taken[0] && h->has_daemon) {
		x = checkup_add(&l, "sip_ports", CHECKUP_NOTE, "the daemon is running and has %s: the trials below use other ports", h->sip_taken);
		checkup_remedy(x, "firewall rules made for its port do not hold for these trials");
	} else if (h->sip_taken[0]) {
		x = checkup_add(&l, "sip_ports", CHECKUP_FAULT, "%s is taken by another program: the daemon will not start", h->sip_taken);
		checkup_remedy(x, "find it with `ss -lnptu`, stop it, or change sip.listen");
	} else {
		checkup_add(&l, "sip_ports", CHECKUP_OK, "the addresses of sip.listen are free");
	}
	judge_ports(h, &l);
	if (h->files < h->files_wanted) {
		x = checkup_add(&l, "file_limit", CHECKUP_WARNING, "%" PRIu64 " open files are allowed; %u calls need about %" PRIu64, h->files,
			h->max_calls, h->files_wanted);
		checkup_remedy(x, "LimitNOFILE=%" PRIu64 " in the systemd unit, or `ulimit -Hn`; or lower sip.max_calls", h->files_wanted);
	} else {
		checkup_evidence(checkup_add(&l, "file_limit", CHECKUP_OK, "enough open files are allowed for %u calls", h->max_calls),
			"%" PRIu64 " allowed, about %" PRIu64 " needed", h->files, h->files_wanted);
	}

	return l.n;
}
