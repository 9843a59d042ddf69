/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/codec.h"

static const struct sdp_codec_info infos[SDP_CODEC_COUNT] = {
	[SDP_CODEC_NONE] = {"none", 0, 0, 0, SDP_NO_PT},
	[SDP_PCMU] = {"PCMU", 8000, 8000, 1, 0},
	[SDP_PCMA] = {"PCMA", 8000, 8000, 1, 8},
	[SDP_G722] = {"G722", 8000, 16000, 1, 9},
	[SDP_OPUS] = {"opus", 48000, 48000, 2, SDP_NO_PT},
	[SDP_L16] = {"L16", 16000, 16000, 1, SDP_NO_PT},
	[SDP_CN] = {"CN", 8000, 8000, 1, 13},
	[SDP_TELEPHONE_EVENT] = {"telephone-event", 8000, 0, 1, SDP_NO_PT},
};

const struct sdp_codec_info *sdp_codec_info(enum sdp_codec c)
{
	return &infos[c < SDP_CODEC_COUNT ? c : SDP_CODEC_NONE];
}

static bool clock_suits(enum sdp_codec c, const struct sdp_format *f)
{
	if (f->clock_hz == 0 || f->clock_hz == infos[c].clock_hz)
		return f->clock_hz || c != SDP_L16; /* an L16 without a clock could be anything */
	if (c == SDP_G722)
		return f->clock_hz == 16000; /* wrong by RFC 3551 §4.5.2, but meant so */

	/* Events run on their stream's clock (RFC 4733 §2.1); pt_khz keeps it in kilohertz. */
	return c == SDP_TELEPHONE_EVENT && f->clock_hz % 1000 == 0 && f->clock_hz <= 192000;
}

enum sdp_codec sdp_codec_of(const struct sdp_format *f)
{
	for (unsigned c = 1; c < SDP_CODEC_COUNT; c++) {
		if (f->encoding.n == 0) {
			if (f->pt != SDP_NO_PT && f->pt == infos[c].static_pt)
				return (enum sdp_codec)c;
		} else if (f->pt != SDP_NO_PT && span_ieq_z(f->encoding, infos[c].name)) {
			bool is_mono = f->channels <= infos[c].channels;

			return is_mono && clock_suits((enum sdp_codec)c, f) ? (enum sdp_codec)c
									    : SDP_CODEC_NONE;
		}
	}

	return SDP_CODEC_NONE;
}

static void opus_param(struct sdp_opus *o, struct span key, uint32_t n)
{
	if (span_ieq_z(key, "maxplaybackrate"))
		o->max_playback_hz = n >= 8000 && n <= 48000 ? n : 0;
	else if (span_ieq_z(key, "maxaveragebitrate"))
		o->max_bitrate = n >= 6000 && n <= 510000 ? n : 0;
	else if (span_ieq_z(key, "minptime"))
		o->min_ptime_ms = n <= LIMIT_PTIME_MS ? (uint16_t)n : 0;
	else if (span_ieq_z(key, "stereo"))
		o->is_stereo = n == 1;
	else if (span_ieq_z(key, "useinbandfec"))
		o->is_fec = n == 1;
	else if (span_ieq_z(key, "usedtx"))
		o->is_dtx = n == 1;
	else if (span_ieq_z(key, "cbr"))
		o->is_cbr = n == 1;
}

void sdp_opus_parse(struct span fmtp, struct sdp_opus *ret)
{
	struct sdp_opus o = {0};

	while (fmtp.n) {
		struct span value = span_cut(&fmtp, ';');
		struct span key = span_trim(span_cut(&value, '='));
		uint32_t n;

		if (span_u32(span_trim(value), &n))
			opus_param(&o, key, n);
	}
	*ret = o;
}

#define EVENTS_DEFAULT 0xffffu /* RFC 4733 §2.4.1: without the parameter, the DTMF events 0-15 */

uint32_t sdp_events_parse(struct span fmtp)
{
	uint32_t mask = 0;

	while (fmtp.n) {
		struct span range = span_trim(span_cut(&fmtp, ','));
		struct span low = span_cut(&range, '-');
		uint32_t from, to;

		if (!span_u32(span_trim(low), &from))
			continue;
		if (!range.p || !span_u32(span_trim(range), &to))
			to = from;
		for (uint32_t e = from; e <= MIN(to, 31); e++)
			mask |= UINT32_C(1) << e;
	}

	return mask ? mask : EVENTS_DEFAULT;
}
