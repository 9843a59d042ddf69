/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * WAV (RIFF) parsing: pure, on bytes somebody else read. PCM16, mu-law, A-law (also as
 * WAVE_FORMAT_EXTENSIBLE), 8 to 48 kHz, one or two channels. Unknown chunks are skipped, a data
 * chunk that lies about its length (0, 0xffffffff or beyond the end, as streams and crashes leave
 * it) is cut to what is there.
 */
enum wav_coding { WAV_PCM16 = 1, WAV_ALAW = 6, WAV_ULAW = 7 };

struct wav_info {
	enum wav_coding coding;
	int rate_hz;
	int channels;
	int frame_bytes; /* bytes of one sample of all channels */
	size_t data_at;  /* offset of the first sample */
	size_t frames;
};

struct wav_error {
	size_t at;        /* offset in the file */
	const char *what; /* static text, "only 16-bit PCM, A-law and mu-law are supported" */
};

/* -TR_EPARSE for what is no WAV, -TR_EUNSUPP for a WAV we do not play; both fill ret_err (may be
 * NULL). */
nodiscard int wav_parse(
	const uint8_t *bytes, size_t n, struct wav_info *ret, struct wav_error *ret_err);

#define WAV_MIX (-1)

/*
 * Frames [first, first + n) of one channel (0 left, 1 right, WAV_MIX their mean; a mono file has
 * but one) as PCM. Returns how many there were: less than n at the end. info is what wav_parse said
 * of these bytes.
 */
int wav_read(const struct wav_info *info, const uint8_t *bytes, size_t first, int channel,
	int16_t *ret_pcm, int n);

#define WAV_HEADER_BYTES 44

/* The header of a PCM16 file with that many frames (cut at what 32 bits can say). */
void wav_header(uint8_t ret_bytes[WAV_HEADER_BYTES], int rate_hz, int channels, uint64_t frames);
