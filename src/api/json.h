/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "call/record.h"

/* Records as the API shows them. The caller owns what is returned. Times are milliseconds since the call began unless named otherwise. */
json_t *json_call_summary(const struct call_record *r);
json_t *json_call_full(const struct call_record *r);
