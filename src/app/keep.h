/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "app/config.h"
#include "call/record.h"
#include "store/store.h"

/* Which news of a call go to its record on disk: all but what comes many times a second. */

/* NULL: none are wanted, or memory is out (logged). */
struct store *keep_open(const struct config_records *config);
/* Whether this news goes to the record. what: as calls_hooks.changed gets it. */
bool keep_wants(const char *what);
/* whole: json_call_full of r. */
void keep_changed(struct store *s, const struct call_record *r, const char *what, const json_t *whole);
