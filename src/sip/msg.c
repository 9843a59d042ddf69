/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/msg.h"
#include "sip/lex.h"

/*
 * One pass over the lines that finds the headers, then the few values that every message needs. The first fault is kept and
 * reading goes on, since an answer needs what follows it.
 */

static void fail(struct sip_msg *msg, uint16_t status, enum sip_hdr_id hdr, const char *text)
{
	if (msg->error.text == NULL)
		msg->error = (struct sip_parse_error){status, text, hdr};
}

/* The line at the front without its end, CR LF or LF; false if it does not end. */
static bool read_line(struct span *s, struct span *ret)
{
	const char *lf = s->n ? memchr(s->p, '\n', s->n) : NULL;
	size_t n;

	if (!lf)
		return false;
	n = (size_t)(lf - s->p);
	*ret = span(s->p, n && s->p[n - 1] == '\r' ? n - 1 : n);
	lex_skip(s, n + 1);

	return true;
}

/* ---- start line, RFC 3261 §7.1 and §7.2 ---- */

/* "SIP/2.0 200 OK"; the phrase may be missing with its space. */
static bool parse_status_line(struct sip_msg *msg, struct span line)
{
	uint32_t status;

	lex_skip(&line, strlen("SIP/2.0"));
	lex_space(&line);
	if (line.n < 3 || !span_u32(span(line.p, 3), &status) || status < 100 || status > 699)
		return false;
	lex_skip(&line, 3);
	if (line.n && !ch_is(line.p[0], CH_SPACE))
		return false;
	lex_space(&line);
	msg->status = (uint16_t)status;
	msg->reason = line;

	return true;
}

static bool is_version(struct span word)
{
	return word.n > 4 && (memcmp(word.p, "SIP/", 4) == 0 || span_ieq_z(span(word.p, 4), "SIP/"));
}

/* RFC 3261 §7.1: any case is taken, upper case is what comes. */
static bool is_version_2(struct span word)
{
	return word.n == 7 && (memcmp(word.p, "SIP/2.0", 7) == 0 || span_ieq_z(word, "SIP/2.0"));
}

static void parse_request_uri(struct sip_msg *msg, struct span text)
{
	int err = sip_uri_parse(&msg->uri, text);

	msg->request_uri = text;
	if (err) {
		msg->uri = (struct sip_uri){.text = text};
		if (err == -TR_ETOOBIG)
			fail(msg, 414, SIP_HDR_OTHER, "the Request-URI is too long");
		else
			fail(msg, 400, SIP_HDR_OTHER, "the Request-URI is not a URI");
	}
}

/*
 * "INVITE sip:a@b SIP/2.0". More than one space between the words and space at the end are taken (RFC 4475 §3.1.2.9 and
 * §3.1.2.10), space inside of the URI is not (§3.1.2.8).
 */
static bool parse_request_line(struct sip_msg *msg, struct span line)
{
	struct span version;
	size_t at;

	msg->method_name = lex_class(&line, CH_TOKEN);
	if (msg->method_name.n == 0 || line.n == 0 || !ch_is(line.p[0], CH_SPACE))
		return false;
	msg->method = sip_method_find(msg->method_name);
	line = lex_trim(line);
	for (at = line.n; at && !ch_is(line.p[at - 1], CH_SPACE); at--) {
	}
	version = span(line.p + at, line.n - at);
	if (!is_version(version))
		return false;
	if (!is_version_2(version))
		fail(msg, 505, SIP_HDR_OTHER, "the SIP version is not 2.0");
	parse_request_uri(msg, lex_trim(span(line.p, at)));

	return true;
}

static bool parse_start_line(struct sip_msg *msg, struct span line)
{
	msg->is_request = !(line.n >= 8 && is_version(span(line.p, 7)) && ch_is(line.p[7], CH_SPACE));
	if (msg->is_request)
		return parse_request_line(msg, line);

	return is_version_2(span(line.p, 7)) && parse_status_line(msg, line);
}

/* ---- header fields, RFC 3261 §7.3 ---- */

