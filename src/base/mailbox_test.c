/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "base/mailbox.h"
#include "base/ring.h"
#include <pthread.h>
#include <semaphore.h>

enum { PRODUCERS = 3, EACH = 200000 };

struct note {
	int from;
	int number;
};

static sem_t bell;
static struct mailbox *box;

static void ring_bell(void *ctx)
{
	sem_post(&bell);
}

static void *produce(void *arg)
{
	struct note n = {.from = (int)(intptr_t)arg};

	for (n.number = 0; n.number < EACH;)
		if (mailbox_post(box, &n) == 0)
			n.number++;
		else
			sched_yield();

	return NULL;
}

/* Three producers against one consumer that sleeps on the bell: nothing lost, nothing twice, each sender's order kept. */
static void many_producers_one_consumer(void **state)
{
	struct mailbox_params p = {.count = 64, .item_bytes = sizeof(struct note), .wake = ring_bell};
	pthread_t threads[PRODUCERS];
	int next[PRODUCERS] = {0};
	struct note n;

	sem_init(&bell, 0, 0);
	box = mailbox_new(&p);
	for (intptr_t i = 0; i < PRODUCERS; i++)
		pthread_create(&threads[i], NULL, produce, (void *)i);

	for (int total = 0; total < PRODUCERS * EACH;) {
		if (!mailbox_take(box, &n)) {
			sem_wait(&bell);
			continue;
		}
		assert_int_equal(n.number, next[n.from]);
		next[n.from]++;
		total++;
	}
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	mailbox_free(box);
}

static void a_full_mailbox_refuses_and_counts(void **state)
{
	struct mailbox_params p = {.count = 4, .item_bytes = sizeof(int)};
	struct mailbox *m = mailbox_new(&p);
	int v;

	for (int i = 0; i < 4; i++)
		assert_int_equal(mailbox_post(m, &i), 0);
	assert_int_equal(mailbox_post(m, &(int){9}), -TR_ELIMIT);
	assert_int_equal(mailbox_dropped(m), 1);
	assert_true(mailbox_take(m, &v));
	assert_int_equal(v, 0);
	assert_int_equal(mailbox_post(m, &(int){4}), 0);
	for (int i = 1; i <= 4; i++) {
		assert_true(mailbox_take(m, &v));
		assert_int_equal(v, i);
	}
	assert_false(mailbox_take(m, &v));
	mailbox_free(m);
}

static void *ring_producer(void *arg)
{
	struct ring *r = arg;

	for (uint32_t i = 0; i < EACH;) {
		uint32_t *slot = ring_slot(r);

		if (!slot) {
			sched_yield();
			continue;
		}
		*slot = i++;
		ring_push(r);
	}

	return NULL;
}

static void ring_keeps_order_between_two_threads(void **state)
{
	struct ring r;
	pthread_t t;

	assert_int_equal(ring_init(&r, 50, sizeof(uint32_t)), 0);
	assert_int_equal(ring_capacity(&r), 64);
	pthread_create(&t, NULL, ring_producer, &r);
	for (uint32_t i = 0; i < EACH;) {
		uint32_t *item = ring_peek(&r);

		if (!item) {
			sched_yield();
			continue;
		}
		assert_int_equal(*item, i);
		i++;
		ring_pop(&r);
	}
	pthread_join(t, NULL);
	ring_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_producers_one_consumer),
		cmocka_unit_test(a_full_mailbox_refuses_and_counts),
		cmocka_unit_test(ring_keeps_order_between_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
