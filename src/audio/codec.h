/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * One interface over the audio codecs of a leg. A struct codec is one direction pair: the decoder
 * of what the peer sends and the encoder of what we send are independent inside, so one object
 * serves a stream, and two workers may not share it.
 *
 * PCM is mono, 16 bits, at codec_rate_hz(). State runs on across calls: frames may be cut anywhere
 * without a click. codec_new and codec_free allocate and free; nothing else does. Counts of samples
 * are ints and are checked.
 */
enum codec_id {
	CODEC_PCMU, /* RFC 3551 §4.5.14 */
	CODEC_PCMA, /* RFC 3551 §4.5.14 */
	CODEC_G722, /* RFC 3551 §4.5.2: RTP clock 8000, 16 kHz samples */
	CODEC_OPUS, /* RFC 7587: RTP clock 48000, rtpmap opus/48000/2, mono or stereo on the wire,
		       mono here */
	CODEC_L16,  /* RFC 3551 §4.5.11, 8 or 16 kHz mono, big-endian */
	CODEC_COUNT
};

struct codec_info {
	const char *name;  /* as in a=rtpmap, "PCMU" */
	uint32_t rtp_hz;   /* RTP clock; L16: that of 16 kHz */
	int rate_hz;       /* natural PCM rate */
	int static_pt;     /* RFC 3551 §6, or -1 for a dynamic one */
	uint8_t channels;  /* of the rtpmap line: 2 for Opus, which says nothing about the stream */
	uint16_t ptime_ms; /* what we send unless told otherwise */
	uint16_t max_ptime_ms; /* longest packet we decode in one call */
};

/* Never NULL for a valid id. */
const struct codec_info *codec_info(enum codec_id id);

/* By rtpmap name (case folded) and clock; false leaves *ret_id untouched. */
bool codec_find(struct span name, uint32_t rtp_hz, enum codec_id *ret_id);

/* All zero is a good default. Fields marked Opus are ignored by the others. */
struct codec_params {
	int rate_hz; /* PCM side. 0: natural. Opus: 8000, 16000, 24000, 48000; L16: 8000, 16000 */
	int bitrate_bps; /* Opus: 6000..128000; 0: 24000 */
	int complexity;  /* Opus: 1..10, 0: 5; 10 costs twice as much */
	bool use_fec;    /* Opus: send in-band FEC (the peer's fmtp said useinbandfec=1) */
	bool use_dtx; /* Opus: send nothing in silence; codec_encode then returns <= 2 bytes: do not
			 send it */
	int loss_percent; /* Opus: what FEC is dimensioned for; see codec_set_loss */
};

struct codec;

/* params may be NULL. -EINVAL for a rate the codec does not have, -ENOMEM. */
nodiscard int codec_new(enum codec_id id, const struct codec_params *params, struct codec **ret);
struct codec *codec_free(struct codec *c);

enum codec_id codec_id(const struct codec *c);
int codec_rate_hz(const struct codec *c);

/*
 * PCM samples a payload holds at the natural rate, without decoding it, or -TR_EPARSE. Times rtp_hz
 * / rate_hz it is the step of the RTP timestamp (for G.722: half of it).
 */
nodiscard int codec_payload_samples(enum codec_id id, const uint8_t *payload, size_t n);

/*
 * Decodes one RTP payload. Returns the samples written; -TR_EPARSE on bytes that are no such
 * payload (empty included), -TR_ETOOBIG when cap is too small (nothing is decoded then). After
 * concealment the first samples are cross-faded from it.
 */
nodiscard int codec_decode(
	struct codec *c, const uint8_t *payload, size_t n, int16_t *ret_pcm, int cap);

/* Fills exactly n samples for audio that did not come: the codec's own concealment (Opus) or ours
 * (plc.h). */
void codec_conceal(struct codec *c, int16_t *ret_pcm, int n);

/*
 * As codec_conceal, but the packet that follows the gap is already here: Opus takes the lost frame
 * from its in-band FEC (RFC 6716 §2.1.7) when it carries one. n is the lost length; the next packet
 * is afterwards decoded as usual.
 */
void codec_recover(struct codec *c, const uint8_t *next, size_t next_n, int16_t *ret_pcm, int n);

/*
 * Encodes n samples into one payload; returns its bytes. -EINVAL for a frame length the codec
 * cannot send (Opus: 2.5, 5, 10, 20, 40, 60 ms; G.722: even), -TR_ETOOBIG when cap is too small.
 * 400 bytes are enough for 20 ms of everything but L16.
 */
nodiscard int codec_encode(
	struct codec *c, const int16_t *pcm, int n, uint8_t *ret_payload, size_t cap);

/* What the peer's RTCP reports as lost, in percent; lets Opus dimension its FEC. Others ignore it.
 */
void codec_set_loss(struct codec *c, int percent);

/* Forgets the decoder's past: the peer's stream starts anew (other SSRC, other source). The encoder
 * runs on. */
void codec_reset_decoder(struct codec *c);
