/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "base/base.h"

/* An error as RFC 9457 has it: {"title", "status", "detail"}; sets *ret_status. The caller owns it. Never NULL. */
json_t *problem(int *ret_status, int status, const char *fmt, ...) printf_like(3, 4);
