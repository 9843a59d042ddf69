/* SPDX-License-Identifier: Apache-2.0 */
#include "web/client.h"
#include <curl/curl.h>
#include "base/list.h"

enum { CONNECT_MS = 3000, TOTAL_MS = 60000, BODY_MAX = 1000 };

struct web_client {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	struct list requests;
	uint32_t request_count;
	bool is_inside;	/* libcurl calls us: no handle may be given to it or taken away now */
	bool has_changed; /* requests were sent or cancelled from inside */
	bool is_closing;
	uint32_t handles; /* of the loop, that are still open */
};

/* One of libcurl's sockets. */
struct socket_watch {
	struct web_client *client;
	uv_poll_t poll;
	curl_socket_t fd;
};

struct web_request {
	struct list link;
	struct web_client *client;
	struct web_ask ask; /* url, headers and body are libcurl's by now */
	CURL *easy;
	struct curl_slist *headers;
	char why[CURL_ERROR_SIZE];
	char body[BODY_MAX + 1];
	size_t body_n;
	bool is_waiting, is_cancelled; /* since it was asked from inside */
};

/* ---- ends ------------------------------------------------------------------------------------------------------------- */

static void request_free(struct web_request *r)
{
	struct web_client *c = r->client;

	curl_multi_remove_handle(c->multi, r->easy);
	curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	list_unlink(&r->link);
	c->request_count--;
	free(r);
}

static int code_of(CURLcode code, long status)
{
	if (code == CURLE_OPERATION_TIMEDOUT)
		return -TR_ETIMEDOUT;
	if (code == CURLE_COULDNT_RESOLVE_HOST)
		return -TR_EDNS;
	if (code != CURLE_OK)
		return -TR_ETRANSPORT;
	if (status == 401 || status == 403)
		return -TR_EAUTH;
	if (status == 429)
		return -TR_ELIMIT;

	return status / 100 == 2 ? 0 : -TR_EENGINE;
}

static void end(struct web_request *r, CURLcode code)
{
	curl_off_t retry_after_s = 0;
	struct web_end e = {.retry_after_ms = -1, .words = "", .body = r->body};
	struct web_ask ask = r->ask;
	char words[CURL_ERROR_SIZE + 40] = "", body[sizeof(r->body)];

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &e.status);
	e.err = code_of(code, e.status);
	if (code != CURLE_OK)
		snprintf(words, sizeof(words), "%s", r->why[0] ? r->why : curl_easy_strerror(code));
	else if (e.err)
		snprintf(words, sizeof(words), "HTTP status %ld", e.status);
	if (curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK && retry_after_s > 0)
		e.retry_after_ms = (int64_t)MIN(retry_after_s, 86400) * 1000;
	buf_copy(body, sizeof(body), r->body);
	e.words = words;
	e.body = body;
	request_free(r);
	if (ask.on_end)
		ask.on_end(ask.arg, &e);
}

/* What libcurl has finished. A callback may send and cancel others. */
static void look(struct web_client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		struct web_request *r;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r);
		end(r, code);
	}
}

/* It refuses only when memory is out, or we misuse it; allocations of ours end the program then, too. */
static void hand_over(struct web_request *r)
{
	r->is_waiting = false;
	if (curl_multi_add_handle(r->client->multi, r->easy) != CURLM_OK)
		abort();
}

/* What was asked from inside. */
static void catch_up(struct web_client *c)
{
	c->has_changed = false;
	list_each(&c->requests, struct web_request, link, r) {
		if (r->is_cancelled)
			request_free(r);
		else if (r->is_waiting)
			hand_over(r);
	}
}

static void act(struct web_client *c, curl_socket_t fd, int events)
{
	int running;

	c->is_inside = true;
	curl_multi_socket_action(c->multi, fd, events, &running);
	c->is_inside = false;
	if (c->has_changed)
		catch_up(c);
	look(c);
}

