/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* Memory that is freed together: for things built once and read for long, like a configuration. Ends the process when memory is out. */
struct arena_block;

struct arena {
	struct arena_block *blocks;
};

/* Zeroed and aligned for any type. */
nodiscard void *arena_alloc(struct arena *a, size_t n);
nodiscard char *arena_strdup(struct arena *a, struct span s);
nodiscard char *arena_format(struct arena *a, const char *fmt, ...) printf_like(2, 3);
void arena_done(struct arena *a);
