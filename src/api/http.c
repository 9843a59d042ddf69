/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mailbox.h"
#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>

/* One request on its way to the loop and back. Owned by whoever holds it: server, mailbox, loop. */
struct job {
	uint64_t conn; /* of the connection that waits; it may be gone by then */
	char method[8];
	char *path, *body;
	int status;
	const char *type; /* a literal; NULL: JSON */
	char *answer;
	size_t answer_n;
};

/* Per connection, in memory that lws owns. */
struct conn {
	struct list link;
	struct lws *wsi;
	uint64_t id;
	struct job *asking; /* while its body is read */
	size_t body_n;
	struct job *answer;
	size_t sent;
	bool has_headers;
};

struct api_http {
	struct lws_context *lws;
	struct control_target *target;
	struct records_api records;
	struct mailbox *to_loop, *to_server; /* of struct job * */
	uv_async_t wake;
	bool is_async_closed;
	pthread_t thread;
	_Atomic bool is_stopping;
	struct list conns;
	uint64_t next_id;
};

static struct job *job_free(struct job *j)
{
	if (j) {
		free(j->path);
		free(j->body);
		free(j->answer);
		free(j);
	}

	return NULL;
}

/* ---- on the loop ------------------------------------------------------------------------------------------------------- */

static void run_job(struct api_http *h, struct job *j)
{
	struct control_request rq = {.method = j->method, .path = j->path, .body = j->body ? j->body : ""};
	json_t *doc = control_handle(h->target, &rq, &j->status);

	j->answer = json_dumps(doc, JSON_COMPACT);
	j->answer_n = j->answer ? strlen(j->answer) : 0;
	json_decref(doc);
	if (mailbox_post(h->to_server, &j) != 0)
		job_free(j);
	else
		lws_cancel_service(h->lws);
}

static void on_wake(uv_async_t *async)
{
	struct api_http *h = async->data;
	struct job *j;

	while (mailbox_take(h->to_loop, &j))
		run_job(h, j);
}

static void wake_loop(void *ctx)
{
	struct api_http *h = ctx;

	uv_async_send(&h->wake);
}

/* ---- the server's thread --------------------------------------------------------------------------------------------- */

static int send_headers(struct conn *c)
{
	unsigned char buf[LWS_PRE + 1024], *start = buf + LWS_PRE, *p = start, *end = buf + sizeof(buf) - 1;
	const char *json = c->answer->status < 400 ? "application/json" : "application/problem+json";
	const char *type = c->answer->type ? c->answer->type : json;

	if (lws_add_http_common_headers(c->wsi, (unsigned)c->answer->status, type, c->answer->answer_n, &p, end) ||
		lws_finalize_write_http_header(c->wsi, start, &p, end))
		return -1;
	c->has_headers = true;
	lws_callback_on_writable(c->wsi);

	return 0;
}

