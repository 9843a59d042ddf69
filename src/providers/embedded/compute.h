/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>
#include "base/base.h"
#include "base/list.h"

/*
 * A few threads for work that takes longer than a loop may be held up: speech recognition and synthesis.
 *
 * Work is queued in lanes. A lane runs one job at a time, in the order submitted; different lanes run side by side. What a job
 * has to say goes back to the loop as messages, in the order posted, and its own completion comes after all of them.
 *
 * Thread: the loop of compute_new, except compute_post, which is for running jobs.
 */
struct compute;
struct compute_job;

/* Runs on a compute thread; owns the job until it returns. */
typedef void compute_run_fn(struct compute_job *job);
/* Runs on the loop; may free or submit the job again. */
typedef void compute_done_fn(struct compute_job *job);

struct compute_job {
	struct list link;
	compute_run_fn *run;
	compute_done_fn *done;
	struct compute_lane *lane; /* while queued or running */
};

struct compute_lane {
	struct compute *compute;
	struct list link; /* among the lanes with work to start */
	struct list jobs; /* waiting */
	bool is_running;
	bool is_urgent; /* may be set after compute_lane_init: its jobs start before those of other lanes. For short ones that somebody waits for */
};

/* Allocated by the job with malloc, its own data behind this head; deliver runs on the loop and frees it. */
struct compute_msg {
	struct list link;
	void (*deliver)(struct compute_msg *msg);
};

struct compute_stats {
	uint64_t run;	  /* jobs finished */
	uint64_t refused; /* jobs not taken because the queue was full */
	uint32_t waiting; /* jobs queued now */
	uint32_t busy;	  /* jobs queued, running, or done without their completion having been delivered */
};

/* threads of 0: one per CPU, at most LIMIT_COMPUTE_THREADS. */
nodiscard int compute_new(struct compute **ret, uv_loop_t *loop, uint32_t threads);

/*
 * Waits for running jobs, drops the waiting ones (done is called for neither), delivers nothing more. The handle of the loop
 * is closed; run the loop once afterwards to be rid of it.
 */
struct compute *compute_free(struct compute *c);

uint32_t compute_threads(const struct compute *c);
struct compute_stats compute_stats(struct compute *c);

void compute_lane_init(struct compute_lane *lane, struct compute *c);
/* Has neither waiting nor running jobs nor undelivered completions. */
bool compute_lane_is_idle(const struct compute_lane *lane);

/* -TR_ELIMIT when LIMIT_COMPUTE_QUEUE jobs wait already; the job is then the caller's as before. */
nodiscard int compute_submit(struct compute_lane *lane, struct compute_job *job);
/* For jobs whose number their owner bounds, one a call: never refused. */
void compute_submit_reserved(struct compute_lane *lane, struct compute_job *job);

/* From a running job. */
void compute_post(struct compute *c, struct compute_msg *msg);
