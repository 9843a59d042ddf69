/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/plan.h"

/*
 * Which encryption an offer and an answer come to.
 *
 * An m-line of a secure profile (SAVP, SAVPF, UDP/TLS/...) has to be encrypted. One of a plain profile may carry keys all the same:
 * opportunistic SRTP, RFC 8643, which is what we offer when encryption is optional. It is one m-line and one INVITE, whoever does
 * not know it sees an ordinary RTP/AVP offer, and Asterisk calls it "optimistic"; two m-lines (SAVP and AVP, as 3CX offers) are
 * refused whole by systems that take one stream only. Why a line's first offer is what it is: docs/decisions/0006-media-security.md.
 */

static const struct srtp_key *our_key(const struct sdp_local *l, enum srtp_suite suite)
{
	for (unsigned i = 0; i < l->security.key_count; i++)
		if (l->security.keys[i].suite == suite)
			return &l->security.keys[i];

	return NULL;
}

/* The first line of the offer whose suite we have: the offerer's order of preference (RFC 4568 §5.1.2). */
static bool choose_crypto(const struct sdp *offer, unsigned i, const struct sdp_local *l, struct sdp_media_plan *p)
{
	for (const struct sdp_attr *a = sdp_attr_find(offer, (int)i, "crypto"); a; a = sdp_attr_next(offer, a)) {
		struct sdp_crypto theirs;

		if (sdp_crypto_parse(a->value, &theirs) != 0 || !our_key(l, theirs.key.suite))
			continue;
		p->keying = SDP_SDES;
		p->rx_key = theirs.key;
		p->tx_key = *our_key(l, theirs.key.suite);
		p->crypto_tag = theirs.tag;
		return true;
	}

	return false;
}

/* RFC 5763 §5: the answerer begins the handshake when it may choose; later it keeps its part (RFC 8842 §5.5). */
static bool choose_role(const struct sdp_oa *oa, enum sdp_setup theirs)
{
	if (theirs == SDP_ACTIVE || theirs == SDP_PASSIVE)
		return theirs == SDP_PASSIVE;

	return oa->agreed.keying == SDP_DTLS ? oa->agreed.is_dtls_client : true;
}

static bool choose_dtls(const struct sdp_oa *oa, const struct sdp *offer, unsigned i, const struct sdp_local *l,
	struct sdp_media_plan *p)
{
	if (l->security.fingerprint.hash == SDP_HASH_NONE || !sdp_fingerprint_of(offer, (int)i, &p->fingerprint))
		return false;
	p->keying = SDP_DTLS;
	p->is_dtls_client = choose_role(oa, sdp_setup_of(offer, (int)i));

	return true;
}

int secure_choose(const struct sdp_oa *oa, const struct sdp *offer, unsigned i, const struct sdp_local *l,
	struct sdp_media_plan *ret)
{
	struct sdp_media_plan p = {0};
	enum sdp_proto proto = offer->media[i].proto;
	bool is_found = false;

	if (l->security.srtp != SDP_SRTP_OFF) {
		is_found = choose_dtls(oa, offer, i, l, &p);
		if (!is_found && proto != SDP_DTLS_SAVP && proto != SDP_DTLS_SAVPF)
			is_found = choose_crypto(offer, i, l, &p);
	}
	if (!is_found && (oa_is_secure(proto) || l->security.srtp == SDP_SRTP_REQUIRED))
		return -TR_ESECURITY;
	*ret = p;

	return 0;
}

void secure_answer(const struct sdp_oa *oa, const struct sdp_media_plan *p, struct sdp_desc *d)
{
	d->keying = p->keying;
	if (p->keying == SDP_SDES) {
		d->crypto[0] = (struct sdp_crypto){.tag = p->crypto_tag, .key = p->tx_key};
		d->crypto_count = 1;
	} else if (p->keying == SDP_DTLS) {
		d->setup = p->is_dtls_client ? SDP_ACTIVE : SDP_PASSIVE;
	}
}

