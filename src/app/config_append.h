/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/config.h"

/*
 * Adds entries to a configuration that people write by hand: text is put in, nothing else is touched, so comments, order and
 * quoting stay. Whatever cannot be done that way safely is refused with words, and the file stays as it is.
 */

/*
 * One block of text below a key at the top of the file: "lines" and "- name: office\n  preset: freepbx\n" (without indentation). Of a
 * key that is not there yet it may be anything, "listen: [ ... ]\n" of "sip" as well.
 */
struct config_addition {
	const char *key;
	const char *item;
};

/* text NULL: a new file. *ret is what the file shall be; the caller frees. -TR_ECONFIG or -TR_EUNSUPP with words. */
nodiscard int config_append(const char *text, const struct config_addition *additions, size_t n, char **ret, char *ret_why, size_t cap);

/*
 * The same to a file, which is replaced as a whole (or not at all) and keeps its mode; a new one gets 0644. Before that the result is
 * read as a configuration: it has to be valid, with every line, agent and route of before and in their order. Nothing is written when
 * the file has changed in the meantime.
 */
nodiscard int config_append_file(const char *path, const struct config_addition *additions, size_t n, char *ret_why, size_t cap);

/* A new file of mode 0600 that holds a secret. -EEXIST: there is one, which stays. */
nodiscard int config_write_secret(const char *path, const char *secret);

/* A scalar for YAML, in double quotes with its escapes. */
void config_quote(const char *text, char *ret, size_t cap);
