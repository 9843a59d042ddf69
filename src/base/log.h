/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * Structured log: a stable event name ("reg.failed") and typed fields. The line is made by the calling thread and written by a thread of
 * its own, so that a full disk or a slow terminal never holds up a call; when the writer is behind, lines are dropped
 * and counted. Not for media workers and not for pure code.
 *
 *	log_info("call.answered", LOG_STR("call", id), LOG_INT("setup_ms", ms));
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
	const char *key;
	enum { LOG_KIND_STR, LOG_KIND_SPAN, LOG_KIND_INT, LOG_KIND_FLOAT } kind;
	struct span text;
	int64_t i;
	double f;
};

#define LOG_STR(k, v)	((struct log_field){.key = (k), .kind = LOG_KIND_STR, .text = span_z(v)})
#define LOG_SPAN(k, v)	((struct log_field){.key = (k), .kind = LOG_KIND_SPAN, .text = (v)})
#define LOG_INT(k, v)	((struct log_field){.key = (k), .kind = LOG_KIND_INT, .i = (int64_t)(v)})
#define LOG_FLOAT(k, v) ((struct log_field){.key = (k), .kind = LOG_KIND_FLOAT, .f = (v)})
#define LOG_ERR(v)	LOG_STR("err", err_text(v))

#define log_at(level, event, ...)                                                                            \
	log_write(level, event, (const struct log_field[]){{0}, ##__VA_ARGS__},                              \
		ARRAY_LEN(((const struct log_field[]){{0}, ##__VA_ARGS__})) - 1)
#define log_debug(event, ...) log_at(LOG_DEBUG, event, ##__VA_ARGS__)
#define log_info(event, ...)  log_at(LOG_INFO, event, ##__VA_ARGS__)
#define log_warn(event, ...)  log_at(LOG_WARN, event, ##__VA_ARGS__)
#define log_error(event, ...) log_at(LOG_ERROR, event, ##__VA_ARGS__)

struct log_params {
	enum log_level level;
	bool is_json; /* one JSON object a line; otherwise "time LEVEL event key=value ..." */
	int fd;
};

/* Starts the writer; before log_open and after log_close lines go to stderr directly. */
void log_open(const struct log_params *params);
void log_close(void); /* writes what is waiting */
void log_set_level(enum log_level level);
uint64_t log_dropped(void);

/* fields[0] is a placeholder; n fields follow it. */
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* The line for one event, terminated, without newline; cut to cap. Returns its length. For tests and other sinks. */
size_t log_format(char *ret_line, size_t cap, bool is_json, int64_t wall_ms, enum log_level level, const char *event,
	const struct log_field *fields, size_t n);
