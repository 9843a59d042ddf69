/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/voice_impl.h"

enum {
	AHEAD_MS = 4000,     /* less audio than that waits: ask for the next piece */
	ASKED_MAX = 2,	     /* pieces at the engine: one is made, one waits for it */
	TRIES = 2,	     /* a piece that fails is tried once more */
	PATIENCE_US = 5000000, /* no sign of life from the engine for so long is a failure */
	LEAD_MS = 20,	     /* silence kept before the first word */
	AUDIBLE = 150,	     /* a sample below is silence: -47 dBFS */
	NOISE_FRAMES = 3,    /* of noise alone that wait on the ring: speech begins behind them */
	MARKS_MAX = 256,     /* words of one piece; LIMIT_AGENT_CHUNK_BYTES has fewer */
};

static int64_t now_us(const struct voice *v)
{
	return v->p.clock_us(v->p.ctx);
}

/* ---- what has been played ----------------------------------------------------------------------------------------------- */

uint32_t voice_frames_played(const struct voice *v)
{
	struct media_port_report r;

	media_port_report(v->p.port, &r);

	return r.utterance == v->utterance ? MIN(r.frames, v->written) : 0;
}

static uint32_t frames_of(const struct voice *v, uint32_t samples)
{
	return (samples + v->frame_n - 1) / v->frame_n;
}

bool voice_is_active(const struct voice *v)
{
	return v->state != VOICE_IDLE;
}

bool voice_is_audible(const struct voice *v)
{
	return v->state != VOICE_IDLE && v->written > 0 && (voice_frames_played(v) < v->written || v->queue_n > 0);
}

uint32_t voice_played_ms(const struct voice *v)
{
	return voice_frames_played(v) * MEDIA_FRAME_MS;
}

static bool is_all_made(const struct voice *v)
{
	for (uint32_t i = 0; i < v->piece_count; i++)
		if (v->pieces[i].state != PIECE_MADE)
			return false;

	return v->state == VOICE_CLOSING;
}

uint32_t voice_left_ms(const struct voice *v)
{
	if (v->state == VOICE_IDLE)
		return 0;

	return is_all_made(v) ? (v->made - voice_frames_played(v)) * MEDIA_FRAME_MS : UINT32_MAX;
}

uint32_t voice_tail_ms(const struct voice *v)
{
	return (uint32_t)((uint64_t)v->tail * 1000 / v->rate_hz);
}

/*
 * The port tells how many frames it had sent at its last tick; between two looks they went out one a tick, without a gap. A look
 * that comes between the worker's two steps of a tick is off by one, which the echo's search forgives.
 */
const float *voice_sent(struct voice *v, uint32_t tick)
{
	struct media_port_report r;

	media_port_report(v->p.port, &r);
	if (r.utterance != v->utterance)
		return NULL;

	int32_t behind = (int32_t)(r.ticks - 1 - tick);

	/* Both clocks count frames of the port; where each began does not matter. */
	if (!v->has_tick_base || behind < v->tick_base)
		v->tick_base = behind;
	v->has_tick_base = true;

	int32_t ago = behind - v->tick_base;
	int64_t frame = (int64_t)r.frames - ago;

	if (frame <= (int64_t)v->sent_told || frame > (int64_t)v->written || v->written - frame >= VOICE_SENT_FRAMES)
		return NULL;
	v->sent_told = (uint32_t)frame;

	return v->sent[(frame - 1) % VOICE_SENT_FRAMES];
}

struct voice_times voice_times(const struct voice *v)
{
	return v->times;
}

/* ---- audio on its way ---------------------------------------------------------------------------------------------------- */

/* Room for n more samples behind the queue; false when it is as long as allowed or memory is out. */
static bool make_room(struct voice *v, size_t n)
{
	size_t limit = (size_t)LIMIT_AGENT_AUDIO_MS * v->rate_hz / 1000;
	size_t cap = MAX(v->queue_cap, 4096);

	if (v->queue_n + n > limit)
		return false;
	if (v->queue_at + v->queue_n + n <= v->queue_cap)
		return true;

	if (v->queue_at) {
		memmove(v->queue, v->queue + v->queue_at, v->queue_n * sizeof(int16_t));
		v->queue_at = 0;
	}
	while (cap < v->queue_n + n)
		cap *= 2;
	if (cap == v->queue_cap)
		return true;

	int16_t *bigger = realloc(v->queue, cap * sizeof(int16_t));

	if (!bigger)
		return false;
	v->queue = bigger;
	v->queue_cap = cap;

	return true;
}

