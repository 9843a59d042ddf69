/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"
#include "base/log.h"
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define BUSY_MS 2000 /* readers and a backup don't hold the write lock; a person's sqlite3 may */

/* Step i brings a file from version i to i + 1. Never changed once released. */
static const char *const migrations[] = {
	"CREATE TABLE calls ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, is_over INTEGER NOT NULL,"
	" began_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, direction TEXT NOT NULL, line TEXT NOT NULL, agent TEXT NOT NULL,"
	" caller TEXT NOT NULL, callee TEXT NOT NULL, ended_by TEXT NOT NULL, sip_status INTEGER NOT NULL, cause TEXT NOT NULL,"
	" recording TEXT NOT NULL, doc TEXT NOT NULL);"
	"CREATE INDEX calls_began ON calls (began_ms);"
	"CREATE INDEX calls_open ON calls (is_over) WHERE is_over = 0;",
};

const char *db_words(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return "the disk is full: free space";
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return "the file is not writable: check its owner and permissions";
	case SQLITE_CANTOPEN:
		return "the file cannot be opened: check that its folder exists and is writable";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return "the file is damaged or no database: move it away (a new one is begun) and restore a backup";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another program holds it locked: close that program";
	case SQLITE_IOERR:
		return "reading or writing it failed: check the disk";
	default:
		return sqlite3_errstr(code);
	}
}

