/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "call/record.h"

/* Records as the API shows them. The caller owns what is returned. Times are milliseconds since the call began unless named otherwise. */
json_t *json_call_summary(const struct call_record *r);
json_t *json_call_full(const struct call_record *r);

/* Parts of the same. */
json_t *json_call_quality(const struct call_record *r);
/* The keys that were collected last, stars for those of a sensitive entry; null: none. */
json_t *json_call_collected(const struct call_record *r);
json_t *json_call_who(const struct call_record *r);
json_t *json_call_line(const struct call_line *l); /* NULL: its text is not UTF-8 */
json_t *json_call_turn(const struct call_record *r, const struct agent_turn_metrics *t);
json_t *json_call_interrupt(const struct call_record *r, const struct agent_interrupt_metrics *m);
json_t *json_call_trouble(const struct call_trouble *t);