static void add_header(struct sip_msg *msg, enum sip_hdr_id id, struct span name, struct span value, uint8_t *last)
{
	uint8_t index = (uint8_t)msg->header_count;

	struct sip_header *hdr = &msg->headers[index];

	hdr->id = id;
	hdr->next = SIP_HDR_NONE;
	hdr->name = name;
	hdr->value = value;
	msg->header_count++;
	if (msg->first[id] == SIP_HDR_NONE)
		msg->first[id] = index;
	else
		msg->headers[last[id]].next = index;
	last[id] = index;
}

/* Continuation lines begin with white space: the value grows over them as they are. */
static inline void read_folds(struct span *s, struct span *value)
{
	struct span line;

	while (s->n && (s->p[0] == ' ' || s->p[0] == '\t') && read_line(s, &line))
		value->n = (size_t)(line.p + line.n - value->p);
}

static bool is_token(struct span name)
{
	struct span rest = name;

	lex_class(&rest, CH_TOKEN);

	return name.n && rest.n == 0;
}

static void read_header(struct sip_msg *msg, struct span line, struct span *rest, uint8_t *last)
{
	size_t colon = span_find(line, ':'), n = colon;
	enum sip_hdr_id id;
	struct span name;

	while (n && (line.p[n - 1] == ' ' || line.p[n - 1] == '\t'))
		n--;
	name = span(line.p, n);
	id = sip_hdr_find(name);
	/* A name of the table is a token, so only others need the look. */
	if (colon == line.n || (id == SIP_HDR_OTHER && !is_token(name))) {
		fail(msg, 400, SIP_HDR_OTHER, "a header line has no name and colon");
		read_folds(rest, &line);
		return;
	}
	lex_skip(&line, colon + 1);
	read_folds(rest, &line);
	if (msg->header_count == LIMIT_SIP_HEADERS) {
		fail(msg, 513, SIP_HDR_OTHER, "too many header fields");
		return;
	}
	add_header(msg, id, name, lex_trim(line), last);
}

/* Up to and with the empty line. False if there is none. */
static bool read_headers(struct sip_msg *msg, struct span *rest)
{
	uint8_t last[SIP_HDR_COUNT];
	struct span line;

	while (read_line(rest, &line)) {
		if (line.n == 0)
			return true;
		read_header(msg, line, rest, last);
	}

	return false;
}

/* NUL is legal in a quoted pair only (RFC 4475 §3.1.1.2 has one in a display name); elsewhere it would cut C strings. */
static bool has_bare_nul(struct span head)
{
	const char *end = head.p + head.n, *at = head.p;

	while ((at = memchr(at, 0, (size_t)(end - at)))) {
		if (at == head.p || at[-1] != '\\')
			return true;
		at++;
	}

	return false;
}

/* ---- the values that every message needs, RFC 3261 §8.1.1 ---- */

/* The only one of a header that must stand once; NULL if it is missing. */
static const struct sip_header *single(struct sip_msg *msg, enum sip_hdr_id id, const char *missing, const char *twice)
{
	const struct sip_header *hdr = sip_msg_find(msg, id);

	if (!hdr) {
		if (missing)
			fail(msg, 400, id, missing);
		return NULL;
	}
	if (hdr->next != SIP_HDR_NONE)
		fail(msg, 400, id, twice);

	return hdr;
}

static void read_via(struct sip_msg *msg)
{
	struct span value = sip_msg_value(msg, SIP_HDR_VIA), top = value;

	/* Mostly there is one Via a line, and no comma to look for. */
	if (value.n == 0 || (span_find(value, ',') < value.n && !sip_comma_next(&value, &top)))
		fail(msg, 400, SIP_HDR_VIA, "Via is missing");
	else if (sip_via_parse(&msg->via, top))
		fail(msg, 400, SIP_HDR_VIA, "Via does not parse");
}

/* The URIs of From and To are read by the second stage only: nothing is routed by them. */
static void read_party(struct sip_msg *msg, const struct sip_header *hdr, struct span *ret_value, struct span *ret_tag)
{
	if (!hdr)
		return;
	*ret_value = hdr->value;
	if (sip_party_tag(ret_tag, hdr->value))
		fail(msg, 400, hdr->id, hdr->id == SIP_HDR_FROM ? "From does not parse" : "To does not parse");
}

