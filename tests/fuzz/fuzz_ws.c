/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ws.h"

/*
 * Frames of a peer, whole and in pieces (the first byte says which end we are and how long the pieces are): the same events, however they
 * arrive. What is told holds its promises: bounds, UTF-8, valid status. What we write is read back as it was.
 */

#define MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t sum, events;
	int end;
};

static void note(struct seen *s, const struct ws_event *ev)
{
	assert(ev->bytes.n <= MOST);
	assert(ev->kind == WS_TEXT || ev->kind == WS_BINARY || ev->bytes.n <= WS_CONTROL_BYTES);
	if (ev->kind == WS_TEXT || ev->kind == WS_CLOSE)
		assert(utf8_is_valid(ev->bytes));
	if (ev->kind == WS_CLOSE)
		assert(ev->status == WS_NO_STATUS || ws_status_is_valid(ev->status));
	s->events++;
	s->sum = s->sum * 31 + (uint64_t)ev->kind;
	for (size_t i = 0; i < ev->bytes.n; i++)
		s->sum = s->sum * 31 + (uint8_t)ev->bytes.p[i];
}

static struct seen read_all(const uint8_t *data, size_t size, size_t piece, bool is_client)
{
	struct ws_reader r;
	struct seen s = {0};
	char *buf = malloc(size + 1);
	size_t at = 0, have = 0;

	assert(buf);
	memcpy(buf, data, size);
	ws_reader_init(&r, is_client, MOST);
	while (have < size && s.end >= 0) {
		have = size - have < piece ? size : have + piece;
		do {
			struct ws_event ev;
			size_t used = 0;

			s.end = ws_read(&r, buf + at, have - at, &ev, &used);
			assert(used <= have - at);
			if (s.end >= 0)
				at += used;
			if (s.end == 1)
				note(&s, &ev);
		} while (s.end == 1);
	}
	ws_reader_done(&r);
	free(buf);

	return s;
}

static void write_and_read(const uint8_t *data, size_t size, bool is_client)
{
	static char out[MOST + WS_HEAD_BYTES];
	const uint8_t mask[4] = {data[0], 7, 8, 9};
	size_t n = ws_write(out, sizeof(out), WS_BINARY, span((const char *)data, MIN(size, (size_t)MOST)), is_client ? NULL : mask);
	struct ws_reader r;
	struct ws_event ev;
	size_t used = 0;

	ws_reader_init(&r, is_client, MOST);
	assert(n > 0 && ws_read(&r, out, n, &ev, &used) == 1 && used == n);
	assert(span_eq(ev.bytes, span((const char *)data, MIN(size, (size_t)MOST))));
	ws_reader_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;

	bool is_client = data[0] & 1;
	struct seen whole = read_all(data + 1, size - 1, size, is_client), pieces = read_all(data + 1, size - 1, 1 + data[0] / 2, is_client);

	assert(whole.end == pieces.end && whole.events == pieces.events && whole.sum == pieces.sum);
	write_and_read(data, size, is_client);

	return 0;
}
