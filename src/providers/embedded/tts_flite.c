/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/tts_flite.h"
#include <flite/flite.h>
#include <pthread.h>
#include <speex/speex_resampler.h>
#include <stdatomic.h>
#include <time.h>
#include "providers/embedded/phrase_cache.h"
#include "providers/embedded/speakable.h"

cst_voice *register_cmu_us_rms(const char *voxdir);
cst_voice *register_cmu_us_slt(const char *voxdir);

#define LANGUAGE "en-US" /* of both voices */

enum {
	NATIVE_HZ = 16000,
	CHUNK = 320,		   /* samples at NATIVE_HZ in one message: 20 ms */
	RESAMPLER_QUALITY = 5,	   /* 2.4 us per 20 ms; its stop band is below the codec's noise */
	FLITE_BUFFER = 160,	   /* samples flite collects before it calls back */
	SAMPLES_MAX = 180 * NATIVE_HZ, /* of one request; the text limit keeps well below */
};

/* Gains bring both to 20 dB below full scale while they speak, with peaks under -6 dB. */
static const struct voice_def {
	const char *name;
	cst_voice *(*load)(const char *voxdir);
	float gain;
} voice_defs[] = {
	{"rms", register_cmu_us_rms, 1.0F},
	{"slt", register_cmu_us_slt, 0.6F},
};

struct flite {
	struct tts_port port;
	struct compute *compute;
	struct phrase_cache *cache;
	struct tts_flite_stats stats;
	uint32_t session_count;
};

struct session {
	struct tts_session base;
	struct flite *flite;
	struct tts_callbacks cb;
	uint32_t rate_hz;
	const struct voice_def *def;
	cst_voice *voice;
	struct compute_lane lane;
	struct list requests;
	uint32_t request_count;
	uint32_t refs; /* the owner's and one a request */
};

/* One speak(). Lives until its job is done; messages refer to it and arrive before. */
struct request {
	struct list link;
	struct compute_job job;
	struct session *session;
	uint32_t id;
	_Atomic bool is_cancelled;
	struct phrase *phrase; /* from the cache, or what was synthesised */
	bool is_cached;
	int err;
	char *key;
	struct speakable speakable;

	/* of the worker */
	SpeexResamplerState *resampler;
	int16_t *pcm; /* all of it at the session's rate, for the cache */
	size_t count, cap, sent;
	struct phrase_mark *marks;
	size_t mark_count;
	int64_t begun_us;
	uint32_t first_audio_us, compute_us;
};

struct audio_msg {
	struct compute_msg head;
	struct request *request;
	size_t n;
	int16_t pcm[];
};

struct marks_msg {
	struct compute_msg head;
	struct request *request;
	size_t n;
	struct tts_mark marks[];
};

/* Flite registers languages and voices in globals: once a process, whoever comes first. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static cst_voice *voices[ARRAY_LEN(voice_defs)];

static void load_voices(void)
{
	flite_init();
	for (size_t i = 0; i < ARRAY_LEN(voice_defs); i++)
		voices[i] = voice_defs[i].load(NULL);
}

static int64_t thread_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- on the loop: messages and completions ---------------------------------------------------------------------------- */

static void deliver_audio(struct compute_msg *head)
{
	struct audio_msg *msg = container_of(head, struct audio_msg, head);
	struct request *req = msg->request;

	if (!atomic_load(&req->is_cancelled))
		req->session->cb.on_audio(req->session->cb.arg, req->id, msg->pcm, msg->n);
	free(msg);
}

static void deliver_marks(struct compute_msg *head)
{
	struct marks_msg *msg = container_of(head, struct marks_msg, head);
	struct request *req = msg->request;

	if (!atomic_load(&req->is_cancelled) && req->session->cb.on_marks)
		req->session->cb.on_marks(req->session->cb.arg, req->id, msg->marks, msg->n);
	free(msg);
}

static void session_unref(struct session *s)
{
	if (--s->refs)
		return;
	s->flite->session_count--;
	free(s);
}

static void request_free(struct request *req)
{
	phrase_free(req->phrase);
	free(req->pcm);
	free(req->marks);
	free(req->key);
	free(req);
}

