/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reader.h"
#include "store/db.h"
#include <unistd.h>

#define BUSY_MS 500

struct store_reader {
	char *path;
	sqlite3 *sql;
};

struct store_reader *store_reader_new(const char *path)
{
	struct store_reader *r = mem_zalloc(sizeof(*r));

	r->path = mem_strdup(path);

	return r;
}

static void close_file(struct store_reader *r)
{
	sqlite3_close(r->sql);
	r->sql = NULL;
}

struct store_reader *store_reader_free(struct store_reader *r)
{
	if (r) {
		close_file(r);
		free(r->path);
		free(r);
	}

	return NULL;
}

static int fail(struct store_reader *r, int code, char *ret_why, size_t cap)
{
	snprintf(ret_why, cap, "the records in %s cannot be read: %s", r->path, db_words(code));
	close_file(r); /* it is opened anew next time */

	return -EIO;
}

static int open_file(struct store_reader *r, char *ret_why, size_t cap)
{
	if (r->sql)
		return 0;
	if (access(r->path, F_OK) != 0) {
		snprintf(ret_why, cap, "there are no records in %s", r->path);
		return -ENOENT;
	}

	/* Read and write: a reader of a WAL may have to make its index. Nothing is written to the data. */
	int code = sqlite3_open_v2(r->path, &r->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code != SQLITE_OK)
		return fail(r, code, ret_why, cap);
	sqlite3_busy_timeout(r->sql, BUSY_MS);
	code = sqlite3_exec(r->sql, "PRAGMA query_only = 1", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(r->sql, "SELECT 1 FROM calls LIMIT 0", NULL, NULL, NULL);
	if (code == SQLITE_ERROR) { /* the writer is about to make the table */
		snprintf(ret_why, cap, "there are no records in %s yet", r->path);
		close_file(r);
		return -ENOENT;
	}

	return code == SQLITE_OK ? 0 : fail(r, code, ret_why, cap);
}

static void bind_text(sqlite3_stmt *st, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

static int prepare(struct store_reader *r, const char *sql, sqlite3_stmt **ret, char *ret_why, size_t cap)
{
	int err = open_file(r, ret_why, cap);
	int code = err ? SQLITE_OK : sqlite3_prepare_v2(r->sql, sql, -1, ret, NULL);

	if (err)
		return err;

	return code == SQLITE_OK ? 0 : fail(r, code, ret_why, cap);
}

int store_list(struct store_reader *r, const struct store_query *q, bool (*fn)(void *ctx, int64_t seq, const char *doc), void *ctx,
	char *ret_why, size_t cap)
{
	sqlite3_stmt *st = NULL;
	int code, err = prepare(r,
		"SELECT seq, doc FROM calls WHERE began_ms >= ?1 AND (?2 = 0 OR began_ms < ?2) AND (?3 IS NULL OR line = ?3)"
		" AND (?4 IS NULL OR agent = ?4) AND (?5 IS NULL OR caller = ?5 OR callee = ?5) AND (?6 IS NULL OR direction = ?6)"
		" AND (?7 = 0 OR seq < ?7) AND (?8 = 0 OR is_over = 1) ORDER BY seq DESC LIMIT ?9",
		&st, ret_why, cap);

	if (err)
		return err;
	sqlite3_bind_int64(st, 1, q->from_ms);
	sqlite3_bind_int64(st, 2, q->to_ms);
	bind_text(st, 3, q->line);
	bind_text(st, 4, q->agent);
	bind_text(st, 5, q->number);
	bind_text(st, 6, q->direction);
	sqlite3_bind_int64(st, 7, q->before_seq);
	sqlite3_bind_int(st, 8, q->has_ended);
	sqlite3_bind_int64(st, 9, q->limit);
	while ((code = sqlite3_step(st)) == SQLITE_ROW)
		if (!fn(ctx, sqlite3_column_int64(st, 0), (const char *)sqlite3_column_text(st, 1)))
			break;
	sqlite3_finalize(st);

	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : fail(r, code, ret_why, cap);
}

int store_find(struct store_reader *r, const char *id, char **ret_doc, char *ret_why, size_t cap)
{
	sqlite3_stmt *st = NULL;
	int err = prepare(r, "SELECT doc FROM calls WHERE id = ?1", &st, ret_why, cap);

	if (err)
		return err;
	bind_text(st, 1, id);

	int code = sqlite3_step(st);
	char *doc = code == SQLITE_ROW ? strdup((const char *)sqlite3_column_text(st, 0)) : NULL;

	sqlite3_finalize(st);
	if (code == SQLITE_DONE) {
		snprintf(ret_why, cap, "there is no record of a call %.60s", id);
		return -ENOENT;
	}
	if (code != SQLITE_ROW)
		return fail(r, code, ret_why, cap);
	if (!doc)
		return -ENOMEM;
	*ret_doc = doc;

	return 0;
}

int store_backup(const char *path, const char *to, char *ret_why, size_t cap)
{
	struct store_reader r = {.path = mem_strdup(path)};
	sqlite3_stmt *st = NULL;
	int err;

	if (access(to, F_OK) == 0) {
		snprintf(ret_why, cap, "%s exists already: name a new file", to);
		free(r.path);
		return -EEXIST;
	}
	err = open_file(&r, ret_why, cap);
	if (!err) {
		int code = sqlite3_exec(r.sql, "PRAGMA query_only = 0", NULL, NULL, NULL);

		if (code == SQLITE_OK)
			code = sqlite3_prepare_v2(r.sql, "VACUUM INTO ?1", -1, &st, NULL);
		bind_text(st, 1, to);
		if (code == SQLITE_OK)
			code = sqlite3_step(st);
		sqlite3_finalize(st);
		if (code != SQLITE_DONE) {
			snprintf(ret_why, cap, "the backup to %s failed: %s", to, db_words(code));
			err = -EIO;
		}
	}
	close_file(&r);
	free(r.path);

	return err;
}
