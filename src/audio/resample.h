/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Sample rate conversion of one continuous stream, state kept across calls. 8 <-> 16 kHz by our own
 * half-band filter, the others (anything between 8, 16, 24, 32, 44.1 and 48 kHz) by speexdsp.
 * Memory is fixed after resample_new.
 */
struct resample;

/* Equal rates give a plain copy. -EINVAL for rates outside 8000..48000 Hz, -ENOMEM. */
nodiscard int resample_new(int in_hz, int out_hz, struct resample **ret);
struct resample *resample_free(struct resample *r);

/* Most samples n input samples can give. */
int resample_max_out(const struct resample *r, int n);

/*
 * Converts all of in and returns the samples written; ret_out has room for resample_max_out(r, n).
 * Frames that are whole in both rates (10, 20 ms ...) give exactly n * out_hz / in_hz each time.
 */
int resample_run(struct resample *r, const int16_t *in, int n, int16_t *ret_out);

/* Delay in output samples (constant). */
int resample_delay(const struct resample *r);

/* Forgets the past: a new stream starts. */
void resample_reset(struct resample *r);
