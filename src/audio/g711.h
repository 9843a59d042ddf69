/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * ITU-T G.711, whole frames, bit-exact with the reference of ITU-T G.191. PCM is 16 bits; the law's
 * 14 (mu) or 13 (A) bits are its upper ones. Pure, no state; any thread. Buffers must not overlap.
 */
void g711_ulaw_encode(uint8_t *ret_code, const int16_t *pcm, size_t n);
void g711_ulaw_decode(int16_t *ret_pcm, const uint8_t *code, size_t n);
void g711_alaw_encode(uint8_t *ret_code, const int16_t *pcm, size_t n);
void g711_alaw_decode(int16_t *ret_pcm, const uint8_t *code, size_t n);

#define G711_ULAW_SILENCE 0xff
#define G711_ALAW_SILENCE 0xd5