static void count(struct flite *flite, const struct request *req)
{
	flite->stats.spoken++;
	if (req->is_cached) {
		flite->stats.cache_hits++;
		return;
	}
	flite->stats.audio_ms += req->count * 1000 / req->session->rate_hz;
	flite->stats.compute_us += req->compute_us;
	flite->stats.first_audio_us = req->first_audio_us;
}

static void request_done(struct compute_job *job)
{
	struct request *req = container_of(job, struct request, job);
	struct session *s = req->session;
	bool is_wanted = !atomic_load(&req->is_cancelled);

	list_unlink(&req->link);
	s->request_count--;
	if (!req->err && is_wanted) {
		count(s->flite, req);
		if (!req->is_cached)
			phrase_cache_put(s->flite->cache, req->key, req->phrase);
	}
	if (is_wanted && req->err)
		s->cb.on_error(s->cb.arg, req->id, req->err, "flite could not synthesise the text");
	else if (is_wanted)
		s->cb.on_done(s->cb.arg, req->id);
	request_free(req);
	session_unref(s);
}

/* ---- on a compute thread ---------------------------------------------------------------------------------------------- */

static void post_audio(struct request *req, const int16_t *pcm, size_t n)
{
	struct audio_msg *msg = mem_zalloc(sizeof(*msg) + n * sizeof(*pcm));

	msg->head.deliver = deliver_audio;
	msg->request = req;
	msg->n = n;
	memcpy(msg->pcm, pcm, n * sizeof(*pcm));
	compute_post(req->session->flite->compute, &msg->head);
}

static void post_marks(struct request *req, const struct phrase_mark *marks, size_t n)
{
	struct marks_msg *msg = mem_zalloc(sizeof(*msg) + n * sizeof(msg->marks[0]));

	msg->head.deliver = deliver_marks;
	msg->request = req;
	msg->n = n;
	for (size_t i = 0; i < n; i++)
		msg->marks[i] = (struct tts_mark){marks[i].text_end, marks[i].at};
	compute_post(req->session->flite->compute, &msg->head);
}

static void replay(struct request *req)
{
	const struct phrase *phrase = req->phrase;
	size_t chunk = req->session->rate_hz / 50;

	post_marks(req, phrase->marks, phrase->mark_count);
	for (size_t i = 0; i < phrase->count && !atomic_load(&req->is_cancelled); i += chunk)
		post_audio(req, phrase->pcm + i, MIN(chunk, phrase->count - i));
}

/*
 * Flite cuts text into tokens at white space, as speakable did, so that the n-th token is the n-th word. The time a token
 * ends is that of its last word's last sound; flite knows all of them before it makes the first sample.
 */
static void take_marks(struct request *req, const cst_utterance *utt)
{
	size_t n = 0;
	uint32_t at = 0;

	req->marks = mem_zalloc((req->speakable.word_count + 1) * sizeof(*req->marks));
	for (cst_item *t = relation_head(utt_relation(utt, "Token")); t && n < req->speakable.word_count; t = item_next(t)) {
		cst_item *word = item_last_daughter(t);

		if (word) {
			float end = ffeature_float(word, "R:SylStructure.daughtern.daughtern.R:Segment.end");

			at = MAX(at, (uint32_t)(end * (float)req->session->rate_hz));
		}

		struct phrase_mark mark = {req->speakable.source_end[n++], at};

		if (req->mark_count && req->marks[req->mark_count - 1].text_end == mark.text_end)
			req->mark_count--; /* several spoken words of one written: the last counts */
		req->marks[req->mark_count++] = mark;
	}
	post_marks(req, req->marks, req->mark_count);
}

static int16_t with_gain(int16_t sample, float gain)
{
	return (int16_t)CLAMP((float)sample * gain, -32768.0F, 32767.0F);
}

