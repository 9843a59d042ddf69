/* SPDX-License-Identifier: Apache-2.0 */
#include "app/hooks.h"

void hooks_start(struct hooks *h, const struct config *config)
{
	static const char *const all_calls[] = {"call.*", NULL};

	h->queue_path = mem_format("%s-webhooks", config->records.file);
	for (size_t i = 0; i < config->webhook_count; i++) {
		const struct config_webhook *w = &config->webhooks[i];
		const char *const *events = w->events ? w->events : all_calls;
		struct webhook_params p = {.url = w->url, .secrets = {w->secret, w->previous_secret}, .may_be_private = w->allow_private,
			.queue_path = h->queue_path, .retry_ms = w->retry_s * 1000};

		for (size_t k = 0; k < WEBHOOK_EVENTS - 1 && events[k]; k++)
			p.events[k] = events[k];

		int err = webhook_start(&h->list[h->count], &p);

		if (err)
			log_error("webhook.failed", LOG_STR("url", w->url), LOG_ERR(err));
		else
			h->urls[h->count++] = w->url;
	}
}

void hooks_stop(struct hooks *h)
{
	while (h->count > 0)
		webhook_stop(h->list[--h->count]);
	free(h->queue_path);
	h->queue_path = NULL;
}

void hooks_tell(struct hooks *h, const struct event *event)
{
	uint8_t bytes[12];
	char id[32] = "evt_";

	if (!h->count)
		return;
	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 4 + 2 * i, 3, "%02x", bytes[i]);
	for (size_t i = 0; i < h->count; i++)
		webhook_tell(h->list[i], id, event);
}

void hooks_problems(struct hooks *h, json_t *problems)
{
	for (size_t i = 0; i < h->count; i++) {
		struct webhook_stats s;

		webhook_stats(h->list[i], &s);
		if (s.why[0])
			json_array_append_new(problems, json_sprintf("the webhook %s fails: %s; %d events wait", h->urls[i], s.why, (int)s.waiting));
	}
}

json_t *hooks_stats(struct hooks *h)
{
	json_t *list = json_array();

	for (size_t i = 0; i < h->count; i++) {
		struct webhook_stats s;

		webhook_stats(h->list[i], &s);
		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:s}", "url", h->urls[i], "delivered", (json_int_t)s.delivered,
			"failed_attempts", (json_int_t)s.failed, "lost", (json_int_t)s.lost, "waiting", (json_int_t)s.waiting, "gone", s.is_gone,
			"why", s.why));
	}

	return list;
}
