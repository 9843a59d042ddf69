/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/wav_file.h"
#include "media/rig.h"

/* What a stream does beyond carrying audio: digits, tones, clips, bridges, conferences, recordings. */

static int set_up(void **state)
{
	rig_start((struct media_engine_params){.workers = 2});

	return 0;
}

static int tear_down(void **state)
{
	rig_stop();

	return 0;
}

/* ---- DTMF ------------------------------------------------------------------------------------------------------------------- */

static void far_event(struct far *f, struct dtmf_send *d)
{
	struct dtmf_out out;

	if (dtmf_send_next(d, f->ts, &out)) {
		struct rtp_packet p = {.pt = 101, .marker = out.marker, .seq = f->seq++, .ts = out.ts, .ssrc = f->ssrc};

		far_send(f, &p, out.payload, sizeof(out.payload));
		f->ts += f->step;
	} else {
		int16_t quiet[MEDIA_FRAME_MAX] = {0};

		far_say(f, quiet);
	}
	far_frames(f, 1);
}

/* RFC 4733 §2.5: one event per press, however many packets. */
static void digits_of_telephone_events_are_heard_once(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct dtmf_send d;
	const char *digits = "1*#D99";
	char got[16] = "";

	dtmf_send_init(&d, 8000, 160);
	far_call(f);
	for (const char *p = digits; *p; p++)
		assert_int_equal(dtmf_send_digit(&d, *p, 80, 60), 0);
	for (int i = 0; i < 60; i++)
		far_event(f, &d);
	for (unsigned i = 0; i < rig.n_seen; i++)
		if (rig.seen[i].type == MEDIA_EV_DTMF) {
			size_t n = strlen(got);

			got[n] = rig.seen[i].dtmf.digit;
			got[n + 1] = 0;
			assert_int_equal(rig.seen[i].dtmf.how, MEDIA_DTMF_RFC4733);
			assert_in_range(rig.seen[i].dtmf.ms, 60, 100);
		}
	assert_string_equal(got, digits);
	far_free(f);
}

static void say_key(struct far *f, uint16_t low, uint16_t high, int frames)
{
	struct tone_spec spec = {.steps = {{.hz = {low, high}}}, .n_steps = 1, .level_dbm0 = -9};
	int16_t quiet[MEDIA_FRAME_MAX] = {0};

	tone_gen_start(&f->tone, &spec, f->rate_hz);
	far_frames(f, frames);
	f->tone.rate_hz = 0;
	for (int i = 0; i < 10; i++) {
		far_say(f, quiet);
		far_frames(f, 1);
	}
}

static void digits_in_the_audio_are_heard_when_the_peer_has_no_events(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan = far_plan(f);

	plan.n_dtmf_rx = 0;
	plan.dtmf_tx_pt = -1;
	far_open(f);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	say_key(f, 770, 1336, 6);
	say_key(f, 770, 1336, 6);
	/* Held down through a re-INVITE it is still one press. */
	struct tone_spec hash = {.steps = {{.hz = {941, 1477}}}, .n_steps = 1, .level_dbm0 = -9};

	tone_gen_start(&f->tone, &hash, f->rate_hz);
	far_frames(f, 8);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	far_frames(f, 8);
	assert_int_equal(rig_count(MEDIA_EV_DTMF), 3);
	assert_int_equal(rig_event(MEDIA_EV_DTMF)->dtmf.digit, '#');
	assert_int_equal(rig_event(MEDIA_EV_DTMF)->dtmf.how, MEDIA_DTMF_INBAND);
	far_free(f);
}

/* A gateway that leaves the tone in the audio beside the event: one press, one digit; and pressed again, again one. */
static void a_digit_signalled_both_ways_counts_once(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	struct media_plan plan = far_plan(f);
	struct tone_spec five = {.steps = {{.hz = {770, 1336}}}, .n_steps = 1, .level_dbm0 = -9};
	struct tone_gen gen;
	struct dtmf_send d;

	plan.detects_inband = true;
	far_open(f);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	dtmf_send_init(&d, 8000, 160);
	for (int press = 0; press < 2; press++) {
		tone_gen_start(&gen, &five, 8000);
		assert_int_equal(dtmf_send_digit(&d, '5', 120, 60), 0);
		for (int i = 0; i < 25; i++) {
			struct dtmf_out out;
			int16_t pcm[160] = {0};

			if (i < 6)
				tone_gen_run(&gen, pcm, 160);
			if (dtmf_send_next(&d, f->ts, &out)) {
				struct rtp_packet p = {
					.pt = 101, .marker = out.marker, .seq = f->seq++, .ts = out.ts, .ssrc = f->ssrc};

				far_send(f, &p, out.payload, sizeof(out.payload));
			}
			far_say(f, pcm);
			far_frames(f, 1);
		}
		assert_int_equal(rig_count(MEDIA_EV_DTMF), press + 1);
	}
	far_free(f);
}

