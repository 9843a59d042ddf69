/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "base/testing.h"

/*
 * A server of HTTP/1.1 on loopback that answers what a test tells it to, well or badly: requests take the answers in the order they come. Connections are
 * kept unless the answer says otherwise.
 */
struct standin_answer {
	int status;		/* 0: the connection is closed without a word */
	const char *head;	/* more header lines, each with CRLF; NULL: none */
	const char *parts[8];	/* of the body, a chunk each */
	size_t part_n[8];	/* 0: strlen */
	uint32_t wait_ms;	/* before the status */
	uint32_t pause_ms;	/* before each part but the first */
	bool breaks_off;	/* no last chunk */
};

struct standin {
	int fd;
	uint16_t port;
	pthread_t thread;
	const struct standin_answer *answers;
	size_t count;
	_Atomic size_t next, connections, open;
	_Atomic bool is_over;
	pthread_mutex_t lock;
	char requests[16][4000]; /* head and what of the body is text */
	size_t request_n[16];
};

static inline void standin_sleep(uint32_t ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

static inline void standin_write(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t did = send(fd, text, n, MSG_NOSIGNAL);

		if (did <= 0)
			return;
		text += did;
		n -= (size_t)did;
	}
}

static inline void standin_answer(int fd, const struct standin_answer *a)
{
	char head[600];

	standin_sleep(a->wait_ms);
	snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\n%sTransfer-Encoding: chunked\r\n\r\n", a->status, a->head ? a->head : "");
	standin_write(fd, head, strlen(head));
	for (size_t i = 0; i < ARRAY_LEN(a->parts) && a->parts[i]; i++) {
		size_t n = a->part_n[i] ? a->part_n[i] : strlen(a->parts[i]);

		if (i)
			standin_sleep(a->pause_ms);
		snprintf(head, sizeof(head), "%zx\r\n", n);
		standin_write(fd, head, strlen(head));
		standin_write(fd, a->parts[i], n);
		standin_write(fd, "\r\n", 2);
	}
	if (!a->breaks_off)
		standin_write(fd, "0\r\n\r\n", 5);
}

/* A whole request: 0 at the end of the connection. */
static inline size_t standin_read(int fd, char *bytes, size_t cap)
{
	size_t n = 0, want = 0;

	for (;;) {
		ssize_t got = recv(fd, bytes + n, cap - 1 - n, 0);
		const char *end, *length;

		if (got <= 0)
			return 0;
		n += (size_t)got;
		bytes[n] = '\0';
		end = memmem(bytes, n, "\r\n\r\n", 4);
		if (!end)
			continue;
		length = strcasestr(bytes, "content-length:");
		want = (size_t)(end + 4 - bytes) + (length && length < end ? strtoul(length + 15, NULL, 10) : 0);
		if (n >= want || n == cap - 1)
			return n;
	}
}

struct standin_connection {
	struct standin *s;
	int fd;
};

static inline void *standin_serve(void *arg)
{
	struct standin_connection c = *(struct standin_connection *)arg;
	static _Thread_local char bytes[1 << 20];
	size_t n;

	free(arg);
	while ((n = standin_read(c.fd, bytes, sizeof(bytes)))) {
		size_t i = atomic_fetch_add(&c.s->next, 1);

		if (i >= c.s->count)
			break;
		pthread_mutex_lock(&c.s->lock);
		memcpy(c.s->requests[i], bytes, MIN(n, sizeof(c.s->requests[i]) - 1));
		c.s->request_n[i] = n;
		pthread_mutex_unlock(&c.s->lock);
		if (!c.s->answers[i].status)
			break;
		standin_answer(c.fd, &c.s->answers[i]);
		if (c.s->answers[i].breaks_off)
			break;
	}
	close(c.fd);
	atomic_fetch_sub(&c.s->open, 1);

	return NULL;
}

static inline void *standin_accept(void *arg)
{
	struct standin *s = arg;

	for (;;) {
		struct standin_connection *c = mem_zalloc(sizeof(*c));
		pthread_t thread;

		*c = (struct standin_connection){s, accept(s->fd, NULL, NULL)};
		if (c->fd < 0 || atomic_load(&s->is_over)) {
			if (c->fd >= 0)
				close(c->fd);
			free(c);
			return NULL;
		}
		atomic_fetch_add(&s->connections, 1);
		atomic_fetch_add(&s->open, 1);
		pthread_create(&thread, NULL, standin_serve, c);
		pthread_detach(thread);
	}
}

static inline struct standin *standin_start(const struct standin_answer *answers, size_t count)
{
	struct standin *s = mem_zalloc(sizeof(*s));
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(here);

	assert_true(count <= ARRAY_LEN(s->requests));
	s->answers = answers;
	s->count = count;
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	getsockname(s->fd, (struct sockaddr *)&here, &n);
	s->port = ntohs(here.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, standin_accept, s), 0);

	return s;
}

/* After its clients are gone. */
static inline void standin_stop(struct standin *s)
{
	atomic_store(&s->is_over, true);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (int i = 0; i < 500 && atomic_load(&s->open); i++)
		standin_sleep(10);
	assert_int_equal(atomic_load(&s->open), 0);
	free(s);
}
