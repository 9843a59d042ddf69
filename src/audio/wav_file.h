/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "audio/wav.h"
#include "base/base.h"

/*
 * WAV files: blocking I/O, so for set-up and compute threads only, never for media or signalling
 * threads.
 */

/* A whole file in memory as mono PCM at its own rate. pcm is owned by this; wav_clip_done frees it.
 */
struct wav_clip {
	int16_t *pcm;
	size_t n;
	int rate_hz;
};

/*
 * -errno of the file, or wav_parse's, -TR_ETOOBIG beyond LIMIT_WAV_BYTES. ret_why (may be NULL)
 * gets a text with path and offset for people.
 */
nodiscard int wav_clip_load(struct wav_clip *ret, const char *path, char *ret_why, size_t why_n);
void wav_clip_done(struct wav_clip *clip);

nodiscard int wav_clip_save(const char *path, const int16_t *pcm, size_t n, int rate_hz);

/*
 * Stereo recorder: left is the caller, right the agent. Each side is put with the frame index it
 * belongs to, in order; the sides may run apart by WAV_REC_WINDOW_MS, then the slower one is taken
 * as silent. What is put twice or too late is dropped and counted. The file is written as
 * PATH.part, its header patched every second, and renamed at close: what stands under PATH is
 * always whole, and a .part left by a crash is playable up to its last second (wav_rec_recover
 * makes it whole).
 */
#define WAV_REC_WINDOW_MS 2000

enum wav_side { WAV_LEFT, WAV_RIGHT };

struct wav_rec;

nodiscard int wav_rec_open(const char *path, int rate_hz, struct wav_rec **ret);

/* at counts samples from the recording's start. 0 or the first I/O error, which is kept: later puts
 * are not written, until wav_rec_retry. */
int wav_rec_put(struct wav_rec *rec, enum wav_side side, uint64_t at, const int16_t *pcm, int n);

/* After an error: goes on writing, what was put in between stays silent. A full disk may have room
 * again. */
void wav_rec_retry(struct wav_rec *rec);

/* Samples not written: too late, for the second time, an hour and more ahead, or beyond what a WAV
 * can hold. */
uint64_t wav_rec_dropped(const struct wav_rec *rec);

/* Flushes both sides to the later one's end, syncs, renames and frees. What a full disk does not
 * take any more is missing at the end (*ret_is_cut, may be NULL); the file is whole nevertheless. 0
 * or the error that left only PATH.part. */
int wav_rec_close(struct wav_rec *rec, bool *ret_is_cut);

/* As close, but the recording is not wanted: removes PATH.part. */
void wav_rec_discard(struct wav_rec *rec);

/* PATH.part of a process that died: header from its length, rename. -ENOENT if there is none, -EBUSY
 * if it is being written. */
nodiscard int wav_rec_recover(const char *path);
