/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "providers/embedded/compute.h"
#include <stdatomic.h>

enum { LANES = 8, JOBS = 30 };

struct piece {
	struct compute_job job;
	int lane, order;
};

struct note {
	struct compute_msg msg;
	int lane, order;
};

static struct fixture {
	uv_loop_t loop;
	struct compute *compute;
	struct compute_lane lanes[LANES];
	atomic_int running[LANES];
	int noted[LANES], done[LANES], done_total;
	atomic_bool overlapped, is_held;
} f;

static int make(uint32_t threads)
{
	memset(&f, 0, sizeof(f));
	uv_loop_init(&f.loop);
	assert_int_equal(compute_new(&f.compute, &f.loop, threads), 0);
	for (int i = 0; i < LANES; i++)
		compute_lane_init(&f.lanes[i], f.compute);

	return 0;
}

static int set_up(void **state)
{
	return make(3);
}

static int set_up_one(void **state)
{
	return make(1);
}

static int tear_down(void **state)
{
	atomic_store(&f.is_held, false);
	f.compute = compute_free(f.compute);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f.loop), 0);

	return 0;
}

static void on_note(struct compute_msg *msg)
{
	struct note *note = container_of(msg, struct note, msg);

	/* A job's message comes before its completion and after that of the job before it. */
	assert_int_equal(note->order, f.noted[note->lane]);
	assert_int_equal(note->order, f.done[note->lane]);
	f.noted[note->lane]++;
	free(note);
}

static void run_piece(struct compute_job *job)
{
	struct piece *piece = container_of(job, struct piece, job);
	struct note *note = mem_zalloc(sizeof(*note));

	if (atomic_fetch_add(&f.running[piece->lane], 1) != 0)
		atomic_store(&f.overlapped, true);
	note->msg.deliver = on_note;
	note->lane = piece->lane;
	note->order = piece->order;
	compute_post(f.compute, &note->msg);
	atomic_fetch_sub(&f.running[piece->lane], 1);
}

static void piece_done(struct compute_job *job)
{
	struct piece *piece = container_of(job, struct piece, job);

	assert_int_equal(piece->order, f.done[piece->lane]);
	f.done[piece->lane]++;
	f.done_total++;
	free(piece);
}

static struct piece *piece_new(int lane, int order)
{
	struct piece *piece = mem_zalloc(sizeof(*piece));

	piece->job.run = run_piece;
	piece->job.done = piece_done;
	piece->lane = lane;
	piece->order = order;

	return piece;
}

static void jobs_of_a_lane_run_in_order_and_alone(void **state)
{
	for (int order = 0; order < JOBS; order++)
		for (int lane = 0; lane < LANES; lane++)
			assert_int_equal(compute_submit(&f.lanes[lane], &piece_new(lane, order)->job), 0);
	while (f.done_total < LANES * JOBS)
		uv_run(&f.loop, UV_RUN_ONCE);

	assert_false(atomic_load(&f.overlapped));
	for (int lane = 0; lane < LANES; lane++) {
		assert_int_equal(f.noted[lane], JOBS);
		assert_true(compute_lane_is_idle(&f.lanes[lane]));
	}
	assert_int_equal(compute_stats(f.compute).run, LANES * JOBS);
}

static void run_held(struct compute_job *job)
{
	while (atomic_load(&f.is_held))
		sched_yield();
}

static void held_done(struct compute_job *job)
{
	f.done_total++;
}

/* The queue is bounded: what does not fit is refused at once and stays the caller's. */
static void full_queue_refuses(void **state)
{
	static struct compute_job held, waiting[LIMIT_COMPUTE_QUEUE], extra;
	struct compute_job *all[] = {&held, &extra};

	atomic_store(&f.is_held, true);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		*all[i] = (struct compute_job){.run = run_held, .done = held_done};
	assert_int_equal(compute_submit(&f.lanes[0], &held), 0);
	while (compute_stats(f.compute).waiting)
		sched_yield();
	for (int i = 0; i < LIMIT_COMPUTE_QUEUE; i++) {
		waiting[i] = (struct compute_job){.run = run_held, .done = held_done};
		assert_int_equal(compute_submit(&f.lanes[0], &waiting[i]), 0);
	}
	assert_int_equal(compute_submit(&f.lanes[1], &extra), -TR_ELIMIT);
	assert_int_equal(compute_stats(f.compute).refused, 1);

	atomic_store(&f.is_held, false);
	while (f.done_total < LIMIT_COMPUTE_QUEUE + 1)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(compute_submit(&f.lanes[1], &extra), 0);
	while (f.done_total < LIMIT_COMPUTE_QUEUE + 2)
		uv_run(&f.loop, UV_RUN_ONCE);
}

static atomic_int started;
static int first_started[3];

static void run_noting(struct compute_job *job)
{
	struct piece *piece = container_of(job, struct piece, job);

	piece->order = atomic_fetch_add(&started, 1);
}

static void noting_done(struct compute_job *job)
{
	struct piece *piece = container_of(job, struct piece, job);

	first_started[piece->lane] = piece->order;
	f.done_total++;
}

/* The only thread is busy; what waits starts in the order submitted, but the urgent lane first. */
static void urgent_lanes_go_first(void **state)
{
	static struct compute_job held;
	static struct piece waiting[3];

	atomic_store(&started, 0);
	atomic_store(&f.is_held, true);
	held = (struct compute_job){.run = run_held, .done = held_done};
	assert_int_equal(compute_submit(&f.lanes[3], &held), 0);
	while (compute_stats(f.compute).waiting)
		sched_yield();
	f.lanes[2].is_urgent = true;
	for (int i = 0; i < 3; i++) {
		waiting[i] = (struct piece){.job = {.run = run_noting, .done = noting_done}, .lane = i};
		assert_int_equal(compute_submit(&f.lanes[i], &waiting[i].job), 0);
	}
	atomic_store(&f.is_held, false);
	while (f.done_total < 4)
		uv_run(&f.loop, UV_RUN_ONCE);
	assert_int_equal(first_started[2], 0);
	assert_int_equal(first_started[0], 1);
	assert_int_equal(first_started[1], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(jobs_of_a_lane_run_in_order_and_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(urgent_lanes_go_first, set_up_one, tear_down),
		cmocka_unit_test_setup_teardown(full_queue_refuses, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