static void digits_are_sent_as_events(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	char got[16] = "";
	struct dtmf_recv r;

	far_call(f);
	far_frames(f, 5);
	assert_int_equal(media_send_dtmf(rig.e, f->id, SPAN_LIT("12,3"), 0, false), 0);
	assert_int_equal(media_send_dtmf(rig.e, f->id, SPAN_LIT("1x"), 0, false), -EINVAL);
	dtmf_recv_init(&r, 8000);
	for (int i = 0; i < 150; i++) {
		far_frames(f, 1);

		const struct rtp_packet *p = &f->packets[f->n - 1];

		if (p->pt == 101) {
			enum dtmf_state states[2];
			struct dtmf_event ev[2];
			struct rtp_packet copy = *p;

			copy.payload = f->last_event;
			for (int k = dtmf_recv_packet(&r, &copy, rig.now_us / 1000, states, ev); k-- > 0;)
				if (states[k] == DTMF_DIGIT)
					got[strlen(got)] = ev[k].digit;
		}
	}
	assert_string_equal(got, "123");
	assert_int_equal(rig_count(MEDIA_EV_DTMF_SENT), 1);
	far_assert_no_hole(f, 0);
	far_free(f);
}

/* RFC 4733 §2.1: timestamps and durations are the event's own clock, 8000 here beside Opus at 48000. */
static void digits_beside_opus_have_their_own_clock(void **state)
{
	struct far *f = far_new(CODEC_OPUS, 111);
	struct media_plan plan = far_plan(f);
	struct dtmf_payload last = {0};
	unsigned events = 0;

	plan.dtmf_tx_hz = 8000;
	far_open(f);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	assert_int_equal(media_send_dtmf(rig.e, f->id, SPAN_LIT("7"), 120, false), 0);
	for (int i = 0; i < 20; i++) {
		far_frames(f, 1);
		if (f->packets[f->n - 1].pt != 101)
			continue;
		events++;
		assert_int_equal(dtmf_parse(f->last_event, sizeof(f->last_event), &last), 0);
		assert_int_equal(dtmf_digit(last.code), '7');
	}
	assert_true(last.is_end);
	assert_int_equal(last.duration, 960);
	assert_in_range(events, 6, 9);
	far_assert_no_hole(f, 0);
	far_free(f);
}

static void digits_are_sent_in_the_audio_without_events(void **state)
{
	struct far *f = far_new(CODEC_PCMA, 8);
	struct media_plan plan = far_plan(f);

	plan.dtmf_tx_pt = -1;
	far_open(f);
	assert_int_equal(media_stream_update(rig.e, f->id, &plan), 0);
	far_frames(f, 5);
	assert_int_equal(media_send_dtmf(rig.e, f->id, SPAN_LIT("5"), 0, false), 0);
	far_frames(f, 5);
	assert_more(far_share(f, 60, 770) + far_share(f, 60, 1336), 0.9f);
	far_frames(f, 20);
	assert_int_equal(rig_count(MEDIA_EV_DTMF_SENT), 1);
	far_free(f);
}

/* ---- tones and clips ----------------------------------------------------------------------------------------------------------- */

static void a_tone_is_played_until_stopped(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);

	far_call(f);
	assert_int_equal(media_play_tone(rig.e, f->id, tone_spec(TONE_DIAL, TONE_EU), 7), 0);
	far_frames(f, 50);
	assert_more(far_share(f, 500, 425), 0.95f);
	assert_int_equal(media_play_stop(rig.e, f->id), 0);
	far_frames(f, 20);
	assert_less(far_loudness(f, 200, 425), 20);
	far_free(f);
}

static struct media_clip *tone_clip(int rate_hz, uint16_t hz, int ms)
{
	struct tone_spec spec = {.steps = {{.hz = {hz}}}, .n_steps = 1, .level_dbm0 = -10};
	struct tone_gen gen;
	struct media_clip *clip;
	int n = rate_hz * ms / 1000;
	int16_t *pcm = malloc((size_t)n * sizeof(*pcm));

