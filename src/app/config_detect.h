/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/schema.h"

/* The key "detect" of an agent: what to do about who answers its calls (call/detect.h). */

/* Before reading. */
void config_detect_defaults(struct config_agent *a);

/* Into a's does_detect and detect. */
field_fn config_detect_read;

/* After reading: what is still to be said to a screener. */
void config_detect_complete(struct arena *arena, struct config_agent *a);

void config_detect_check(struct schema_reader *r, const struct config_agent *a);
