/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "audio/g711.h"
#include "audio/testsig.h"
#include "audio/wav_file.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct bytes {
	uint8_t p[4096];
	size_t n;
};

static void put(struct bytes *b, const void *p, size_t n)
{
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void put_le(struct bytes *b, uint32_t v, int width)
{
	for (int i = 0; i < width; i++)
		b->p[b->n++] = (uint8_t)(v >> (8 * i));
}

static void put_fmt(struct bytes *b, unsigned int coding, unsigned int channels, uint32_t rate,
	unsigned int bits)
{
	put(b, "fmt ", 4);
	put_le(b, 16, 4);
	put_le(b, coding, 2);
	put_le(b, channels, 2);
	put_le(b, rate, 4);
	put_le(b, rate * channels * bits / 8, 4);
	put_le(b, channels * bits / 8, 2);
	put_le(b, bits, 2);
}

static struct bytes riff(void)
{
	struct bytes b = {0};

	put(&b, "RIFF", 4);
	put_le(&b, 1000, 4);
	put(&b, "WAVE", 4);

	return b;
}

static void put_data(struct bytes *b, uint32_t said, const void *p, size_t n)
{
	put(b, "data", 4);
	put_le(b, said, 4);
	put(b, p, n);
}

static void codings_and_channels_are_read(void **state)
{
	static const int16_t pcm[4] = {1, -2, 300, -400};
	struct wav_info info;
	int16_t out[8];

	struct bytes b = riff();
	put_fmt(&b, 1, 2, 16000, 16);
	put_data(&b, 8, pcm, 8);
	assert_int_equal(wav_parse(b.p, b.n, &info, NULL), 0);
	assert_int_equal(info.rate_hz, 16000);
	assert_int_equal(info.frames, 2);
	assert_int_equal(wav_read(&info, b.p, 0, 0, out, 8), 2);
	assert_int_equal(out[1], 300);
	assert_int_equal(wav_read(&info, b.p, 1, 1, out, 8), 1);
	assert_int_equal(out[0], -400);
	assert_int_equal(wav_read(&info, b.p, 1, WAV_MIX, out, 8), 1);
	assert_int_equal(out[0], -50);
	assert_int_equal(wav_read(&info, b.p, 2, 0, out, 8), 0);
	assert_int_equal(wav_read(&info, b.p, SIZE_MAX, 0, out, 8), 0);

	static const uint8_t codes[3] = {0x80, 0x00, 0xff};
	for (unsigned int coding = 6; coding <= 7; coding++) {
		int16_t expected[3];

		b = riff();
		put_fmt(&b, coding, 1, 8000, 8);
		put_data(&b, 3, codes, 3);
		(coding == 6 ? g711_alaw_decode : g711_ulaw_decode)(expected, codes, 3);
		assert_int_equal(wav_parse(b.p, b.n, &info, NULL), 0);
		assert_int_equal(wav_read(&info, b.p, 0, 0, out, 8), 3);
		assert_memory_equal(out, expected, sizeof(expected));
	}
}

static void unknown_chunks_and_wrong_lengths_are_tolerated(void **state)
{
	static const int16_t pcm[4] = {1, 2, 3, 4};
	static const uint32_t lies[] = {8, 0xffffffff, 100000, 9};
	struct wav_info info;

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		struct bytes b = riff();

		put(&b, "LIST\x03\0\0\0abc\0", 12); /* odd, padded */
		put_fmt(&b, 1, 1, 8000, 16);
		put_data(&b, lies[i], pcm, 8);
		assert_int_equal(wav_parse(b.p, b.n, &info, NULL), 0);
		assert_int_equal(info.frames, 4);
	}

	/* A stream's header: lengths of zero, never patched. */
	struct bytes b = riff();
	memset(b.p + 4, 0, 4);
	put_fmt(&b, 1, 1, 8000, 16);
	put_data(&b, 0, pcm, 8);
	assert_int_equal(wav_parse(b.p, b.n, &info, NULL), 0);
	assert_int_equal(info.frames, 4);

	/* WAVE_FORMAT_EXTENSIBLE: the coding is in the GUID. */
	b = riff();
	put_fmt(&b, 0xfffe, 1, 8000, 16);
	b.p[16] = 40;
	put(&b, "\x16\0\x10\0\x04\0\0\0\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 24);
	put_data(&b, 8, pcm, 8);
	assert_int_equal(wav_parse(b.p, b.n, &info, NULL), 0);
	assert_int_equal(info.coding, WAV_PCM16);
	assert_int_equal(info.frames, 4);
}

static void bad_files_are_refused_with_the_place(void **state)
{
	struct wav_error place = {0};
	struct wav_info info;

	assert_int_equal(wav_parse((const uint8_t *)"", 0, &info, &place), -TR_EPARSE);
	assert_int_equal(
		wav_parse((const uint8_t *)"OggS\0\0\0\0\0\0\0\0", 12, &info, &place), -TR_EPARSE);
	assert_string_equal(place.what, "not a WAV file: it does not begin with RIFF and WAVE");

	static const struct {
		unsigned int coding, channels, rate, bits;
		size_t at;
	} cases[] = {{1, 1, 8000, 24, 34}, {3, 1, 8000, 32, 20}, {1, 6, 8000, 16, 22},
		{1, 1, 96000, 16, 24}, {7, 1, 8000, 16, 34}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bytes b = riff();

		put_fmt(&b, cases[i].coding, cases[i].channels, cases[i].rate, cases[i].bits);
		put_data(&b, 0, NULL, 0);
		assert_int_equal(wav_parse(b.p, b.n, &info, &place), -TR_EUNSUPP);
		assert_int_equal(place.at, cases[i].at);
	}

	struct bytes b = riff();
	put_data(&b, 4, "abcd", 4);
	assert_int_equal(wav_parse(b.p, b.n, &info, &place), -TR_EPARSE);
	assert_int_equal(place.at, 12);

	b = riff();
	put_fmt(&b, 1, 1, 8000, 16);
	assert_int_equal(wav_parse(b.p, b.n, &info, &place), -TR_EPARSE);
	assert_string_equal(place.what, "no data chunk");

	/* Every cut of a good file is an error or a shorter file, never a read beyond it (the
	 * sanitizer watches). */
	put_data(&b, 8, "12345678", 8);
	for (size_t n = 0; n <= b.n; n++) {
		uint8_t *copy = malloc(n + 1);
		int16_t out[4];

		memcpy(copy, b.p, n);
		if (wav_parse(copy, n, &info, &place) == 0)
			wav_read(&info, copy, 0, 0, out, 4);
		free(copy);
	}
}

static char dir[] = "/tmp/wav_test_XXXXXX";
static char path[64], part[80];

static int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/a.wav", dir);
	snprintf(part, sizeof(part), "%s.part", path);

	return 0;
}