	assert_non_null(pcm);
	tone_gen_start(&gen, &spec, rate_hz);
	tone_gen_run(&gen, pcm, n);
	assert_int_equal(media_clip_new(pcm, (size_t)n, rate_hz, &clip), 0);
	free(pcm);

	return clip;
}

static void a_clip_plays_to_its_end_and_a_loop_for_ever(void **state)
{
	static const int rates[] = {8000, 16000, 44100};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		for (int wide = 0; wide < 2; wide++) {
			struct far *f = wide ? far_new(CODEC_G722, 9) : far_new(CODEC_PCMU, 0);
			struct media_clip *clip = tone_clip(rates[i], 1000, 600);

			rig.n_seen = 0;
			far_call(f);
			assert_int_equal(media_play_clip(rig.e, f->id, clip, false, 9), 0);
			far_frames(f, 29);
			assert_more(far_share(f, 500, 1000), 0.95f);
			assert_int_equal(rig_count(MEDIA_EV_PLAY_DONE), 0);
			far_frames(f, 15);
			assert_int_equal(rig_count(MEDIA_EV_PLAY_DONE), 1);
			assert_int_equal(rig_event(MEDIA_EV_PLAY_DONE)->play_id, 9);
			assert_less(far_loudness(f, 200, 1000), 20);

			assert_int_equal(media_play_clip(rig.e, f->id, clip, true, 10), 0);
			media_clip_unref(clip);
			far_frames(f, 100);
			assert_more(far_share(f, 300, 1000), 0.97f);
			assert_int_equal(rig_count(MEDIA_EV_PLAY_DONE), 1);
			media_stream_close(rig.e, f->id);
			far_free(f);
		}
}

/* ---- bridge and conference ------------------------------------------------------------------------------------------------------ */

static void both_say(struct far **f, int n, int frames)
{
	for (int i = 0; i < frames; i++) {
		for (int k = 0; k < n; k++)
			far_say_tone(f[k]);
		rig_frame();
		for (int k = 0; k < n; k++)
			while (f[k]->n < (unsigned)i + 1) {
				far_await(f[k]->fd);
				far_read(f[k]);
			}
	}
}

/* Legs of any two codecs, on two workers (streams are spread), with the audio of each at the other. */
static void two_streams_talk_whatever_their_codecs(void **state)
{
	static const struct {
		enum codec_id a, b;
		uint8_t pt_a, pt_b;
		uint16_t hz_a, hz_b;
	} rows[] = {
		{CODEC_PCMU, CODEC_PCMU, 0, 0, 1000, 700},   {CODEC_PCMU, CODEC_PCMA, 0, 8, 1000, 700},
		{CODEC_PCMU, CODEC_G722, 0, 9, 1000, 700},   {CODEC_G722, CODEC_G722, 9, 9, 5000, 6000},
		{CODEC_OPUS, CODEC_PCMA, 111, 8, 1000, 700}, {CODEC_OPUS, CODEC_G722, 111, 9, 5000, 3000},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct far *f[2] = {far_new(rows[i].a, rows[i].pt_a), far_new(rows[i].b, rows[i].pt_b)};

		far_call(f[0]);
		far_call(f[1]);
		assert_true(engine_stream(rig.e, f[0]->id)->w != engine_stream(rig.e, f[1]->id)->w);
		assert_int_equal(media_connect_streams(rig.e, f[0]->id, f[1]->id), 0);
		far_tone(f[0], rows[i].hz_a);
		far_tone(f[1], rows[i].hz_b);
		both_say(f, 2, 100);
		print_message("row %zu: %.3f %.3f\n", i, (double)far_share(f[0], 500, rows[i].hz_b),
			(double)far_share(f[1], 500, rows[i].hz_a));
		assert_more(far_share(f[0], 500, rows[i].hz_b), 0.95f);
		assert_more(far_share(f[1], 500, rows[i].hz_a), 0.95f);

		media_stream_close(rig.e, f[0]->id);
		for (int k = 0; k < 30; k++) {
			f[0]->tone.rate_hz = f[1]->tone.rate_hz = 0;
			far_frames(f[1], 1);
		}
		assert_less(far_loudness(f[1], 200, rows[i].hz_a), 50);
		media_stream_close(rig.e, f[1]->id);
		rig_frame();
		far_free(f[0]);
		far_free(f[1]);
	}
}

