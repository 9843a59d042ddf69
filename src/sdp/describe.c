/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/describe.h"

/* Text that grows in a buffer; what does not fit sets is_full and is noticed once, at the end. */
struct out {
	char *p;
	size_t n, cap;
	bool is_full;
};

static void put(struct out *o, const char *fmt, ...) printf_like(2, 3);
static void put(struct out *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(o->p + o->n, o->cap - o->n, fmt, ap);
	va_end(ap);

	if (n < 0 || (size_t)n >= o->cap - o->n)
		o->is_full = true;
	else
		o->n += (size_t)n;
}

/* RFC 7587 §6.1: only what differs from the defaults. */
static void put_opus(struct out *o, uint8_t pt, const struct sdp_opus *opus)
{
	const char *sep = "";
	const struct {
		const char *name;
		uint32_t value;
	} params[] = {
		{"maxplaybackrate", opus->max_playback_hz},
		{"maxaveragebitrate", opus->max_bitrate},
		{"minptime", opus->min_ptime_ms},
		{"stereo", opus->is_stereo},
		{"useinbandfec", opus->is_fec},
		{"usedtx", opus->is_dtx},
		{"cbr", opus->is_cbr},
	};

	for (unsigned i = 0; i < ARRAY_LEN(params); i++) {
		if (!params[i].value)
			continue;
		if (!*sep)
			put(o, "a=fmtp:%u ", pt);
		put(o, "%s%s=%" PRIu32, sep, params[i].name, params[i].value);
		sep = ";";
	}
	if (*sep)
		put(o, "\r\n");
}

static void put_format(struct out *o, const struct sdp_format_use *f)
{
	const struct sdp_codec_info *info = sdp_codec_info(f->codec);

	put(o, "a=rtpmap:%u %s/%" PRIu32, f->pt, info->name, f->clock_hz);
	if (info->channels > 1)
		put(o, "/%u", info->channels);
	put(o, "\r\n");
	if (f->codec == SDP_OPUS)
		put_opus(o, f->pt, &f->opus);
	else if (f->codec == SDP_TELEPHONE_EVENT)
		put(o, "a=fmtp:%u 0-%u\r\n", f->pt, f->events >> 16 ? 16 : 15);
}

/* RFC 3605; the default, the next port, is not said. */
static void put_rtcp(struct out *o, const struct sdp_desc *d)
{
	const struct sdp_local *l = d->local;
	char ip[ADDR_TEXT];

	if (d->is_rtcp_mux)
		put(o, "a=rtcp-mux\r\n");
	else if (addr_is_set(&l->rtcp) && addr_port(&l->rtcp) != addr_port(&l->rtp) + 1)
		put(o, "a=rtcp:%u IN IP%c %s\r\n", addr_port(&l->rtcp),
			l->rtcp.family == AF_INET6 ? '6' : '4', addr_ip_text(&l->rtcp, ip));
}

static void put_security(struct out *o, const struct sdp_desc *d)
{
	char text[MAX(SDP_CRYPTO_TEXT, SDP_FINGERPRINT_TEXT)];

	for (unsigned i = 0; d->keying == SDP_SDES && i < d->crypto_count; i++)
		put(o, "a=crypto:%s\r\n", sdp_crypto_text(&d->crypto[i], text));
	if (d->keying == SDP_DTLS)
		put(o, "a=fingerprint:%s\r\na=setup:%s\r\n", sdp_fingerprint_text(&d->local->security.fingerprint, text),
			sdp_setup_name(d->setup));
}

static void put_ice(struct out *o, const struct ice_description *ice)
{
	char text[SDP_CANDIDATE_TEXT];

	put(o, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", ice->ufrag, ice->pwd);
	if (ice->does_trickle)
		put(o, "a=ice-options:trickle\r\n");
	for (unsigned i = 0; i < ice->count; i++)
		put(o, "a=candidate:%s\r\n", sdp_candidate_text(&ice->candidates[i], text));
	if (ice->is_complete)
		put(o, "a=end-of-candidates\r\n");
}

static void put_audio(struct out *o, const struct sdp_oa *oa, const struct sdp_desc *d)
{
	put(o, "m=audio %u %s", addr_port(&d->local->rtp), sdp_proto_name(d->proto));
	for (unsigned i = 0; i < d->format_count; i++)
		put(o, " %u", d->formats[i].pt);
	put(o, "\r\n");

	for (unsigned i = 0; i < d->format_count; i++)
		put_format(o, &d->formats[i]);
	put(o, "a=ptime:%u\r\n", d->ptime_ms);
	if (d->local->maxptime_ms)
		put(o, "a=maxptime:%u\r\n", d->local->maxptime_ms);
	put_rtcp(o, d);
	put_security(o, d);
	if (d->has_ice)
		put_ice(o, d->local->ice);
	/* A browser hands the track to the page's code as part of a stream, if it has a name (RFC 8830). */
	if (oa->mid[0])
		put(o, "a=mid:%s\r\na=msid:tipring audio\r\n", oa->mid);
	put(o, "a=%s\r\n", sdp_dir_name(d->dir));
}

/* FNV-1a: tells a changed description from a repeated one; nobody gains by a collision. */
static uint64_t hash_text(const char *p, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);

	return h;
}

int sdp_describe(struct sdp_oa *oa, const struct sdp_desc *d, struct sdp_body *ret_body)
{
	char text[LIMIT_SDP_OWN_BYTES], ip[ADDR_TEXT];
	struct out tail = {.p = text, .cap = sizeof(text)};
	struct out all = {.p = ret_body->text, .cap = sizeof(ret_body->text)};
	const char *origin = oa->origin_ip[0] ? oa->origin_ip : addr_ip_text(&d->local->rtp, ip);

	put(&tail, "s=-\r\nc=IN IP%c %s\r\nt=0 0\r\n", d->local->rtp.family == AF_INET6 ? '6' : '4',
		addr_ip_text(&d->local->rtp, ip));
	if (oa->audio >= 0 && oa->is_bundled)
		put(&tail, "a=group:BUNDLE %s\r\n", oa->mid);
	if (oa->audio >= 0 && d->has_ice && d->local->ice->is_lite)
		put(&tail, "a=ice-lite\r\n");
	for (int i = 0; i < oa->media_count; i++) {
		if (i == oa->audio)
			put_audio(&tail, oa, d);
		else
			put(&tail, "m=%s\r\n",
				oa->refused[i] ? oa->refused[i] : "audio 0 RTP/AVP 0");
	}

	uint64_t hash = hash_text(text, tail.n);
	/* RFC 3264 §8: one more when anything changed, the same for a repetition. */
	uint64_t version = oa->version + (hash != oa->sent_hash);

	put(&all, "v=0\r\no=- %" PRIu64 " %" PRIu64 " IN IP%c %s\r\n%s", oa->session_id, version,
		strchr(origin, ':') ? '6' : '4', origin, text);
	if (tail.is_full || all.is_full)
		return -TR_ETOOBIG;

	if (origin != oa->origin_ip)
		buf_copy(oa->origin_ip, sizeof(oa->origin_ip), origin);
	oa->sent_hash = hash;
	oa->version = version;
	ret_body->n = all.n;

	return 0;
}
