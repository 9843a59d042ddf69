/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"
#include "api/gate.h"
#include "api/http_request.h"
#include "api/problem.h"
#include "api/repeat.h"
#include "api/stream.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mailbox.h"
#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define LOOK_MS 1000

/* One request on its way to the loop and back. Owned by whoever holds it: server, mailbox, loop. */
struct job {
	uint64_t conn; /* of the connection that waits; it may be gone by then */
	char method[8];
	const struct route *route;
	char *path, *body;
	int status;
	const char *header; /* one more of the answer, a literal with a colon; NULL: none */
	char header_value[64];
	char *repeat_key; /* its Idempotency-Key; NULL: none */
	char authorization[256]; /* of whom that is, then */
	uint8_t repeat_id[REPEAT_ID];
	const char *type; /* a literal; NULL: JSON */
	char *answer;
	size_t answer_n;
};

/* Per connection. In memory of our own: lws frees what it gives with a protocol without a word when an upgrade fails. */
struct conn {
	struct list link;
	struct lws *wsi;
	uint64_t id;
	struct job *asking; /* while its body is read */
	size_t body_n;
	struct job *answer;
	size_t sent;
	bool has_headers;
	struct stream *stream; /* a reader of events; nothing else happens on this connection */
};

struct api_http {
	struct lws_context *lws;
	struct control_target *target;
	struct records_api records;
	struct gate *gate;
	struct repeats *repeats;
	struct mailbox *to_loop, *to_server; /* of struct job * */
	struct mailbox *events;		     /* of struct event, to the server */
	struct feed *feed;
	struct list streams;
	unsigned stream_count;
	uv_async_t wake;
	bool is_async_closed;
	pthread_t thread;
	_Atomic bool is_stopping;
	struct list conns;
	uint64_t next_id;
	char *certificate, *key; /* files; NULL: plain HTTP */
	int64_t certified_at;	 /* when they were changed last, as we know */
	msec_t look_at;
};

