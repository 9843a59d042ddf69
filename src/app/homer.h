/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/config.h"
#include "call/record.h"
#include "obs/hep.h"
#include "obs/trace.h"

/* What a Homer collector is told: SIP messages as they come and go, and reports of each call's audio. Signalling thread. */

/* NULL: none is configured, or it cannot be (which is logged). config is borrowed. */
struct hep *homer_open(const struct config_hep *config);
void homer_message(struct hep *hep, const struct trace_message *m);
/* With the keys that heplify's and Homer's other senders use. Nothing before the call has audio. */
void homer_quality(struct hep *hep, const struct call_record *r);
