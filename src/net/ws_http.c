/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ws_http.h"
#include <openssl/evp.h>

/*
 * Lenient: bare LF ends a line, tokens of Connection and Upgrade in any case. Strict: what could be read in two ways (folded lines, a
 * field of ours twice, white space before the colon, NUL), as proxies in front of us may read it the other way.
 */

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* --- heads --- */

/* Length of the head including its empty line; 0: not complete. */
static size_t head_length(const char *buf, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		if (buf[i] != '\n')
			continue;
		if (buf[i + 1] == '\n')
			return i + 2;
		if (buf[i + 1] == '\r' && i + 2 < n && buf[i + 2] == '\n')
			return i + 3;
	}

	return 0;
}

/* The next line without its end; absent behind the last. */
static struct span next_line(struct span *rest)
{
	struct span line = span_cut(rest, '\n');

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;

	return line;
}

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_clean(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;

	return true;
}

/* One header line into name and value. */
static bool read_field(struct span line, struct span *ret_name, struct span *ret_value)
{
	size_t colon = span_find(line, ':');

	if (colon == 0 || colon == line.n)
		return false;
	for (size_t i = 0; i < colon; i++)
		if (!is_token_char(line.p[i]))
			return false;
	*ret_name = span(line.p, colon);
	*ret_value = span_trim(span(line.p + colon + 1, line.n - colon - 1));

	return is_clean(*ret_value);
}

/* Whether a comma list has the token, in any case. */
static bool has_token(struct span list, const char *token)
{
	while (list.p)
		if (span_ieq_z(span_trim(span_cut(&list, ',')), token))
			return true;

	return false;
}

struct head {
	struct span first;
	struct span host, origin, upgrade, connection, key, version, protocol, extensions, accept;
	bool has_body;
};

/* Fields that may come once only; Connection, Upgrade and the list of protocols are single in practice too. */
static bool keep_field(struct head *h, struct span name, struct span value)
{
	const struct {
		const char *name;
		struct span *to;
	} rows[] = {
		{"Host", &h->host}, {"Origin", &h->origin}, {"Upgrade", &h->upgrade}, {"Connection", &h->connection},
		{"Sec-WebSocket-Key", &h->key}, {"Sec-WebSocket-Version", &h->version}, {"Sec-WebSocket-Protocol", &h->protocol},
		{"Sec-WebSocket-Extensions", &h->extensions}, {"Sec-WebSocket-Accept", &h->accept},
	};

	if (span_ieq_z(name, "Transfer-Encoding") || (span_ieq_z(name, "Content-Length") && !span_eq_z(value, "0")))
		h->has_body = true;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!span_ieq_z(name, rows[i].name))
			continue;
		/* Lists may be spread over several fields; of those only extensions are, and we refuse them all. */
		if (rows[i].to->p && rows[i].to != &h->extensions)
			return false;
		*rows[i].to = value;
	}

	return true;
}

static bool read_head(struct span text, struct head *ret)
{
	struct span line, name, value;
	unsigned count = 0;

	*ret = (struct head){0};
	ret->first = next_line(&text);
	if (!is_clean(ret->first))
		return false;
	while ((line = next_line(&text)).n) {
		if (++count > LIMIT_WS_HEADERS || !read_field(line, &name, &value) || !keep_field(ret, name, value))
			return false;
	}

	return true;
}

/* "PREFIX..." as far as there are bytes. */
static bool may_begin_with(const char *buf, size_t n, const char *prefix)
{
	return memcmp(buf, prefix, MIN(n, strlen(prefix))) == 0;
}

/* Three words with one space between them. */
static bool is_http_word(const char *buf, size_t n)
{
	for (size_t i = 0; i < n && i < 20; i++) {
		if (buf[i] == ' ')
			return i > 0;
		if (buf[i] < 'A' || buf[i] > 'Z')
			return false;
	}

	return n < 20;
}

/* --- server --- */

static int read_first_line(struct span first, struct ws_request *ret)
{
	struct span rest = first, method = span_cut(&rest, ' '), target = span_cut(&rest, ' ');

	if (!rest.p || !target.n || (target.p[0] != '/' && !span_istarts(target, "http")) || !span_istarts(rest, "HTTP/1."))
		return -400;
	if (!span_eq_z(method, "GET"))
		return -405;
	if (!span_eq_z(rest, "HTTP/1.1"))
		return -426;
	ret->target = target;

	return 0;
}

/* 16 bytes in base64: 22 characters and "==". */
static bool is_key(struct span key)
{
	unsigned char raw[18];

	return key.n == 24 && key.p[22] == '=' && key.p[23] == '=' && key.p[21] != '=' &&
	       EVP_DecodeBlock(raw, (const unsigned char *)key.p, 24) == 18;
}

int ws_request_read(const char *buf, size_t n, struct ws_request *ret, size_t *ret_used)
{
	size_t length = head_length(buf, MIN(n, (size_t)LIMIT_WS_HEAD_BYTES));
	struct head h;

	*ret = (struct ws_request){0};
	if (!is_http_word(buf, n))
		return -400;
	if (length == 0)
		return n >= LIMIT_WS_HEAD_BYTES ? -431 : 0;
	if (!read_head(span(buf, length), &h))
		return -400;

	int err = read_first_line(h.first, ret);

	if (err)
		return err;
	/* A body would be taken for frames. */
	if (!h.host.n || h.has_body)
		return -400;
	ret->host = h.host;
	ret->origin = h.origin;
	ret->key = h.key;
	ret->protocols = h.protocol;
	ret->is_ws = has_token(h.upgrade, "websocket") && has_token(h.connection, "Upgrade") && span_eq_z(h.version, "13");
	if (!ret->is_ws)
		return -426;
	if (!is_key(h.key))
		return -400;
	*ret_used = length;

	return 1;
}

