/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/exchange.h"

/*
 * A phone of our own for trying a line: the line as it is configured, an agent "trial-tone" that plays a tone and records, and one that
 * echoes. `tipring lines add` and `tipring doctor` share it. One thread.
 */
struct trial_phone {
	char dir[40], tone[60]; /* a folder that goes with it; the tone in it */
	struct config *config;	/* the snapshot's */
	struct line_config lines[2]; /* of trial_phone_config_of: the line, and room for a second attempt at it */
	struct phone *phone;
	struct exchange x;
};

struct trial_phone_params {
	const char *sip, *media; /* maps of the configuration: "{ listen: [ ... ] }"; media gets the record_dir */
	const char *routes, *lines; /* lists of it */
	const struct line_config *line; /* instead of lines; its texts outlive the phone */
	bool does_register;	 /* of line */
	const char *dns;	 /* NULL: the system's */
	struct addr announce;
	void (*on_sip)(void *ctx, const struct sip_stack_event *ev);
	void (*on_message)(void *ctx, const struct trace_message *m); /* may be NULL */
	void *ctx;
};

/* Opens it and begins the line. ret_why: a sentence. trial_phone_close in any case. */
nodiscard int trial_phone_open(struct trial_phone *t, const struct trial_phone_params *params, char *ret_why, size_t cap);
void trial_phone_close(struct trial_phone *t);

/* Of what came from the other side (left channel), in the middle of the recording: the share of our tone, 0 to 1. */
float trial_phone_heard(const char *recording);
