/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "media/media.h"
#include <pthread.h>
#include <unistd.h>

/*
 * The engine with its threads: calls come and go, are re-negotiated, bridged, mixed, recorded and closed in any order while an
 * agent thread uses their ports. What is heard is tested in virtual time elsewhere; here nothing may be lost, freed twice or
 * raced for. Built with -Db_sanitize=thread or address it is the proof that the threads keep apart.
 *
 * It runs by counts, never by time: a step waits for an event that must come.
 */
#define STREAMS 24
#define STEPS	600

static struct {
	struct media_engine *e;
	struct mailbox *events;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool is_rung;
	unsigned closed, opened;
	struct addr local;
} t = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static void ring(void *ctx)
{
	pthread_mutex_lock(&t.lock);
	t.is_rung = true;
	pthread_cond_signal(&t.cond);
	pthread_mutex_unlock(&t.lock);
}

static void take_events(bool is_waiting)
{
	struct media_event ev;

	pthread_mutex_lock(&t.lock);
	while (is_waiting && !t.is_rung)
		pthread_cond_wait(&t.cond, &t.lock);
	t.is_rung = false;
	pthread_mutex_unlock(&t.lock);
	while (mailbox_take(t.events, &ev))
		t.closed += ev.type == MEDIA_EV_CLOSED;
}

/* ---- the agent's thread ----------------------------------------------------------------------------------------------------- */

static struct {
	struct media_port *ports[4];
	struct media_bell bell;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool is_rung, is_stopping;
	uint64_t heard;
	unsigned out_of_order;
} agent = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static void agent_wake(void *ctx)
{
	pthread_mutex_lock(&agent.lock);
	agent.is_rung = true;
	pthread_cond_signal(&agent.cond);
	pthread_mutex_unlock(&agent.lock);
}

static void agent_serve(int i, uint32_t *utterance, uint32_t *at)
{
	static const int16_t pcm[160] = {1000};
	struct media_port *p = agent.ports[i];
	struct media_port_report report;

	for (const struct media_up_frame *f; (f = media_port_peek_up(p)); media_port_pop_up(p)) {
		/* Frame numbers only grow. */
		agent.out_of_order += agent.heard > 0 && f->at < *at;
		*at = f->at;
		agent.heard++;
	}
	while (media_port_say(p, *utterance, pcm, 160, 0))
		;
	media_port_report(p, &report);
	if (report.utterance == *utterance && report.frames > 3) {
		media_port_flush(p, *utterance);
		++*utterance;
	}
	if (report.ticks % 7 == 0)
		media_port_pause(p);
	else
		media_port_resume(p);
}

static void *agent_run(void *arg)
{
	uint32_t utterances[4] = {1, 1, 1, 1}, at[4] = {0};

	for (;;) {
		pthread_mutex_lock(&agent.lock);
		while (!agent.is_rung && !agent.is_stopping)
			pthread_cond_wait(&agent.cond, &agent.lock);
		agent.is_rung = false;

		bool is_over = agent.is_stopping;

		pthread_mutex_unlock(&agent.lock);
		if (is_over)
			return NULL;
		media_bell_clear(&agent.bell);
		for (int i = 0; i < 4; i++)
			agent_serve(i, &utterances[i], &at[i]);
	}
}

/* ---- the storm ----------------------------------------------------------------------------------------------------------------- */

static struct call {
	struct media_id id;
	struct media_local local;
	bool is_open;
} calls[STREAMS];

static void open_call(struct call *c)
{
	struct media_stream_params params = {.bind = t.local};

	assert_int_equal(media_stream_open(t.e, &params, &c->id, &c->local), 0);
	c->is_open = true;
	t.opened++;
}

static void plan_call(struct call *c, const struct call *peer, uint32_t dice)
{
	static const struct media_codec codecs[] = {
		{.id = CODEC_PCMU, .pt = 0}, {.id = CODEC_PCMA, .pt = 8}, {.id = CODEC_G722, .pt = 9}, {.id = CODEC_OPUS, .pt = 111}};
	struct media_plan plan = {.remote_rtp = peer->local.rtp,
		.direction = dice % 5 == 0 ? MEDIA_INACTIVE : MEDIA_SENDRECV,
		.tx = codecs[dice % 4],
		.rx = {codecs[0], codecs[1], codecs[2], codecs[3]},
		.n_rx = 4,
		.dtmf_rx = {{.pt = 101, .hz = 8000}},
		.n_dtmf_rx = 1,
		.dtmf_tx_pt = dice % 3 ? 101 : -1,
		.rtcp_mux = dice % 2};

	assert_int_equal(media_stream_update(t.e, c->id, &plan), 0);
}

