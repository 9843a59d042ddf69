/* SPDX-License-Identifier: Apache-2.0 */
#include "api/webhook.h"
#include "app/config_priv.h"

static const char *check_pattern(const char *text)
{
	return event_is_known(text) ? NULL : "is no event; docs/events.md lists them, and call.* or * name several";
}

static void read_events(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	size_t n = node->kind == YAML_LIST ? config_count(node) : 1;

	if (n >= WEBHOOK_EVENTS)
		schema_error(r, node->line, "%s: at most %d patterns", f->key, WEBHOOK_EVENTS - 1);
	else
		config_read_checked(r, f, node, dst, check_pattern);
}

static void read_secret(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char **secret = dst;

	schema_secret(r, f, node, dst);
	if (*secret && !webhook_secret_is_good(*secret))
		schema_error(r, node->line, "%s: wanted is whsec_ and base64 of 24 to 64 bytes: echo whsec_$(openssl rand -base64 32)", f->key);
}

static const struct field fields[] = {
	{"url", schema_str, AT(struct config_webhook, url), .is_required = true},
	{"secret", read_secret, AT(struct config_webhook, secret), .is_required = true},
	{"previous_secret", read_secret, AT(struct config_webhook, previous_secret)},
	{"events", read_events, AT(struct config_webhook, events)},
	{"allow_private", schema_bool, AT(struct config_webhook, allow_private)},
	{"retry_s", schema_u32, AT(struct config_webhook, retry_s), .min = 1, .max = 60},
	{0},
};

static void check(struct schema_reader *r, const struct config_webhook *w)
{
	bool is_https = w->url && !strncmp(w->url, "https://", 8), is_http = w->url && !strncmp(w->url, "http://", 7);

	if (w->url && !is_https && !is_http)
		schema_error(r, w->file_line, "webhooks: url \"%.80s\" does not begin with https://", w->url);
	else if (is_http && !w->allow_private)
		schema_error(r, w->file_line, "webhooks: url is not https: what callers say would travel in clear; inside your own network set allow_private: yes");
}

void config_read_webhooks(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config *c = dst;

	if (!config_want_list(r, f, node))
		return;
	for (const struct yaml_node *n = node->first; n; n = n->next) {
		struct config_webhook *w = &c->webhooks[c->webhook_count];

		if (n->kind != YAML_MAP) {
			schema_error(r, n->line, "webhooks: each entry has keys (- url: ...)");
			continue;
		}
		if (c->webhook_count == LIMIT_WEBHOOKS) {
			schema_error(r, n->line, "webhooks: more than %d", LIMIT_WEBHOOKS);
			return;
		}
		*w = (struct config_webhook){.file_line = n->line, .retry_s = 5};
		schema_read(r, fields, n, w);
		check(r, w);
		c->webhook_count++;
	}
}