static void read_call_id(struct sip_msg *msg)
{
	const struct sip_header *hdr = single(msg, SIP_HDR_CALL_ID, "Call-ID is missing", "Call-ID stands twice");
	unsigned spaces = 0;

	if (!hdr)
		return;
	msg->call_id = hdr->value;
	for (size_t i = 0; i < hdr->value.n; i++)
		spaces += (unsigned char)hdr->value.p[i] <= ' ';
	if (spaces)
		fail(msg, 400, SIP_HDR_CALL_ID, "Call-ID contains white space");
	if (hdr->value.n == 0 || hdr->value.n > LIMIT_CALLID_BYTES)
		fail(msg, 400, SIP_HDR_CALL_ID, "Call-ID is empty or too long");
}

/* RFC 3261 §8.1.1.5: the method is the request's. */
static void read_cseq(struct sip_msg *msg)
{
	const struct sip_header *hdr = single(msg, SIP_HDR_CSEQ, "CSeq is missing", "CSeq stands twice");

	if (!hdr)
		return;
	if (sip_cseq_parse(&msg->cseq, hdr->value))
		fail(msg, 400, SIP_HDR_CSEQ, "CSeq is not a number below 2^31 and a method");
	else if (msg->is_request && !span_eq(msg->cseq.method_name, msg->method_name))
		fail(msg, 400, SIP_HDR_CSEQ, "the method of CSeq is not that of the request");
}

/* RFC 3261 §20.22: 0 to 255. RFC 2543 peers send none. */
static void read_max_forwards(struct sip_msg *msg)
{
	const struct sip_header *hdr = single(msg, SIP_HDR_MAX_FORWARDS, NULL, "Max-Forwards stands twice");
	uint32_t hops;

	if (!hdr)
		return;
	if (sip_number_parse(&hops, hdr->value) || hops > 255)
		fail(msg, 400, SIP_HDR_MAX_FORWARDS, "Max-Forwards is not a number from 0 to 255");
	else
		msg->max_forwards = (int)hops;
}

/* RFC 3261 §20.14. Repeated with the same value it is harmless, with another one an attack (RFC 4475 §3.3.9). */
static void read_content_length(struct sip_msg *msg)
{
	const struct sip_header *hdr = sip_msg_find(msg, SIP_HDR_CONTENT_LENGTH);

	for (; hdr; hdr = sip_msg_find_next(msg, hdr)) {
		uint32_t n;

		if (!span_u32(hdr->value, &n))
			fail(msg, 400, SIP_HDR_CONTENT_LENGTH, "Content-Length is not a number");
		else if (msg->content_length >= 0 && msg->content_length != n)
			fail(msg, 400, SIP_HDR_CONTENT_LENGTH, "two Content-Length that differ");
		else
			msg->content_length = n;
	}
}

/* RFC 3261 §18.3: what follows a stated length in a datagram is dropped; without one all of it is the body. */
static void take_body(struct sip_msg *msg, struct span rest)
{
	if (msg->content_length < 0) {
		msg->body = rest;
	} else if ((uint64_t)msg->content_length <= rest.n) {
		msg->body = span(rest.p, (size_t)msg->content_length);
	} else {
		fail(msg, 400, SIP_HDR_CONTENT_LENGTH, "Content-Length is larger than the body");
		msg->body = rest;
	}
	msg->text.n = (size_t)(msg->body.p + msg->body.n - msg->text.p);
}

static void read_values(struct sip_msg *msg)
{
	read_via(msg);
	read_party(msg, single(msg, SIP_HDR_FROM, "From is missing", "From stands twice"), &msg->from, &msg->from_tag);
	read_party(msg, single(msg, SIP_HDR_TO, "To is missing", "To stands twice"), &msg->to, &msg->to_tag);
	read_call_id(msg);
	read_cseq(msg);
	read_max_forwards(msg);
	read_content_length(msg);
}

/* Everything but the headers array, which is long and needs no clearing. */
static void clear(struct sip_msg *msg)
{
	lex_clear(msg, offsetof(struct sip_msg, headers));
	memset(msg->first, SIP_HDR_NONE, sizeof(msg->first));
	msg->content_length = -1;
	msg->max_forwards = -1;
	msg->via.ttl = -1;
}

