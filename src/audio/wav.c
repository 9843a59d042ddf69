/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/wav.h"
#include "audio/g711.h"

#define RIFF_BYTES  12
#define CHUNK_BYTES 8
#define FMT_BYTES   16
#define EXT_BYTES   40 /* WAVE_FORMAT_EXTENSIBLE: the real coding stands in its GUID */
#define EXTENSIBLE  0xfffe

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static int fail(struct wav_error *ret_err, int err, size_t at, const char *what)
{
	if (ret_err)
		*ret_err = (struct wav_error){at, what};

	return -err;
}

static bool is_tag(const uint8_t *p, const char *tag)
{
	return memcmp(p, tag, 4) == 0;
}

/* The fmt chunk of n bytes at offset at. */
static int parse_fmt(
	const uint8_t *p, size_t n, size_t at, struct wav_info *ret, struct wav_error *ret_err)
{
	if (n < FMT_BYTES)
		return fail(ret_err, TR_EPARSE, at, "the fmt chunk is shorter than 16 bytes");

	unsigned int coding = le16(p), channels = le16(p + 2), bits = le16(p + 14);
	uint32_t rate = le32(p + 4);

	if (coding == EXTENSIBLE && n >= EXT_BYTES)
		coding = le16(p + 24);
	if (coding != WAV_PCM16 && coding != WAV_ALAW && coding != WAV_ULAW)
		return fail(ret_err, TR_EUNSUPP, at, "only PCM, A-law and mu-law are supported");
	if (bits != (coding == WAV_PCM16 ? 16 : 8))
		return fail(ret_err, TR_EUNSUPP, at + 14,
			"PCM must have 16 bits a sample, A-law and mu-law 8");
	if (channels < 1 || channels > 2)
		return fail(ret_err, TR_EUNSUPP, at + 2, "only one or two channels are supported");
	if (rate < 8000 || rate > 48000)
		return fail(ret_err, TR_EUNSUPP, at + 4,
			"only sample rates from 8000 to 48000 Hz are supported");

	ret->coding = (enum wav_coding)coding;
	ret->channels = (int)channels;
	ret->rate_hz = (int)rate;
	ret->frame_bytes = (int)(channels * bits / 8);

	return 0;
}

int wav_parse(const uint8_t *bytes, size_t n, struct wav_info *ret, struct wav_error *ret_err)
{
	struct wav_info info = {0};
	bool is_open_ended;

	if (n < RIFF_BYTES || !is_tag(bytes, "RIFF") || !is_tag(bytes + 8, "WAVE"))
		return fail(ret_err, TR_EPARSE, 0,
			"not a WAV file: it does not begin with RIFF and WAVE");
	is_open_ended = le32(bytes + 4) == 0 ||
			le32(bytes + 4) == UINT32_MAX; /* nobody came back to patch it */

	size_t at = RIFF_BYTES;

	for (int chunk = 0; chunk < LIMIT_WAV_CHUNKS && n - at >= CHUNK_BYTES; chunk++) {
		const uint8_t *head = bytes + at;
		size_t len = le32(head + 4), left = n - at - CHUNK_BYTES;

		at += CHUNK_BYTES;
		if (is_tag(head, "fmt ")) {
			int err = parse_fmt(bytes + at, MIN(len, left), at, &info, ret_err);

			if (err)
				return err;
		}
		if (is_tag(head, "data")) {
			if (!info.coding)
				return fail(ret_err, TR_EPARSE, at - CHUNK_BYTES,
					"the data chunk comes before the fmt chunk");
			if (len == 0 && is_open_ended)
				len = left;
			info.data_at = at;
			info.frames = MIN(len, left) / (size_t)info.frame_bytes;
			*ret = info;
			return 0;
		}
		if (len > left)
			return fail(ret_err, TR_EPARSE, at - CHUNK_BYTES,
				"a chunk reaches beyond the end of the file");
		at += MIN(len + (len & 1), left); /* padded to even lengths */
	}

	return fail(ret_err, TR_EPARSE, at, info.coding ? "no data chunk" : "no fmt chunk");
}

/* One sample of one channel. */
static int16_t sample(const struct wav_info *info, const uint8_t *p)
{
	int16_t x = 0;

	switch (info->coding) {
	case WAV_PCM16:
		return (int16_t)le16(p);
	case WAV_ALAW:
		g711_alaw_decode(&x, p, 1);
		break;
	case WAV_ULAW:
		g711_ulaw_decode(&x, p, 1);
		break;
	}

	return x;
}

int wav_read(const struct wav_info *info, const uint8_t *bytes, size_t first, int channel,
	int16_t *ret_pcm, int n)
{
	size_t left = first < info->frames ? info->frames - first : 0;
	int m = (int)MIN((size_t)MAX(n, 0), left), width = info->frame_bytes / info->channels;
	int side = channel == 1 && info->channels == 2 ? width : 0;

	if (m == 0)
		return 0;

	const uint8_t *p = bytes + info->data_at + first * (size_t)info->frame_bytes;

	for (int i = 0; i < m; i++, p += info->frame_bytes) {
		if (channel == WAV_MIX && info->channels == 2)
			ret_pcm[i] = (int16_t)((sample(info, p) + sample(info, p + width)) / 2);
		else
			ret_pcm[i] = sample(info, p + side);
	}

	return m;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		*p++ = (uint8_t)(v >> (8 * i));

	return p;
}

static uint8_t *put16(uint8_t *p, unsigned int v)
{
	*p++ = (uint8_t)v;
	*p++ = (uint8_t)(v >> 8);

	return p;
}

static uint8_t *put_tag(uint8_t *p, const char *tag)
{
	memcpy(p, tag, 4);

	return p + 4;
}

void wav_header(uint8_t ret_bytes[WAV_HEADER_BYTES], int rate_hz, int channels, uint64_t frames)
{
	uint64_t frame_bytes = 2 * (uint64_t)channels,
		 most = (UINT32_MAX - WAV_HEADER_BYTES) / frame_bytes;
	uint32_t data_bytes = (uint32_t)(MIN(frames, most) * frame_bytes);
	uint8_t *p = ret_bytes;

	p = put_tag(p, "RIFF");
	p = put32(p, data_bytes + WAV_HEADER_BYTES - CHUNK_BYTES);
	p = put_tag(p, "WAVE");
	p = put_tag(p, "fmt ");
	p = put32(p, FMT_BYTES);
	p = put16(p, WAV_PCM16);
	p = put16(p, (unsigned int)channels);
	p = put32(p, (uint32_t)rate_hz);
	p = put32(p, (uint32_t)rate_hz * (uint32_t)frame_bytes);
	p = put16(p, (unsigned int)frame_bytes);
	p = put16(p, 16);
	p = put_tag(p, "data");
	put32(p, data_bytes);
}
