/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include "agent/agent.h"
#include "media/port.h"

/*
 * The runtime with its real thread. The providers here answer from timers of the loop, as network ones do; what they are asked
 * is pipeline_test's matter.
 */
enum { CALLS = 60, STARTERS = 3 };

static struct agent *agent;
static _Atomic int started[STARTERS * CALLS], stopped[STARTERS * CALLS], late[STARTERS * CALLS];
static _Atomic int said, failed;
static sem_t is_stopped, is_heard;

/* ---- providers ------------------------------------------------------------------------------------------------------------- */

struct later {
	uv_timer_t timer;
	void (*fn)(struct later *l);
	union {
		struct stt_stream stt;
		struct llm_session llm;
		struct tts_session tts;
	};
	union {
		struct stt_callbacks stt_cb;
		struct llm_callbacks llm_cb;
		struct tts_callbacks tts_cb;
	};
	uint32_t id;
};

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void on_later(uv_timer_t *t)
{
	struct later *l = t->data;

	l->fn(l);
}

static struct later *later_new(void (*fn)(struct later *l))
{
	struct later *l = calloc(1, sizeof(*l));

	uv_timer_init(agent_loop(agent), &l->timer);
	l->timer.data = l;
	l->fn = fn;

	return l;
}

static void later(struct later *l, uint32_t id)
{
	l->id = id;
	uv_timer_start(&l->timer, on_later, 1, 0);
}

static void later_free(struct later *l)
{
	uv_close((uv_handle_t *)&l->timer, on_closed);
}

static void stt_final(struct later *l)
{
	l->stt_cb.on_final(l->stt_cb.arg, l->id, &(struct stt_final){.text = "hello", .confidence = 1});
}

static int stt_open(struct stt_port *port, const struct stt_params *p, struct stt_stream **ret, struct port_fault *f)
{
	struct later *l = later_new(stt_final);

	l->stt.ops = port->ops;
	l->stt_cb = p->cb;
	*ret = &l->stt;

	return 0;
}

static void stt_close(struct stt_stream *s)
{
	later_free(container_of(s, struct later, stt));
}

static int stt_begin(struct stt_stream *s, uint32_t id, const int16_t *pcm, size_t n, struct port_fault *f)
{
	container_of(s, struct later, stt)->id = id;

	return 0;
}

static void stt_feed(struct stt_stream *s, const int16_t *pcm, size_t n)
{
}

static void stt_end(struct stt_stream *s)
{
	struct later *l = container_of(s, struct later, stt);

	later(l, l->id);
}

static void stt_cancel(struct stt_stream *s)
{
	uv_timer_stop(&container_of(s, struct later, stt)->timer);
}

static const struct stt_ops stt_ops = {
	.open = stt_open, .close = stt_close, .begin = stt_begin, .feed = stt_feed, .end = stt_end, .cancel = stt_cancel};
static struct stt_port stt_port = {&stt_ops, "embedded"};

static void llm_answer(struct later *l)
{
	l->llm_cb.on_delta(l->llm_cb.arg, l->id, "Hello.");
	l->llm_cb.on_done(l->llm_cb.arg, l->id);
}

static int llm_open(struct llm_port *port, const struct llm_params *p, struct llm_session **ret, struct port_fault *f)
{
	struct later *l = later_new(llm_answer);

	l->llm.ops = port->ops;
	l->llm_cb = p->cb;
	*ret = &l->llm;

	return 0;
}

static void llm_close(struct llm_session *s)
{
	later_free(container_of(s, struct later, llm));
}

static int llm_respond(struct llm_session *s, uint32_t id, const struct llm_turn *turn, struct port_fault *f)
{
	later(container_of(s, struct later, llm), id);

	return 0;
}

static void llm_cancel(struct llm_session *s)
{
	uv_timer_stop(&container_of(s, struct later, llm)->timer);
}

static const struct llm_ops llm_ops = {
	.open = llm_open, .close = llm_close, .respond = llm_respond, .cancel = llm_cancel};
static struct llm_port llm_port = {&llm_ops, "embedded"};

static void tts_audio(struct later *l)
{
	static const int16_t pcm[800];

	l->tts_cb.on_audio(l->tts_cb.arg, l->id, pcm, ARRAY_LEN(pcm));
	l->tts_cb.on_done(l->tts_cb.arg, l->id);
}

