/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * The records of calls on disk: SQLite in WAL mode, written by a thread of its own, so that no call ever waits for a disk. A call is put
 * here when something of it changes and when it is over; what is over is synced to the disk before the next is taken.
 *
 * When the disk is full, broken or another daemon's, calls go on: ended calls wait in memory (LIMIT_STORE_WAITING), beyond that they are
 * lost and counted; writing is tried again and resumes by itself. store_stats tells which it is.
 *
 * A process that is killed leaves its running calls open; the next one to open the file marks them "cut_off" with what was known.
 */
struct store;

struct store_params {
	const char *path;     /* of the database; "-wal", "-shm" and "-lock" stand beside it */
	uint32_t keep_days;   /* ended calls and their recordings are deleted after; 0: kept */
	uint32_t retry_ms;    /* first wait after a fault, doubled up to 16 times that; 0: 250 */
};

/* One call. Texts are copied; NULL is "". */
struct store_call {
	const char *id;
	bool is_over;
	int64_t began_ms, ended_ms; /* since 1970; ended_ms 0: not yet */
	const char *direction;	    /* "inbound", "outbound" */
	const char *line, *agent, *from, *to;
	const char *ended_by, *cause;
	int sip_status;
	const char *recording;	    /* its files, a line each: deleted with it */
	const char *doc;	    /* the whole record as a JSON object */
};

struct store_stats {
	uint64_t written, lost;
	uint32_t waiting;
	bool is_failing;
	char why[240]; /* a sentence with the remedy while it fails */
};

/*
 * -ENOMEM, -EAGAIN (no thread). A file that can't be opened is no error here: see store_stats. Returns when that is known, and calls that were
 * left open are marked: for the start of a process.
 */
nodiscard int store_open(struct store **ret, const struct store_params *params);
/* Writes what waits, for at most three seconds. */
struct store *store_close(struct store *s);

/* Any thread; never waits. */
void store_put(struct store *s, const struct store_call *call);
/* Forgets an ended call: its record and its recording. Any thread. False: too much waits, try again. */
bool store_delete(struct store *s, const char *id);

/* Any thread. */
void store_stats(struct store *s, struct store_stats *ret);
