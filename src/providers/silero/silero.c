/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/silero/silero.h"
#include "providers/silero/onnx.h"
#include <math.h>
#include <unistd.h>

/*
 * The model takes windows of 32 ms, each with the last 4 ms of the one before it in front, and a state that it hands back
 * changed. Frames of 20 ms are gathered into windows; between two the last verdict stands.
 */
#define WINDOW_MS 32
#define PAST_MS	  4
#define MAX_WIDTH ((WINDOW_MS + PAST_MS) * 16)
#define STATE_N	  256

struct silero {
	struct vad_port port;
	struct onnx *onnx;
};

struct stream {
	struct vad_stream base;
	struct silero *silero;
	uint32_t past_n, width, filled; /* samples of the past, of past and window, and what is there */
	uint8_t speech;
	float pcm[MAX_WIDTH];
	float state[2][STATE_N]; /* the model reads one and writes the other */
	int now;		 /* which one it reads next */
	float verdict;
	int64_t rate_hz;
	struct onnx_value *in_pcm, *in_state[2], *in_rate, *out_verdict;
};

static const char *const in_names[] = {"input", "state", "sr"};
static const char *const out_names[] = {"output", "stateN"};

static int run(struct stream *s, struct port_fault *ret_fault)
{
	struct onnx_value *in[] = {s->in_pcm, s->in_state[s->now], s->in_rate};
	struct onnx_value *out[] = {s->out_verdict, s->in_state[!s->now]};
	int err = onnx_run(s->silero->onnx, &(struct onnx_binding){in_names, in, 3}, &(struct onnx_binding){out_names, out, 2}, ret_fault);

	if (err)
		return err;
	s->now = !s->now;
	s->speech = (uint8_t)lrintf(255 * CLAMP(s->verdict, 0.0f, 1.0f));

	return 0;
}

/* A runtime that fails has said yes at open to the same model and shapes: then nothing is heard of the caller's voice any more,
 * and the pipeline is better served by the detector it had. */
static int frame(struct vad_stream *stream, const int16_t *pcm, size_t n, uint8_t *ret_speech)
{
	struct stream *s = container_of(stream, struct stream, base);

	for (size_t i = 0; i < n; i++) {
		s->pcm[s->filled++] = (float)pcm[i] * (1.0f / 32768);
		if (s->filled < s->width)
			continue;

		int err = run(s, NULL);

		if (err)
			return err;
		memmove(s->pcm, s->pcm + s->width - s->past_n, s->past_n * sizeof(*s->pcm));
		s->filled = s->past_n;
	}
	*ret_speech = s->speech;

	return 0;
}

static void close_stream(struct vad_stream *stream)
{
	struct stream *s = container_of(stream, struct stream, base);
	struct onnx_value *all[] = {s->in_pcm, s->in_state[0], s->in_state[1], s->in_rate, s->out_verdict};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		onnx_value_free(s->silero->onnx, all[i]);
	free(s);
}

/* Tensors over the stream's own memory, made once: a run allocates nothing of ours. */
static int make_values(struct stream *s, struct port_fault *ret_fault)
{
	const struct {
		struct onnx_tensor tensor;
		struct onnx_value **ret;
	} all[] = {
		{{ONNX_FLOAT, s->pcm, s->width * sizeof(float), {1, s->width}, 2}, &s->in_pcm},
		{{ONNX_FLOAT, s->state[0], sizeof(s->state[0]), {2, 1, STATE_N / 2}, 3}, &s->in_state[0]},
		{{ONNX_FLOAT, s->state[1], sizeof(s->state[1]), {2, 1, STATE_N / 2}, 3}, &s->in_state[1]},
		{{ONNX_INT64, &s->rate_hz, sizeof(s->rate_hz), {1}, 1}, &s->in_rate},
		{{ONNX_FLOAT, &s->verdict, sizeof(s->verdict), {1, 1}, 2}, &s->out_verdict},
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(all) && !err; i++)
		err = onnx_value_new(s->silero->onnx, &all[i].tensor, all[i].ret, ret_fault);

	return err;
}

static int open_stream(struct vad_port *port, uint32_t rate_hz, struct vad_stream **ret, struct port_fault *ret_fault)
{
	struct silero *silero = container_of(port, struct silero, port);
	struct stream *s;
	int err;

	if (rate_hz != 8000 && rate_hz != 16000)
		return port_fail(ret_fault, -TR_EUNSUPP, "silero hears 8 and 16 kHz, not %u", rate_hz);

	s = mem_zalloc(sizeof(*s));
	s->base.ops = port->ops;
	s->silero = silero;
	s->rate_hz = rate_hz;
	s->past_n = s->filled = rate_hz / 1000 * PAST_MS;
	s->width = rate_hz / 1000 * (PAST_MS + WINDOW_MS);
	err = make_values(s, ret_fault);
	if (!err)
		err = run(s, ret_fault); /* on silence: whether this model and we understand each other shows here */
	if (err) {
		close_stream(&s->base);
		return err;
	}
	memset(s->state, 0, sizeof(s->state));
	*ret = &s->base;

	return 0;
}

static const struct vad_ops ops = {.open = open_stream, .close = close_stream, .frame = frame};

/* The remedy belongs to the message: the reader configured "vad: silero" and wants it to work. */
static int open_in(const char *dir, struct onnx **ret, struct port_fault *ret_fault)
{
	char library[300], model[300];
	struct port_fault fault = {0};

	snprintf(library, sizeof(library), "%s/libonnxruntime.so", dir);
	snprintf(model, sizeof(model), "%s/silero_vad.onnx", dir);

	int err = onnx_open(library, model, ret, &fault);

	return err ? port_fail(ret_fault, err, "vad: silero: %.100s; run scripts/install-silero", fault.words) : 0;
}

/* Where install-silero puts things: the first folder that is there, the last one otherwise. */
static void find_dir(const char *dir, char *ret, size_t cap)
{
	const char *env = getenv("TIPRING_SILERO"), *home = getenv("HOME");

	if (dir || (env && *env)) {
		snprintf(ret, cap, "%s", dir ? dir : env);
		return;
	}
	snprintf(ret, cap, "%s/.local/share/tipring/silero", home ? home : "");
	if (!home || access(ret, R_OK) != 0)
		snprintf(ret, cap, "/var/lib/tipring/silero");
}

int silero_new(struct vad_port **ret, const struct silero_params *params, struct port_fault *ret_fault)
{
	char dir[256];
	struct silero *s = mem_zalloc(sizeof(*s));
	int err;

	find_dir(params->dir, dir, sizeof(dir));
	s->port = (struct vad_port){.ops = &ops, .name = "silero"};
	err = open_in(dir, &s->onnx, ret_fault);
	if (err) {
		free(s);
		return err;
	}
	*ret = &s->port;

	return 0;
}

struct vad_port *silero_free(struct vad_port *port)
{
	if (!port)
		return NULL;

	struct silero *s = container_of(port, struct silero, port);

	onnx_close(s->onnx);
	free(s);

	return NULL;
}