static int tts_open(struct tts_port *port, const struct tts_params *p, struct tts_session **ret, struct port_fault *f)
{
	struct later *l = later_new(tts_audio);

	l->tts.ops = port->ops;
	l->tts_cb = p->cb;
	*ret = &l->tts;

	return 0;
}

static void tts_close(struct tts_session *s)
{
	later_free(container_of(s, struct later, tts));
}

static int tts_speak(struct tts_session *s, uint32_t id, const char *text, struct port_fault *f)
{
	struct later *l = container_of(s, struct later, tts);

	/* One at a time is what this test needs; a second one waits in the pipeline's retry. */
	if (uv_is_active((uv_handle_t *)&l->timer))
		return -TR_ELIMIT;
	later(l, id);

	return 0;
}

static void tts_cancel(struct tts_session *s)
{
	uv_timer_stop(&container_of(s, struct later, tts)->timer);
}

static const struct tts_ops tts_ops = {.open = tts_open, .close = tts_close, .speak = tts_speak, .cancel = tts_cancel};
static struct tts_port tts_port = {&tts_ops, "embedded"};

/* ---- the runtime ------------------------------------------------------------------------------------------------------------ */

static void on_event(void *ctx, const struct agent_event *ev)
{
	uint64_t i = ev->call;

	assert_true(i < ARRAY_LEN(started));
	if (atomic_load(&stopped[i]))
		atomic_fetch_add(&late[i], 1);
	switch (ev->kind) {
	case AGENT_STARTED:
		atomic_fetch_add(&started[i], 1);
		break;
	case AGENT_STOPPED:
		atomic_fetch_add(&stopped[i], 1);
		sem_post(&is_stopped);
		break;
	case AGENT_FAILED:
		atomic_fetch_add(&failed, 1);
		break;
	case AGENT_TRANSCRIPT:
		if (ev->transcript.is_final) {
			atomic_fetch_add(&said, 1);
			sem_post(&is_heard);
		}
		break;
	default:
		break;
	}
}

static int set_up(void **state)
{
	struct agent_params p = {.on_event = on_event, .calls_max = STARTERS * CALLS};

	memset(started, 0, sizeof(started));
	memset(stopped, 0, sizeof(stopped));
	memset(late, 0, sizeof(late));
	said = failed = 0;
	sem_init(&is_stopped, 0, 0);
	sem_init(&is_heard, 0, 0);
	assert_int_equal(agent_new(&agent, &p), 0);
	assert_int_equal(agent_providers_add_stt(agent_providers(agent), &stt_port), 0);
	assert_int_equal(agent_providers_add_llm(agent_providers(agent), &llm_port), 0);
	assert_int_equal(agent_providers_add_tts(agent_providers(agent), &tts_port), 0);

	return 0;
}

static int tear_down(void **state)
{
	agent = agent_free(agent);

	return 0;
}

static struct media_port *new_port(void)
{
	struct media_port *port = NULL;

	assert_int_equal(media_port_new(&(struct media_port_params){.rate_hz = 8000, .bell = agent_bell(agent)}, &port), 0);
	assert_true(media_port_connect(port));

	return port;
}

static int start(uint64_t call, struct media_port *port)
{
	/* On the stack: it is copied. */
	char greeting[] = "Hello.";
	struct agent_config config = {.name = "test", .greeting = greeting};
	struct agent_call_params p = {.call = call, .port = port, .config = &config};
	int err = agent_call_start(agent, &p);

	memset(greeting, 'x', sizeof(greeting) - 1);

	return err;
}

/* A media worker of one port, until the agent's greeting has been said. */
static void *work(void *arg)
{
	struct media_port *port = arg;
	int16_t pcm[160] = {0};

	while (sem_trywait(&is_heard)) {
		media_port_push_up(port, pcm, 0, 0);
		media_port_pull_down(port, clock_us(), pcm);
		media_bell_ring(media_port_bell(port));
		sched_yield();
	}

	return NULL;
}

