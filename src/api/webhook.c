/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webhook.h"
#include "base/addr.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "store/outbox.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define ATTEMPT_MS  15000
#define RETRY_MS    5000
#define HOLD_MS	    60000 /* an endpoint that fails is left alone for at most so long, whatever waits */
#define RETRY_AFTER 86400 /* seconds that we let ourselves be told */

struct news {
	char *id, *text;
};

struct webhook {
	struct webhook_params p;
	struct mailbox *inbox; /* of struct news */
	sem_t bell;
	pthread_t thread;
	_Atomic bool is_stopping, is_gone;
	_Atomic uint64_t delivered, failed, lost;
	_Atomic int64_t waiting;
	pthread_mutex_t why_lock; /* of why; nobody holds it longer than a copy */
	char why[200];

	/* the thread's */
	struct outbox *outbox;
	CURL *curl;
	uint32_t failures; /* in a row */
	int64_t held_until_ms;
};

/* What became of an attempt. */
struct outcome {
	long status; /* 0: none */
	long retry_after_s;
	bool is_private;
	char words[200];
};

/* ---- one attempt ------------------------------------------------------------------------------------------------------- */

static bool is_public(const struct addr *a)
{
	static const struct {
		uint32_t net, mask;
	} nets[] = {
		{0x00000000, 0xff000000}, {0x0a000000, 0xff000000}, {0x64400000, 0xffc00000}, {0x7f000000, 0xff000000},
		{0xa9fe0000, 0xffff0000}, {0xac100000, 0xfff00000}, {0xc0a80000, 0xffff0000}, {0xe0000000, 0xe0000000},
	};

	if (a->family == AF_INET6)
		return (a->v6.sin6_addr.s6_addr[0] & 0xe0) == 0x20; /* 2000::/3 is what is global */

	uint32_t ip = ntohl(a->v4.sin_addr.s_addr);

	for (size_t i = 0; i < ARRAY_LEN(nets); i++)
		if ((ip & nets[i].mask) == nets[i].net)
			return false;

	return true;
}

