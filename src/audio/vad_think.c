/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/vad_net.h"
#include "audio/vad_weights.h"

/*
 * The net: a layer of rectified units on the features, a gated recurrent layer (GRU; its reset gate acts on the product with
 * the memory, so that one product serves all three gates), and one unit that says how likely speech is.
 *
 *	a = relu(W x + b)
 *	r, u = sigmoid(A a + B h + c)     n = tanh(A' a + c' + r (B' h + d))     h = n + u (h - n)
 *	p = sigmoid(v a + w h + e)
 */
#define LANES 16 /* outputs summed side by side */

_Static_assert(VAD_UNITS % LANES == 0 && VAD_INNER % LANES == 0, "layers are whole blocks");
_Static_assert(VAD_UNITS % 2 == 0 && VAD_INNER % 2 == 0 && VAD_FEATURES % 2 == 0, "rows come in pairs");

/* GCC's and clang's vectors, for they keep sums in registers where loops over arrays were made into shuffles: half the time. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

/* ret += x times a matrix that is stored as blocks of LANES columns. Even and odd rows have sums of their own: one addition
 * need not wait for the one before. */
static inline void add_product(int blocks, const float *restrict w, const float *restrict x, int n, float *restrict ret)
{
	for (int b = 0; b < blocks; b++, ret += LANES) {
		four *to = (four *)ret, even[4] = {to[0], to[1], to[2], to[3]}, odd[4] = {0};

		for (int k = 0; k < n; k += 2, w += 2 * LANES) {
			const four *row = (const four *)w;

			for (int i = 0; i < 4; i++) {
				even[i] += row[i] * x[k];
				odd[i] += row[4 + i] * x[k + 1];
			}
		}
		for (int i = 0; i < 4; i++)
			to[i] = even[i] + odd[i];
	}
}

/* 2^x within 1e-6 of its value, for |x| < 120. */
static inline float quick_exp2(float x)
{
	float whole = (float)(int32_t)(x + 128.5f) - 128.0f, f = x - whole;
	union {
		int32_t i;
		float f;
	} u = {.i = ((int32_t)whole + 127) << 23};

	return u.f * (1 + f * (0.6931472f + f * (0.2402265f + f * (0.0555041f + f * (0.0096181f + f * 0.0013333f)))));
}

static inline float sigmoid(float x)
{
	return 1 / (1 + quick_exp2(CLAMP(x, -40.0f, 40.0f) * -1.442695f));
}

float vad_think(struct vad_net *v, const float features[VAD_FEATURES])
{
	float inner[VAD_INNER], from_inner[3 * VAD_UNITS], from_memory[3 * VAD_UNITS], out = vad_out_bias;

	memcpy(inner, vad_inner_bias, sizeof(inner));
	add_product(VAD_INNER / LANES, vad_inner_weights, features, VAD_FEATURES, inner);
	for (int i = 0; i < VAD_INNER; i++)
		inner[i] = MAX(inner[i], 0.0f);

	memcpy(from_inner, vad_gate_bias, sizeof(from_inner));
	add_product(3 * VAD_UNITS / LANES, vad_gate_weights, inner, VAD_INNER, from_inner);
	memcpy(from_memory, vad_memory_bias, sizeof(from_memory));
	add_product(3 * VAD_UNITS / LANES, vad_memory_weights, v->memory, VAD_UNITS, from_memory);

	for (int i = 0; i < VAD_UNITS; i++) {
		float reset = sigmoid(from_inner[i] + from_memory[i]);
		float keep = sigmoid(from_inner[VAD_UNITS + i] + from_memory[VAD_UNITS + i]);
		float fresh = from_inner[2 * VAD_UNITS + i] + reset * from_memory[2 * VAD_UNITS + i];

		fresh = 2 * sigmoid(2 * fresh) - 1; /* tanh */
		v->memory[i] = fresh + keep * (v->memory[i] - fresh);
	}
	for (int i = 0; i < VAD_INNER; i++)
		out += vad_out_inner[i] * inner[i];
	for (int i = 0; i < VAD_UNITS; i++)
		out += vad_out_memory[i] * v->memory[i];

	return sigmoid(out);
}
