/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ws.h"

#define FIN	 0x80
#define RESERVED 0x70
#define MASKED	 0x80

struct head {
	enum ws_opcode opcode;
	bool is_final, is_masked;
	uint8_t mask[4];
	size_t head_n;
	uint64_t payload_n;
};

void ws_reader_init(struct ws_reader *r, bool is_client, size_t most)
{
	*r = (struct ws_reader){.is_client = is_client, .most = most};
}

static void drop_parts(struct ws_reader *r)
{
	free(r->parts);
	r->parts = NULL;
	r->parts_n = r->parts_cap = 0;
	r->has_parts = false;
}

void ws_reader_done(struct ws_reader *r)
{
	drop_parts(r);
}

/* --- UTF-8 --- */

/* Bytes of the character at the front of s; 0: none. Overlong forms, surrogates and what is beyond U+10FFFF are none. */
static size_t utf8_char(const unsigned char *s, size_t n)
{
	unsigned char c = s[0];
	size_t len = c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f))
		return 0;

	return len;
}

bool utf8_is_valid(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t at = 0, len; at < s.n; at += len) {
		len = utf8_char(p + at, s.n - at);
		if (len == 0)
			return false;
	}

	return true;
}

/* --- reading --- */

bool ws_status_is_valid(uint16_t status)
{
	/* 1012 to 1014 were registered after the RFC. */
	bool is_known = status >= 1000 && status <= 1014 && status != 1004 && status != 1005 && status != 1006;

	return is_known || (status >= 3000 && status <= 4999);
}

static uint64_t read_number(const unsigned char *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | p[i];

	return v;
}

/* 1: complete; 0: more bytes are needed; or an error. */
static int read_head(const struct ws_reader *r, const char *buf, size_t n, struct head *ret)
{
	const unsigned char *p = (const unsigned char *)buf;

	if (n < 2)
		return 0;

	unsigned low = p[1] & 0x7f, length_bytes = low == 126 ? 2 : low == 127 ? 8 : 0;

	ret->opcode = p[0] & 0x0f;
	ret->is_final = p[0] & FIN;
	ret->is_masked = p[1] & MASKED;
	ret->head_n = 2 + length_bytes + (ret->is_masked ? 4 : 0);
	if (p[0] & RESERVED || ret->is_masked == r->is_client)
		return -WS_PROTOCOL;
	if (ret->opcode >= WS_CLOSE && (!ret->is_final || low > WS_CONTROL_BYTES))
		return -WS_PROTOCOL;
	if (n < ret->head_n)
		return 0;
	ret->payload_n = length_bytes ? read_number(p + 2, length_bytes) : low;
	if (ret->is_masked)
		memcpy(ret->mask, p + 2 + length_bytes, 4);

	return 1;
}

/* Whether this frame may come now, §5.4, and is not more than is wanted. */
static int check_order(const struct ws_reader *r, const struct head *h)
{
	bool is_inside = r->kind != WS_CONTINUATION;

	switch (h->opcode) {
	case WS_CLOSE:
	case WS_PING:
	case WS_PONG:
		return 0;
	case WS_CONTINUATION:
		if (!is_inside)
			return -WS_PROTOCOL;
		break;
	case WS_TEXT:
	case WS_BINARY:
		if (is_inside)
			return -WS_PROTOCOL;
		break;
	default:
		return -WS_PROTOCOL;
	}

	return h->payload_n > r->most - r->parts_n ? -WS_TOO_BIG : 0;
}

static void mask_bytes(char *p, size_t n, const uint8_t mask[4])
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)((uint8_t)p[i] ^ mask[i & 3]);
}

static int keep_part(struct ws_reader *r, const char *p, size_t n)
{
	if (r->parts_n + n > r->parts_cap) {
		size_t cap = MIN(MAX(r->parts_cap * 2, r->parts_n + n), r->most);
		char *grown = realloc(r->parts, cap ? cap : 1);

		if (!grown)
			return -WS_INTERNAL;
		r->parts = grown;
		r->parts_cap = cap;
	}
	if (n)
		memcpy(r->parts + r->parts_n, p, n);
	r->parts_n += n;

	return 0;
}