static void a_call_greets_and_stops(void **state)
{
	struct media_port *port = new_port();
	pthread_t worker;

	assert_int_equal(agent_start(agent), 0);
	assert_int_equal(start(1, port), 0);
	pthread_create(&worker, NULL, work, port);
	pthread_join(worker, NULL);
	assert_int_equal(agent_stats(agent).calls, 1);
	assert_int_equal(agent_call_stop(agent, 1), 0);
	sem_wait(&is_stopped);
	assert_int_equal(started[1], 1);
	assert_int_equal(agent_stats(agent).calls, 0);
	media_port_unref(port);
	/* An unknown call may have just ended: nothing happens. */
	assert_int_equal(agent_call_stop(agent, 1), 0);
	assert_int_equal(agent_call_dtmf(agent, 1, '1'), 0);
	assert_int_equal(agent_call_say(agent, 1, "hello"), 0);
	agent_stop(agent);
	assert_int_equal(stopped[1], 1);
}

static void *storm(void *arg)
{
	uint64_t first = (uint64_t)(intptr_t)arg * CALLS;

	for (uint64_t i = first; i < first + CALLS; i++) {
		struct media_port *port = new_port();

		assert_int_equal(start(i, port), 0);
		assert_int_equal(agent_call_dtmf(agent, i, '1'), 0);
		assert_int_equal(agent_call_hold(agent, i), 0);
		assert_int_equal(agent_call_say(agent, i, "Something."), 0);
		assert_int_equal(agent_call_resume(agent, i), 0);
		assert_int_equal(agent_call_transfer_failed(agent, i, NULL), 0);
		media_port_unref(port);
		if (i % 2)
			assert_int_equal(agent_call_stop(agent, i), 0);
	}

	return NULL;
}

/* Many threads start, bother and stop calls; half of the calls are left to agent_stop. Each stops once, and nothing follows. */
static void every_call_stops_once_and_last(void **state)
{
	pthread_t threads[STARTERS];

	assert_int_equal(agent_start(agent), 0);
	for (intptr_t i = 0; i < STARTERS; i++)
		pthread_create(&threads[i], NULL, storm, (void *)i);
	for (int i = 0; i < STARTERS; i++)
		pthread_join(threads[i], NULL);
	agent_stop(agent);
	for (int i = 0; i < STARTERS * CALLS; i++) {
		assert_int_equal(stopped[i], 1);
		assert_in_range(started[i], 0, 1);
		assert_int_equal(late[i], 0);
	}
	assert_int_equal(failed, 0);
	assert_int_equal(agent_stats(agent).calls, 0);
}

static void more_calls_than_allowed_are_refused(void **state)
{
	struct media_port *port = new_port();

	/* Not started: nothing is taken out of the mailbox. */
	for (int i = 0; i < STARTERS * CALLS; i++)
		assert_int_equal(start((uint64_t)i, port), 0);
	assert_int_equal(start(0, port), -TR_ELIMIT);
	assert_int_equal(agent_stats(agent).refused, 1);
	media_port_unref(port);
}

static void a_full_mailbox_refuses_and_counts(void **state)
{
	int err = 0;

	for (int i = 0; i <= LIMIT_AGENT_MAILBOX; i++)
		err = agent_call_say(agent, 1, "hello");
	assert_int_equal(err, -TR_ELIMIT);
	assert_int_equal(agent_stats(agent).mailbox_dropped, 1);
	assert_int_equal(agent_call_stop(agent, 1), -TR_ELIMIT);
}

static void names_are_registered_once(void **state)
{
	struct agent_providers *p = agent_providers(agent);
	struct stt_port other[LIMIT_AGENT_PORTS];
	char names[LIMIT_AGENT_PORTS][16];

	assert_int_equal(agent_providers_add_stt(p, &stt_port), -EEXIST);
	assert_ptr_equal(agent_providers_stt(p, "embedded"), &stt_port);
	assert_null(agent_providers_llm(p, "other"));
	for (int i = 0; i < LIMIT_AGENT_PORTS; i++) {
		snprintf(names[i], sizeof(names[i]), "p%d", i);
		other[i] = (struct stt_port){&stt_ops, names[i]};
		assert_int_equal(agent_providers_add_stt(p, &other[i]), i + 1 < LIMIT_AGENT_PORTS ? 0 : -TR_ELIMIT);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(a_call_greets_and_stops),
		T(every_call_stops_once_and_last),
		T(more_calls_than_allowed_are_refused),
		T(a_full_mailbox_refuses_and_counts),
		T(names_are_registered_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