static struct job *job_free(struct job *j)
{
	if (j) {
		free(j->path);
		free(j->repeat_key);
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
		(c->answer->header && lws_add_http_header_by_name(c->wsi, (const uint8_t *)c->answer->header,
			(const uint8_t *)c->answer->header_value, (int)strlen(c->answer->header_value), &p, end)) ||
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
	json_t *doc = problem(&status, status, "%s", text);

	c->asking = job_free(c->asking);
	c->answer = mem_zalloc(sizeof(*c->answer));
	c->answer->status = status;
	c->answer->answer = json_dumps(doc, JSON_COMPACT);
	c->answer->answer_n = c->answer->answer ? strlen(c->answer->answer) : 0;
	json_decref(doc);
	lws_callback_on_writable(c->wsi);
}

static void refuse(struct conn *c, const struct gate_no *no)
{
	answer_at_once(c, no->status, no->detail);
	c->answer->header = no->header;
	buf_copy(c->answer->header_value, sizeof(c->answer->header_value), no->value);
}

/* Whether the request was answered, since it came before. */
static bool is_repeat(struct api_http *h, struct conn *c)
{
	struct job *j = c->asking;
	struct repeat_ask ask = {.key = j->repeat_key, .authorization = j->authorization, .method = j->method, .path = j->path,
		.body = j->body ? j->body : ""};
	struct repeat_answer first;

	switch (repeat_look(h->repeats, &ask, clock_ms(), j->repeat_id, &first)) {
	case REPEAT_NEW:
		return false;
	case REPEAT_BUSY:
		answer_at_once(c, 409, "the request with this Idempotency-Key is still being carried out");
		break;
	case REPEAT_OTHER:
		answer_at_once(c, 422, "this Idempotency-Key came with another body before: a new request wants a new key");
		break;
	case REPEAT_SAME:
		c->asking = NULL;
		c->answer = j;
		j->status = first.status;
		j->answer = mem_strdup(first.text);
		j->answer_n = strlen(j->answer);
		j->header = "idempotent-replayed:";
		buf_copy(j->header_value, sizeof(j->header_value), "true");
		lws_callback_on_writable(c->wsi);
		break;
	}

	return true;
}

/* Records are read here, everything else is the loop's. */
static void ask(struct api_http *h, struct conn *c)
{
	struct job *j = c->asking;
	struct control_request rq = {.method = j->method, .path = j->path, .body = j->body ? j->body : ""};

	if (j->repeat_key && is_repeat(h, c))
		return;
	c->asking = NULL;
	if (j->route->place == ROUTE_SERVER) {
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

/* ---- readers of events ------------------------------------------------------------------------------------------------ */

#define EVENTS_PATH "/v1/events"
#define PING_US	    15000000

static struct stream *stream_open(struct api_http *h, struct lws *wsi, bool is_ws, char *args, const char **ret_why)
{
	char last_id[24] = "";
	struct stream *s = mem_zalloc(sizeof(*s));

	s->wsi = wsi;
	s->is_ws = is_ws;
	if (lws_hdr_custom_copy(wsi, last_id, sizeof(last_id), "last-event-id:", 14) < 0)
		last_id[0] = 0;
	if (h->stream_count >= LIMIT_EVENT_READERS)
		*ret_why = "too many readers of events";
	if (h->stream_count >= LIMIT_EVENT_READERS || stream_init(s, h->feed, args, last_id, ret_why) != 0) {
		free(s);
		return NULL;
	}
	list_append(&h->streams, &s->link);
	h->stream_count++;
	lws_callback_on_writable(wsi);
	if (!is_ws)
		lws_set_timer_usecs(wsi, PING_US);

	return s;
}

static struct stream *stream_close(struct api_http *h, struct stream *s)
{
	if (s) {
		list_unlink(&s->link);
		h->stream_count--;
		free(s);
	}

	return NULL;
}

static void take_events(struct api_http *h)
{
	struct event e;
	bool has_news = false;

	while (mailbox_take(h->events, &e)) {
		feed_put(h->feed, &e);
		has_news = true;
	}
	if (has_news)
		list_each(&h->streams, struct stream, link, s)
			lws_callback_on_writable(s->wsi);
}

/* ---- requests ------------------------------------------------------------------------------------------------------- */

/* Method and path as a new job; NULL: no request that can be answered. */
static struct job *read_request(struct lws *wsi, uint64_t conn)
{
	char path[512];

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (lws_hdr_total_length(wsi, methods[i].token) <= 0)
			continue;
		if (lws_hdr_copy(wsi, path, sizeof(path), methods[i].token) <= 0)
			return NULL;

		struct job *j = mem_zalloc(sizeof(*j));

		j->conn = conn;
		j->path = mem_strdup(path);
		buf_copy(j->method, sizeof(j->method), methods[i].name);
		return j;
	}

	return NULL;
}

/* False: it cannot be one. */
static bool read_repeat_key(struct lws *wsi, struct job *j)
{
	static const char name[] = "idempotency-key:";
	char key[256];
	int n = lws_hdr_custom_length(wsi, name, sizeof(name) - 1);

	if (n < 0)
		return true;
	if (n == 0 || n >= (int)sizeof(key) || lws_hdr_custom_copy(wsi, key, sizeof(key), name, sizeof(name) - 1) <= 0)
		return false;
	j->repeat_key = mem_strdup(key);
	if (lws_hdr_copy(wsi, j->authorization, sizeof(j->authorization), WSI_TOKEN_HTTP_AUTHORIZATION) < 0)
		j->authorization[0] = '\0';

	return true;
}

/* NULL: refused. */
static const struct route *admit(struct api_http *h, struct lws *wsi, const char *method, const char *path, struct gate_no *ret_no)
{
	char authorization[256] = "", source[64] = "";

	if (lws_hdr_copy(wsi, authorization, sizeof(authorization), WSI_TOKEN_HTTP_AUTHORIZATION) < 0)
		buf_copy(authorization, sizeof(authorization), "Bearer (too long)");
	lws_get_peer_simple(wsi, source, sizeof(source));

	return gate_pass(h->gate, &(struct gate_ask){method, span_z(path), authorization, source}, clock_ms(), ret_no);
}

/* When the file was changed last; 0: it cannot be seen. */
static int64_t changed_at(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 ? (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec : 0;
}

/* A new certificate in the same files: connections that begin from now on are shown it. */
static void renew(struct api_http *h)
{
	int64_t at;

	if (!h->certificate || clock_ms() < h->look_at)
		return;
	h->look_at = clock_ms() + LOOK_MS;
	at = MAX(changed_at(h->certificate), changed_at(h->key));
	if (!at || at == h->certified_at)
		return;
	h->certified_at = at;
	if (lws_tls_cert_updated(h->lws, h->certificate, h->key, NULL, 0, NULL, 0) == 0)
		log_info("api.certificate_renewed", LOG_STR("file", h->certificate));
	else
		log_error("api.certificate_unread", LOG_STR("file", h->certificate), LOG_STR("effect", "the one from before is shown"));
}

static int begin_request(struct api_http *h, struct conn *c, struct lws *wsi)
{
	char args[512], length[16] = "";
	const char *why = "";
	struct job *j = read_request(wsi, c->id);
	struct gate_no no;

	renew(h);
	c->body_n = c->sent = 0;
	c->has_headers = false;
	c->asking = j;
	if (!j)
		return -1;

	if (!http_read_args(wsi, args, sizeof(args))) {
		answer_at_once(c, 414, "the parameters are too long");
		return 0;
	}
	if (!http_is_from_here(wsi, h->certificate)) {
		answer_at_once(c, 403, "requests of other sites' pages are refused: address the API by its IP or as localhost");
		return 0;
	}
	j->route = admit(h, wsi, j->method, j->path, &no);
	if (!j->route) {
		refuse(c, &no);
		return 0;
	}
	if (!strcmp(j->method, "POST") && !read_repeat_key(wsi, j)) {
		answer_at_once(c, 400, "Idempotency-Key has 1 to 255 characters");
		return 0;
	}
	if (j->route->place == ROUTE_EVENTS) {
		c->asking = job_free(j);
		c->stream = stream_open(h, wsi, false, args, &why);
		if (!c->stream)
			answer_at_once(c, 400, why);
		return 0;
	}
	if (args[0]) {
		char *whole = mem_format("%s?%s", j->path, args);

		free(j->path);
		j->path = whole;
	}
	lws_hdr_copy(wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH);
	if (!strcmp(j->method, "POST") && strtol(length, NULL, 10) > 0)
		return 0;
	ask(h, c);

	return 0;
}

static int add_body(struct conn *c, const void *in, size_t n)
{
	if (!c->asking)
		return 0;
	if (c->body_n + n > LIMIT_API_BODY_BYTES) {
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

		if (j->repeat_key)
			repeat_done(h->repeats, j->repeat_id, j->status, j->answer ? j->answer : "", clock_ms());
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

static int begin_socket(struct api_http *h, struct conn *c, struct lws *wsi)
{
	char args[512];
	const char *why = "";

	c->stream = http_read_args(wsi, args, sizeof(args)) ? stream_open(h, wsi, true, args, &why) : NULL;
	if (c->stream)
		return 0;
	lws_close_reason(wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, (unsigned char *)(uintptr_t)why, MIN(strlen(why), (size_t)100));

	return -1;
}

static struct conn *conn_of(struct api_http *h, struct lws *wsi)
{
	list_each(&h->conns, struct conn, link, c)
		if (c->wsi == wsi)
			return c;

	struct conn *c = mem_zalloc(sizeof(*c));

	*c = (struct conn){.wsi = wsi, .id = ++h->next_id};
	list_append(&h->conns, &c->link);

	return c;
}

static void conn_close(struct api_http *h, struct lws *wsi)
{
	list_each(&h->conns, struct conn, link, c) {
		if (c->wsi != wsi)
			continue;
		list_unlink(&c->link);
		job_free(c->asking);
		job_free(c->answer);
		stream_close(h, c->stream);
		free(c);
		return;
	}
}

static int on_writable(struct api_http *h, struct conn *c)
{
	if (c->stream)
		return stream_write(c->stream, h->feed);
	if (!c->answer)
		return 0;

	return c->has_headers ? send_body(c) : send_headers(c);
}

/* Only events are had by WebSocket, and by those only who may have them. A refusal closes the connection. */
static int begin_upgrade(struct api_http *h, struct lws *wsi)
{
	struct gate_no no;

	return http_is_at(wsi, EVENTS_PATH) && http_is_from_here(wsi, h->certificate) && admit(h, wsi, "GET", EVENTS_PATH, &no) ? 0 : -1;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct api_http *h = lws_context_user(lws_get_context(wsi));
	struct conn *c;

	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return begin_request(h, conn_of(h, wsi), wsi);
	case LWS_CALLBACK_HTTP_BODY:
		return add_body(conn_of(h, wsi), in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		c = conn_of(h, wsi);
		if (c->asking)
			ask(h, c);
		return 0;
	case LWS_CALLBACK_HTTP_WRITEABLE:
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return on_writable(h, conn_of(h, wsi));
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return begin_upgrade(h, wsi);
	case LWS_CALLBACK_ESTABLISHED:
		return begin_socket(h, conn_of(h, wsi), wsi);
	case LWS_CALLBACK_TIMER:
		c = conn_of(h, wsi);
		lws_set_timer_usecs(wsi, PING_US);
		return c->stream ? stream_ping(c->stream) : 0;
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_WSI_DESTROY:
		conn_close(h, wsi);
		return 0;
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		deliver(h);
		take_events(h);
		return 0;
	case LWS_CALLBACK_HTTP_BIND_PROTOCOL:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
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

static const struct lws_protocols protocols[] = {{"http", on_http, 0, 0, 0, NULL, 0}, {0}};

static int open_server(struct api_http *h, const struct addr *listen)
{
	char ip[ADDR_TEXT];
	struct lws_context_creation_info info = {.port = addr_port(listen), .iface = addr_ip_text(listen, ip), .protocols = protocols,
		.user = h, .gid = (gid_t)-1, .uid = (uid_t)-1, .timeout_secs = 30,
		.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6};

	if (h->certificate) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = h->certificate;
		info.ssl_private_key_filepath = h->key;
		h->certified_at = MAX(changed_at(h->certificate), changed_at(h->key));
	}

	lws_set_log_level(LLL_ERR, on_lws_log);
	h->lws = lws_create_context(&info);
	if (!h->lws || !lws_create_vhost(h->lws, &info))
		return -EADDRINUSE;

	return pthread_create(&h->thread, NULL, serve, h) == 0 ? 0 : -EAGAIN;
}

int api_http_new(struct api_http **ret, const struct api_http_params *p, char *ret_why, size_t cap)
{
	struct api_http *h = mem_zalloc(sizeof(*h));
	struct mailbox_params to_loop = {.count = LIMIT_API_REQUESTS, .item_bytes = sizeof(void *), .wake = wake_loop, .ctx = h};
	struct mailbox_params to_server = {.count = LIMIT_API_REQUESTS, .item_bytes = sizeof(void *)};
	struct mailbox_params events = {.count = LIMIT_EVENTS_POSTED, .item_bytes = sizeof(struct event)};
	char text[ADDR_TEXT];

	h->certificate = p->certificate ? mem_strdup(p->certificate) : NULL;
	h->key = p->key ? mem_strdup(p->key) : NULL;
	h->target = p->target;
	h->records = p->records;
	h->feed = feed_new(clock_wall_ms());
	h->repeats = repeats_new();
	list_init(&h->conns);
	list_init(&h->streams);
	h->to_loop = mailbox_new(&to_loop);
	h->to_server = mailbox_new(&to_server);
	h->events = mailbox_new(&events);
	uv_async_init(p->loop, &h->wake, on_wake);
	h->wake.data = h;

	int err = !h->to_loop || !h->to_server || !h->events ? -ENOMEM : gate_new(&h->gate, p->keys_file, !addr_is_loopback(&p->listen), ret_why, cap);

	if (!err && (err = open_server(h, &p->listen)) != 0)
		snprintf(ret_why, cap, "it cannot listen on %s: %s (another tipring runs? change api.listen)", addr_text(&p->listen, text),
			err_text(err));
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

void api_http_publish(struct api_http *h, struct event *event)
{
	if (mailbox_post(h->events, event) != 0)
		free(event->text);
	else
		lws_cancel_service(h->lws);
	event->text = NULL;
}

struct api_http *api_http_free(struct api_http *h)
{
	struct event e;
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
	while (h->events && mailbox_take(h->events, &e))
		free(e.text);
	mailbox_free(h->to_loop);
	mailbox_free(h->to_server);
	mailbox_free(h->events);
	feed_free(h->feed);
	gate_free(h->gate);
	repeats_free(h->repeats);
	free(h->certificate);
	free(h->key);
	free(h);

	return NULL;
}
