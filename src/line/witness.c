/* SPDX-License-Identifier: Apache-2.0 */
#include "line/witness.h"
#include "sdp/codec.h"
#include "sip/msg.h"
#include <time.h>

/* "host:port" of a Contact, without user and parameters: what a NAT helper would touch. */
static void contact_text(const struct sip_msg *m, char *ret, size_t cap)
{
	struct sip_contact c;

	ret[0] = 0;
	if (sip_contact_parse(&c, sip_msg_value(m, SIP_HDR_CONTACT)) != 0 || c.is_star)
		return;
	if (c.addr.uri.port)
		snprintf(ret, cap, "%.*s:%u", SPAN_FMT(c.addr.uri.host), c.addr.uri.port);
	else
		snprintf(ret, cap, "%.*s", SPAN_FMT(c.addr.uri.host));
}

static void via_text(const struct sip_via *v, char *ret, size_t cap)
{
	if (v->port)
		snprintf(ret, cap, "%.*s:%u", SPAN_FMT(v->host), v->port);
	else
		snprintf(ret, cap, "%.*s", SPAN_FMT(v->host));
}

static void note_sent(struct witness *w, const struct sip_msg *m, const struct addr *local, bool is_udp)
{
	struct witness_sent *s = &w->sent[w->sent_count++ % WITNESS_SENT];

	*s = (struct witness_sent){.local = *local, .is_udp = is_udp};
	(void)span_copy(m->via.branch, s->branch, sizeof(s->branch));
	(void)span_copy(m->call_id, s->call_id, sizeof(s->call_id));
	via_text(&m->via, s->sent_by, sizeof(s->sent_by));
	if (m->method == SIP_REGISTER)
		contact_text(m, s->contact, sizeof(s->contact));
}

static const struct witness_sent *find_sent(const struct witness *w, struct span branch)
{
	for (unsigned i = 0; i < MIN(w->sent_count, (unsigned)WITNESS_SENT); i++)
		if (branch.n && span_eq_z(branch, w->sent[i].branch))
			return &w->sent[i];

	return NULL;
}

static void compare(const char *what, const char *ours, const char *theirs, char *ret, size_t cap)
{
	if (!ret[0] && ours[0] && theirs[0] && strcasecmp(ours, theirs) != 0)
		snprintf(ret, cap, "%s was %s and came back as %s", what, ours, theirs);
}

/* One of ours; an older one too: registrars list what they have learnt before. */
static bool is_ours(const struct witness *w, const char *contact)
{
	for (unsigned i = 0; i < MIN(w->sent_count, (unsigned)WITNESS_SENT); i++)
		if (strcasecmp(contact, w->sent[i].contact) == 0)
			return true;

	return false;
}

/* Of several registered Contacts one has to be ours. */
static void compare_contacts(struct witness *w, const struct sip_msg *m, const struct witness_sent *s)
{
	char theirs[WITNESS_TEXT], first[WITNESS_TEXT] = "";
	struct sip_list it;
	struct span value;

	sip_list_init(&it, m, SIP_HDR_CONTACT);
	while (sip_list_next(&it, &value)) {
		struct sip_contact c;

		if (sip_contact_parse(&c, value) != 0 || c.is_star)
			continue;
		snprintf(theirs, sizeof(theirs), c.addr.uri.port ? "%.*s:%u" : "%.*s", SPAN_FMT(c.addr.uri.host), c.addr.uri.port);
		if (is_ours(w, theirs))
			return;
		if (!first[0])
			buf_copy(first, sizeof(first), theirs);
	}
	compare("Contact", s->contact, first, w->contact_changed, sizeof(w->contact_changed));
}

static void note_seen(struct witness *w, const struct sip_msg *m, const struct witness_sent *s)
{
	struct addr seen;
	struct span host = m->via.received.n ? m->via.received : m->via.host;

	if (!s->is_udp || !m->via.rport || !addr_parse_ip(host, m->via.rport, &seen))
		return;
	w->local = s->local;
	w->seen = seen;
}

