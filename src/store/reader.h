/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Reads the records of calls (store.h): a connection of its own, so that reading and writing don't wait for each other. One thread a
 * reader. Nothing is cached: the file may come, go and grow.
 */
struct store_reader;

struct store_query {
	int64_t from_ms, to_ms;	     /* began, since 1970; from inclusive, to exclusive; 0: no bound */
	const char *line, *agent, *number, *direction; /* NULL: any; number: caller's or called, exactly */
	int64_t before_seq;	     /* only older ones than this; 0: from the newest */
	bool has_ended;		     /* without running calls */
	uint32_t limit;
};

/* path is copied. The file is opened when it is first asked for. */
struct store_reader *store_reader_new(const char *path);
struct store_reader *store_reader_free(struct store_reader *r);

/*
 * Newest first; fn gets each record's document and its place, and stops the reading by returning false. 0, or a negative code with a
 * sentence in ret_why; -ENOENT: there is no file yet.
 */
nodiscard int store_list(struct store_reader *r, const struct store_query *q, bool (*fn)(void *ctx, int64_t seq, const char *doc), void *ctx,
	char *ret_why, size_t cap);
/* One call's document, which the caller frees. -ENOENT: none of that id. */
nodiscard int store_find(struct store_reader *r, const char *id, char **ret_doc, char *ret_why, size_t cap);

/* A copy of the whole file at one moment, while others write: to must not exist. */
nodiscard int store_backup(const char *path, const char *to, char *ret_why, size_t cap);
