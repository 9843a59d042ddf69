/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Any bytes are a WAV whose samples all lie inside them, or an error with a text and a place inside
 * them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wav_error error = {.at = SIZE_MAX};
	struct wav_info info;
	int16_t pcm[64];
	size_t seen = 0;
	int got;

	if (wav_parse(data, n, &info, &error) < 0) {
		assert(error.at <= n && error.what && error.what[0]);
		return 0;
	}
	assert(info.rate_hz >= 8000 && info.rate_hz <= 48000);
	assert(info.channels == 1 || info.channels == 2);
	assert(info.data_at + info.frames * (size_t)info.frame_bytes <= n);

	for (int channel = WAV_MIX; channel <= 1; channel++)
		for (seen = 0; (got = wav_read(&info, data, seen, channel, pcm, 64)) > 0;
			seen += (size_t)got)
			assert(got <= 64);
	assert(seen == info.frames);

	return 0;
}