static int tear_down(void **state)
{
	unlink(path);
	unlink(part);

	return rmdir(dir);
}

static void a_clip_comes_back(void **state)
{
	int16_t pcm[777];
	struct wav_clip clip;
	char text[200];
	float phase = 0;

	sig_sine(pcm, 777, 16000, 440, 9000, &phase);
	assert_int_equal(wav_clip_save(path, pcm, 777, 16000), 0);
	assert_int_equal(access(part, F_OK), -1);
	assert_int_equal(wav_clip_load(&clip, path, text, sizeof(text)), 0);
	assert_int_equal(clip.rate_hz, 16000);
	assert_int_equal(clip.n, 777);
	assert_memory_equal(clip.pcm, pcm, sizeof(pcm));
	wav_clip_done(&clip);

	FILE *f = fopen(path, "w");
	fputs("RIFFxxxxWAVEjunk", f);
	fclose(f);
	assert_int_equal(wav_clip_load(&clip, path, text, sizeof(text)), -TR_EPARSE);
	assert_non_null(strstr(text, path));
	assert_non_null(strstr(text, "at byte 12: no fmt chunk"));
	assert_int_equal(wav_clip_load(&clip, "/nonexistent/x.wav", text, sizeof(text)), -ENOENT);
	assert_int_equal(wav_clip_load(&clip, dir, text, sizeof(text)), -EINVAL);
}

/* A ramp per side tells where each sample landed. */
static void fill(int16_t *pcm, int n, uint64_t at, int sign)
{
	for (int i = 0; i < n; i++)
		pcm[i] = (int16_t)(sign * (int)((at + (uint64_t)i) % 30000 + 1));
}

/* The stereo file at path: each side holds its ramp inside [from, to) but for holes, and silence
 * outside. */
static size_t load(uint8_t **ret, struct wav_info *info, const char *from)
{
	FILE *f = fopen(from, "rb");
	struct stat st;

	assert_non_null(f);
	fstat(fileno(f), &st);
	*ret = malloc((size_t)st.st_size);
	assert_int_equal(fread(*ret, 1, (size_t)st.st_size, f), st.st_size);
	fclose(f);
	assert_int_equal(wav_parse(*ret, (size_t)st.st_size, info, NULL), 0);

	return (size_t)st.st_size;
}