static int send_body(struct conn *c)
{
	unsigned char buf[LWS_PRE + 16384];
	size_t n = MIN(c->answer->answer_n - c->sent, sizeof(buf) - LWS_PRE);
	bool is_last = c->sent + n == c->answer->answer_n;

	memcpy(buf + LWS_PRE, c->answer->answer + c->sent, n);
	if (lws_write(c->wsi, buf + LWS_PRE, n, is_last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
		return -1;
	c->sent += n;
	if (!is_last) {
		lws_callback_on_writable(c->wsi);
		return 0;
	}
	c->answer = job_free(c->answer);

	return lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

static void answer_at_once(struct conn *c, int status, const char *text)
{
	c->answer = mem_zalloc(sizeof(*c->answer));
	c->answer->status = status;
	c->answer->answer = mem_format("{\"status\":%d,\"detail\":\"%s\"}", status, text);
	c->answer->answer_n = strlen(c->answer->answer);
	lws_callback_on_writable(c->wsi);
}

/* Records are read here, everything else is the loop's. */
static void ask(struct api_http *h, struct conn *c)
{
	struct job *j = c->asking;
	struct control_request rq = {.method = j->method, .path = j->path, .body = j->body ? j->body : ""};

	c->asking = NULL;
	if (records_is_mine(&rq)) {
		j->answer = records_handle(&h->records, &rq, &j->status, &j->type);
		j->answer_n = j->answer ? strlen(j->answer) : 0;
		c->answer = j;
		lws_callback_on_writable(c->wsi);
		return;
	}
	if (mailbox_post(h->to_loop, &j) == 0)
		return;
	job_free(j);
	answer_at_once(c, 503, "too many requests at once");
}

static const struct {
	enum lws_token_indexes token;
	const char *name;
} methods[] = {
	{WSI_TOKEN_GET_URI, "GET"}, {WSI_TOKEN_POST_URI, "POST"}, {WSI_TOKEN_DELETE_URI, "DELETE"}, {WSI_TOKEN_PUT_URI, "PUT"}};

/* What follows the question mark, which lws gives parameter by parameter. False: too long. */
static bool read_args(struct lws *wsi, char *ret_args, size_t cap)
{
	size_t at = 0;

	ret_args[0] = 0;
	for (int i = 0;; i++) {
		int n = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);

		if (n <= 0)
			return true;
		if (at + (size_t)n + 2 > cap)
			return false;
		if (i)
			ret_args[at++] = '&';
		n = lws_hdr_copy_fragment(wsi, ret_args + at, (int)(cap - at), WSI_TOKEN_HTTP_URI_ARGS, i);
		if (n < 0)
			return false;
		at += (size_t)n;
	}
}

static int begin_request(struct api_http *h, struct conn *c, struct lws *wsi)
{
	char path[512], args[512], length[16] = "";
	int n = -1;

	for (size_t i = 0; i < ARRAY_LEN(methods) && n < 0; i++) {
		if (lws_hdr_total_length(wsi, methods[i].token) <= 0)
			continue;
		n = lws_hdr_copy(wsi, path, sizeof(path), methods[i].token);
		if (n <= 0)
			return -1;
		c->asking = mem_zalloc(sizeof(*c->asking));
		buf_copy(c->asking->method, sizeof(c->asking->method), methods[i].name);
	}
	if (n <= 0)
		return -1;

	if (!read_args(wsi, args, sizeof(args))) {
		c->asking = job_free(c->asking);
		answer_at_once(c, 414, "the parameters are too long");
		return 0;
	}
	c->asking->path = args[0] ? mem_format("%s?%s", path, args) : mem_strdup(path);
	c->asking->conn = c->id;
	c->body_n = c->sent = 0;
	c->has_headers = false;
	lws_hdr_copy(wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH);
	if (!strcmp(c->asking->method, "POST") && strtol(length, NULL, 10) > 0)
		return 0;
	ask(h, c);

	return 0;
}

static int add_body(struct conn *c, const void *in, size_t n)
{
	if (!c->asking)
		return 0;
	if (c->body_n + n > LIMIT_API_BODY_BYTES) {
		c->asking = job_free(c->asking);
		answer_at_once(c, 413, "the body is too large");
		return 0;
	}
	c->asking->body = mem_realloc(c->asking->body, c->body_n + n + 1);
	memcpy(c->asking->body + c->body_n, in, n);
	c->body_n += n;
	c->asking->body[c->body_n] = 0;

	return 0;
}

static void deliver(struct api_http *h)
{
	struct job *j;

	while (mailbox_take(h->to_server, &j)) {
		struct conn *found = NULL;

		list_each(&h->conns, struct conn, link, c)
			if (c->id == j->conn)
				found = c;
		if (!found || !j->answer) {
			job_free(j);
			continue;
		}
		found->answer = j;
		lws_callback_on_writable(found->wsi);
	}
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct api_http *h = lws_context_user(lws_get_context(wsi));
	struct conn *c = user;

	switch (reason) {
	case LWS_CALLBACK_HTTP_BIND_PROTOCOL:
		*c = (struct conn){.wsi = wsi, .id = ++h->next_id};
		list_append(&h->conns, &c->link);
		return 0;
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (c->link.next)
			list_unlink(&c->link);
		job_free(c->asking);
		job_free(c->answer);
		c->asking = c->answer = NULL;
		return 0;
	case LWS_CALLBACK_HTTP:
		return begin_request(h, c, wsi);
	case LWS_CALLBACK_HTTP_BODY:
		return add_body(c, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		if (c->asking)
			ask(h, c);
		return 0;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		if (!c->answer)
			return 0;
		return c->has_headers ? send_body(c) : send_headers(c);
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		deliver(h);
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, len);
	}
}

static void *serve(void *arg)
{
	struct api_http *h = arg;

	while (!atomic_load(&h->is_stopping))
		if (lws_service(h->lws, 0) < 0)
			break;

	return NULL;
}

static void on_lws_log(int level, const char *line)
{
	log_warn("api.http", LOG_SPAN("words", span_trim(span_z(line))));
}

static const struct lws_protocols protocols[] = {{"http", on_http, sizeof(struct conn), 0, 0, NULL, 0}, {0}};

static int open_server(struct api_http *h, const struct addr *listen)
{
	char ip[ADDR_TEXT];
	struct lws_context_creation_info info = {.port = addr_port(listen), .iface = addr_ip_text(listen, ip), .protocols = protocols,
		.user = h, .gid = (gid_t)-1, .uid = (uid_t)-1, .timeout_secs = 30,
		.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6};

	lws_set_log_level(LLL_ERR, on_lws_log);
	h->lws = lws_create_context(&info);
	if (!h->lws || !lws_create_vhost(h->lws, &info))
		return -EADDRINUSE;

	return pthread_create(&h->thread, NULL, serve, h) == 0 ? 0 : -EAGAIN;
}

int api_http_new(struct api_http **ret, const struct addr *listen, uv_loop_t *loop, struct control_target *target,
	const struct records_api *records)
{
	struct api_http *h = mem_zalloc(sizeof(*h));
	struct mailbox_params to_loop = {.count = LIMIT_API_REQUESTS, .item_bytes = sizeof(void *), .wake = wake_loop, .ctx = h};
	struct mailbox_params to_server = {.count = LIMIT_API_REQUESTS, .item_bytes = sizeof(void *)};

	h->target = target;
	h->records = *records;
	list_init(&h->conns);
	h->to_loop = mailbox_new(&to_loop);
	h->to_server = mailbox_new(&to_server);
	uv_async_init(loop, &h->wake, on_wake);
	h->wake.data = h;

	int err = !h->to_loop || !h->to_server ? -ENOMEM : open_server(h, listen);

	if (err) {
		atomic_store(&h->is_stopping, true);
		api_http_free(h);
		return err;
	}
	*ret = h;

	return 0;
}

static void on_async_closed(uv_handle_t *handle)
{
	struct api_http *h = handle->data;

	h->is_async_closed = true;
}

struct api_http *api_http_free(struct api_http *h)
{
	struct job *j;

	if (!h)
		return NULL;

	if (!atomic_exchange(&h->is_stopping, true)) {
		lws_cancel_service(h->lws);
		pthread_join(h->thread, NULL);
	}
	if (h->lws)
		lws_context_destroy(h->lws);
	uv_close((uv_handle_t *)&h->wake, on_async_closed);
	while (!h->is_async_closed)
		uv_run(h->wake.loop, UV_RUN_NOWAIT);
	while (h->to_loop && mailbox_take(h->to_loop, &j))
		job_free(j);
	while (h->to_server && mailbox_take(h->to_server, &j))
		job_free(j);
	mailbox_free(h->to_loop);
	mailbox_free(h->to_server);
	free(h);

	return NULL;
}
