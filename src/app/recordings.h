/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "call/call.h"

/* Recordings as the daemon sees them: what a process that died has left, and how they fare. */

/*
 * Makes whole what stands half written in a folder (NAME.wav.part, of no process that still runs); once, at start: it reads the disk.
 * Returns how many.
 */
unsigned recordings_recover(const char *dir);

/* For /v1/stats, and a sentence for /v1/health when some cannot be written. */
json_t *recordings_stats(const struct calls *calls);
void recordings_problems(const struct calls *calls, json_t *list);