static int connect_call(struct call *c, struct call *other, struct media_id mixer, uint32_t dice)
{
	switch (dice % 7) {
	case 0:
		return media_connect_echo(t.e, c->id);
	case 1:
		return c == other || !other->is_open ? 0 : media_connect_streams(t.e, c->id, other->id);
	case 2:
		return media_mixer_add(t.e, mixer, c->id);
	case 3:
		return media_disconnect(t.e, c->id);
	case 4:
		return media_play_tone(t.e, c->id, tone_spec(TONE_RINGBACK, TONE_US), 1);
	case 5:
		return media_send_dtmf(t.e, c->id, SPAN_LIT("12#"), 0, false);
	default:
		return media_set_mute(t.e, c->id, dice & 64, dice & 128);
	}
}

static void threads_keep_apart(void **state)
{
	uint64_t seed = test_seed();
	char dir[] = "/tmp/tipring-engine-XXXXXX", path[64];
	struct media_id mixer;
	pthread_t thread;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(buf_format(path, sizeof(path), "%s/x.wav", dir), 0);
	t.local = (struct addr){.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f030000u | ((uint32_t)getpid() & 0xffff))}};
	t.events = mailbox_new(&(struct mailbox_params){.count = 16384, .item_bytes = sizeof(struct media_event), .wake = ring});
	assert_int_equal(media_engine_new(&(struct media_engine_params){.workers = 2, .events = t.events, .port_rest_ms = 1}, &t.e), 0);
	agent.bell.wake = agent_wake;
	for (int i = 0; i < 4; i++)
		assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = 8000, .bell = &agent.bell}, &agent.ports[i]), 0);
	assert_int_equal(pthread_create(&thread, NULL, agent_run, NULL), 0);
	assert_int_equal(media_mixer_new(t.e, 16000, &mixer), 0);

	for (int step = 0; step < STEPS; step++) {
		uint32_t dice = prng_u32(&seed) >> 4;
		struct call *c = &calls[dice % STREAMS], *other = &calls[dice / STREAMS % STREAMS];

		dice = prng_u32(&seed) >> 4;
		if (!c->is_open) {
			open_call(c);
			plan_call(c, other->is_open ? other : c, dice);
		} else if (dice % 8 == 0) {
			media_stream_close(t.e, c->id);
			c->is_open = false;
		} else if (dice % 8 == 1) {
			plan_call(c, other->is_open ? other : c, dice / 8);
		} else if (dice % 8 == 2 && c - calls < 4) {
			/* Each port belongs to one stream: call n has port n. */
			assert_int_equal(media_connect_port(t.e, c->id, agent.ports[c - calls]), 0);
		} else if (dice % 8 == 3 && c == &calls[5]) {
			assert_int_equal(media_record_start(t.e, c->id, path, 1), 0);
		} else if (c - calls >= 4) {
			/* The mixer fills up with those that leave it only at the next reap: full is an answer. */
			int err = connect_call(c, other - calls >= 4 ? other : c, mixer, dice / 8);

			assert_true(err == 0 || err == -TR_ELIMIT);
		}
		if (step % 16 == 15) {
			/* Every so often a whole round trip: what is closed now must be told. */
			struct call extra = {0};
			unsigned before = t.closed;

			open_call(&extra);
			media_stream_close(t.e, extra.id);
			while (t.closed == before)
				take_events(true);
			media_engine_reap(t.e);
		}
	}
	t.e = media_engine_free(t.e);
	take_events(false);
	assert_int_equal(t.closed, t.opened);

	pthread_mutex_lock(&agent.lock);
	agent.is_stopping = true;
	pthread_cond_signal(&agent.cond);
	pthread_mutex_unlock(&agent.lock);
	pthread_join(thread, NULL);
	assert_int_equal(agent.out_of_order, 0);
	for (int i = 0; i < 4; i++)
		media_port_unref(agent.ports[i]);
	assert_int_equal(mailbox_dropped(t.events), 0);
	mailbox_free(t.events);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_keep_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
