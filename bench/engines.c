/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/wav_file.h"
#include "flow/flow.h"
#include "providers/embedded/stt_pocketsphinx.h"
#include "providers/vosk/stt_vosk.h"
#include <sys/resource.h>
#include <time.h>

/*
 * engines embedded|vosk [PHRASE...] < LIST: what a recogniser makes of the 8 kHz WAV files named on standard input, one at a time, through
 * its port as a call would: "file, text, confidence, audio ms, CPU ms, of it ms behind the end" a line. Phrases are for Vosk; without any
 * it listens for everything. Written for docs/speech-engines.md (scripts/speech/engines).
 */
enum { RATE = 8000 };

static struct {
	uv_loop_t loop;
	struct compute *compute;
	char text[2048];
	float confidence;
	uint32_t audio_ms, compute_us, wait_us;
	bool is_over;
} b;

static void on_partial(void *arg, uint32_t id, const char *text, bool is_stable)
{
}

static void on_final(void *arg, uint32_t id, const struct stt_final *final)
{
	buf_copy(b.text, sizeof(b.text), final->text);
	b.confidence = final->confidence;
	b.audio_ms = final->audio_ms;
	b.compute_us = final->compute_us;
	b.wait_us = final->wait_us;
	b.is_over = true;
}

static void on_error(void *arg, uint32_t id, int err, const char *words)
{
	fprintf(stderr, "%s\n", words);
	b.is_over = true;
}

static void settle(void)
{
	while (compute_stats(b.compute).busy)
		uv_run(&b.loop, UV_RUN_ONCE);
}

static int hear(struct stt_stream *ear, const char *path)
{
	struct wav_clip clip;
	struct port_fault fault = {0};
	char why[200] = "";
	int err = wav_clip_load(&clip, path, why, sizeof(why));

	b.is_over = false;
	b.text[0] = 0;
	if (!err)
		err = ear->ops->begin(ear, 1, NULL, 0, &fault);
	if (err) {
		fprintf(stderr, "%s: %s%s\n", path, why, fault.words);
		return err;
	}
	/* As time would have it: a tenth of a second, then the engine has its time. */
	for (size_t at = 0; at < clip.n; at += RATE / 10) {
		ear->ops->feed(ear, clip.pcm + at, MIN((size_t)RATE / 10, clip.n - at));
		settle();
	}
	ear->ops->end(ear);
	while (!b.is_over)
		uv_run(&b.loop, UV_RUN_ONCE);
	settle();
	printf("%s\t%s\t%.2f\t%u\t%.1f\t%.1f\n", path, b.text, (double)b.confidence, b.audio_ms, b.compute_us / 1000.0, b.wait_us / 1000.0);
	wav_clip_done(&clip);

	return 0;
}

static int open_engine(bool is_vosk, struct stt_port **ret)
{
	static struct flow_faults faults;
	struct port_fault fault = {0};
	struct flow *flow;
	int err = flow_load(&flow, &(struct flow_source){.name = "receptionist"}, &faults, NULL);

	if (err)
		return err;

	struct stt_grammar grammar = {flow_name(flow), span_z(flow_grammar(flow))};
	struct stt_pocketsphinx_params params = {.decoders = 1, .grammars = &grammar, .grammar_count = 1};

	err = is_vosk ? stt_vosk_new(ret, b.compute, &(struct stt_vosk_params){.recognisers = 1}, &fault) :
			stt_pocketsphinx_new(ret, b.compute, &params, &fault);
	flow_unref(flow);

	if (err)
		fprintf(stderr, "%s\n", fault.words);

	return err;
}

int main(int argc, char **argv)
{
	struct stt_params params = {.rate_hz = RATE, .language = "en-US", .cb = {on_partial, on_final, on_error, NULL}};
	bool is_vosk = argc > 1 && !strcmp(argv[1], "vosk");
	struct stt_context context = {.phrases = (const char *const *)argv + 2, .phrase_count = argc > 2 ? (size_t)argc - 2 : 0};
	struct stt_port *port;
	struct stt_stream *ear;
	struct rusage use;
	char path[1000];
	int err;

	uv_loop_init(&b.loop);
	if (compute_new(&b.compute, &b.loop, 1) != 0 || open_engine(is_vosk, &port) != 0 || port->ops->open(port, &params, &ear, NULL) != 0)
		return 1;
	err = ear->ops->set_context(ear, &context);
	while (!err && fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = 0;
		err = hear(ear, path);
	}
	getrusage(RUSAGE_SELF, &use);
	fprintf(stderr, "memory %ld MB\n", use.ru_maxrss / 1024);
	ear->ops->close(ear);
	settle();
	if (is_vosk)
		stt_vosk_free(port);
	else
		stt_pocketsphinx_free(port);
	compute_free(b.compute);
	uv_run(&b.loop, UV_RUN_DEFAULT);

	return err ? 1 : 0;
}