static void add_noise(struct voice *v, int16_t *pcm)
{
	int32_t peak = v->p.noise;

	for (size_t i = 0; i < v->frame_n && peak; i++)
		pcm[i] = (int16_t)CLAMP(pcm[i] + (int32_t)(prng_u32(&v->noise_seed) % (uint32_t)(2 * peak + 1)) - peak, INT16_MIN,
			INT16_MAX);
}

/* While nothing is said. */
static void make_noise(struct voice *v)
{
	struct media_port_report r;
	uint32_t gone;

	media_port_report(v->p.port, &r);
	if (!v->noise_utterance) {
		v->noise_utterance = ++v->utterance;
		v->noise_written = 0;
	}
	gone = r.utterance == v->noise_utterance ? r.frames : 0;
	while (v->noise_written < gone + NOISE_FRAMES) {
		int16_t pcm[MEDIA_FRAME_MAX] = {0};

		add_noise(v, pcm);
		if (!media_port_say(v->p.port, v->noise_utterance, pcm, (int)v->frame_n, 0))
			return;
		v->noise_written++;
	}
}

static void drain(struct voice *v)
{
	while (v->queue_n >= v->frame_n && media_port_space(v->p.port)) {
		add_noise(v, v->queue + v->queue_at);
		if (!media_port_say(v->p.port, v->utterance, v->queue + v->queue_at, (int)v->frame_n, 0))
			break;
		v->noise_utterance = 0;
		echo_points(v->queue + v->queue_at, v->frame_n, v->sent[v->written % VOICE_SENT_FRAMES]);
		v->queue_at += v->frame_n;
		v->queue_n -= v->frame_n;
		v->written++;
		if (!v->times.queued_us)
			v->times.queued_us = now_us(v);
	}
	if (!v->queue_n)
		v->queue_at = 0;
}

/* Counts on, or from the last sample that can be heard. */
static uint32_t tail_after(uint32_t tail, const int16_t *pcm, size_t n)
{
	size_t i = n;

	while (pcm && i > 0 && abs(pcm[i - 1]) < AUDIBLE)
		i--;
	if (!pcm)
		i = 0;

	return (uint32_t)(n - i) + (i ? 0 : tail);
}

static void append(struct voice *v, struct piece *p, const int16_t *pcm, size_t n)
{
	if (!p->samples)
		p->from = v->made;
	if (!make_room(v, n)) {
		v->dropped += n;
		return;
	}
	if (!v->times.audio_us)
		v->times.audio_us = now_us(v);

	int16_t *to = v->queue + v->queue_at + v->queue_n;

	if (pcm)
		memcpy(to, pcm, n * sizeof(int16_t));
	else
		memset(to, 0, n * sizeof(int16_t));
	v->tail = tail_after(v->tail, pcm, n);
	v->queue_n += n;
	p->samples += (uint32_t)n;
	v->made = p->from + frames_of(v, p->samples);
}

/*
 * Voices begin with 140 to 220 ms of silence (flite does). Between sentences it is a pause; before the first word of a reply it
 * is latency.
 */
static void append_speech(struct voice *v, struct piece *p, const int16_t *pcm, size_t n)
{
	size_t keep = v->rate_hz / 1000 * LEAD_MS, quiet = 0;

	if (v->made == 0) {
		while (quiet < n && abs(pcm[quiet]) < AUDIBLE)
			quiet++;
		if (quiet < n)
			quiet -= MIN(quiet, keep);
		p->lead += (uint32_t)quiet;
	}
	if (quiet < n)
		append(v, p, pcm + quiet, n - quiet);
}

/* A piece ends on a frame's edge, so that frames played and samples spoken stay in step. */
static void finish_piece(struct voice *v, struct piece *p)
{
	uint32_t rest = p->samples % v->frame_n;
	uint32_t samples = p->samples;

	p->state = PIECE_MADE;
	if (!rest)
		return;
	append(v, p, NULL, v->frame_n - rest);
	p->samples = samples;
}

/* ---- the engine ----------------------------------------------------------------------------------------------------------- */

static struct piece *piece_of(struct voice *v, uint32_t id)
{
	for (uint32_t i = 0; i < v->piece_count; i++)
		if (v->pieces[i].state == PIECE_ASKED && v->pieces[i].id == id)
			return &v->pieces[i];