bool ws_has_protocol(struct span protocols, const char *name)
{
	while (protocols.p)
		if (span_eq_z(span_trim(span_cut(&protocols, ',')), name))
			return true;

	return false;
}

struct span ws_host_of(struct span s)
{
	const char *scheme = s.n ? memmem(s.p, s.n, "://", 3) : NULL;

	if (scheme)
		s = span(scheme + 3, (size_t)(s.p + s.n - scheme - 3));
	s.n = span_find(s, '/');
	if (s.n && s.p[0] == '[') {
		size_t end = span_find(s, ']');

		return end < s.n ? span(s.p, end + 1) : (struct span){0};
	}
	s.n = span_find(s, ':');

	return s.n ? s : (struct span){0};
}

/* §4.2.2: base64 of SHA-1 of the key and a fixed text. */
static bool accept_of(struct span key, char ret[static WS_ACCEPT_BYTES])
{
	char text[64 + sizeof(GUID)];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (buf_format(text, sizeof(text), "%.*s" GUID, SPAN_FMT(key)) ||
		!EVP_Digest(text, strlen(text), digest, &n, EVP_sha1(), NULL) || n != 20)
		return false;
	EVP_EncodeBlock((unsigned char *)ret, digest, (int)n);

	return true;
}

size_t ws_accept_write(char *ret_buf, size_t cap, struct span key, const char *protocol)
{
	char accept[WS_ACCEPT_BYTES];

	if (!accept_of(key, accept) ||
		buf_format(ret_buf, cap,
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
			accept, protocol ? "Sec-WebSocket-Protocol: " : "", protocol ? protocol : "", protocol ? "\r\n" : ""))
		return 0;

	return strlen(ret_buf);
}

static const char *status_text(int status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 426:
		return "Upgrade Required";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return "Error";
	}
}

size_t ws_refuse_write(char *ret_buf, size_t cap, int status, const char *text)
{
	const char *more = status == 426   ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
			   : status == 405 ? "Allow: GET\r\n"
					   : "";

	if (buf_format(ret_buf, cap, "HTTP/1.1 %d %s\r\n%sContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
		    status, status_text(status), more, strlen(text) + 1, text))
		return 0;

	return strlen(ret_buf);
}

/* --- client --- */

static bool has_line_end(const char *s)
{
	return s && strpbrk(s, "\r\n");
}

size_t ws_request_write(char *ret_buf, size_t cap, const struct ws_client_request *rq, char ret_key[static WS_KEY_BYTES])
{
	if (has_line_end(rq->host) || has_line_end(rq->target) || has_line_end(rq->protocol) || strchr(rq->target, ' '))
		return 0;
	EVP_EncodeBlock((unsigned char *)ret_key, rq->random, 16);
	if (buf_format(ret_buf, cap,
		    "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
		    "Sec-WebSocket-Version: 13\r\n%s%s%s%s\r\n",
		    rq->target, rq->host, ret_key, rq->protocol ? "Sec-WebSocket-Protocol: " : "", rq->protocol ? rq->protocol : "",
		    rq->protocol ? "\r\n" : "", rq->headers ? rq->headers : ""))
		return 0;

	return strlen(ret_buf);
}

static bool read_status(struct span first, struct ws_response *ret)
{
	struct span rest = first, version = span_cut(&rest, ' '), status = span_cut(&rest, ' ');
	uint32_t number = 0;

	if (!span_istarts(version, "HTTP/1.") || status.n != 3 || !span_u32(status, &number))
		return false;
	ret->status = (int)number;
	ret->reason = rest;

	return true;
}

static bool fits(const struct head *h, const char *key, const char *offered)
{
	char accept[WS_ACCEPT_BYTES];

	if (!accept_of(span_z(key), accept) || !span_eq_z(h->accept, accept) || h->extensions.n)
		return false;
	if (!has_token(h->upgrade, "websocket") || !has_token(h->connection, "Upgrade"))
		return false;
	if (!h->protocol.p)
		return true;

	char one[128];

	return offered && span_copy(h->protocol, one, sizeof(one)) && ws_has_protocol(span_z(offered), one);
}

int ws_response_read(
	const char *buf, size_t n, const char *key, const char *offered, struct ws_response *ret, size_t *ret_used)
{
	size_t length = head_length(buf, MIN(n, (size_t)LIMIT_WS_HEAD_BYTES));
	struct head h;

	*ret = (struct ws_response){0};
	if (!may_begin_with(buf, n, "HTTP/1."))
		return -TR_EPARSE;
	if (length == 0)
		return n >= LIMIT_WS_HEAD_BYTES ? -TR_ETOOBIG : 0;
	if (!read_head(span(buf, length), &h) || !read_status(h.first, ret))
		return -TR_EPARSE;
	if (ret->status != 101)
		return -TR_EAUTH;
	if (!fits(&h, key, offered))
		return -TR_EUNSUPP;
	ret->protocol = h.protocol;
	*ret_used = length;

	return 1;
}