static void both_sides_land_at_their_frame(void **state)
{
	enum { N = 8000 * 10 };
	uint64_t seed = test_seed(), at[2] = {0, 5000};
	static int16_t pcm[4000], out[N];
	static bool has[2][N];
	struct wav_rec *rec;

	memset(has, 0, sizeof(has));
	assert_int_equal(wav_rec_open(path, 8000, &rec), 0);
	while (at[0] < N || at[1] < N) {
		int side = at[0] > at[1] + 8000 || at[0] >= N   ? 1
			   : at[1] > at[0] + 8000 || at[1] >= N ? 0
								: (int)(prng_u32(&seed) & 1);
		int n = (int)(prng_u32(&seed) % 2000), room = (int)(N - at[side]);

		n = MIN(n, room);
		if (prng_u32(&seed) % 4) { /* else a hole */
			fill(pcm, n, at[side], side ? -1 : 1);
			assert_int_equal(
				wav_rec_put(rec, side ? WAV_RIGHT : WAV_LEFT, at[side], pcm, n), 0);
			memset(&has[side][at[side]], 1, (size_t)n);
		}
		at[side] += (uint64_t)n;
	}
	assert_int_equal(wav_rec_dropped(rec), 0);
	assert_int_equal(wav_rec_close(rec, NULL), 0);
	assert_int_equal(access(part, F_OK), -1);

	uint8_t *bytes;
	struct wav_info info;

	load(&bytes, &info, path);
	assert_int_equal(info.channels, 2);
	for (int side = 0; side < 2; side++) {
		int n = wav_read(&info, bytes, 0, side, out, N);

		for (int i = 0; i < n; i++)
			assert_int_equal(
				out[i], has[side][i] ? (side ? -1 : 1) * (i % 30000 + 1) : 0);
	}
	free(bytes);
}

static void what_comes_twice_late_or_far_ahead_is_dropped(void **state)
{
	int16_t pcm[800];
	struct wav_rec *rec;

	fill(pcm, 800, 0, 1);
	assert_int_equal(wav_rec_open(path, 8000, &rec), 0);
	assert_int_equal(wav_rec_put(rec, WAV_LEFT, 0, pcm, 800), 0);
	assert_int_equal(wav_rec_put(rec, WAV_LEFT, 400, pcm, 800), 0);
	assert_int_equal(wav_rec_dropped(rec), 400);
	/* Beyond the window the silent side is given up, and is late afterwards. */
	assert_int_equal(wav_rec_put(rec, WAV_LEFT, 24000, pcm, 800), 0);
	assert_int_equal(wav_rec_put(rec, WAV_RIGHT, 0, pcm, 800), 0);
	assert_int_equal(wav_rec_dropped(rec), 1200);
	assert_int_equal(wav_rec_put(rec, WAV_RIGHT, UINT64_MAX - 10, pcm, 800), 0);
	assert_int_equal(wav_rec_put(rec, WAV_RIGHT, 8000ull * 7200, pcm, 800), 0);
	assert_int_equal(wav_rec_dropped(rec), 2800);
	wav_rec_discard(rec);
	assert_int_equal(access(part, F_OK), -1);
}

/* The process dies: what is in the .part is a playable file, and recovering it keeps everything
 * written. */
static void a_crash_leaves_a_recording(void **state)
{
	static int16_t pcm[1600];
	struct wav_rec *rec;
	struct wav_info info;
	uint8_t *bytes;

	unlink(path);

	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		if (wav_rec_open(path, 8000, &rec) != 0)
			_exit(1);
		for (uint64_t at = 0; at < 8000 * 5; at += 1600) {
			fill(pcm, 1600, at, 1);
			if (wav_rec_put(rec, WAV_LEFT, at, pcm, 1600) || wav_rec_put(rec, WAV_RIGHT, at, pcm, 1600))
				_exit(2);
			if (at == 8000 && wav_rec_recover(path) != -EBUSY) /* it is being written */
				_exit(3);
		}
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(access(path, F_OK), -1);
	size_t size = load(&bytes, &info, part);
	assert_true(info.frames >= 8000 * 4 - 2000);
	assert_true(info.frames <= size / 4);
	free(bytes);

	assert_int_equal(wav_rec_recover(path), 0); /* as if by the next process */
	size = load(&bytes, &info, path);
	assert_int_equal(info.frames, (size - WAV_HEADER_BYTES) / 4);
	assert_true(info.frames >= 8000 * 5 - 2000);
	free(bytes);
	unlink(path);
	assert_int_equal(wav_rec_recover(path), -ENOENT);

	FILE *f = fopen(part, "w");
	fputs("not a wav", f);
	fclose(f);
	assert_int_equal(wav_rec_recover(path), -TR_EPARSE);
	assert_int_equal(access(part, F_OK), 0);
}