static void a_conference_gives_each_all_the_others(void **state)
{
	static const uint16_t hz[] = {500, 900, 1500};
	struct far *f[3];
	struct media_id mixer;
	struct media_port *port;
	struct media_port_report report;
	struct tone_spec spec = {.steps = {{.hz = {2200}}}, .n_steps = 1, .level_dbm0 = -10};
	struct tone_gen gen;
	int16_t pcm[160], heard[160 * 100];

	assert_int_equal(media_mixer_new(rig.e, 8000, &mixer), 0);
	assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = 8000, .up_frames = 128, .down_frames = 128}, &port), 0);
	tone_gen_start(&gen, &spec, 8000);
	for (int i = 0; i < 100; i++) {
		tone_gen_run(&gen, pcm, 160);
		assert_true(media_port_say(port, 1, pcm, 160, 0));
	}
	for (int i = 0; i < 3; i++) {
		f[i] = i == 1 ? far_new(CODEC_G722, 9) : far_new(CODEC_PCMU, 0);
		far_call(f[i]);
		assert_int_equal(media_mixer_add(rig.e, mixer, f[i]->id), 0);
		far_tone(f[i], hz[i]);
	}
	assert_int_equal(media_mixer_add_port(rig.e, mixer, port), 0);
	both_say(f, 3, 100);
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 4; k++) {
			float loud = far_loudness(f[i], 500, k < 3 ? hz[k] : 2200);

			if (k == i)
				assert_less(loud, 100);
			else
				assert_more(loud, 2000);
		}
	for (int i = 0; i < 100 && media_port_peek_up(port); i++, media_port_pop_up(port))
		memcpy(heard + 160 * i, media_port_peek_up(port)->pcm, 320);
	for (int k = 0; k < 3; k++)
		assert_more(tone_amplitude(heard + 160 * 70, 160 * 25, 8000, hz[k]), 2000);
	assert_less(tone_amplitude(heard + 160 * 70, 160 * 25, 8000, 2200), 100);

	assert_int_equal(media_mixer_free(rig.e, mixer), 0);
	rig_frame();
	media_port_report(port, &report);
	assert_false(report.is_connected);
	assert_int_equal(media_mixer_add(rig.e, mixer, f[0]->id), -TR_ECLOSED);
	media_port_unref(port);
	for (int i = 0; i < 3; i++)
		far_free(f[i]);
}

/* A caller, a human and a supervisor; who hears whom in each of the supervisor's ways to be there. */
static void roles_say_who_hears_whom(void **state)
{
	static const uint16_t hz[] = {500, 900, 1500};
	enum { CALLER = 1, HUMAN = 2 };
	static const struct {
		uint8_t speaks_to;
		bool caller_hears, human_hears;
	} ways[] = {{0, false, false}, {HUMAN, false, true}, {CALLER, true, false}, {MEDIA_MIX_ALL, true, true}, {0, false, false}};
	static const uint8_t groups[] = {CALLER, HUMAN, MEDIA_MIX_ALL};
	struct far *f[3];
	struct media_id mixer;

	assert_int_equal(media_mixer_new(rig.e, 8000, &mixer), 0);
	for (int i = 0; i < 3; i++) {
		f[i] = far_new(CODEC_PCMU, 0);
		far_call(f[i]);
		assert_int_equal(media_mixer_add(rig.e, mixer, f[i]->id), 0);
		far_tone(f[i], hz[i]);
	}
	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		for (int i = 0; i < 3; i++)
			assert_int_equal(media_mixer_set_role(rig.e, mixer, f[i]->id,
				(struct media_mix_role){groups[i], i < 2 ? MEDIA_MIX_ALL : ways[w].speaks_to}), 0);
		for (int i = 0; i < 3; i++)
			f[i]->n = f[i]->n_pcm = 0;
		both_say(f, 3, 50);
		for (int i = 0; i < 3; i++)
			for (int k = 0; k < 3; k++) {
				bool hears = i != k && (k < 2 || (i == 0 ? ways[w].caller_hears : ways[w].human_hears));

				if (hears)
					assert_more(far_loudness(f[i], 500, hz[k]), 2000);
				else
					assert_less(far_loudness(f[i], 500, hz[k]), 100);
			}
	}
	assert_int_equal(media_mixer_free(rig.e, mixer), 0);
	rig_frame();
	assert_int_equal(media_mixer_set_role(rig.e, mixer, f[0]->id, (struct media_mix_role){0}), -TR_ECLOSED);
	for (int i = 0; i < 3; i++)
		far_free(f[i]);
}

