/* SPDX-License-Identifier: Apache-2.0 */
#include "store/outbox.h"
#include "store/db.h"

#define BUSY_MS 2000

enum { PUT, TRIM, NEXT, DUE, REMOVE, RETRY, CLEAR, COUNT, STATEMENTS };

struct outbox {
	sqlite3 *sql;
	sqlite3_stmt *st[STATEMENTS];
	char *part;
};

static const char schema[] =
	"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
	"CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, part TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,"
	" made_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX IF NOT EXISTS outbox_due ON outbox (part, due_ms)";

static const char *const texts[STATEMENTS] = {
	[PUT] = "INSERT INTO outbox (part, id, body, made_ms, due_ms) VALUES (?1, ?2, ?3, ?4, ?4)",
	[TRIM] = "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE part = ?1 ORDER BY seq DESC LIMIT -1 OFFSET ?2)",
	[NEXT] = "SELECT seq, id, body, attempts, made_ms FROM outbox WHERE part = ?1 AND due_ms <= ?2 ORDER BY due_ms, seq LIMIT 1",
	[DUE] = "SELECT min(due_ms) FROM outbox WHERE part = ?1",
	[REMOVE] = "DELETE FROM outbox WHERE part = ?1 AND seq = ?2",
	[RETRY] = "UPDATE outbox SET attempts = attempts + 1, due_ms = ?3 WHERE part = ?1 AND seq = ?2",
	[CLEAR] = "DELETE FROM outbox WHERE part = ?1",
	[COUNT] = "SELECT count(*) FROM outbox WHERE part = ?1",
};

static int prepare(struct outbox *o)
{
	int code = sqlite3_exec(o->sql, schema, NULL, NULL, NULL);

	for (int i = 0; i < STATEMENTS && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(o->sql, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &o->st[i], NULL);

	return code;
}

struct outbox *outbox_open(const char *path, const char *part, char *ret_why, size_t cap)
{
	struct outbox *o = mem_zalloc(sizeof(*o));
	int code = sqlite3_open_v2(path, &o->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

	o->part = mem_strdup(part);
	if (code == SQLITE_OK) {
		sqlite3_busy_timeout(o->sql, BUSY_MS);
		code = prepare(o);
	}
	if (code == SQLITE_OK)
		return o;
	snprintf(ret_why, cap, "%s: %s", path, db_words(code));

	return outbox_close(o);
}

struct outbox *outbox_close(struct outbox *o)
{
	if (o) {
		for (int i = 0; i < STATEMENTS; i++)
			sqlite3_finalize(o->st[i]);
		sqlite3_close(o->sql);
		free(o->part);
		free(o);
	}

	return NULL;
}

static sqlite3_stmt *begin(struct outbox *o, int which)
{
	sqlite3_stmt *st = o->st[which];

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	sqlite3_bind_text(st, 1, o->part, -1, SQLITE_STATIC);

	return st;
}

static int run(sqlite3_stmt *st)
{
	int code = sqlite3_step(st);

	sqlite3_reset(st);

	return code == SQLITE_DONE ? 0 : (code & 0xff) == SQLITE_FULL ? -ENOSPC : -EIO;
}

int outbox_put(struct outbox *o, const char *id, const char *body, int64_t now_ms, uint32_t *ret_lost)
{
	sqlite3_stmt *st = begin(o, PUT);

	*ret_lost = 0;
	sqlite3_bind_text(st, 2, id, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, body, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, now_ms);

	int err = run(st);

	if (err || outbox_count(o) <= LIMIT_OUTBOX_WAITING)
		return err;
	st = begin(o, TRIM);
	sqlite3_bind_int64(st, 2, LIMIT_OUTBOX_WAITING);
	err = run(st);
	*ret_lost = err ? 0 : (uint32_t)sqlite3_changes(o->sql);

	return err;
}

static int64_t ask(sqlite3_stmt *st, int64_t otherwise)
{
	int64_t n = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL ? sqlite3_column_int64(st, 0) : otherwise;

	sqlite3_reset(st);

	return n;
}

int64_t outbox_count(struct outbox *o)
{
	return ask(begin(o, COUNT), 0);
}

int outbox_next(struct outbox *o, int64_t now_ms, struct outbox_item *ret, int64_t *ret_due_ms)
{
	sqlite3_stmt *st = begin(o, NEXT);

	sqlite3_bind_int64(st, 2, now_ms);

	int code = sqlite3_step(st);

	if (code == SQLITE_ROW) {
		*ret = (struct outbox_item){.seq = sqlite3_column_int64(st, 0), .id = strdup((const char *)sqlite3_column_text(st, 1)),
			.body = strdup((const char *)sqlite3_column_text(st, 2)), .attempts = (uint32_t)sqlite3_column_int(st, 3),
			.made_ms = sqlite3_column_int64(st, 4)};
		sqlite3_reset(st);
		if (ret->id && ret->body)
			return 1;
		outbox_item_done(ret);
		return -ENOMEM;
	}
	sqlite3_reset(st);
	*ret_due_ms = ask(begin(o, DUE), INT64_MAX);

	return code == SQLITE_DONE ? 0 : -EIO;
}

void outbox_item_done(struct outbox_item *item)
{
	free(item->id);
	free(item->body);
	*item = (struct outbox_item){0};
}

int outbox_remove(struct outbox *o, int64_t seq)
{
	sqlite3_stmt *st = begin(o, REMOVE);

	sqlite3_bind_int64(st, 2, seq);

	return run(st);
}

int outbox_retry(struct outbox *o, int64_t seq, int64_t due_ms)
{
	sqlite3_stmt *st = begin(o, RETRY);

	sqlite3_bind_int64(st, 2, seq);
	sqlite3_bind_int64(st, 3, due_ms);

	return run(st);
}

int outbox_clear(struct outbox *o)
{
	return run(begin(o, CLEAR));
}