static int fail(struct db *d, const char *doing, int code)
{
	snprintf(d->why, sizeof(d->why), "%s: %s", doing, db_words(code));
	if ((code & 0xff) == SQLITE_FULL)
		return -ENOSPC;

	return (code & 0xff) == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

static int run(struct db *d, const char *doing, const char *sql)
{
	int code = sqlite3_exec(d->sql, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : fail(d, doing, sqlite3_extended_errcode(d->sql));
}

/* The first column of a statement without parameters; negative: fault. */
static int64_t ask(struct db *d, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(d->sql, sql, -1, &st, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(st);

	int64_t n = code == SQLITE_ROW ? sqlite3_column_int64(st, 0) : fail(d, "reading the records", code);

	sqlite3_finalize(st);

	return n;
}

static int migrate(struct db *d)
{
	int64_t version = ask(d, "PRAGMA user_version");

	if (version < 0)
		return (int)version;
	if (version > (int64_t)ARRAY_LEN(migrations)) {
		snprintf(d->why, sizeof(d->why), "the file is of a newer Tipring (version %d, known is %zu): update, or name another file",
			(int)version, ARRAY_LEN(migrations));
		return -TR_ECONFIG;
	}
	for (size_t i = (size_t)version; i < ARRAY_LEN(migrations); i++) {
		auto_free char *sql = mem_format("BEGIN IMMEDIATE; %s PRAGMA user_version = %zu; COMMIT", migrations[i], i + 1);
		int err = run(d, "preparing the records", sql);

		if (err) {
			db_rollback(d);
			return err;
		}
	}

	return 0;
}

/* What a killed process left open: ended now, with what was known of it. */
static int mark_cut_off(struct db *d)
{
	return run(d, "marking calls that were cut off",
		"UPDATE calls SET is_over = 1, ended_by = 'cut_off', cause = 'the daemon was stopped before the call ended',"
		" doc = CASE WHEN json_valid(doc) THEN json_set(doc, '$.state', 'cut_off', '$.ended_by', 'cut_off',"
		" '$.cause', 'the daemon was stopped before the call ended', '$.last_state', json_extract(doc, '$.state')) ELSE doc END"
		" WHERE is_over = 0");
}

static int lock(struct db *d, const char *path)
{
	auto_free char *name = mem_format("%s-lock", path);

	d->lock_fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0640);
	if (d->lock_fd < 0) {
		snprintf(d->why, sizeof(d->why), "%.150s cannot be made: %s", name, strerror(errno));
		return -errno;
	}
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	snprintf(d->why, sizeof(d->why), "another tipring writes its records there: give each its own records.file");

	return -EBUSY;
}

static int prepare(struct db *d)
{
	static const char put[] =
		"INSERT INTO calls (id, is_over, began_ms, ended_ms, direction, line, agent, caller, callee, ended_by, sip_status, cause,"
		" recording, doc) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)"
		" ON CONFLICT (id) DO UPDATE SET is_over=?2, ended_ms=?4, line=?6, agent=?7, caller=?8, callee=?9, ended_by=?10,"
		" sip_status=?11, cause=?12, recording=?13, doc=?14 WHERE is_over = 0 OR ?2 = 1";
	static const char gone[] = "DELETE FROM calls WHERE id = ?1 AND is_over = 1 RETURNING recording";
	int code = sqlite3_prepare_v3(d->sql, put, -1, SQLITE_PREPARE_PERSISTENT, &d->put, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v3(d->sql, gone, -1, SQLITE_PREPARE_PERSISTENT, &d->gone, NULL);

	return code == SQLITE_OK ? 0 : fail(d, "preparing the records", code);
}

int db_open(struct db *d, const char *path)
{
	*d = (struct db){.lock_fd = -1};

	int err = lock(d, path);

	if (!err && sqlite3_open_v2(path, &d->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		err = fail(d, "opening the records", d->sql ? sqlite3_extended_errcode(d->sql) : SQLITE_NOMEM);
	if (!err) {
		sqlite3_busy_timeout(d->sql, BUSY_MS);
		err = run(d, "opening the records", "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
	}
	if (!err)
		err = migrate(d);
	if (!err)
		err = mark_cut_off(d);
	if (!err)
		err = prepare(d);
	if (err)
		db_close(d);

	return err;
}

void db_close(struct db *d)
{
	sqlite3_finalize(d->put);
	sqlite3_finalize(d->gone);
	sqlite3_close(d->sql);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	d->sql = NULL;
	d->put = d->gone = NULL;
	d->lock_fd = -1;
}

int db_begin(struct db *d)
{
	return run(d, "writing the records", "BEGIN IMMEDIATE");
}

static int step(struct db *d, sqlite3_stmt *st)
{
	int code;

	while ((code = sqlite3_step(st)) == SQLITE_ROW)
		;

	int err = code == SQLITE_DONE ? 0 : fail(d, "writing the records", sqlite3_extended_errcode(d->sql));

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);

	return err;
}

int db_put(struct db *d, const struct store_call *c)
{
	const char *texts[] = {c->direction, c->line, c->agent, c->from, c->to, c->ended_by};

	sqlite3_bind_text(d->put, 1, c->id, -1, SQLITE_STATIC);
	sqlite3_bind_int(d->put, 2, c->is_over);
	sqlite3_bind_int64(d->put, 3, c->began_ms);
	sqlite3_bind_int64(d->put, 4, c->ended_ms);
	for (int i = 0; i < (int)ARRAY_LEN(texts); i++)
		sqlite3_bind_text(d->put, 5 + i, texts[i] ? texts[i] : "", -1, SQLITE_STATIC);
	sqlite3_bind_int(d->put, 11, c->sip_status);
	sqlite3_bind_text(d->put, 12, c->cause ? c->cause : "", -1, SQLITE_STATIC);
	sqlite3_bind_text(d->put, 13, c->recording ? c->recording : "", -1, SQLITE_STATIC);
	sqlite3_bind_text(d->put, 14, c->doc ? c->doc : "{}", -1, SQLITE_STATIC);

	return step(d, d->put);
}

/* A line each. */
static void remove_files(const char *paths)
{
	for (struct span rest = span_z(paths ? paths : ""); rest.n;) {
		auto_free char *path = span_dup(span_cut(&rest, '\n'));

		if (path && unlink(path) != 0 && errno != ENOENT)
			log_warn("store.recording_kept", LOG_STR("file", path), LOG_STR("why", strerror(errno)));
	}
}

int db_delete(struct db *d, const char *id)
{
	sqlite3_bind_text(d->gone, 1, id, -1, SQLITE_STATIC);
	if (sqlite3_step(d->gone) == SQLITE_ROW)
		remove_files((const char *)sqlite3_column_text(d->gone, 0));
	sqlite3_reset(d->gone);

	return step(d, d->gone);
}

int db_commit(struct db *d)
{
	return run(d, "writing the records", "COMMIT");
}

void db_rollback(struct db *d)
{
	if (!sqlite3_get_autocommit(d->sql))
		sqlite3_exec(d->sql, "ROLLBACK", NULL, NULL, NULL);
}

int db_purge(struct db *d, int64_t before_ms)
{
	sqlite3_stmt *st = NULL;
	int code, n = 0;

	code = sqlite3_prepare_v2(d->sql,
		"DELETE FROM calls WHERE seq IN (SELECT seq FROM calls WHERE is_over = 1 AND began_ms < ?1 LIMIT 200) RETURNING recording", -1,
		&st, NULL);
	if (code == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, before_ms);
		while ((code = sqlite3_step(st)) == SQLITE_ROW) {
			remove_files((const char *)sqlite3_column_text(st, 0));
			n++;
		}
	}
	sqlite3_finalize(st);

	return code == SQLITE_DONE ? n : fail(d, "deleting old records", code);
}
