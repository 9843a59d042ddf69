/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <sqlite3.h>
#include "store/store.h"

/* The database of records as the writer uses it. One thread. Negative codes come with a sentence in why. */
struct db {
	sqlite3 *sql;
	sqlite3_stmt *put, *gone;
	int lock_fd;
	char why[240];
};

/* Creates or migrates the file, takes its lock, and marks calls that an earlier process left open. */
nodiscard int db_open(struct db *d, const char *path);
void db_close(struct db *d);

nodiscard int db_begin(struct db *d);
nodiscard int db_put(struct db *d, const struct store_call *call);
/* Deletes an ended call and its recording. */
nodiscard int db_delete(struct db *d, const char *id);
nodiscard int db_commit(struct db *d);
void db_rollback(struct db *d);

/* Deletes up to 200 ended calls that began before then, with their recordings. Returns how many, or a negative code. */
nodiscard int db_purge(struct db *d, int64_t before_ms);

/* What an SQLite result means to people, with the remedy. */
const char *db_words(int code);
