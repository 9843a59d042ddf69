/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"
#include "base/base.h"
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * INVITE -> 200 in microseconds, which SIPp cannot tell: its clock has the kernel's tick. Calls one
 * after the other at a fixed rate, each INVITE, 200, ACK, BYE, 200. Usage: sip_rtt ADDR:PORT [RATE
 * [CALLS]].
 */

static const char sdp[] =
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n"
	"a=rtpmap:0 PCMU/8000\r\n";

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void send_request(
	int fd, const char *method, unsigned call, const char *to_tag, const char *body)
{
	char text[2048], content[64] = "";
	unsigned cseq = strcmp(method, "BYE") == 0 ? 2 : 1;

	if (*body)
		snprintf(content, sizeof(content), "Content-Type: application/sdp\r\n");

	int n = snprintf(text, sizeof(text),
		"%s sip:bench@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK%s%u-%d\r\nMax-Forwards: 70\r\n"
		"From: <sip:rtt@127.0.0.1>;tag=%u\r\nTo: <sip:bench@127.0.0.1>%s\r\nCall-ID: %u-%d@rtt\r\nCSeq: %u %s\r\n"
		"Contact: <sip:rtt@127.0.0.1>\r\n%sContent-Length: %zu\r\n\r\n%s",
		method, method, call, getpid(), call, to_tag, call, getpid(), cseq, method, content,
		strlen(body), body);

	if (send(fd, text, (size_t)n, 0) != n)
		perror("send");
}

/* Waits for a 200 of that call; its To tag as ";tag=...". False: none within a second. */
static bool await_ok(int fd, unsigned call, char *ret_tag, size_t tag_size)
{
	char text[4096], id[64];
	struct pollfd p = {.fd = fd, .events = POLLIN};

	snprintf(id, sizeof(id), "Call-ID: %u-%d@rtt", call, getpid());
	while (poll(&p, 1, 1000) > 0) {
		ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

		if (n <= 0)
			return false;
		text[n] = 0;
		if (strncmp(text, "SIP/2.0 200", 11) != 0 || !strstr(text, id))
			continue;

		const char *to = strstr(text, "\r\nTo:"), *tag = to ? strstr(to, ";tag=") : NULL;

		if (tag)
			span_copy(span(tag, strcspn(tag, "\r\n>")), ret_tag, tag_size);
		return true;
	}

	return false;
}

int main(int argc, char **argv)
{
	struct addr to;
	unsigned rate = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 200;
	unsigned calls = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 2000, done = 0;
	int fd;

	if (argc < 2 || !addr_parse(span_z(argv[1]), 5060, &to) || !rate || !calls) {
		fprintf(stderr, "usage: sip_rtt ADDR:PORT [RATE [CALLS]]\n");
		return 2;
	}

	int64_t *us = mem_zalloc(calls * sizeof(*us)), start = clock_us();

	fd = socket(to.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &to.sa, addr_len(&to))) {
		perror(argv[1]);
		return 1;
	}
	for (unsigned i = 0; i < calls; i++) {
		char tag[128] = "";
		int64_t due = start + (int64_t)i * 1000000 / rate - clock_us();

		if (due > 0)
			usleep((unsigned)due);

		int64_t sent_at = clock_us();

		send_request(fd, "INVITE", i, "", sdp);
		if (!await_ok(fd, i, tag, sizeof(tag)))
			continue;
		us[done++] = clock_us() - sent_at;
		send_request(fd, "ACK", i, tag, "");
		send_request(fd, "BYE", i, tag, "");
		await_ok(fd, i, tag, sizeof(tag));
	}
	qsort(us, done, sizeof(*us), compare);
	printf("%u of %u calls at %u/s: INVITE -> 200 p50 %" PRId64 " us, p99 %" PRId64
	       " us, most %" PRId64 " us\n",
		done, calls, rate, us[done / 2], us[MIN(done * 99 / 100, done ? done - 1 : 0)],
		us[done ? done - 1 : 0]);
	free(us);

	return done < calls;
}
