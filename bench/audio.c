/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/cn.h"
#include "audio/codec.h"
#include "audio/dtmf_inband.h"
#include "audio/g711.h"
#include "audio/level.h"
#include "audio/mix.h"
#include "audio/plc.h"
#include "audio/resample.h"
#include "audio/stretch.h"
#include "audio/testsig.h"
#include "audio/tone.h"
#include "audio/vad.h"
#include "audio/vad_net.h"
#include <time.h>

/*
 * CPU time of each piece of audio for one frame of 20 ms, over thirty seconds of a synthetic talker
 * with pauses: the least of seven runs, since whatever else the machine does only adds to it.
 * Argument: only lines that contain it.
 */
enum { ROUNDS = 7, FRAMES = 1500, MAX_HZ = 48000 };

static int16_t speech[2][MAX_HZ / 50 * FRAMES]; /* 8 and 16 kHz; the other rates reuse the latter */
static int16_t out[8 * MAX_HZ / 50];
static uint8_t payloads[FRAMES][1500];
static int payload_n[FRAMES];
static const char *only = "";

/* CPU time of this thread: what others run meanwhile does not count, but for the caches they spoil.
 */
static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

typedef void frame_fn(void *ctx, const int16_t *pcm, int n, int f);

static void measure(const char *name, int rate_hz, frame_fn *fn, void *ctx)
{
	const int16_t *pcm = speech[rate_hz != 8000];
	double best = 1e9;
	int n = rate_hz / 50;

	if (!strstr(name, only))
		return;
	for (int r = 0; r < ROUNDS; r++) {
		double from = cpu_us();

		for (int f = 0; f < FRAMES; f++)
			fn(ctx, pcm + f * (n > 320 ? 320 : n), n, f);

		double each = (cpu_us() - from) / FRAMES;
		best = MIN(best, each);
	}
	printf("%-34s %8.2f\n", name, best);
}

static void run_ulaw_encode(void *ctx, const int16_t *pcm, int n, int f)
{
	g711_ulaw_encode(payloads[0], pcm, (size_t)n);
}

static void run_ulaw_decode(void *ctx, const int16_t *pcm, int n, int f)
{
	g711_ulaw_decode(out, payloads[0], (size_t)n);
}

static void run_alaw_encode(void *ctx, const int16_t *pcm, int n, int f)
{
	g711_alaw_encode(payloads[0], pcm, (size_t)n);
}

static void run_alaw_decode(void *ctx, const int16_t *pcm, int n, int f)
{
	g711_alaw_decode(out, payloads[0], (size_t)n);
}

static void run_encode(void *ctx, const int16_t *pcm, int n, int f)
{
	payload_n[f] = codec_encode(ctx, pcm, n, payloads[f], sizeof(payloads[f]));
}

static void run_decode(void *ctx, const int16_t *pcm, int n, int f)
{
	if (codec_decode(ctx, payloads[f], (size_t)payload_n[f], out, n) < 0)
		abort();
}

/* Every tenth frame is lost. */
static void run_lossy(void *ctx, const int16_t *pcm, int n, int f)
{
	if (f % 10 == 9)
		codec_conceal(ctx, out, n);
	else
		run_decode(ctx, pcm, n, f);
}

static void run_plc_gap(void *ctx, const int16_t *pcm, int n, int f)
{
	memcpy(out, pcm, (size_t)n * sizeof(*pcm));
	if (f % 2)
		plc_conceal(ctx, out, n);
	else
		plc_good(ctx, out, n);
}

static void run_resample(void *ctx, const int16_t *pcm, int n, int f)
{
	resample_run(ctx, pcm, n, out);
}

static void run_vad(void *ctx, const int16_t *pcm, int n, int f)
{
	vad_run(ctx, pcm, n);
}

static void run_vad_net(void *ctx, const int16_t *pcm, int n, int f)
{
	vad_net_run(ctx, pcm, n);
}

static void run_dtmf(void *ctx, const int16_t *pcm, int n, int f)
{
	struct dtmf_event events[4];

	dtmf_rx_run(ctx, pcm, n, events, 4);
}

static void run_tone(void *ctx, const int16_t *pcm, int n, int f)
{
	tone_gen_run(ctx, out, n);
}

static void run_cn(void *ctx, const int16_t *pcm, int n, int f)
{
	cn_run(ctx, out, n);
}

static void run_mix_minus(void *ctx, const int16_t *pcm, int n, int f)
{
	int32_t *acc = ctx;

	mix_add(acc, pcm, n);
	mix_out(acc, pcm, out, n);
	memset(acc, 0, (size_t)n * sizeof(*acc));
}

static void run_level(void *ctx, const int16_t *pcm, int n, int f)
{
	*(float *)ctx += level_rms(pcm, n);
}

static void run_pass(void *ctx, const int16_t *pcm, int n, int f)
{
	stretch_run(ctx, STRETCH_NONE, pcm, n, out);
}