/* The disk fills up and is emptied again: the recording has a silent hole where nothing could be written. */
static void a_full_disk_leaves_a_hole(void **state)
{
	enum { N = 8000 * 12 };
	struct rlimit room, before;
	static int16_t pcm[800], out[N];
	struct wav_rec *rec;
	struct wav_info info;
	uint8_t *bytes;
	bool is_cut = true;
	int err = 0;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(wav_rec_open(path, 8000, &rec), 0);
	for (uint64_t at = 0; at < N; at += 800) {
		room = before;
		if (at >= 8000 * 4 && at < 8000 * 8)
			room.rlim_cur = 8000 * 3 * 4;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &room), 0);
		if (at % 8000 == 0)
			wav_rec_retry(rec);
		fill(pcm, 800, at, 1);
		err = wav_rec_put(rec, WAV_LEFT, at, pcm, 800);
		err = err ? err : wav_rec_put(rec, WAV_RIGHT, at, pcm, 800);
		if (at >= 8000 * 5 && at < 8000 * 8)
			assert_int_equal(err, -EFBIG);
		if (at < 8000 * 3 || at >= 8000 * 9)
			assert_int_equal(err, 0);
	}
	assert_int_equal(wav_rec_close(rec, &is_cut), 0);
	assert_false(is_cut);
	load(&bytes, &info, path);
	assert_int_equal(info.frames, N);
	assert_int_equal(wav_read(&info, bytes, 0, WAV_LEFT, out, N), N);

	int silent = 0;

	for (int i = 0; i < N; i++) {
		if (i < 8000 * 2 || i > 8000 * 10 || out[i])
			assert_int_equal(out[i], i % 30000 + 1);
		silent += out[i] == 0;
	}
	assert_in_range(silent, 8000 * 3, 8000 * 6);
	free(bytes);
	unlink(path);
}

static void a_full_disk_at_the_end_leaves_what_was_written(void **state)
{
	struct rlimit room, before;
	static int16_t pcm[8000];
	struct wav_rec *rec;
	struct wav_info info;
	uint8_t *bytes;
	bool is_cut = false;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	room = before;
	room.rlim_cur = WAV_HEADER_BYTES + 10001 * 4 + 1; /* in the middle of a frame */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &room), 0);
	assert_int_equal(wav_rec_open(path, 8000, &rec), 0);
	for (uint64_t at = 0; at < 80000; at += 8000) {
		fill(pcm, 8000, at, 1);
		(void)!wav_rec_put(rec, WAV_LEFT, at, pcm, 8000);
		(void)!wav_rec_put(rec, WAV_RIGHT, at, pcm, 8000);
	}
	assert_int_equal(wav_rec_close(rec, &is_cut), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(is_cut);
	load(&bytes, &info, path);
	assert_int_equal(info.frames, 10001);
	free(bytes);
	assert_int_equal(access(part, F_OK), -1);
	unlink(path);
}

static void an_io_error_is_kept(void **state)
{
	int16_t pcm[8000] = {1};
	struct wav_rec *rec = NULL;

	assert_int_equal(wav_rec_open("/nonexistent/a.wav", 8000, &rec), -ENOENT);
	assert_null(rec);

	/* A full disk. */
	unlink(part);
	assert_int_equal(symlink("/dev/full", part), 0);
	assert_int_equal(wav_rec_open(path, 8000, &rec), -ENOSPC);
	assert_int_equal(access(part, F_OK), -1); /* nothing is left behind */
	assert_null(rec);
	assert_int_equal(wav_clip_save("/nonexistent/a.wav", pcm, 10, 8000), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codings_and_channels_are_read),
		cmocka_unit_test(unknown_chunks_and_wrong_lengths_are_tolerated),
		cmocka_unit_test(bad_files_are_refused_with_the_place),
		cmocka_unit_test(a_clip_comes_back),
		cmocka_unit_test(both_sides_land_at_their_frame),
		cmocka_unit_test(what_comes_twice_late_or_far_ahead_is_dropped),
		cmocka_unit_test(a_crash_leaves_a_recording),
		cmocka_unit_test(a_full_disk_leaves_a_hole),
		cmocka_unit_test(a_full_disk_at_the_end_leaves_what_was_written),
		cmocka_unit_test(an_io_error_is_kept),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