static int take_close(struct span payload, struct ws_event *ret)
{
	ret->status = WS_NO_STATUS;
	if (payload.n == 0)
		return 1;
	if (payload.n == 1)
		return -WS_PROTOCOL;
	ret->status = (uint16_t)read_number((const unsigned char *)payload.p, 2);
	ret->bytes = span(payload.p + 2, payload.n - 2);
	if (!ws_status_is_valid(ret->status))
		return -WS_PROTOCOL;

	return utf8_is_valid(ret->bytes) ? 1 : -WS_BAD_TEXT;
}

/* One whole frame. 1: it makes an event, 0: it is a fragment. */
static int take_frame(struct ws_reader *r, const struct head *h, char *payload, struct ws_event *ret)
{
	size_t n = (size_t)h->payload_n;
	bool is_control = h->opcode >= WS_CLOSE, is_whole = h->is_final && h->opcode != WS_CONTINUATION;

	if (h->is_masked)
		mask_bytes(payload, n, h->mask);
	*ret = (struct ws_event){.kind = h->opcode, .bytes = span(payload, n)};
	if (h->opcode == WS_CLOSE)
		return take_close(ret->bytes, ret);
	if (is_control)
		return 1;
	if (!is_whole) {
		int err = keep_part(r, payload, n);

		if (err)
			return err;
		if (h->opcode != WS_CONTINUATION)
			r->kind = h->opcode;
		if (!h->is_final)
			return 0;
		ret->kind = r->kind;
		ret->bytes = span(r->parts, r->parts_n);
		r->kind = WS_CONTINUATION;
		r->has_parts = true;
	}

	return ret->kind == WS_TEXT && !utf8_is_valid(ret->bytes) ? -WS_BAD_TEXT : 1;
}

int ws_read(struct ws_reader *r, char *buf, size_t n, struct ws_event *ret, size_t *ret_used)
{
	size_t at = 0;

	if (r->has_parts)
		drop_parts(r);
	for (;;) {
		struct head h = {0};
		int got = read_head(r, buf + at, n - at, &h);

		int bad = got == 1 ? check_order(r, &h) : 0;

		if (got < 0 || bad < 0)
			return got < 0 ? got : bad;
		if (got == 0 || n - at - h.head_n < h.payload_n) {
			*ret_used = at;
			return 0;
		}

		char *payload = buf + at + h.head_n;

		at += h.head_n + (size_t)h.payload_n;
		got = take_frame(r, &h, payload, ret);
		*ret_used = at;
		if (got != 0)
			return got;
	}
}

/* --- writing --- */

size_t ws_write(char *ret_buf, size_t cap, enum ws_opcode kind, struct span payload, const uint8_t *mask)
{
	unsigned char *p = (unsigned char *)ret_buf;
	unsigned length_bytes = payload.n < 126 ? 0 : payload.n < 65536 ? 2 : 8;
	size_t head_n = 2 + length_bytes + (mask ? 4 : 0);

	if (cap < head_n || cap - head_n < payload.n || (kind >= WS_CLOSE && payload.n > WS_CONTROL_BYTES))
		return 0;
	/* The payload may lie in the buffer already. */
	if (payload.n)
		memmove(ret_buf + head_n, payload.p, payload.n);
	p[0] = (unsigned char)(FIN | kind);
	p[1] = (unsigned char)((mask ? MASKED : 0) | (length_bytes == 0 ? payload.n : length_bytes == 2 ? 126 : 127));
	for (unsigned i = 0; i < length_bytes; i++)
		p[2 + i] = (unsigned char)((uint64_t)payload.n >> 8 * (length_bytes - 1 - i));
	if (mask) {
		memcpy(p + 2 + length_bytes, mask, 4);
		mask_bytes(ret_buf + head_n, payload.n, mask);
	}

	return head_n + payload.n;
}

size_t ws_write_close(char *ret_buf, size_t cap, uint16_t status, const char *reason, const uint8_t *mask)
{
	char payload[WS_CONTROL_BYTES];
	size_t n = 2;

	if (status == WS_NO_STATUS)
		return ws_write(ret_buf, cap, WS_CLOSE, (struct span){0}, mask);
	payload[0] = (char)(status >> 8);
	payload[1] = (char)status;
	for (const char *p = reason ? reason : ""; *p && n < sizeof(payload); p++)
		payload[n++] = (unsigned char)*p < 0x80 ? *p : '?'; /* cut anywhere, it stays UTF-8 */

	return ws_write(ret_buf, cap, WS_CLOSE, span(payload, n), mask);
}