/* Appends flite's samples at the session's rate. */
static void append(struct request *req, const int16_t *pcm, size_t n)
{
	int16_t scaled[CHUNK];

	while (n) {
		size_t part = MIN(n, (size_t)CHUNK);

		if (req->count + CHUNK > req->cap) {
			req->cap = req->cap ? req->cap * 2 : NATIVE_HZ;
			req->pcm = mem_realloc(req->pcm, req->cap * sizeof(*req->pcm));
		}
		for (size_t i = 0; i < part; i++)
			scaled[i] = with_gain(pcm[i], req->session->def->gain);

		spx_uint32_t in = (spx_uint32_t)part, out = CHUNK;

		if (req->resampler) {
			speex_resampler_process_int(req->resampler, 0, scaled, &in, req->pcm + req->count, &out);
		} else {
			memcpy(req->pcm + req->count, scaled, part * sizeof(*scaled));
			out = in;
		}
		req->count += out;
		pcm += part;
		n -= part;
	}
}

static void post_ready(struct request *req, bool is_last)
{
	size_t chunk = req->session->rate_hz / 50;

	while (req->count - req->sent >= chunk || (is_last && req->sent < req->count)) {
		size_t n = MIN(chunk, req->count - req->sent);

		if (req->sent == 0)
			req->first_audio_us = (uint32_t)(clock_us() - req->begun_us);
		post_audio(req, req->pcm + req->sent, n);
		req->sent += n;
	}
}

static int on_samples(const cst_wave *wave, int start, int size, int last, cst_audio_streaming_info *asi)
{
	struct request *req = asi->userdata;

	if (atomic_load(&req->is_cancelled) || req->count > SAMPLES_MAX)
		return CST_AUDIO_STREAM_STOP;
	if (!req->marks)
		take_marks(req, asi->utt);
	append(req, wave->samples + start, (size_t)MAX(size, 0));
	post_ready(req, false);

	return CST_AUDIO_STREAM_CONT;
}

/* The streaming callback is set on the utterance, not on the voice as flite's own helper does: voices are shared. */
static int synthesise(struct request *req)
{
	cst_utterance *utt = new_utterance();
	cst_audio_streaming_info *asi = new_audio_streaming_info();

	utt_set_input_text(utt, req->speakable.text);
	utt_init(utt, req->session->voice);
	asi->min_buffsize = FLITE_BUFFER;
	asi->asc = on_samples;
	asi->userdata = req;
	feat_set(utt->features, "streaming_info", audio_streaming_info_val(asi)); /* owns asi */

	int err = utt_synth(utt) || atomic_load(&req->is_cancelled) ? 0 : -TR_EENGINE;

	delete_utterance(utt);

	return err;
}

static void run(struct compute_job *job)
{
	struct request *req = container_of(job, struct request, job);

	if (atomic_load(&req->is_cancelled))
		return;
	if (req->is_cached) {
		replay(req);
		return;
	}

	int64_t cpu = thread_cpu_us();

	req->begun_us = clock_us();
	if (req->session->rate_hz != NATIVE_HZ)
		req->resampler = speex_resampler_init(1, NATIVE_HZ, req->session->rate_hz, RESAMPLER_QUALITY, NULL);
	if (req->resampler)
		speex_resampler_skip_zeros(req->resampler);
	if (req->speakable.word_count)
		req->err = synthesise(req);
	if (!atomic_load(&req->is_cancelled)) {
		post_ready(req, true);
		req->phrase = phrase_new(req->pcm, req->count, req->marks, req->mark_count);
	}
	if (req->resampler)
		speex_resampler_destroy(req->resampler);
	req->compute_us = (uint32_t)(thread_cpu_us() - cpu);
}

/* ---- the port --------------------------------------------------------------------------------------------------------- */

static int find_voice(const char *name, size_t *ret_index, struct port_fault *ret_fault)
{
	for (size_t i = 0; i < ARRAY_LEN(voice_defs); i++)
		if (!name || strcmp(name, voice_defs[i].name) == 0) {
			*ret_index = i;
			return 0;
		}

	return port_fail(ret_fault, -TR_ENOTFOUND, "no voice \"%s\"; the embedded voices are rms and slt", name);
}

static int flite_open(struct tts_port *port, const struct tts_params *params, struct tts_session **ret,
	struct port_fault *ret_fault)
{
	struct flite *flite = container_of(port, struct flite, port);
	size_t voice = 0;
	int err = find_voice(params->voice, &voice, ret_fault);

