/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/lex.h"
#include "sip/msg.h"

/* Cutting a stream into messages, RFC 3261 §18.3 and §7.5. Reads names and Content-Length only. */

/* CR LF (or LF) in front: how many bytes, 0 if there is none, or -1 if the CR's LF has not come yet. */
static int line_end(struct span s)
{
	if (s.n && s.p[0] == '\n')
		return 1;
	if (s.n == 0 || s.p[0] != '\r')
		return 0;
	if (s.n == 1)
		return -1;

	return s.p[1] == '\n' ? 2 : 0;
}

static int frame_blank(struct span s, int first, size_t *ret_len)
{
	int second;

	lex_skip(&s, (size_t)first);
	second = line_end(s);
	*ret_len = (size_t)first;
	if (first == 2 && second == 2) {
		*ret_len = 4;
		return SIP_FRAME_PING;
	}

	return SIP_FRAME_CRLF;
}

/* Whether a start line can be one: "SIP/..." in front or at the end. Anything else is another protocol. */
static bool is_start_line(struct span line)
{
	size_t at;

	line = span_trim(line);
	if (line.n > 4 && span_ieq_z(span(line.p, 4), "SIP/"))
		return true;
	for (at = line.n; at && !ch_is(line.p[at - 1], CH_SPACE); at--) {
	}

	return at && line.n - at > 4 && span_ieq_z(span(line.p + at, 4), "SIP/");
}

/* Notes the length if this line is a Content-Length. False if it is no number or contradicts an earlier one. */
static bool note_length(struct span line, int64_t *length)
{
	struct span name = lex_class(&line, CH_TOKEN);
	uint32_t n;

	if (name.n != 1 && name.n != strlen("Content-Length"))
		return true;
	if (sip_hdr_find(name) != SIP_HDR_CONTENT_LENGTH || !lex_sep(&line, ':'))
		return true;
	if (!span_u32(span_trim(line), &n) || (*length >= 0 && *length != n))
		return false;
	*length = n;

	return true;
}

/* Lines of the header; a folded one goes on over several. True with *ret as one field, without its last line end. */
static bool next_field(struct span *s, struct span *ret)
{
	const char *start = s->p;

	for (;;) {
		const char *lf = s->n ? memchr(s->p, '\n', s->n) : NULL;
		size_t n;

		if (!lf)
			return false;
		n = (size_t)(lf - s->p) + 1;
		lex_skip(s, n);
		*ret = span(start, (size_t)(lf - start));
		if (ret->n && ret->p[ret->n - 1] == '\r')
			ret->n--;
		if (ret->n == 0)
			return true;
		if (s->n == 0)
			return false; /* whether it goes on is not known yet */
		if (s->p[0] != ' ' && s->p[0] != '\t')
			return true;
	}
}

static int more_or_too_big(size_t n)
{
	return n >= LIMIT_SIP_MSG_BYTES ? -TR_ETOOBIG : SIP_FRAME_MORE;
}

int sip_msg_frame(const char *buf, size_t n, size_t *ret_len)
{
	struct span rest = span(buf, n), line;
	int64_t length = -1;
	int blank = line_end(rest);
	size_t total;

	if (n == 0 || blank < 0)
		return SIP_FRAME_MORE;
	if (blank)
		return frame_blank(rest, blank, ret_len);

	if (!next_field(&rest, &line))
		return more_or_too_big(n);
	if (!is_start_line(line))
		return -TR_EPARSE;
	for (;;) {
		if (!next_field(&rest, &line))
			return more_or_too_big(n);
		if (line.n == 0)
			break;
		if (!note_length(line, &length))
			return -TR_EPARSE;
	}
	if (length < 0)
		return -TR_EPARSE;

	total = (size_t)(rest.p - buf) + (size_t)length;
	if (total > LIMIT_SIP_MSG_BYTES)
		return -TR_ETOOBIG;
	if (total > n)
		return SIP_FRAME_MORE;
	*ret_len = total;

	return SIP_FRAME_MESSAGE;
}
