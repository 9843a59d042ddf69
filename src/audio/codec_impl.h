/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "audio/codec.h"
#include "audio/plc.h"

/* What stands behind codec.h; for codec*.c only. */
struct codec_ops {
	/* Fills c->state or what it needs; 0 or negative. done accepts what a failed init left.
	 * NULL: no state. */
	int (*init)(struct codec *c, const struct codec_params *params);
	void (*done)(struct codec *c);
	void (*reset_decoder)(struct codec *c);

	/* Samples at the codec's natural rate, or negative. */
	int (*payload_samples)(const uint8_t *payload, size_t n);

	/* payload is not empty and cap is enough for payload_samples. */
	int (*decode)(struct codec *c, const uint8_t *payload, size_t n, int16_t *ret_pcm, int cap);
	int (*encode)(struct codec *c, const int16_t *pcm, int n, uint8_t *ret_payload, size_t cap);

	/* NULL: plc.h does it, over what decode gives. */
	void (*conceal)(struct codec *c, int16_t *ret_pcm, int n);
	void (*recover)(
		struct codec *c, const uint8_t *next, size_t next_n, int16_t *ret_pcm, int n);
	void (*set_loss)(struct codec *c, int percent);
};

struct codec {
	enum codec_id id;
	int rate_hz;
	const struct codec_ops *ops;
	void *encoder, *decoder; /* the library's; NULL where none is needed */
	struct plc plc;          /* idle where the codec conceals by itself */
};

extern const struct codec_ops codec_pcmu_ops, codec_pcma_ops, codec_l16_ops, codec_g722_ops,
	codec_opus_ops;