/* In a dialog that is encrypted already, later offers repeat what was agreed, so that no key changes without need. */
void secure_offer(struct sdp_oa *next, const struct sdp_local *l, struct sdp_desc *d)
{
	bool is_agreed = next->is_stable && next->audio >= 0;

	if (is_agreed)
		d->proto = next->agreed.proto;
	if (l->security.srtp == SDP_SRTP_OFF)
		d->keying = SDP_IN_CLEAR;
	else if (is_agreed && next->agreed.keying != SDP_IN_CLEAR)
		d->keying = next->agreed.keying;
	else
		d->keying = l->security.prefers_dtls && l->security.fingerprint.hash ? SDP_DTLS : SDP_SDES;
	next->offered_keying = d->keying;

	d->setup = SDP_ACTPASS;
	for (unsigned i = 0; i < l->security.key_count && d->keying == SDP_SDES; i++) {
		const struct srtp_key *key = &l->security.keys[i];

		if (!is_agreed || next->agreed.keying != SDP_SDES || key->suite == next->agreed.suite)
			d->crypto[d->crypto_count++] = (struct sdp_crypto){.tag = i + 1, .key = *key};
	}
	if ((d->keying == SDP_DTLS || l->ice) && !next->mid[0]) {
		buf_copy(next->mid, sizeof(next->mid), "0");
		next->is_bundled = true;
	}
}

/* §5.1.3: the answer's line repeats tag and suite of one of ours. */
static bool read_crypto(const struct sdp_oa *oa, const struct sdp *answer, struct sdp_media_plan *p)
{
	for (const struct sdp_attr *a = sdp_attr_find(answer, oa->audio, "crypto"); a; a = sdp_attr_next(answer, a)) {
		struct sdp_crypto theirs;

		if (sdp_crypto_parse(a->value, &theirs) != 0 || theirs.tag == 0 || theirs.tag > oa->offered.security.key_count)
			continue;

		const struct srtp_key *ours = &oa->offered.security.keys[theirs.tag - 1];

		if (ours->suite != theirs.key.suite)
			continue;
		p->keying = SDP_SDES;
		p->tx_key = *ours;
		p->rx_key = theirs.key;
		return true;
	}

	return false;
}

int secure_read(const struct sdp_oa *oa, const struct sdp *answer, const struct sdp_media *m, struct sdp_media_plan *p)
{
	if (oa->offered_keying == SDP_DTLS && sdp_fingerprint_of(answer, oa->audio, &p->fingerprint)) {
		p->keying = SDP_DTLS;
		/* To actpass the answer is active or passive; one that forgets to say is active (RFC 4145 §4.1). */
		p->is_dtls_client = sdp_setup_of(answer, oa->audio) == SDP_PASSIVE;
		return 0;
	}
	if (oa->offered_keying == SDP_SDES && read_crypto(oa, answer, p))
		return 0;
	/* AVPF for AVP and the reverse are seen; plain for secure would be a downgrade. */
	if (oa_is_secure(m->proto) || oa_is_secure(oa->offered.offer_proto) || oa->offered.security.srtp == SDP_SRTP_REQUIRED)
		return -TR_ESECURITY;

	return 0;
}

void oa_agree(struct sdp_oa *oa, const struct sdp_media_plan *p)
{
	if (!p->has_media)
		return;
	oa->agreed.proto = p->proto;
	oa->agreed.keying = p->keying;
	oa->agreed.suite = p->tx_key.suite;
	oa->agreed.is_dtls_client = p->is_dtls_client;
}

/* RFC 9143 §7.3: our m-line stays in its group; the others are refused and leave it. */
void oa_take_mid(struct sdp_oa *next, const struct sdp *offer, const struct sdp_media *m)
{
	const struct sdp_attr *mid = sdp_attr_find(offer, (int)(m - offer->media), "mid");
	struct span name = mid ? span_trim(mid->value) : (struct span){NULL, 0};

	next->mid[0] = 0;
	next->is_bundled = false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return; /* it goes into our own text: nothing may hide in it */
	if (name.n == 0 || !span_copy(name, next->mid, sizeof(next->mid)))
		return;
	for (const struct sdp_attr *a = sdp_attr_find(offer, SDP_SESSION, "group"); a; a = sdp_attr_next(offer, a)) {
		struct span rest = span_trim(a->value);

		if (!span_ieq_z(span_cut(&rest, ' '), "BUNDLE"))
			continue;
		while (rest.p)
			next->is_bundled |= span_eq(span_cut(&rest, ' '), name);
	}
}