/* ---- recorder ------------------------------------------------------------------------------------------------------------------- */

/* Peer on the left, we on the right; both sides of one tick stand at one place. */
static void a_recording_has_both_sides_aligned(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);
	char path[] = "/tmp/tipring-media-XXXXXX";
	static uint8_t bytes[2 << 20];
	static int16_t left[8000 * 10], right[8000 * 10];
	struct wav_info info;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	far_call(f);
	assert_int_equal(media_connect_echo(rig.e, f->id), 0);
	assert_int_equal(media_record_start(rig.e, f->id, path, 7), 0);
	far_tone(f, 1000);
	far_frames(f, 200);
	assert_int_equal(media_record_stop(rig.e, f->id), 0);
	rig_frame();
	rig_take_events();
	assert_int_equal(rig_count(MEDIA_EV_RECORD_DONE), 1);
	assert_int_equal(rig_event(MEDIA_EV_RECORD_DONE)->record.lost_frames, 0);

	FILE *file = fopen(path, "rb");

	assert_non_null(file);

	size_t n = fread(bytes, 1, sizeof(bytes), file);

	(void)fclose(file);
	assert_int_equal(wav_parse(bytes, n, &info, NULL), 0);
	assert_int_equal(info.rate_hz, 8000);
	assert_int_equal(info.channels, 2);
	assert_int_equal(info.frames, 200 * 160);
	assert_int_equal(wav_read(&info, bytes, 0, 0, left, (int)info.frames), info.frames);
	assert_int_equal(wav_read(&info, bytes, 0, 1, right, (int)info.frames), info.frames);
	assert_more(tone_share(left + 160 * 100, 160 * 50, 8000, 1000), 0.95f);
	/* The echo is made within the tick: the sides are one and the same, sample by sample. */
	assert_memory_equal(left, right, info.frames * sizeof(*left));
	close(fd);
	unlink(path);
	far_free(f);
}

static void a_recording_that_cannot_be_written_is_told_and_the_call_goes_on(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);

	far_call(f);
	assert_int_equal(media_record_start(rig.e, f->id, "/proc/nowhere/x.wav", 7), 0);
	far_frames(f, 100);
	assert_int_equal(rig_count(MEDIA_EV_RECORD_FAILED), 1);
	assert_int_equal(rig_event(MEDIA_EV_RECORD_FAILED)->record.err, -ENOENT);
	assert_int_equal(f->n, 100);
	media_stream_close(rig.e, f->id);
	rig_frame();
	assert_int_equal(rig_count(MEDIA_EV_RECORD_FAILED), 1); /* once, although it was tried again */
	assert_int_equal(rig_count(MEDIA_EV_RECORD_DONE), 1);
	assert_int_equal(rig_event(MEDIA_EV_RECORD_DONE)->record.err, -ENOENT);
	assert_int_equal(rig_event(MEDIA_EV_RECORD_DONE)->record.id, 7);
	assert_more(rig_event(MEDIA_EV_RECORD_DONE)->record.lost_frames, 90);
	far_free(f);
}

/* Silence on both sides while paused, and all that follows where it belongs in time. */
static void a_paused_recording_is_silent_and_keeps_its_time(void **state)
{
	enum { FRAMES = 300, FROM = 100, TO = 200 };
	struct far *f = far_new(CODEC_PCMU, 0);
	char path[] = "/tmp/tipring-media-XXXXXX";
	struct wav_clip left;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	far_call(f);
	assert_int_equal(media_connect_echo(rig.e, f->id), 0);
	far_tone(f, 1000);
	far_frames(f, 50);
	assert_int_equal(media_record_pause(rig.e, f->id, true), 0); /* nothing to pause: forgotten */
	assert_int_equal(media_record_start(rig.e, f->id, path, 7), 0);
	far_frames(f, FROM);
	assert_int_equal(media_record_pause(rig.e, f->id, true), 0);
	far_frames(f, TO - FROM);
	assert_int_equal(media_record_pause(rig.e, f->id, false), 0);
	far_frames(f, FRAMES - TO);
	assert_int_equal(media_record_stop(rig.e, f->id), 0);
	rig_frame();
	rig_take_events();
	assert_int_equal(rig_event(MEDIA_EV_RECORD_DONE)->record.err, 0);
	assert_int_equal(rig_event(MEDIA_EV_RECORD_DONE)->record.lost_frames, 0);
	assert_int_equal(wav_clip_load(&left, path, NULL, 0), 0); /* both sides mixed */
	assert_int_equal(left.n, FRAMES * 160);
	for (size_t i = (FROM + 1) * 160; i < (TO - 1) * 160; i++)
		assert_int_equal(left.pcm[i], 0);
	assert_more(tone_share(left.pcm + 160 * 20, 160 * 70, 8000, 1000), 0.95f);
	assert_more(tone_share(left.pcm + 160 * (TO + 2), 160 * 70, 8000, 1000), 0.95f);
	wav_clip_done(&left);
	close(fd);
	unlink(path);
	far_free(f);
}

