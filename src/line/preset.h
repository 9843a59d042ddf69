/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "line/line.h"

/*
 * What a preset changes of the defaults, and how its system calls things: docs/connect/NAME.md tells its users the same. Whatever the
 * configuration says itself wins.
 */
enum preset_auth {
	PRESET_AUTH_SAME,    /* the authentication id is the extension, or rarely another */
	PRESET_AUTH_DIFFERS, /* it is a text of its own, always */
	PRESET_AUTH_NONE,    /* known by address: no credentials at all */
};

struct line_preset {
	const char *name, *title;
	enum line_kind kind;
	bool does_register;
	enum preset_auth auth;
	uint32_t expires_s;
	uint32_t keepalive_s;
	bool keepalive_options;
	uint32_t health_s;
	bool no_100rel, no_session_timer;
	const char *codecs[LINE_CODECS];
	enum number_format out;
	unsigned caller_id_in;
	uint16_t full_status;
	const char *default_server;  /* NULL: none */
	const char *const *allow;    /* signalling addresses that the vendor publishes; NULL-terminated; NULL: none known */
	/* In that system's own words, for `tipring lines add`. */
	const char *server_is, *extension_is, *auth_is, *password_is;
	const char *note;	     /* one line for people: what to look at on that system */
};

extern const struct line_preset line_presets[]; /* ends with a NULL name */
/* NULL if there is no such preset. */
const struct line_preset *line_preset_find(const char *name);
/* The names, NULL-terminated, in the order of line_presets. */
const char *const *line_preset_names(void);

/* A line with the preset's values, ready to be overwritten by what is configured. */
void line_preset_apply(const struct line_preset *p, struct line_config *ret);

/*
 * What is probably wrong with a line of its preset, one sentence each; returns how many there are, of which at most cap are written.
 * The line works as configured: these are warnings.
 */
#define PRESET_ADVICE_TEXT 240
#define PRESET_ADVICE_MAX  6
size_t line_preset_advise(const struct line_config *line, char ret[][PRESET_ADVICE_TEXT], size_t cap);
