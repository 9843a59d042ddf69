/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"

/*
 * The conversation of one call, as the mind gets it: what was said by whom, replies cut to what was heard. Bounded by count and
 * bytes; the oldest messages go first, a tool's result never without its call.
 */
struct history;

/* NULL when memory is out. */
nodiscard struct history *history_new(void);
struct history *history_free(struct history *h);

/* Copies. Empty text is kept out (0). -ENOMEM leaves the history as it was. tool and call_id may be NULL. */
nodiscard int history_add(struct history *h, enum llm_role role, const char *text, const char *tool, const char *call_id);

/* Valid until the next change. */
const struct llm_message *history_messages(const struct history *h, size_t *ret_count);
