/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* What a request says of itself, read while its callback lasts. */
struct lws;

/*
 * A page of another site must not use the browser of somebody who may: its requests carry its Origin. And a name that was made to point here
 * (DNS rebinding) is in Host: an address or localhost is expected there, but where we have a certificate for names.
 */
bool http_is_from_here(struct lws *wsi, bool has_names);
/* Whether it GETs this path. */
bool http_is_at(struct lws *wsi, const char *path);
/* What follows the question mark, which lws gives parameter by parameter. False: too long. */
bool http_read_args(struct lws *wsi, char *ret_args, size_t cap);
