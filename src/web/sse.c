/* SPDX-License-Identifier: Apache-2.0 */
#include "web/sse.h"

void sse_init(struct sse *s)
{
	*s = (struct sse){0};
}

void sse_done(struct sse *s)
{
	free(s->line);
	free(s->data);
	*s = (struct sse){0};
}

/* False beyond the limit. Keeps a 0 behind it. */
static bool append(char **text, size_t *n, size_t *cap, struct span more)
{
	if (more.n > LIMIT_SSE_BYTES - *n)
		return false;
	if (*n + more.n + 1 > *cap) {
		*cap = MAX(2 * *cap, *n + more.n + 256);
		*text = mem_realloc(*text, *cap);
	}
	if (more.n)
		memcpy(*text + *n, more.p, more.n);
	*n += more.n;
	(*text)[*n] = '\0';

	return true;
}

static bool dispatch(struct sse *s, sse_fn *fn, void *arg)
{
	bool goes_on = true;

	if (s->has_data) {
		/* fn may want to keep what it is given no longer than it lasts. */
		size_t n = s->data_n;

		s->data_n = 0;
		s->has_data = false;
		goes_on = fn(arg, s->event, n ? s->data : "", n);
	}
	s->event[0] = '\0';

	return goes_on;
}

static bool take_line(struct sse *s, sse_fn *fn, void *arg)
{
	struct span line = span(s->line, s->line_n), value = {0};
	const char *colon;

	s->line_n = 0;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (!line.n)
		return dispatch(s, fn, arg);
	colon = memchr(line.p, ':', line.n);
	if (colon) {
		value = span(colon + 1, (size_t)(line.p + line.n - colon - 1));
		line.n = (size_t)(colon - line.p);
		if (value.n && value.p[0] == ' ')
			value = span(value.p + 1, value.n - 1);
	}
	if (span_eq_z(line, "event")) {
		snprintf(s->event, sizeof(s->event), "%.*s", (int)MIN(value.n, sizeof(s->event) - 1), value.n ? value.p : "");
	} else if (span_eq_z(line, "data")) {
		bool fits = (!s->has_data || append(&s->data, &s->data_n, &s->data_cap, SPAN_LIT("\n"))) &&
			append(&s->data, &s->data_n, &s->data_cap, value);

		s->has_data = true;
		s->is_broken = !fits;
		return fits;
	}

	return true;
}

bool sse_feed(struct sse *s, const char *bytes, size_t n, sse_fn *fn, void *arg)
{
	while (n && !s->is_broken) {
		const char *end = memchr(bytes, '\n', n);
		size_t part = end ? (size_t)(end - bytes) : n;

		if (!append(&s->line, &s->line_n, &s->line_cap, span(bytes, part)))
			s->is_broken = true;
		else if (end && !take_line(s, fn, arg))
			return false;
		part += end != NULL;
		bytes += part;
		n -= part;
	}

	return !s->is_broken;
}

bool sse_end(struct sse *s, sse_fn *fn, void *arg)
{
	if (s->is_broken || (s->line_n && !take_line(s, fn, arg)))
		return false;

	return dispatch(s, fn, arg);
}