	return NULL;
}

static void on_audio(void *arg, uint32_t id, const int16_t *pcm, size_t n)
{
	struct voice *v = arg;
	struct piece *p = piece_of(v, id);

	if (!p)
		return;
	v->alive_at_us = now_us(v);
	append_speech(v, p, pcm, n);
	drain(v);
}

static void on_marks(void *arg, uint32_t id, const struct tts_mark *marks, size_t n)
{
	struct voice *v = arg;
	struct piece *p = piece_of(v, id);

	if (!p)
		return;

	n = MIN(n, MARKS_MAX - p->mark_count);
	if (!n)
		return;

	struct heard_mark *more = realloc(p->marks, (p->mark_count + n) * sizeof(*more));

	if (!more)
		return;
	for (size_t i = 0; i < n; i++)
		more[p->mark_count++] = (struct heard_mark){marks[i].text_end, marks[i].at};
	p->marks = more;
}

/* p is tried again; pieces that wait behind it at the engine go back too, so that none overtakes it. */
static void take_back(struct voice *v, struct piece *p)
{
	v->tts->ops->cancel(v->tts);
	for (uint32_t i = 0; i < v->piece_count; i++) {
		struct piece *other = &v->pieces[i];

		if (other->state != PIECE_ASKED)
			continue;
		other->state = PIECE_WAITING;
		other->tries -= other != p;
	}
}

static void piece_failed(struct voice *v, struct piece *p, int err, const char *words)
{
	if (!p->samples && p->tries < TRIES && v->tts) {
		take_back(v, p);
		return;
	}
	finish_piece(v, p);
	port_fail(&v->fault, err, "%s", words);
}

static void on_done(void *arg, uint32_t id)
{
	struct voice *v = arg;
	struct piece *p = piece_of(v, id);

	if (!p)
		return;
	v->alive_at_us = now_us(v);
	finish_piece(v, p);
	drain(v);
	voice_pump(v);
}

static void on_error(void *arg, uint32_t id, int err, const char *words)
{
	struct voice *v = arg;
	struct piece *p = piece_of(v, id);

	if (p)
		piece_failed(v, p, err, words);
}

static void ask(struct voice *v, struct piece *p)
{
	struct port_fault fault = {-TR_EENGINE, "no voice"};

	if (++v->last_id == 0)
		v->last_id = 1;
	p->id = v->last_id;
	p->tries++;
	p->state = PIECE_ASKED;

	int err = v->tts ? v->tts->ops->speak(v->tts, p->id, p->text, &fault) : -TR_EENGINE;

	if (err) {
		piece_failed(v, p, err, fault.words);
		return;
	}
	v->alive_at_us = now_us(v);
	if (!v->times.asked_us)
		v->times.asked_us = v->alive_at_us;
}

static uint32_t waiting_ms(const struct voice *v)
{
	return (v->made - MIN(v->made, v->written)) * MEDIA_FRAME_MS;
}

/* A recorded piece whose turn has come: as much of it as shall wait. */
static void feed_clip(struct voice *v, struct piece *p)
{
	if (!v->times.asked_us)
		v->times.asked_us = now_us(v);
	while (p->clip_at < p->clip_n && waiting_ms(v) < AHEAD_MS) {
		size_t n = MIN(v->frame_n, p->clip_n - p->clip_at);

		if (*p->text)
			append_speech(v, p, p->clip + p->clip_at, n);
		else
			append(v, p, p->clip + p->clip_at, n);
		p->clip_at += n;
	}
	if (p->clip_at == p->clip_n)
		finish_piece(v, p);
	drain(v);
}

void voice_pump(struct voice *v)
{
	uint32_t asked = 0;

	for (uint32_t i = 0; i < v->piece_count; i++) {
		struct piece *p = &v->pieces[i];

		if (p->clip && p->state == PIECE_WAITING && !asked)
			feed_clip(v, p);
		else if (!p->clip && p->state == PIECE_WAITING && asked < ASKED_MAX && waiting_ms(v) < AHEAD_MS)
			ask(v, p);
		if (p->state == PIECE_ASKED)
			asked++;
		else if (p->state == PIECE_WAITING)
			break; /* in order: nothing overtakes it */
	}
}

