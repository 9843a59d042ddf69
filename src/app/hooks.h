/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "api/webhook.h"
#include "app/config.h"

/* The webhooks of a configuration. */
struct hooks {
	struct webhook *list[LIMIT_WEBHOOKS];
	const char *urls[LIMIT_WEBHOOKS];
	size_t count;
	char *queue_path;
};

/* config outlives them. */
void hooks_start(struct hooks *h, const struct config *config);
void hooks_stop(struct hooks *h);
void hooks_tell(struct hooks *h, const struct event *event);
/* Adds a sentence for each that fails. */
void hooks_problems(struct hooks *h, json_t *problems);
json_t *hooks_stats(struct hooks *h);