static void run_shorten(void *ctx, const int16_t *pcm, int n, int f)
{
	stretch_run(ctx, STRETCH_SHORTEN, pcm, n, out);
}

static void run_lengthen(void *ctx, const int16_t *pcm, int n, int f)
{
	stretch_run(ctx, STRETCH_LENGTHEN, pcm, n, out);
}

static void bench_codec(enum codec_id id, int rate_hz)
{
	struct codec_params params = {.rate_hz = rate_hz};
	struct codec *c;
	char name[64];

	if (codec_new(id, &params, &c) < 0)
		abort();
	for (int f = 0; f < FRAMES; f++)
		run_encode(
			c, speech[rate_hz != 8000] + f * MIN(rate_hz / 50, 320), rate_hz / 50, f);

	static const struct {
		const char *what;
		frame_fn *fn;
	} runs[] = {
		{"encode", run_encode}, {"decode", run_decode}, {"decode, 10 % lost", run_lossy}};

	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		snprintf(name, sizeof(name), "%s %d kHz %s", codec_info(id)->name, rate_hz / 1000,
			runs[i].what);
		measure(name, rate_hz, runs[i].fn, c);
	}
	codec_free(c);
}

static void bench_codecs(void)
{
	measure("G.711 mu-law encode", 8000, run_ulaw_encode, NULL);
	measure("G.711 mu-law decode", 8000, run_ulaw_decode, NULL);
	measure("G.711 A-law encode", 8000, run_alaw_encode, NULL);
	measure("G.711 A-law decode", 8000, run_alaw_decode, NULL);
	bench_codec(CODEC_PCMU, 8000);
	bench_codec(CODEC_G722, 16000);
	bench_codec(CODEC_OPUS, 16000);
	bench_codec(CODEC_OPUS, 48000);
}

static void bench_resamplers(void)
{
	static const int pairs[][2] = {{8000, 16000}, {16000, 8000}, {16000, 24000}, {24000, 16000},
		{16000, 48000}, {48000, 16000}, {8000, 48000}, {48000, 8000}, {8000, 24000},
		{24000, 8000}};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct resample *r;
		char name[64];

		if (resample_new(pairs[i][0], pairs[i][1], &r) < 0)
			abort();
		snprintf(name, sizeof(name), "resample %d to %d kHz", pairs[i][0] / 1000,
			pairs[i][1] / 1000);
		measure(name, pairs[i][0], run_resample, r);
		resample_free(r);
	}
}

static void bench_analysis(int rate_hz)
{
	struct stretch stretch;
	struct dtmf_rx dtmf;
	struct plc plc;
	struct vad_net trained;
	struct vad vad;
	struct {
		const char *what;
		frame_fn *fn;
		void *ctx;
	} runs[] = {
		{"VAD", run_vad, &vad},
		{"VAD, trained", run_vad_net, &trained},
		{"DTMF detector", run_dtmf, &dtmf},
		{"concealment, every 2nd lost", run_plc_gap, &plc},
		{"stretch, nothing asked", run_pass, &stretch},
		{"stretch, shorten", run_shorten, &stretch},
		{"stretch, lengthen", run_lengthen, &stretch},
	};

	vad_init(&vad, rate_hz);
	vad_net_init(&trained, rate_hz);
	dtmf_rx_init(&dtmf, rate_hz);
	plc_init(&plc, rate_hz);
	stretch_init(&stretch, rate_hz);
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s %d kHz", runs[i].what, rate_hz / 1000);
		measure(name, rate_hz, runs[i].fn, runs[i].ctx);
	}
}

static void bench_rest(void)
{
	static int32_t acc[320];
	struct tone_gen tone;
	struct cn cn;
	float sum = 0;

	tone_gen_start(&tone, tone_spec(TONE_DIAL, TONE_US), 8000);
	measure("two-tone generator 8 kHz", 8000, run_tone, &tone);
	cn_init(&cn, 1);
	cn_set_level(&cn, 50);
	measure("comfort noise 8 kHz", 8000, run_cn, &cn);
	measure("mix-minus, one party 16 kHz", 16000, run_mix_minus, acc);
	measure("RMS 8 kHz", 8000, run_level, &sum);
	if (sum < 0)
		puts("never");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		only = argv[1];
	for (int k = 0; k < 2; k++) {
		struct sig_talker talker;
		uint64_t seed = 1;
		int rate = k ? 16000 : 8000, total = rate / 50 * FRAMES;

		sig_talker_init(&talker, rate, 130, 8000, 3);
		sig_talker_run(&talker, speech[k], total);
		sig_add_noise(speech[k], total, 40,
			&seed); /* a line is never silent: the cheap way out is not taken */
	}
	printf("%-34s %8s\n", "20 ms of", "us");
	bench_codecs();
	bench_resamplers();
	bench_analysis(8000);
	bench_analysis(16000);
	bench_rest();

	return 0;
}