	if (err)
		return err;
	if (params->language && strncasecmp(params->language, "en", 2) != 0)
		return port_fail(ret_fault, -TR_EUNSUPP, "the embedded voices speak English, not \"%s\"",
			params->language);
	if (params->rate_hz != 8000 && params->rate_hz != 16000)
		return port_fail(ret_fault, -TR_EUNSUPP, "%u Hz is neither 8000 nor 16000", params->rate_hz);

	struct session *s = mem_zalloc(sizeof(*s));

	s->base.ops = port->ops;
	s->flite = flite;
	s->cb = params->cb;
	s->rate_hz = params->rate_hz;
	s->def = &voice_defs[voice];
	s->voice = voices[voice];
	s->refs = 1;
	compute_lane_init(&s->lane, flite->compute);
	/* A sentence takes 40 ms, a decoding that was begun before it for somebody else many times that: no gap inside a reply. */
	s->lane.is_urgent = true;
	list_init(&s->requests);
	flite->session_count++;
	*ret = &s->base;

	return 0;
}

static void flite_cancel(struct tts_session *base)
{
	struct session *s = container_of(base, struct session, base);

	list_each(&s->requests, struct request, link, req)
		atomic_store(&req->is_cancelled, true);
}

static void flite_close(struct tts_session *base)
{
	flite_cancel(base);
	session_unref(container_of(base, struct session, base));
}

static int flite_speak(struct tts_session *base, uint32_t id, const char *text, struct port_fault *ret_fault)
{
	struct session *s = container_of(base, struct session, base);

	if (s->request_count >= LIMIT_TTS_QUEUE)
		return port_fail(ret_fault, -TR_ELIMIT, "%u sentences of this call wait to be spoken already",
			s->request_count);

	struct request *req = mem_zalloc(sizeof(*req));
	int err = speakable_make(text, LANGUAGE, &req->speakable);

	if (err) {
		request_free(req);
		return port_fail(ret_fault, err, "the text is longer than can be spoken at once");
	}
	req->id = id;
	req->session = s;
	req->job.run = run;
	req->job.done = request_done;
	/* Keyed by the source, since marks point into it. */
	req->key = mem_format("%s %u %s", s->def->name, s->rate_hz, text);
	req->phrase = phrase_cache_get(s->flite->cache, req->key);
	req->is_cached = req->phrase;

	err = compute_submit(&s->lane, &req->job);
	if (err) {
		request_free(req);
		return port_fail(ret_fault, err, "the speech engines are busy: %d jobs wait", LIMIT_COMPUTE_QUEUE);
	}
	list_append(&s->requests, &req->link);
	s->request_count++;
	s->refs++;

	return 0;
}

static const struct tts_ops ops = {
	.open = flite_open,
	.close = flite_close,
	.speak = flite_speak,
	.cancel = flite_cancel,
};

int tts_flite_new(struct tts_port **ret, struct compute *compute, struct port_fault *ret_fault)
{
	msec_t begun = clock_ms();

	pthread_once(&once, load_voices);
	for (size_t i = 0; i < ARRAY_LEN(voices); i++) {
		/* A first word pages the voice in, so that the first caller does not wait for the disk. */
		cst_wave *wave = voices[i] ? flite_text_to_wave("yes", voices[i]) : NULL;

		if (!wave)
			return port_fail(ret_fault, -TR_EENGINE, "flite has no voice \"%s\"", voice_defs[i].name);
		delete_wave(wave);
	}

	struct flite *flite = mem_zalloc(sizeof(*flite));

	flite->port = (struct tts_port){&ops, "embedded"};
	flite->compute = compute;
	flite->cache = phrase_cache_new(LIMIT_TTS_CACHE_BYTES);
	flite->stats.load_ms = (uint32_t)(clock_ms() - begun);
	*ret = &flite->port;

	return 0;
}

struct tts_port *tts_flite_free(struct tts_port *port)
{
	if (!port)
		return NULL;

	struct flite *flite = container_of(port, struct flite, port);

	assert(flite->session_count == 0);
	phrase_cache_free(flite->cache);
	free(flite);

	return NULL;
}

struct tts_flite_stats tts_flite_stats(struct tts_port *port)
{
	return container_of(port, struct flite, port)->stats;
}
