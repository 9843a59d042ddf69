/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "audio/testsig.h"
#include "providers/silero/silero.h"
#include <flite/flite.h>
#include <unistd.h>

/*
 * What can be shown without the runtime is shown always; the rest where scripts/install-silero has been run (TIPRING_SILERO
 * names another folder than its default).
 */
cst_voice *register_cmu_us_slt(const char *voxdir);

static struct vad_port *port;

static int load(void **state)
{
	struct port_fault fault = {0};
	int err = silero_new(&port, &(struct silero_params){0}, &fault);

	if (err)
		print_message("%s\n", fault.words);

	return 0;
}

static int unload(void **state)
{
	port = silero_free(port);

	return 0;
}

static void a_missing_runtime_names_the_remedy(void **state)
{
	struct vad_port *none = NULL;
	struct port_fault fault = {0};

	assert_int_equal(silero_new(&none, &(struct silero_params){.dir = "/nowhere"}, &fault), -TR_ENOTFOUND);
	assert_null(none);
	assert_non_null(strstr(fault.words, "/nowhere/libonnxruntime.so is missing"));
	assert_non_null(strstr(fault.words, "install-silero"));
}

static void what_is_no_runtime_is_refused(void **state)
{
	char dir[] = "/tmp/silero-test-XXXXXX", path[64];
	struct vad_port *none = NULL;
	struct port_fault fault = {0};

	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, i ? "silero_vad.onnx" : "libonnxruntime.so");

		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs("not what you think", f);
		fclose(f);
	}
	assert_int_equal(silero_new(&none, &(struct silero_params){.dir = dir}, &fault), -TR_EENGINE);
	assert_non_null(strstr(fault.words, "install-silero"));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, i ? "silero_vad.onnx" : "libonnxruntime.so");
		unlink(path);
	}
	rmdir(dir);
}

/* Share of the frames at 128 and more, percent. */
static int share(const int16_t *pcm, int n, uint32_t rate_hz)
{
	struct vad_stream *s;
	int step = (int)rate_hz / 50, frames = 0, over = 0;

	assert_int_equal(port->ops->open(port, rate_hz, &s, NULL), 0);
	for (int at = 0; at + step <= n; at += step, frames++) {
		uint8_t p;

		assert_int_equal(s->ops->frame(s, pcm + at, (size_t)step, &p), 0);
		over += p >= 128;
	}
	s->ops->close(s);

	return 100 * over / MAX(frames, 1);
}

static void speech_is_told_from_noise(void **state)
{
	static int16_t noise[16000 * 3];
	uint64_t seed = 4;

	if (!port)
		skip();

	flite_init();
	cst_voice *v = register_cmu_us_slt(NULL);
	cst_wave *w = flite_text_to_wave("I would like to make an appointment for Tuesday afternoon", v);

	assert_int_equal(w->sample_rate, 16000);
	assert_true(share(w->samples, w->num_samples, 16000) > 70);
	for (int i = 0; i < w->num_samples / 2; i++) /* crude, and good enough */
		w->samples[i] = (int16_t)((w->samples[2 * i] + w->samples[2 * i + 1]) / 2);
	assert_true(share(w->samples, w->num_samples / 2, 8000) > 70);
	delete_wave(w);
	sig_add_noise(noise, 16000 * 3, 300, &seed);
	assert_int_equal(share(noise, 16000 * 3, 16000), 0);
	assert_int_equal(share(noise, 8000 * 3, 8000), 0);
}

static void another_rate_is_refused(void **state)
{
	struct vad_stream *s = NULL;
	struct port_fault fault = {0};

	if (!port)
		skip();
	assert_int_equal(port->ops->open(port, 48000, &s, &fault), -TR_EUNSUPP);
	assert_non_null(strstr(fault.words, "48000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_runtime_names_the_remedy),
		cmocka_unit_test(what_is_no_runtime_is_refused),
		cmocka_unit_test(speech_is_told_from_noise),
		cmocka_unit_test(another_rate_is_refused),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
