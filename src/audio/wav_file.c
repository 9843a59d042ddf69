/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/wav_file.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Like pread and pwrite, but all of it or an error. */
static int read_all(int fd, void *ret, size_t n, off_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, (char *)ret + done, n - done, at + (off_t)done);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return -TR_EPARSE; /* shorter than its size said */
		done += got > 0 ? (size_t)got : 0;
	}

	return 0;
}

static int write_all(int fd, const void *bytes, size_t n, off_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = pwrite(fd, (const char *)bytes + done, n - done, at + (off_t)done);

		if (put < 0 && errno != EINTR)
			return -errno;
		done += put > 0 ? (size_t)put : 0;
	}

	return 0;
}

static int why(char *ret_why, size_t n, int err, const char *path, const char *what)
{
	if (ret_why && buf_format(ret_why, n, "%s: %s", path, what) != 0)
		return err; /* cut, but terminated */

	return err;
}

/* The bytes of a file in *ret, which the caller frees. */
static int slurp(const char *path, uint8_t **ret, size_t *ret_n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if ((uint64_t)st.st_size > LIMIT_WAV_BYTES)
		err = -TR_ETOOBIG;

	uint8_t *bytes = err ? NULL : malloc((size_t)st.st_size + 1);

	if (!err && !bytes)
		err = -ENOMEM;
	if (!err)
		err = read_all(fd, bytes, (size_t)st.st_size, 0);
	close(fd);
	if (err) {
		free(bytes);
		return err;
	}
	*ret = bytes;
	*ret_n = (size_t)st.st_size;

	return 0;
}

int wav_clip_load(struct wav_clip *ret, const char *path, char *ret_why, size_t why_n)
{
	auto_free uint8_t *bytes = NULL;
	struct wav_error place = {0};
	struct wav_info info;
	size_t n = 0;
	int err = slurp(path, &bytes, &n);

	if (err)
		return why(ret_why, why_n, err, path, err_text(err));
	err = wav_parse(bytes, n, &info, &place);
	if (err) {
		if (ret_why && buf_format(ret_why, why_n, "%s: at byte %zu: %s", path, place.at,
				       place.what) != 0)
			return err;
		return err;
	}

	int16_t *pcm = malloc(MAX(info.frames, 1u) * sizeof(*pcm));

	if (!pcm)
		return why(ret_why, why_n, -ENOMEM, path, err_text(-ENOMEM));
	/* LIMIT_WAV_BYTES keeps the count within an int. */
	*ret = (struct wav_clip){
		.pcm = pcm,
		.n = (size_t)wav_read(&info, bytes, 0, WAV_MIX, pcm, (int)info.frames),
		.rate_hz = info.rate_hz,
	};

	return 0;
}

void wav_clip_done(struct wav_clip *clip)
{
	free(clip->pcm);
	*clip = (struct wav_clip){0};
}

/* Makes what stands in fd durable under its final name. Closes fd. */
static int publish(int fd, const char *part, const char *path)
{
	int err = fsync(fd) < 0 ? -errno : 0;

	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(part, path) < 0)
		err = -errno;

	return err;
}

/* Samples as the file has them; hosts of other byte orders are not ours, but this costs nothing. */
static void to_le(const int16_t *pcm, size_t n, uint8_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = (uint8_t)pcm[i];
		ret[2 * i + 1] = (uint8_t)((uint16_t)pcm[i] >> 8);
	}
}

int wav_clip_save(const char *path, const int16_t *pcm, size_t n, int rate_hz)
{
	auto_free char *part = mem_format("%s.part", path);
	auto_free uint8_t *bytes = malloc(WAV_HEADER_BYTES + 2 * n);
	int fd, err;

	if (!bytes)
		return -ENOMEM;
	wav_header(bytes, rate_hz, 1, n);
	to_le(pcm, n, bytes + WAV_HEADER_BYTES);

	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	err = write_all(fd, bytes, WAV_HEADER_BYTES + 2 * n, 0);
	if (err) {
		close(fd);
		unlink(part);
		return err;
	}

	return publish(fd, part, path);
}

#define SIDES       2
#define FRAME_BYTES (2 * SIDES)
#define MAX_JUMP_S  3600 /* a later frame than this after the last is a fault, not a pause */
#define MAX_FRAMES  ((UINT32_MAX - WAV_HEADER_BYTES) / FRAME_BYTES) /* 18 hours at 16 kHz */

struct wav_rec {
	int fd;
	int rate_hz;
	int err; /* the first one; nothing is written after it */
	char *path, *part;
	int16_t *window; /* interleaved; slot of frame f is f % window_n; zero where nothing was put
			  */
	uint64_t window_n;
	uint64_t base;       /* frames before it are in the file */
	uint64_t end[SIDES]; /* behind the last frame put on that side */
	uint64_t patched;    /* base when the header was last right */
	uint64_t dropped;
};

static struct wav_rec *rec_free(struct wav_rec *rec)
{
	if (rec->fd >= 0)
		close(rec->fd);
	free(rec->window);
	free(rec->path);
	free(rec->part);
	free(rec);

	return NULL;
}

static int patch_header(struct wav_rec *rec)
{
	uint8_t header[WAV_HEADER_BYTES];

	wav_header(header, rec->rate_hz, SIDES, rec->base);
	rec->patched = rec->base;

	return write_all(rec->fd, header, sizeof(header), 0);
}

