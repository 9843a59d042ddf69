/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include "audio/codec.h"
#include "audio/level.h"
#include "audio/stretch.h"
#include "audio/wav_file.h"
#include "rtp/jbuf.h"

/*
 * speech_line: what becomes of telephone audio on a bad network. Reads lines "IN.wav OUT.wav PATTERN SEED" from standard input:
 * IN, 8 kHz, goes as PCMU in packets of 20 ms over a network that loses and delays as the pattern says, through our jitter
 * buffer, concealment and stretching, in virtual time, to OUT.
 */
enum { FRAME = 160, FRAME_US = 20000, PACKETS_MAX = 3000, FIFO_MAX = 8 * FRAME };

#define QUIET_RMS 100.0F /* as media/playout.c */

struct pattern {
	const char *name;
	float loss, recover; /* chances a packet: of beginning to be lost, and of being through again */
	int64_t jitter_us;   /* mean of the exponential delay */
	float spike;	     /* chance of a delay spike of up to 120 ms, from which the packets behind catch up */
};

static const struct pattern patterns[] = {
	{"loss3", 0.03F, 1, 3000, 0},
	{"burst8", 0.029F, 0.333F, 3000, 0},
	{"jitter", 0.01F, 1, 8000, 0.02F},
};

struct packet {
	int64_t at_us; /* of arrival; -1: lost */
	uint8_t payload[FRAME];
};

struct line {
	struct codec *codec;
	struct jbuf *jb;
	struct stretch stretch;
	struct packet packets[PACKETS_MAX];
	size_t packet_count, next;
	int16_t fifo[FIFO_MAX];
	int fifo_n;
	int64_t now_us;
};

static float chance(uint64_t *seed)
{
	return (float)prng_u32(seed) / 4294967296.0F;
}

static void send_all(struct line *line, const struct wav_clip *clip, const struct pattern *pattern, uint64_t seed)
{
	bool is_losing = false;
	int64_t spike_us = 0;

	line->packet_count = line->next = 0;
	for (size_t at = 0; at + FRAME <= clip->n && line->packet_count < PACKETS_MAX; at += FRAME) {
		struct packet *p = &line->packets[line->packet_count];
		int64_t sent_us = (int64_t)line->packet_count++ * FRAME_US;
		int64_t delay_us = 20000 + (int64_t)(-logf(chance(&seed) + 1e-9F) * (float)pattern->jitter_us);

		if (codec_encode(line->codec, clip->pcm + at, FRAME, p->payload, sizeof(p->payload)) != FRAME)
			abort();
		is_losing = is_losing ? chance(&seed) >= pattern->recover : chance(&seed) < pattern->loss;
		if (chance(&seed) < pattern->spike)
			spike_us = 40000 + (int64_t)(chance(&seed) * 80000);
		p->at_us = is_losing ? -1 : sent_us + delay_us + spike_us;
		spike_us = MAX(spike_us - FRAME_US, 0);
	}
}

/* Packets that have arrived by now, in order of their arrival within the tick. */
static void receive(struct line *line)
{
	for (;;) {
		struct packet *first = NULL;
		size_t end = MIN(line->packet_count, (size_t)(line->now_us / FRAME_US) + 2);

		for (size_t i = line->next > 20 ? line->next - 20 : 0; i < end; i++) {
			struct packet *p = &line->packets[i];

			if (p->at_us >= 0 && p->at_us <= line->now_us && (!first || p->at_us < first->at_us))
				first = p;
		}
		if (!first)
			break;

		size_t i = (size_t)(first - line->packets);
		struct jbuf_packet in = {.seq = (uint16_t)i, .ts = (uint32_t)i * FRAME, .ssrc = 1, .units = FRAME,
			.len = FRAME, .payload = first->payload};

		jbuf_put(line->jb, &in, first->at_us);
		first->at_us = -1;
		line->next = MAX(line->next, i);
	}
}

