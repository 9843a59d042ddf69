/* SPDX-License-Identifier: Apache-2.0 */
#include "api/stream.h"
#include <libwebsockets.h>

static int add_types(struct stream *s, char *list, const char **ret_why)
{
	char *one;

	while ((one = strsep(&list, ","))) {
		if (!event_is_known(one) || strlen(one) >= EVENT_TYPE) {
			*ret_why = "types is a list of event types or patterns such as call.*,transcript; one of these is none";
			return -EINVAL;
		}
		if (s->type_count == LIMIT_EVENT_TYPES) {
			*ret_why = "too many types: use patterns such as call.*";
			return -EINVAL;
		}
		buf_copy(s->types[s->type_count++], EVENT_TYPE, one);
	}

	return 0;
}

static int set_cursor(struct stream *s, const char *id, const char **ret_why)
{
	char *end;

	errno = 0;
	s->cursor = strtoull(id, &end, 10);
	if (id[0] >= '0' && id[0] <= '9' && !*end && !errno)
		return 0;
	*ret_why = "after and Last-Event-ID are the id of an event";

	return -EINVAL;
}

int stream_init(struct stream *s, const struct feed *feed, char *args, const char *last_id, const char **ret_why)
{
	int err = 0;
	char *one;

	s->cursor = feed_newest(feed);
	if (last_id[0])
		err = set_cursor(s, last_id, ret_why);
	while (!err && (one = strsep(&args, "&"))) {
		if (!strncmp(one, "types=", 6)) {
			err = add_types(s, one + 6, ret_why);
		} else if (!strncmp(one, "after=", 6)) {
			err = set_cursor(s, one + 6, ret_why);
		} else if (*one) {
			*ret_why = "known are types and after";
			err = -EINVAL;
		}
	}

	return err;
}

static bool wants(const struct stream *s, const char *type)
{
	for (unsigned i = 0; i < s->type_count; i++)
		if (event_matches(s->types[i], type))
			return true;

	return s->type_count == 0;
}

static int send_text(struct stream *s, const char *text)
{
	size_t n = strlen(text);
	auto_free unsigned char *buf = malloc(LWS_PRE + n);

	if (!buf)
		return -1;
	memcpy(buf + LWS_PRE, text, n);

	return lws_write(s->wsi, buf + LWS_PRE, n, s->is_ws ? LWS_WRITE_TEXT : LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

static int send_event(struct stream *s, const struct feed_item *item)
{
	/* the text is an object: the id goes into it */
	auto_free char *text = s->is_ws ? mem_format("{\"id\":\"%" PRIu64 "\",%s", item->id, item->text + 1) :
					  mem_format("id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", item->id, item->type, item->text);

	return send_text(s, text);
}

static int send_gap(struct stream *s, uint64_t missed)
{
	char number[24] = "null", text[160];

	if (missed != UINT64_MAX)
		snprintf(number, sizeof(number), "%" PRIu64, missed);
	snprintf(text, sizeof(text), s->is_ws ? "{\"type\":\"gap\",\"version\":1,\"data\":{\"missed\":%s}}" :
						"event: gap\ndata: {\"type\":\"gap\",\"version\":1,\"data\":{\"missed\":%s}}\n\n", number);

	return send_text(s, text);
}

static int send_headers(struct stream *s)
{
	unsigned char buf[LWS_PRE + 512], *start = buf + LWS_PRE, *p = start, *end = buf + sizeof(buf) - 1;

	s->has_headers = true;
	if (lws_add_http_common_headers(s->wsi, HTTP_STATUS_OK, "text/event-stream", LWS_ILLEGAL_HTTP_CONTENT_LEN, &p, end) ||
		lws_add_http_header_by_name(s->wsi, (const unsigned char *)"cache-control:", (const unsigned char *)"no-store", 8, &p, end) ||
		lws_finalize_write_http_header(s->wsi, start, &p, end))
		return -1;
	lws_set_timeout(s->wsi, NO_PENDING_TIMEOUT, 0);
	lws_callback_on_writable(s->wsi);

	return 0;
}

int stream_write(struct stream *s, const struct feed *feed)
{
	struct feed_item item;
	uint64_t missed;

	if (!s->is_ws && !s->has_headers)
		return send_headers(s);

	while (feed_next(feed, &s->cursor, &item, &missed)) {
		if (missed) {
			s->cursor--; /* the event itself is next */
			lws_callback_on_writable(s->wsi);
			return send_gap(s, missed);
		}
		if (!wants(s, item.type))
			continue;
		lws_callback_on_writable(s->wsi);
		return send_event(s, &item);
	}

	return 0;
}

int stream_ping(struct stream *s)
{
	return s->is_ws || !s->has_headers ? 0 : send_text(s, ": still here\n\n");
}