/* Only requests are answered, and only if Via says where to. */
static int finish(struct sip_msg *msg)
{
	if (msg->error.text == NULL)
		return 0;
	if (!msg->is_request || msg->via.host.n == 0 || msg->method == SIP_ACK)
		msg->error.status = 0;

	return msg->error.status == 513 ? -TR_ETOOBIG : -TR_EPARSE;
}

int sip_msg_parse(struct sip_msg *ret, const char *buf, size_t n)
{
	struct span rest = span(buf, n), line, head;

	clear(ret);
	while (rest.n && (rest.p[0] == '\r' || rest.p[0] == '\n'))
		lex_skip(&rest, 1);
	ret->text = rest;
	if (n > LIMIT_SIP_MSG_BYTES) {
		fail(ret, 0, SIP_HDR_OTHER, "the message is too long");
		return -TR_ETOOBIG;
	}
	if (!read_line(&rest, &line) || !parse_start_line(ret, line)) {
		fail(ret, 0, SIP_HDR_OTHER, "the start line is not one of SIP");
		ret->error.status = 0;
		return -TR_EPARSE;
	}

	if (!read_headers(ret, &rest)) {
		fail(ret, 400, SIP_HDR_OTHER, "no empty line ends the header");
		rest = span(buf + n, 0);
	}
	head = span(ret->text.p, (size_t)(rest.p - ret->text.p));
	if (has_bare_nul(head))
		fail(ret, 400, SIP_HDR_OTHER, "a NUL stands in the header");
	read_values(ret);
	take_body(ret, rest);

	return finish(ret);
}

/* ---- looking up ---- */

const struct sip_header *sip_msg_find(const struct sip_msg *msg, enum sip_hdr_id id)
{
	uint8_t index = (unsigned)id < SIP_HDR_COUNT ? msg->first[id] : SIP_HDR_NONE;

	return index == SIP_HDR_NONE ? NULL : &msg->headers[index];
}

const struct sip_header *sip_msg_find_next(const struct sip_msg *msg, const struct sip_header *hdr)
{
	return hdr->next == SIP_HDR_NONE ? NULL : &msg->headers[hdr->next];
}

const struct sip_header *sip_msg_find_name(const struct sip_msg *msg, struct span name)
{
	enum sip_hdr_id id = sip_hdr_find(name);

	if (id != SIP_HDR_OTHER)
		return sip_msg_find(msg, id);

	for (unsigned i = 0; i < msg->header_count; i++)
		if (span_ieq(msg->headers[i].name, name))
			return &msg->headers[i];

	return NULL;
}

struct span sip_msg_value(const struct sip_msg *msg, enum sip_hdr_id id)
{
	const struct sip_header *hdr = sip_msg_find(msg, id);

	return hdr ? hdr->value : (struct span){0};
}

bool sip_msg_number(const struct sip_msg *msg, enum sip_hdr_id id, uint32_t *ret)
{
	const struct sip_header *hdr = sip_msg_find(msg, id);

	return hdr && sip_number_parse(ret, hdr->value) == 0;
}

bool sip_msg_has_token(const struct sip_msg *msg, enum sip_hdr_id id, const char *token)
{
	const struct sip_header *hdr = sip_msg_find(msg, id);

	for (; hdr; hdr = sip_msg_find_next(msg, hdr))
		if (sip_tokens_have(hdr->value, token))
			return true;

	return false;
}

void sip_list_init(struct sip_list *ret, const struct sip_msg *msg, enum sip_hdr_id id)
{
	*ret = (struct sip_list){.msg = msg, .hdr = sip_msg_find(msg, id)};
	if (ret->hdr)
		ret->rest = ret->hdr->value;
}

/* RFC 3261 §7.3.1: fields of one name and one field with commas are the same. */
bool sip_list_next(struct sip_list *it, struct span *ret)
{
	while (it->hdr) {
		if (sip_hdr_is_list(it->hdr->id)) {
			if (sip_comma_next(&it->rest, ret))
				return true;
		} else if (it->rest.n) {
			*ret = it->rest;
			it->rest.n = 0;
			return true;
		}
		it->hdr = sip_msg_find_next(it->msg, it->hdr);
		if (it->hdr)
			it->rest = it->hdr->value;
	}

	return false;
}