static enum stretch_mode stretch_wish(const struct jbuf_out *out, const int16_t *pcm)
{
	int32_t wish = out->stretch;

	if (out->stretch_quiet && level_rms(pcm, FRAME) < QUIET_RMS) {
		wish = out->stretch_quiet;
		if (-wish >= FRAME - FRAME / 4)
			return STRETCH_DROP;
	}

	return wish == 0 ? STRETCH_NONE : wish < 0 ? STRETCH_SHORTEN : STRETCH_LENGTHEN;
}

static void play_piece(struct line *line)
{
	struct jbuf_out out;
	int16_t pcm[FRAME] = {0};
	enum stretch_mode mode = STRETCH_NONE;

	jbuf_get(line->jb, line->now_us, (uint32_t)line->fifo_n, &out);

	int n = MIN((int)out.units, FRAME);

	if (out.op == JBUF_DECODE) {
		if (out.is_splice)
			codec_conceal(line->codec, pcm, FRAME / 4);
		n = codec_decode(line->codec, out.payload, out.len, pcm, FRAME);
		if (n != FRAME)
			abort();
		mode = stretch_wish(&out, pcm);
	} else if (out.op != JBUF_SILENCE) {
		codec_conceal(line->codec, pcm, n);
	}

	int before = line->fifo_n;

	line->fifo_n += stretch_run(&line->stretch, mode, pcm, n, line->fifo + line->fifo_n);
	jbuf_stretched(line->jb, line->fifo_n - before - n);
}

/* Until the last packet has been played; the silence before the first is left out. */
static size_t play_all(struct line *line, int16_t *ret_pcm)
{
	size_t n = 0;
	struct jbuf_stats stats;

	line->fifo_n = 0;
	for (line->now_us = 0; line->now_us < (int64_t)(line->packet_count + 20) * FRAME_US; line->now_us += FRAME_US) {
		receive(line);
		jbuf_get_stats(line->jb, &stats);
		while (line->fifo_n < FRAME)
			play_piece(line);
		if (stats.received > 0) {
			memcpy(ret_pcm + n, line->fifo, FRAME * sizeof(*ret_pcm));
			n += FRAME;
		}
		line->fifo_n -= FRAME;
		memmove(line->fifo, line->fifo + FRAME, (size_t)line->fifo_n * sizeof(*line->fifo));
	}

	return n;
}

static void run(const char *in, const char *out, const struct pattern *pattern, uint64_t seed)
{
	static struct line line;
	static int16_t pcm[(PACKETS_MAX + 20) * FRAME];
	struct jbuf_params params = {.clock_hz = 8000, .tick_units = FRAME};
	struct wav_clip clip;
	char why[160];

	if (wav_clip_load(&clip, in, why, sizeof(why)) < 0 || clip.rate_hz != 8000) {
		fprintf(stderr, "%s: %s\n", in, why);
		exit(1);
	}
	if (codec_new(CODEC_PCMU, NULL, &line.codec) < 0 || jbuf_new(&line.jb, &params) < 0)
		abort();
	stretch_init(&line.stretch, 8000);
	send_all(&line, &clip, pattern, seed);
	if (wav_clip_save(out, pcm, play_all(&line, pcm), 8000) < 0) {
		fprintf(stderr, "cannot write %s\n", out);
		exit(1);
	}
	wav_clip_done(&clip);
	jbuf_free(line.jb);
	codec_free(line.codec);
}

int main(void)
{
	char in[512], out[512], name[32];
	uint64_t seed;

	while (scanf("%511s %511s %31s %" SCNu64, in, out, name, &seed) == 4) {
		const struct pattern *pattern = NULL;

		for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
			if (strcmp(patterns[i].name, name) == 0)
				pattern = &patterns[i];
		if (!pattern) {
			fprintf(stderr, "no pattern \"%s\"\n", name);
			return 1;
		}
		run(in, out, pattern, seed);
	}

	return 0;
}
