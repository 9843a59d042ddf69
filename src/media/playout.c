/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/level.h"
#include "media/internal.h"

/*
 * From the jitter buffer to frames of 20 ms: decoding, concealment, stretching, comfort noise, through a FIFO of decoded audio as
 * rtp/jbuf.h describes it.
 */

/* Pieces of one frame: an honest stream needs one or two; the bound only keeps a bad one from turning in circles. */
#define MAX_PIECES 32

/* Below about -50 dBov a frame may be cut or drawn out as silence. */
#define QUIET_RMS 100.0f

/* Concealment is run for so long before a splice, so that the decoder cross-fades from it. */
#define SPLICE_MS 5

static int to_samples(const struct stream *s, uint32_t units)
{
	return (int)((int64_t)units * s->gear->rate_hz / s->rx.clock_hz);
}

static int32_t to_units(const struct stream *s, int samples)
{
	return (int32_t)((int64_t)samples * s->rx.clock_hz / s->gear->rate_hz);
}

/* Every sample goes through the stretcher, so that it always knows what was played last. */
static void append(struct stream *s, enum stretch_mode mode, const int16_t *pcm, int n)
{
	struct stream_rx *rx = &s->rx;
	int room = (int)ARRAY_LEN(rx->fifo) - rx->fifo_n - STRETCH_MAX_PERIOD(16000);

	n = MIN(n, room);
	if (n > 0)
		rx->fifo_n += stretch_run(&rx->stretch, mode, pcm, n, rx->fifo + rx->fifo_n);
}

static enum stretch_mode stretch_wish(const struct stream *s, const struct jbuf_out *out, const int16_t *pcm, int n)
{
	int32_t wish = out->stretch;

	if (out->stretch_quiet && level_rms(pcm, n) < QUIET_RMS) {
		wish = out->stretch_quiet;
		/* A dropped frame leaves its cross-fade, a quarter of 20 ms. */
		if (wish < 0 && to_samples(s, (uint32_t)-wish) >= n - n / 4)
			return STRETCH_DROP;
	}
	if (wish == 0)
		return STRETCH_NONE;

	return wish < 0 ? STRETCH_SHORTEN : STRETCH_LENGTHEN;
}

/* Made-up audio for n samples at the stream's rate, by the decoder that was heard last. */
static void conceal(struct stream *s, const struct jbuf_out *out, int n)
{
	struct gear *g = s->gear;
	int16_t *pcm = s->w->decoded;

	n = MIN(n, LIMIT_PTIME_MS * g->rate_hz / 1000);
	if (s->rx.codec < 0) {
		memset(pcm, 0, (size_t)n * sizeof(*pcm));
		append(s, STRETCH_NONE, pcm, n);
		return;
	}

	struct codec *c = g->codecs[s->rx.codec];
	struct resample *to_rate = g->to_rate[s->rx.codec];
	int m = (int)((int64_t)n * codec_rate_hz(c) / g->rate_hz);

	if (out->payload && gear_find_codec(&g->plan, out->pt) == s->rx.codec)
		codec_recover(c, out->payload, out->len, pcm, m);
	else
		codec_conceal(c, pcm, m);
	if (to_rate) {
		m = resample_run(to_rate, pcm, m, s->w->resampled);
		pcm = s->w->resampled;
	}
	append(s, STRETCH_NONE, pcm, m);
}

static void silence(struct stream *s, int n)
{
	int16_t *pcm = s->w->decoded;

	n = MIN(n, LIMIT_PTIME_MS * s->gear->rate_hz / 1000);
	cn_run(&s->rx.noise, pcm, n);
	append(s, STRETCH_NONE, pcm, n);
}

static void decode(struct stream *s, const struct jbuf_out *out)
{
	struct gear *g = s->gear;
	int at = gear_find_codec(&g->plan, out->pt);
	int n = -TR_EPARSE;
	int16_t *pcm = s->w->decoded;

	if (out->kind == JBUF_NOISE) {
		if (cn_decode(&s->rx.noise, out->payload, out->len) < 0)
			s->rx.invalid++;
		silence(s, to_samples(s, out->units));
		return;
	}
	if (at >= 0) {
		struct codec *c = g->codecs[at];

		if (out->is_splice && s->rx.codec == at)
			codec_conceal(c, pcm, codec_rate_hz(c) / 1000 * SPLICE_MS);
		n = codec_decode(c, out->payload, out->len, pcm, (int)ARRAY_LEN(s->w->decoded));
	}
	if (n <= 0) {
		/* Negotiated away, or broken inside: as good as lost. */
		s->rx.invalid++;
		conceal(s, &(struct jbuf_out){0}, MAX(to_samples(s, out->units), g->rate_hz / 100));
		return;
	}
	s->rx.codec = at;
	if (g->to_rate[at]) {
		n = resample_run(g->to_rate[at], pcm, n, s->w->resampled);
		pcm = s->w->resampled;
	}

	int before = s->rx.fifo_n;

	append(s, stretch_wish(s, out, pcm, n), pcm, n);
	if (s->rx.fifo_n - before != n)
		jbuf_stretched(s->rx.jbuf, to_units(s, s->rx.fifo_n - before - n));
}

void playout_fill(struct stream *s, int n, int64_t now_us, uint8_t *flags)
{
	struct jbuf_out out;

	for (int i = 0; s->rx.fifo_n < n && i < MAX_PIECES; i++) {
		jbuf_get(s->rx.jbuf, now_us, (uint32_t)to_units(s, s->rx.fifo_n), &out);
		switch (out.op) {
		case JBUF_DECODE:
			decode(s, &out);
			break;
		case JBUF_CONCEAL:
		case JBUF_EXPAND:
			conceal(s, &out, to_samples(s, out.units));
			*flags |= MEDIA_UP_CONCEALED;
			break;
		case JBUF_SILENCE:
			silence(s, to_samples(s, out.units));
			break;
		}
	}
	if (s->rx.fifo_n < n) {
		memset(s->rx.fifo + s->rx.fifo_n, 0, (size_t)(n - s->rx.fifo_n) * sizeof(int16_t));
		s->rx.fifo_n = n;
	}
}