/* After the name was resolved: where it leads is what counts. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct outcome *o = ctx;
	struct addr a;

	if (!addr_from_sockaddr(&to->addr, &a) || !is_public(&a)) {
		o->is_private = true;
		return CURL_SOCKET_BAD;
	}

	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t swallow(char *data, size_t size, size_t n, void *ctx)
{
	return size * n;
}

static int is_over(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct webhook *w = ctx;

	return atomic_load(&w->is_stopping);
}

static struct curl_slist *headers_for(const struct webhook *w, const struct outbox_item *item)
{
	int64_t now_s = clock_wall_ms() / 1000;
	char signatures[2][WEBHOOK_SIGNATURE] = {"", ""}, line[300];
	struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");

	for (int i = 0; i < 2 && w->p.secrets[i]; i++)
		webhook_sign(w->p.secrets[i], item->id, now_s, item->body, signatures[i]);
	snprintf(line, sizeof(line), "webhook-id: %s", item->id);
	list = curl_slist_append(list, line);
	snprintf(line, sizeof(line), "webhook-timestamp: %" PRId64, now_s);
	list = curl_slist_append(list, line);
	snprintf(line, sizeof(line), "webhook-signature: %s%s%s", signatures[0], signatures[1][0] ? " " : "", signatures[1]);

	return curl_slist_append(list, line);
}

static void attempt(struct webhook *w, const struct outbox_item *item, struct outcome *o)
{
	struct curl_slist *headers = headers_for(w, item);
	curl_off_t retry_after = 0;

	*o = (struct outcome){0};
	curl_easy_reset(w->curl); /* the connection stays */
	curl_easy_setopt(w->curl, CURLOPT_URL, w->p.url);
	curl_easy_setopt(w->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(w->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(w->curl, CURLOPT_POSTFIELDS, item->body);
	curl_easy_setopt(w->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(item->body));
	curl_easy_setopt(w->curl, CURLOPT_WRITEFUNCTION, swallow);
	curl_easy_setopt(w->curl, CURLOPT_TIMEOUT_MS, (long)ATTEMPT_MS);
	curl_easy_setopt(w->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(w->curl, CURLOPT_USERAGENT, "Tipring/" TIPRING_VERSION);
	curl_easy_setopt(w->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(w->curl, CURLOPT_XFERINFOFUNCTION, is_over);
	curl_easy_setopt(w->curl, CURLOPT_XFERINFODATA, w);
	if (!w->p.may_be_private) {
		curl_easy_setopt(w->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
		curl_easy_setopt(w->curl, CURLOPT_OPENSOCKETDATA, o);
	}

	CURLcode code = curl_easy_perform(w->curl);

	curl_slist_free_all(headers);
	curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &o->status);
	if (code == CURLE_OK && curl_easy_getinfo(w->curl, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
		o->retry_after_s = (long)CLAMP(retry_after, 0, RETRY_AFTER);
	if (o->is_private)
		snprintf(o->words, sizeof(o->words), "it leads to a private address: set allow_private if it should");
	else if (code != CURLE_OK)
		snprintf(o->words, sizeof(o->words), "%s", curl_easy_strerror(code));
	else if (o->status < 200 || o->status >= 300)
		snprintf(o->words, sizeof(o->words), "it answered %ld", o->status);
	if (code != CURLE_OK)
		o->status = 0;
}

/* ---- what follows ------------------------------------------------------------------------------------------------------ */

static void set_why(struct webhook *w, const char *why)
{
	pthread_mutex_lock(&w->why_lock);

	bool is_new = strcmp(w->why, why) != 0;

	buf_copy(w->why, sizeof(w->why), why);
	pthread_mutex_unlock(&w->why_lock);
	if (is_new && why[0])
		log_warn("webhook.failing", LOG_STR("url", w->p.url), LOG_STR("why", why));
	else if (is_new)
		log_info("webhook.resumed", LOG_STR("url", w->p.url));
}

/* A tenth more or less, so that those who failed together don't come back together. */
static int64_t jitter(int64_t ms)
{
	uint32_t r;

	random_bytes(&r, sizeof(r));

	return ms * 9 / 10 + (int64_t)(r % 1000) * ms / 5000;
}

static uint32_t first_wait_ms(const struct webhook *w)
{
	return w->p.retry_ms ? w->p.retry_ms : RETRY_MS;
}

static int give_up(struct webhook *w, const struct outbox_item *item)
{
	atomic_fetch_add(&w->lost, 1);
	log_error("webhook.given_up", LOG_STR("url", w->p.url), LOG_STR("id", item->id), LOG_INT("attempts", item->attempts + 1));

	return outbox_remove(w->outbox, item->seq);
}

static int end_endpoint(struct webhook *w)
{
	atomic_store(&w->is_gone, true);
	atomic_fetch_add(&w->lost, (uint64_t)outbox_count(w->outbox));
	log_error("webhook.gone", LOG_STR("url", w->p.url), LOG_STR("remedy", "it answered 410 Gone: take it out of the configuration"));

	return outbox_clear(w->outbox);
}

static int settle(struct webhook *w, const struct outbox_item *item, const struct outcome *o)
{
	int64_t now = clock_wall_ms(), wait = webhook_wait_ms(item->attempts + 1, first_wait_ms(w));

	set_why(w, o->words);
	if (!o->words[0]) {
		w->failures = 0;
		w->held_until_ms = 0;
		atomic_fetch_add(&w->delivered, 1);
		return outbox_remove(w->outbox, item->seq);
	}
	atomic_fetch_add(&w->failed, 1);
	w->failures = MIN(w->failures + 1, 10u);
	w->held_until_ms = now + MIN((int64_t)first_wait_ms(w) << (w->failures - 1) >> 2, HOLD_MS);
	if (o->status == 410)
		return end_endpoint(w);
	if (!wait)
		return give_up(w, item);
	wait = MAX(jitter(wait), o->retry_after_s * 1000);
	if (o->retry_after_s)
		w->held_until_ms = now + MIN(o->retry_after_s * 1000, HOLD_MS);

	return outbox_retry(w->outbox, item->seq, now + wait);
}

/* ---- the thread -------------------------------------------------------------------------------------------------------- */

static int open_outbox(struct webhook *w)
{
	char why[200];

	if (!w->outbox)
		w->outbox = outbox_open(w->p.queue_path, w->p.url, why, sizeof(why));
	if (!w->outbox)
		set_why(w, why);

	return w->outbox ? 0 : -EIO;
}

/* What was told goes to disk. What can't is lost. */
static void take(struct webhook *w)
{
	struct news n;
	uint32_t lost;

	while (mailbox_take(w->inbox, &n)) {
		int err = atomic_load(&w->is_gone) ? -ENOENT : outbox_put(w->outbox, n.id, n.text, clock_wall_ms(), &lost);

		atomic_fetch_add(&w->lost, err ? 1 : lost);
		free(n.id);
		free(n.text);
	}
}

/* Delivers what is due; returns when there is more to do, on the wall clock. */
static int64_t deliver(struct webhook *w)
{
	struct outbox_item item;
	struct outcome o;
	int64_t due = INT64_MAX, now = clock_wall_ms();

	if (atomic_load(&w->is_gone))
		return INT64_MAX;
	if (now < w->held_until_ms)
		return w->held_until_ms;

	int n = outbox_next(w->outbox, now, &item, &due);

	if (n <= 0)
		return n ? now + 1000 : due;
	attempt(w, &item, &o);
	if (!atomic_load(&w->is_stopping) && settle(w, &item, &o) != 0)
		w->outbox = outbox_close(w->outbox); /* opened anew in the next round */
	outbox_item_done(&item);

	return now;
}

static void *run(void *arg)
{
	struct webhook *w = arg;

	while (!atomic_load(&w->is_stopping)) {
		int64_t due = clock_wall_ms() + 1000;

		if (open_outbox(w) == 0) {
			take(w);
			due = deliver(w);
		}
		if (w->outbox)
			atomic_store(&w->waiting, outbox_count(w->outbox));
		if (due > clock_wall_ms())
			clock_wait(&w->bell, (uint32_t)CLAMP(due - clock_wall_ms(), 0, 1000));
	}
	if (open_outbox(w) == 0)
		take(w);
	w->outbox = outbox_close(w->outbox);

	return NULL;
}

static void ring(void *ctx)
{
	struct webhook *w = ctx;

	sem_post(&w->bell);
}

int webhook_start(struct webhook **ret, const struct webhook_params *params)
{
	struct webhook *w = mem_zalloc(sizeof(*w));

	w->p = *params;
	w->inbox = mailbox_new(&(struct mailbox_params){.count = LIMIT_EVENTS_POSTED, .item_bytes = sizeof(struct news), .wake = ring, .ctx = w});
	w->curl = curl_easy_init();
	sem_init(&w->bell, 0, 0);
	pthread_mutex_init(&w->why_lock, NULL);
	if (w->inbox && w->curl && pthread_create(&w->thread, NULL, run, w) == 0) {
		*ret = w;
		return 0;
	}
	mailbox_free(w->inbox);
	curl_easy_cleanup(w->curl);
	free(w);

	return -EAGAIN;
}

struct webhook *webhook_stop(struct webhook *w)
{
	struct news n;

	if (!w)
		return NULL;

	atomic_store(&w->is_stopping, true);
	sem_post(&w->bell);
	pthread_join(w->thread, NULL);
	while (mailbox_take(w->inbox, &n)) {
		free(n.id);
		free(n.text);
	}
	mailbox_free(w->inbox);
	curl_easy_cleanup(w->curl);
	sem_destroy(&w->bell);
	pthread_mutex_destroy(&w->why_lock);
	free(w);

	return NULL;
}

void webhook_tell(struct webhook *w, const char *id, const struct event *event)
{
	bool is_wanted = false;

	for (size_t i = 0; i < WEBHOOK_EVENTS && w->p.events[i]; i++)
		is_wanted |= event_matches(w->p.events[i], event->type);
	if (!is_wanted)
		return;

	struct news n = {strdup(id), strdup(event->text)};

	if (n.id && n.text && mailbox_post(w->inbox, &n) == 0)
		return;
	free(n.id);
	free(n.text);
	atomic_fetch_add(&w->lost, 1);
}

void webhook_stats(struct webhook *w, struct webhook_stats *ret)
{
	*ret = (struct webhook_stats){.delivered = atomic_load(&w->delivered), .failed = atomic_load(&w->failed),
		.lost = atomic_load(&w->lost), .waiting = atomic_load(&w->waiting), .is_gone = atomic_load(&w->is_gone)};
	pthread_mutex_lock(&w->why_lock);
	buf_copy(ret->why, sizeof(ret->why), w->why);
	pthread_mutex_unlock(&w->why_lock);
}