/* ---- who has answered --------------------------------------------------------------------------------------------------- */

static void far_silence(struct far *f, int frames)
{
	int16_t pcm[MEDIA_FRAME_MAX] = {0};

	for (int i = 0; i < frames; i++) {
		far_say(f, pcm);
		far_frames(f, 1);
	}
}

static const struct answer_event *answer_event(enum answer_event_kind kind)
{
	for (unsigned i = rig.n_seen; i-- > 0;)
		if (rig.seen[i].type == MEDIA_EV_ANSWER && rig.seen[i].answer.kind == kind)
			return &rig.seen[i].answer;

	return NULL;
}

/* Through codec, jitter buffer and worker, connected to an agent's port or to nothing; and the worker lets go of it by itself. */
static void a_fax_is_found_through_the_whole_path(void **state)
{
	for (int k = 0; k < 2; k++) {
		struct far *f = far_new(k ? CODEC_G722 : CODEC_PCMU, k ? 9 : 0);
		struct media_port *port;

		rig.n_seen = 0;
		far_call(f);
		assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = f->rate_hz}, &port), 0);
		if (k == 0)
			assert_int_equal(media_connect_port(rig.e, f->id, port), 0);
		assert_int_equal(media_watch_start(rig.e, f->id, f->rate_hz), 0);
		far_silence(f, 50);
		assert_null(answer_event(ANSWER_EV_VERDICT));
		far_tone(f, 2100);
		far_frames(f, 60);

		const struct answer_event *ev = answer_event(ANSWER_EV_VERDICT);

		assert_non_null(ev);
		assert_int_equal(ev->who, ANSWER_FAX);
		assert_in_range(ev->at_ms, 1480, 1700);
		assert_null(engine_stream(rig.e, f->id)->watcher);
		media_stream_close(rig.e, f->id);
		rig_frame();
		media_port_unref(port);
		far_free(f);
	}
}

static void words_reach_the_watcher_and_a_stopped_one_is_silent(void **state)
{
	struct far *f = far_new(CODEC_PCMU, 0);

	far_call(f);
	assert_int_equal(media_watch_start(rig.e, f->id, 8000), 0);
	far_silence(f, 20);
	assert_int_equal(media_watch_hint(rig.e, f->id, ANSWER_IVR), 0);
	far_silence(f, 2);
	assert_int_equal(answer_event(ANSWER_EV_VERDICT)->who, ANSWER_IVR);
	assert_int_equal(media_watch_stop(rig.e, f->id), 0);
	far_silence(f, 2);
	rig.n_seen = 0;
	far_tone(f, 2100);
	far_frames(f, 60);
	assert_null(answer_event(ANSWER_EV_VERDICT));
	assert_int_equal(media_watch_hint(rig.e, f->id, ANSWER_IVR), 0);
	media_stream_close(rig.e, f->id);
	rig_frame();
	assert_int_equal(media_watch_hint(rig.e, f->id, ANSWER_IVR), -TR_ECLOSED);
	far_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(digits_of_telephone_events_are_heard_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(digits_in_the_audio_are_heard_when_the_peer_has_no_events, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_digit_signalled_both_ways_counts_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(digits_are_sent_as_events, set_up, tear_down),
		cmocka_unit_test_setup_teardown(digits_beside_opus_have_their_own_clock, set_up, tear_down),
		cmocka_unit_test_setup_teardown(digits_are_sent_in_the_audio_without_events, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_tone_is_played_until_stopped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_clip_plays_to_its_end_and_a_loop_for_ever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_streams_talk_whatever_their_codecs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_conference_gives_each_all_the_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(roles_say_who_hears_whom, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_recording_has_both_sides_aligned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_fax_is_found_through_the_whole_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(words_reach_the_watcher_and_a_stopped_one_is_silent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_paused_recording_is_silent_and_keeps_its_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_recording_that_cannot_be_written_is_told_and_the_call_goes_on, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
