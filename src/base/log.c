/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mailbox.h"
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR"};

struct line {
	uint16_t n;
	char text[LIMIT_LOG_LINE_BYTES];
};

static struct {
	struct log_params p;
	struct mailbox *box;
	pthread_t thread;
	sem_t bell;
	_Atomic bool is_stopping;
	_Atomic int level;
} sink = {.p = {.fd = STDERR_FILENO}, .level = LOG_INFO};

/* An output that stops when it is full, leaving room for the terminator. */
struct out {
	char *p;
	size_t n, cap;
};

static void put(struct out *o, const char *s, size_t n)
{
	n = MIN(n, o->cap - 1 - o->n);
	memcpy(o->p + o->n, s, n);
	o->n += n;
}

static void put_z(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

static void put_quoted(struct out *o, struct span s)
{
	put(o, "\"", 1);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char esc[8];

		if (c == '"' || c == '\\')
			snprintf(esc, sizeof(esc), "\\%c", c);
		else if (c == '\n')
			memcpy(esc, "\\n", 3);
		else if (c == '\r')
			memcpy(esc, "\\r", 3);
		else if (c < 0x20 || c == 0x7f)
			snprintf(esc, sizeof(esc), "\\u%04x", c);
		else
			snprintf(esc, sizeof(esc), "%c", c);
		put_z(o, esc);
	}
	put(o, "\"", 1);
}

static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == 0x7f)
			return false;

	return s.n > 0;
}

static void put_value(struct out *o, const struct log_field *f, bool is_json)
{
	char number[40];

	switch (f->kind) {
	case LOG_KIND_INT:
		snprintf(number, sizeof(number), "%" PRId64, f->i);
		put_z(o, number);
		break;
	case LOG_KIND_FLOAT:
		snprintf(number, sizeof(number), is_json && !isfinite(f->f) ? "null" : "%.6g", f->f);
		put_z(o, number);
		break;
	default:
		if (is_json || !is_plain(f->text))
			put_quoted(o, f->text);
		else
			put(o, f->text.p, f->text.n);
	}
}

static void put_time(struct out *o, int64_t wall_ms)
{
	char text[CLOCK_TEXT];

	put_z(o, clock_text(wall_ms, text));
}

size_t log_format(char *ret_line, size_t cap, bool is_json, int64_t wall_ms, enum log_level level, const char *event,
	const struct log_field *fields, size_t n)
{
	struct out o = {ret_line, 0, cap - (is_json ? 1 : 0)};

	put_z(&o, is_json ? "{\"time\":\"" : "");
	put_time(&o, wall_ms);
	put_z(&o, is_json ? "\",\"level\":\"" : " ");
	put_z(&o, level_names[level]);
	put_z(&o, is_json ? "\",\"event\":\"" : level == LOG_INFO || level == LOG_WARN ? "  " : " ");
	put_z(&o, event);
	put_z(&o, is_json ? "\"" : "");
	for (size_t i = 1; i <= n; i++) {
		put_z(&o, is_json ? ",\"" : " ");
		put_z(&o, fields[i].key);
		put_z(&o, is_json ? "\":" : "=");
		put_value(&o, &fields[i], is_json);
	}
	o.cap = cap;
	put_z(&o, is_json ? "}" : "");
	ret_line[o.n] = 0;

	return o.n;
}

static void write_all(const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(sink.p.fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		p += done;
		n -= (size_t)done;
	}
}

static void *writer(void *arg)
{
	struct line line;

	for (;;) {
		if (mailbox_take(sink.box, &line))
			write_all(line.text, line.n);
		else if (atomic_load(&sink.is_stopping))
			return NULL;
		else
			sem_wait(&sink.bell);
	}
}

static void ring_bell(void *ctx)
{
	sem_post(&sink.bell);
}

void log_open(const struct log_params *params)
{
	struct mailbox_params box = {.count = LIMIT_LOG_QUEUE, .item_bytes = sizeof(struct line), .wake = ring_bell};

	sink.p = *params;
	atomic_store(&sink.level, params->level);
	atomic_store(&sink.is_stopping, false);
	sem_init(&sink.bell, 0, 0);
	sink.box = mailbox_new(&box);
	if (sink.box && pthread_create(&sink.thread, NULL, writer, NULL) != 0)
		sink.box = mailbox_free(sink.box);
}

void log_close(void)
{
	if (!sink.box)
		return;
	atomic_store(&sink.is_stopping, true);
	sem_post(&sink.bell);
	pthread_join(sink.thread, NULL);
	sink.box = mailbox_free(sink.box);
	sink.p.fd = STDERR_FILENO;
}

void log_set_level(enum log_level level)
{
	atomic_store(&sink.level, level);
}

uint64_t log_dropped(void)
{
	return sink.box ? mailbox_dropped(sink.box) : 0;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	struct line line;

	if ((int)level < atomic_load_explicit(&sink.level, memory_order_relaxed))
		return;

	line.n = (uint16_t)log_format(
		line.text, sizeof(line.text) - 1, sink.p.is_json, clock_wall_ms(), level, event, fields, n);
	line.text[line.n++] = '\n';
	if (!sink.box)
		write_all(line.text, line.n);
	else if (mailbox_post(sink.box, &line) != 0)
		return; /* counted by the mailbox; see log_dropped */
}