/* "Wed, 25 Nov 2026 23:05:00 GMT", RFC 3261 §20.17. */
static int64_t date_parse(struct span value)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char text[40], month[4] = "";
	struct tm tm = {0};
	const char *at;

	if (!span_copy(span_trim(value), text, sizeof(text)) ||
		sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return 0;
	at = strstr(months, month);
	if (!at || strlen(month) != 3 || (at - months) % 3)
		return 0;
	tm.tm_mon = (int)(at - months) / 3;
	tm.tm_year -= 1900;

	return timegm(&tm);
}

static void note_codecs(struct witness *w, const struct sip_msg *m)
{
	static struct sdp sdp; /* large; one thread */
	struct sdp_error error;
	struct span text;
	size_t n = 0;

	if (!sdp_in_body(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body, &text) || sdp_parse(text, &sdp, &error) != 0)
		return;
	for (unsigned i = 0; i < sdp.media_count; i++) {
		const struct sdp_media *media = &sdp.media[i];

		if (media->kind != SDP_AUDIO)
			continue;
		w->has_codecs = true;
		w->codecs[0] = 0;
		for (unsigned k = 0; k < media->format_count && n + 1 < sizeof(w->codecs); k++) {
			const struct sdp_format *f = sdp_format_at(&sdp, media, k);
			enum sdp_codec c = sdp_codec_of(f);
			struct span name = c != SDP_CODEC_NONE ? span_z(sdp_codec_info(c)->name) : f->encoding.n ? f->encoding : f->text;

			if (c == SDP_TELEPHONE_EVENT || c == SDP_CN)
				continue;
			n += (size_t)snprintf(w->codecs + n, sizeof(w->codecs) - n, "%s%.*s", n ? ", " : "", SPAN_FMT(name));
		}
		return;
	}
}

static void note_challenge(struct witness *w, const struct sip_msg *m)
{
	struct span value = sip_msg_value(m, m->status == 401 ? SIP_HDR_WWW_AUTHENTICATE : SIP_HDR_PROXY_AUTHENTICATE);
	struct sip_challenge c;

	w->was_challenged = true;
	if (sip_challenge_parse(&c, value) == 0)
		(void)span_copy(c.realm, w->realm, sizeof(w->realm));
}

static void note_answer(struct witness *w, const struct sip_msg *m, int64_t wall_ms)
{
	const struct witness_sent *s = find_sent(w, m->via.branch);
	struct span server = sip_msg_value(m, SIP_HDR_SERVER), date = sip_msg_value(m, SIP_HDR_DATE);
	char via[WITNESS_TEXT], call_id[WITNESS_TEXT];

	if (!s)
		return;
	w->answers++;
	via_text(&m->via, via, sizeof(via));
	if (!span_copy(m->call_id, call_id, sizeof(call_id)))
		return;
	compare("Via", s->sent_by, via, w->via_changed, sizeof(w->via_changed));
	compare("Call-ID", s->call_id, call_id, w->call_id_changed, sizeof(w->call_id_changed));
	if (m->status >= 200 && m->status < 300 && m->cseq.method == SIP_REGISTER)
		compare_contacts(w, m, s);
	note_seen(w, m, s);
	if (m->status == 401 || m->status == 407)
		note_challenge(w, m);
	if (!server.n)
		server = sip_msg_value(m, SIP_HDR_USER_AGENT);
	if (server.n)
		(void)span_copy(server, w->server, sizeof(w->server));
	if (date.n && date_parse(date)) {
		w->date_s = date_parse(date);
		w->date_at_ms = wall_ms;
	}
	if (m->status >= 400)
		(void)span_copy(sip_msg_value(m, SIP_HDR_WARNING), w->warning, sizeof(w->warning));
}

void witness_note(struct witness *w, bool is_out, const struct addr *local, bool is_udp, struct span bytes, int64_t wall_ms)
{
	static struct sip_msg msg; /* large; one thread */

	if (sip_msg_parse(&msg, bytes.p, bytes.n) != 0)
		return;
	if (is_out && msg.is_request) {
		bool is_proof = sip_msg_value(&msg, SIP_HDR_AUTHORIZATION).n || sip_msg_value(&msg, SIP_HDR_PROXY_AUTHORIZATION).n;

		w->has_answered |= is_proof;
		note_sent(w, &msg, local, is_udp);
	} else if (!is_out && !msg.is_request) {
		note_answer(w, &msg, wall_ms);
	}
	if (!is_out)
		note_codecs(w, &msg);
}
