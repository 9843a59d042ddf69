/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/codec.h"
#include "audio/wav_file.h"
#include "providers/embedded/slurp.h"

/* speech_g722: reads lines "IN.g722 OUT.wav" from standard input, decodes each to 16 kHz. Debian's prompts come as G.722. */
enum { CHUNK = 160, FILE_MAX_BYTES = 16 << 20 };

static void decode(const char *in_path, const char *out_path)
{
	struct slurp in;
	struct codec *codec;

	if (slurp_open(&in, ".", in_path, FILE_MAX_BYTES) < 0 || codec_new(CODEC_G722, NULL, &codec) < 0) {
		fprintf(stderr, "cannot read %s\n", in_path);
		exit(1);
	}

	int16_t *pcm = mem_zalloc((in.n + CHUNK) * 2 * sizeof(*pcm));
	size_t n = 0;

	while (in.n) {
		size_t part = MIN(in.n, (size_t)CHUNK);
		int got = codec_decode(codec, slurp_take(&in, part), part, pcm + n, 2 * CHUNK);

		if (got < 0)
			abort();
		n += (size_t)got;
	}
	if (wav_clip_save(out_path, pcm, n, 16000) < 0) {
		fprintf(stderr, "cannot write %s\n", out_path);
		exit(1);
	}
	free(pcm);
	codec_free(codec);
	slurp_close(&in);
}

int main(void)
{
	char in[512], out[512];

	while (scanf("%511s %511s", in, out) == 2)
		decode(in, out);

	return 0;
}
