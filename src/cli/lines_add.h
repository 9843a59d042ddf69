/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "cli/cli.h"
#include "line/preset.h"

/* `tipring lines add`: what is wanted, and the trial of it. */
struct wish {
	const struct line_preset *preset;
	char name[64], server[256], extension[128], auth_id[128], password[256], agent[128], transport[8];
};

/* The line as it will stand in the file, with the password as `secret` ("${file:office.secret}"); an item of the list "lines". */
void wish_yaml(const struct wish *w, const char *secret, char *ret, size_t cap);

/*
 * Tries it: name, reachability, registration, a call to itself and, when asked for, to another number, with audio both ways. Prints
 * each step in plain words, or adds it to steps (an array, for --json) when that is set. True: nothing failed that the line needs.
 */
bool lines_try(const struct wish *w, const char *test_number, json_t *steps);
