/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What every unit test includes first: cmocka with its prerequisites, and a seed that is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/base.h"

/* TIPRING_SEED from the environment repeats a run; otherwise fresh. Printed, so that a failure can be repeated. */
static inline uint64_t test_seed(void)
{
	const char *env = getenv("TIPRING_SEED");
	uint64_t seed = 0;

	if (env)
		seed = strtoull(env, NULL, 0);
	else
		random_bytes(&seed, sizeof(seed));
	seed |= 1;
	print_message("TIPRING_SEED=%" PRIu64 "\n", seed);

	return seed;
}

#define assert_span_equal(s, z) assert_string_test_span(s, z, __FILE__, __LINE__)
static inline void assert_string_test_span(struct span s, const char *z, const char *file, int line)
{
	if (span_eq_z(s, z))
		return;
	print_error("%s:%d: \"%.*s\" is not \"%s\"\n", file, line, SPAN_FMT(s), z);
	_fail(file, line);
}
