/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"

/* A whole clip at another rate, without the filter's delay in front and with its tail: a loop has no seam. */
static int16_t *at_rate(const int16_t *pcm, size_t n, int rate_hz, int to_hz, size_t *ret_n)
{
	static const int16_t zeros[48000 / 50];
	struct resample *r;

	if (resample_new(rate_hz, to_hz, &r) < 0)
		return NULL;

	int step = rate_hz / 50;
	size_t delay = (size_t)resample_delay(r), got = 0;
	size_t want = (size_t)((uint64_t)n * (unsigned)to_hz / (unsigned)rate_hz);
	int16_t *out = malloc((delay + want + 2 * (size_t)resample_max_out(r, step)) * sizeof(*out));

	for (size_t at = 0; out && got < delay + want; at += (size_t)step) {
		int left = at < n ? (int)MIN(n - at, (size_t)step) : 0;

		got += (size_t)resample_run(r, left ? pcm + at : zeros, left ? left : step, out + got);
	}
	resample_free(r);
	if (out)
		memmove(out, out + delay, want * sizeof(*out));
	*ret_n = want;

	return out;
}

int media_clip_new(const int16_t *pcm, size_t n, int rate_hz, struct media_clip **ret)
{
	if (rate_hz < 8000 || rate_hz > 48000 || n == 0)
		return -EINVAL;
	if (n / (size_t)rate_hz > LIMIT_MEDIA_CLIP_MS / 1000)
		return -TR_ETOOBIG;

	struct media_clip *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;

	c->refs = 1;
	for (int i = 0; i < 2; i++) {
		c->pcm[i] = at_rate(pcm, n, rate_hz, 8000 << i, &c->n[i]);
		if (!c->pcm[i]) {
			media_clip_unref(c);
			return -ENOMEM;
		}
	}
	*ret = c;

	return 0;
}

struct media_clip *media_clip_unref(struct media_clip *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return NULL;

	free(c->pcm[0]);
	free(c->pcm[1]);
	free(c);

	return NULL;
}

static void player_free(struct junk *j)
{
	struct player *p = container_of(j, struct player, junk);

	media_clip_unref(p->clip);
	free(p);
}

int player_new(const struct tone_spec *spec, struct media_clip *clip, struct player **ret)
{
	struct player *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;

	p->junk.free = player_free;
	if (spec)
		p->spec = *spec;
	if (clip) {
		atomic_fetch_add(&clip->refs, 1);
		p->clip = clip;
	}
	*ret = p;

	return 0;
}

static bool run_tone(struct player *p, int rate_hz, int16_t *ret_pcm, int n)
{
	if (p->rate_hz != rate_hz) {
		tone_gen_start(&p->tone, &p->spec, rate_hz);
		p->rate_hz = rate_hz;
	}

	return tone_gen_run(&p->tone, ret_pcm, n);
}

bool player_run(struct player *p, int rate_hz, int16_t *ret_pcm, int n)
{
	if (!p->clip)
		return run_tone(p, rate_hz, ret_pcm, n);

	int r = rate_hz == 16000;
	size_t at = (size_t)p->at_8k << r;
	int done = 0;

	if (at >= p->clip->n[r] && !p->is_loop)
		return false;
	while (done < n) {
		if (at >= p->clip->n[r]) {
			if (!p->is_loop)
				break;
			at = 0;
		}

		int step = (int)MIN((size_t)(n - done), p->clip->n[r] - at);

		memcpy(ret_pcm + done, p->clip->pcm[r] + at, (size_t)step * sizeof(int16_t));
		done += step;
		at += (size_t)step;
	}
	memset(ret_pcm + done, 0, (size_t)(n - done) * sizeof(int16_t));
	/* Behind the end of the shorter copy either rate says that it is over. */
	p->at_8k = (at + (size_t)r) >> r;

	return true;
}