static void watch_engine(struct voice *v)
{
	if (now_us(v) - v->alive_at_us < PATIENCE_US)
		return;

	bool was_asked = false;

	for (uint32_t i = 0; i < v->piece_count; i++)
		was_asked = was_asked || v->pieces[i].state == PIECE_ASKED;
	if (!was_asked)
		return;

	for (uint32_t i = 0; i < v->piece_count; i++)
		if (v->pieces[i].state == PIECE_ASKED) {
			piece_failed(v, &v->pieces[i], -TR_ETIMEDOUT, "the voice does not answer");
			break;
		}
}

/* ---- the reply ------------------------------------------------------------------------------------------------------------ */

static void drop_pieces(struct voice *v)
{
	for (uint32_t i = 0; i < v->piece_count; i++) {
		free(v->pieces[i].text);
		free(v->pieces[i].marks);
	}
	v->piece_count = 0;
	v->text_bytes = 0;
	free(v->held);
	v->held = NULL;
}

void voice_begin(struct voice *v)
{
	voice_stop(v);
	drop_pieces(v);
	if (++v->utterance == 0)
		v->utterance = 1;
	v->state = VOICE_OPEN;
	v->made = v->written = v->tail = v->sent_told = 0;
	v->is_end_told = false;
	v->times = (struct voice_times){0};
}

void voice_play_piece(struct voice *v, struct piece *p, const int16_t *pcm, size_t n)
{
	append(v, p, pcm, n);
	finish_piece(v, p);
	drain(v);
}

void voice_stop(struct voice *v)
{
	if (v->state == VOICE_IDLE)
		return;

	if (v->tts)
		v->tts->ops->cancel(v->tts);
	if (v->written)
		media_port_flush(v->p.port, v->utterance);
	v->state = VOICE_IDLE;
	v->queue_at = v->queue_n = 0;
}

static void look_at_port(struct voice *v)
{
	struct media_port_report r;

	if (v->times.rtp_us || !v->written)
		return;

	media_port_report(v->p.port, &r);
	if (r.utterance == v->utterance)
		v->times.rtp_us = r.first_at_us;
}

void voice_tick(struct voice *v)
{
	/* A reply that has not begun has its id already, and older ids are still fine until it does. */
	if (v->p.noise && (v->state == VOICE_IDLE || (!v->written && v->noise_utterance)))
		make_noise(v);
	if (v->state == VOICE_IDLE)
		return;

	watch_engine(v);
	voice_pump(v);
	drain(v);
	look_at_port(v);
	if (!is_all_made(v) || v->queue_n)
		return;

	if (v->written && !v->is_end_told) {
		v->is_end_told = true;
		media_port_end(v->p.port, v->utterance);
	}
	if (voice_frames_played(v) >= v->written)
		v->state = VOICE_IDLE;
}

bool voice_fault(struct voice *v, struct port_fault *ret_fault)
{
	if (!v->fault.err)
		return false;

	*ret_fault = v->fault;
	v->fault.err = 0;

	return true;
}

uint64_t voice_dropped_ms(const struct voice *v)
{
	return v->dropped * 1000 / v->rate_hz;
}

/* ---- life ----------------------------------------------------------------------------------------------------------------- */

int voice_open(struct voice **ret, const struct voice_params *params, struct port_fault *ret_fault)
{
	struct voice *v = calloc(1, sizeof(*v));
	int err = 0;

	if (!v)
		return -ENOMEM;

	v->p = *params;
	v->noise_seed = 1;
	v->rate_hz = (uint32_t)media_port_rate_hz(params->port);
	v->frame_n = v->rate_hz / 1000 * MEDIA_FRAME_MS;
	/* A port that had another owner goes on counting. */
	v->utterance = media_port_said(params->port);

	struct tts_params p = {
		.rate_hz = v->rate_hz,
		.voice = params->voice,
		.language = params->language,
		.cb = {on_audio, on_marks, on_done, on_error, v},
	};

	if (params->tts)
		err = params->tts->ops->open(params->tts, &p, &v->tts, ret_fault);
	if (err) {
		free(v);
		return err;
	}
	*ret = v;

	return 0;
}

struct voice *voice_close(struct voice *v)
{
	if (!v)
		return NULL;

	voice_stop(v);
	if (v->tts)
		v->tts->ops->close(v->tts);
	drop_pieces(v);
	free(v->queue);
	free(v);

	return NULL;
}
