/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include <sys/random.h>
#include <time.h>

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);

	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

msec_t clock_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_us(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_wall_ms(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000000;
}

const char *clock_text(int64_t wall_ms, char ret[static CLOCK_TEXT])
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t n = strftime(ret, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));

	snprintf(ret + n, CLOCK_TEXT - n, ".%03dZ", (int)(wall_ms % 1000));

	return ret;
}

void clock_wait(sem_t *bell, uint32_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (sem_clockwait(bell, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR)
		;
}

static void *need(void *p)
{
	if (p)
		return p;
	fputs("tipring: out of memory\n", stderr);
	abort();
}

void *mem_zalloc(size_t n)
{
	return need(calloc(1, n ? n : 1));
}

void *mem_realloc(void *p, size_t n)
{
	return need(realloc(p, n ? n : 1));
}

char *mem_strdup(const char *s)
{
	return need(strdup(s));
}

char *mem_format(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);

	return need(n < 0 ? NULL : s);
}

void random_bytes(void *ret_bytes, size_t n)
{
	char *p = ret_bytes;

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0) {
			assert(errno == EINTR);
			continue;
		}
		p += got;
		n -= (size_t)got;
	}
}

int buf_format(char *ret_buf, size_t n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int need_bytes = vsnprintf(ret_buf, n, fmt, ap);
	va_end(ap);

	return need_bytes < 0 || (size_t)need_bytes >= n ? -TR_ETOOBIG : 0;
}

void buf_copy(char *ret_buf, size_t n, const char *s)
{
	size_t len = strnlen(s, n - 1);

	memcpy(ret_buf, s, len);
	ret_buf[len] = 0;
}