/* ---- libcurl on the loop ---------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wish(CURLM *multi, long ms, void *ctx)
{
	struct web_client *c = ctx;

	if (c->is_closing)
		return 0;
	if (ms < 0)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);

	return 0;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct socket_watch *w = poll->data;
	int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);

	act(w->client, w->fd, status < 0 ? CURL_CSELECT_ERR : flags);
}

static void handle_gone(struct web_client *c)
{
	if (--c->handles == 0)
		free(c);
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct socket_watch *w = handle->data;
	struct web_client *c = w->client;

	free(w);
	handle_gone(c);
}

static int on_socket_wish(CURL *easy, curl_socket_t fd, int what, void *ctx, void *own)
{
	struct web_client *c = ctx;
	struct socket_watch *w = own;

	if (what == CURL_POLL_REMOVE) {
		if (w) {
			uv_poll_stop(&w->poll);
			uv_close((uv_handle_t *)&w->poll, on_watch_closed);
		}
		curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (!w) {
		w = mem_zalloc(sizeof(*w));
		w->client = c;
		w->fd = fd;
		if (uv_poll_init_socket(c->loop, &w->poll, fd) != 0) {
			free(w);
			return -1;
		}
		w->poll.data = w;
		c->handles++;
		curl_multi_assign(c->multi, fd, w);
	}
	uv_poll_start(&w->poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0), on_ready);

	return 0;
}

/* ---- requests --------------------------------------------------------------------------------------------------------- */

static size_t on_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
	struct web_request *r = ctx;
	long status = 0;

	n *= size;
	if (r->is_cancelled)
		return 0;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 != 2) {
		size_t room = MIN(n, BODY_MAX - r->body_n);

		memcpy(r->body + r->body_n, bytes, room);
		r->body_n += room;
		return n;
	}
	if (r->ask.on_data)
		r->ask.on_data(r->ask.arg, bytes, n);

	return r->is_cancelled ? 0 : n;
}

static void fill(struct web_request *r, const struct web_ask *ask)
{
	CURL *e = r->easy;

	for (const char *const *h = ask->headers; h && *h; h++)
		r->headers = curl_slist_append(r->headers, *h);
	/* No "Expect: 100-continue": it costs a round trip. */
	r->headers = curl_slist_append(r->headers, "Expect:");
	curl_easy_setopt(e, CURLOPT_URL, ask->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->headers);
	if (ask->body) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body_n);
		curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, ask->body);
	}
	if (ask->method)
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, ask->method);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(ask->connect_ms ? ask->connect_ms : CONNECT_MS));
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(ask->total_ms ? ask->total_ms : TOTAL_MS));
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "Tipring/" TIPRING_VERSION);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->why);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(e, CURLOPT_PRIVATE, r);
}

int web_send(struct web_client *c, struct web_request **ret, const struct web_ask *ask)
{
	if (c->request_count >= LIMIT_WEB_REQUESTS)
		return -TR_ELIMIT;

	struct web_request *r = mem_zalloc(sizeof(*r));

	r->easy = curl_easy_init();
	if (!r->easy) {
		free(r);
		return -ENOMEM;
	}
	r->client = c;
	r->ask = *ask;
	list_append(&c->requests, &r->link);
	c->request_count++;
	fill(r, ask);
	if (c->is_inside)
		r->is_waiting = c->has_changed = true;
	else
		hand_over(r);
	if (ret)
		*ret = r;

	return 0;
}

void web_cancel(struct web_request *r)
{
	if (!r)
		return;
	if (r->client->is_inside)
		r->is_cancelled = r->client->has_changed = true;
	else
		request_free(r);
}

/* ---- life ------------------------------------------------------------------------------------------------------------- */

int web_client_new(struct web_client **ret, uv_loop_t *loop)
{
	struct web_client *c = mem_zalloc(sizeof(*c));

	c->loop = loop;
	list_init(&c->requests);
	c->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
	if (!c->multi || uv_timer_init(loop, &c->timer) != 0) {
		curl_multi_cleanup(c->multi);
		free(c);
		return -TR_EENGINE;
	}
	c->timer.data = c;
	c->handles = 1;
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wish);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	*ret = c;

	return 0;
}

uv_loop_t *web_client_loop(struct web_client *c)
{
	return c->loop;
}

static void on_timer_closed(uv_handle_t *handle)
{
	handle_gone(handle->data);
}

struct web_client *web_client_free(struct web_client *c)
{
	if (!c)
		return NULL;

	c->is_closing = true;
	list_each(&c->requests, struct web_request, link, r)
		request_free(r);
	curl_multi_cleanup(c->multi);
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);

	return NULL;
}
