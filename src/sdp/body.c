/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/sdp.h"

/* Finding the session description in a SIP body: plain, or a part of a multipart (SIP-I, PIDF and
 * recording metadata come so). */

static bool find_sdp(struct span type, struct span body, unsigned depth, struct span *ret);

/* The value of a parameter of a header field; quotes removed; absent without it. */
static struct span param(struct span params, const char *name)
{
	while (params.p) {
		struct span rest = span_trim(span_cut(&params, ';'));
		struct span key = span_trim(span_cut(&rest, '='));

		if (!span_ieq_z(key, name))
			continue;
		rest = span_trim(rest);
		if (rest.n >= 2 && rest.p[0] == '"' && rest.p[rest.n - 1] == '"')
			rest = span(rest.p + 1, rest.n - 2);
		return rest;
	}

	return (struct span){NULL, 0};
}

/* Where "--boundary" next begins a line in s; s.n without one. */
static size_t find_delimiter(struct span s, struct span boundary)
{
	for (size_t at = 0; at + boundary.n + 2 <= s.n;) {
		if (s.p[at] == '-' && s.p[at + 1] == '-' &&
			memcmp(s.p + at + 2, boundary.p, boundary.n) == 0)
			return at;

		size_t line = span_find(span(s.p + at, s.n - at), '\n');

		at += line + 1;
	}

	return s.n;
}

static bool line_is_blank(struct span line)
{
	return span_trim(line).n == 0;
}

/* A part: header fields, an empty line, content. */
static bool find_in_part(struct span part, unsigned depth, struct span *ret)
{
	struct span type = {NULL, 0};

	while (part.n) {
		struct span line = span_cut(&part, '\n');

		if (line_is_blank(line))
			break;

		struct span name = span_trim(span_cut(&line, ':'));

		if (span_ieq_z(name, "Content-Type") || span_ieq_z(name, "c"))
			type = span_trim(line);
	}

	return find_sdp(type, part, depth, ret);
}

static bool find_in_parts(struct span boundary, struct span body, unsigned depth, struct span *ret)
{
	size_t at = find_delimiter(body, boundary);

	while (at < body.n) {
		body = span(body.p + at, body.n - at);
		span_cut(&body, '\n'); /* the delimiter's line */
		at = find_delimiter(body, boundary);

		struct span part = span(body.p, at);

		/* The line break before a delimiter belongs to the delimiter (RFC 2046 §5.1.1). */
		if (at < body.n && part.n && part.p[part.n - 1] == '\n')
			part.n--;
		if (at < body.n && part.n && part.p[part.n - 1] == '\r')
			part.n--;
		if (find_in_part(part, depth, ret))
			return true;
	}

	return false;
}

static bool find_sdp(struct span type, struct span body, unsigned depth, struct span *ret)
{
	struct span params = type;
	struct span name = span_trim(span_cut(&params, ';'));
	bool looks_like_sdp = body.n >= 2 && memcmp(body.p, "v=", 2) == 0;

	if (span_ieq_z(name, "application/sdp") || (name.n == 0 && looks_like_sdp)) {
		*ret = body;
		return body.n > 0;
	}
	if (span_istarts(name, "multipart/") && depth < LIMIT_SDP_NESTING) {
		struct span boundary = param(params, "boundary");

		return boundary.n && find_in_parts(boundary, body, depth + 1, ret);
	}

	return false;
}

bool sdp_in_body(struct span content_type, struct span body, struct span *ret_sdp)
{
	return find_sdp(content_type, body, 0, ret_sdp);
}