int wav_rec_open(const char *path, int rate_hz, struct wav_rec **ret)
{
	struct wav_rec *rec = mem_zalloc(sizeof(*rec));

	rec->rate_hz = rate_hz;
	rec->path = mem_strdup(path);
	rec->part = mem_format("%s.part", path);
	rec->window_n = (uint64_t)rate_hz * WAV_REC_WINDOW_MS / 1000;
	rec->window = mem_zalloc(rec->window_n * FRAME_BYTES);
	rec->fd = open(rec->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		0640); /* voices: not for everybody */

	int err = rec->fd < 0 ? -errno : patch_header(rec);

	/* For wav_rec_recover: it goes with the process. Where a file system knows no locks, only that is missing. */
	if (!err && flock(rec->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		err = -EBUSY;

	if (err) {
		if (rec->fd >= 0)
			unlink(rec->part);
		rec_free(rec);
		return err;
	}
	*ret = rec;

	return 0;
}

/* Writes the window's frames up to `upto` and clears their slots. */
static int flush(struct wav_rec *rec, uint64_t upto)
{
	uint8_t bytes[512 * FRAME_BYTES];

	while (rec->base < upto && !rec->err) {
		uint64_t slot = rec->base % rec->window_n;
		uint64_t n = MIN(
			MIN(upto - rec->base, rec->window_n - slot), sizeof(bytes) / FRAME_BYTES);
		int16_t *from = rec->window + slot * SIDES;

		to_le(from, n * SIDES, bytes);
		memset(from, 0, n * FRAME_BYTES);
		rec->err = write_all(rec->fd, bytes, n * FRAME_BYTES,
			(off_t)(WAV_HEADER_BYTES + rec->base * FRAME_BYTES));
		rec->base += n;
	}
	if (!rec->err && rec->base - rec->patched >= (uint64_t)rec->rate_hz)
		rec->err = patch_header(rec);

	return rec->err;
}

/* Puts samples that are neither late nor double; room for them is made by taking the slower side as
 * silent. */
static void place(
	struct wav_rec *rec, enum wav_side side, uint64_t at, const int16_t *pcm, uint64_t n)
{
	while (n && !rec->err) {
		uint64_t m = MIN(n, rec->window_n / 2);

		if (at + m > rec->base + rec->window_n && flush(rec, at + m - rec->window_n))
			return;
		for (uint64_t i = 0; i < m; i++)
			rec->window[(at + i) % rec->window_n * SIDES + side] = pcm[i];
		rec->end[side] = at + m;
		at += m;
		pcm += m;
		n -= m;
	}
}

int wav_rec_put(struct wav_rec *rec, enum wav_side side, uint64_t at, const int16_t *pcm, int n)
{
	uint64_t from = MAX(rec->end[side], rec->base), count = (uint64_t)MAX(n, 0);
	uint64_t last = MAX(rec->end[WAV_LEFT], rec->end[WAV_RIGHT]);

	if (at >= MAX_FRAMES || count > MAX_FRAMES - at ||
		at > last + MAX_JUMP_S * (uint64_t)rec->rate_hz) {
		rec->dropped += count;
		return 0;
	}
	if (at < from) {
		uint64_t late = MIN(from - at, count);

		rec->dropped += late;
		at += late;
		pcm += late;
		count -= late;
	}
	if (rec->err) {
		rec->end[side] = at + count;
		return rec->err;
	}
	place(rec, side, at, pcm, count);

	/* A quarter of a second at a time, once both sides are there. */
	uint64_t both = MIN(rec->end[WAV_LEFT], rec->end[WAV_RIGHT]);

	return both > rec->base + (uint64_t)rec->rate_hz / 4 ? flush(rec, both) : rec->err;
}

void wav_rec_retry(struct wav_rec *rec)
{
	rec->err = 0;
}

uint64_t wav_rec_dropped(const struct wav_rec *rec)
{
	return rec->dropped;
}

/* The header says what the file holds; it has its room already when the disk is full. */
static int finish(struct wav_rec *rec, bool is_cut)
{
	struct stat st;

	if (is_cut && fstat(rec->fd, &st) < 0)
		return -errno;
	if (is_cut)
		rec->base = ((uint64_t)st.st_size - WAV_HEADER_BYTES) / FRAME_BYTES;

	return patch_header(rec);
}

int wav_rec_close(struct wav_rec *rec, bool *ret_is_cut)
{
	bool is_cut = flush(rec, MAX(rec->end[WAV_LEFT], rec->end[WAV_RIGHT])) != 0;
	int err = finish(rec, is_cut);

	if (ret_is_cut)
		*ret_is_cut = is_cut;
	if (!err) {
		err = publish(rec->fd, rec->part, rec->path);
		rec->fd = -1;
	}
	rec_free(rec);

	return err;
}

void wav_rec_discard(struct wav_rec *rec)
{
	unlink(rec->part);
	rec_free(rec);
}

int wav_rec_recover(const char *path)
{
	auto_free char *part = mem_format("%s.part", path);
	int fd = open(part, O_RDWR | O_CLOEXEC), err;
	uint8_t header[WAV_HEADER_BYTES];
	struct wav_info info;
	struct stat st;

	if (fd < 0)
		return -errno;
	err = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK ? -EBUSY : 0;
	if (!err)
		err = fstat(fd, &st) < 0 ? -errno : read_all(fd, header, sizeof(header), 0);
	if (!err)
		err = wav_parse(header, sizeof(header), &info, NULL);
	if (!err && info.data_at != WAV_HEADER_BYTES)
		err = -TR_EPARSE; /* not one of ours */
	if (!err) {
		uint64_t frames =
			((uint64_t)st.st_size - WAV_HEADER_BYTES) / (uint64_t)info.frame_bytes;

		wav_header(header, info.rate_hz, info.channels, frames);
		err = write_all(fd, header, sizeof(header), 0);
	}
	if (err) {
		close(fd);
		return err;
	}

	return publish(fd, part, path);
}
