/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "base/limits.h"
#include "base/span.h"

/*
 * Keys of the API, and the file they are in. A key is 256 random bits, so at rest a SHA-256 of it is enough: there is nothing to guess from a
 * dictionary, no two keys are alike (a salt would hide nothing), and a slow hash would only give strangers a way to keep the server
 * busy. One line a key: "NAME ROLE SHA256 MADE", MADE in seconds since 1970; # begins a comment.
 */
enum api_role { ROLE_READ, ROLE_OPERATE, ROLE_ADMIN }; /* each may what the ones before it may */

#define KEY_TEXT 73 /* "tipring_", 64 hexadecimal digits, terminator */
#define KEY_NAME 33
#define KEY_HASH 32

struct api_key {
	char name[KEY_NAME];
	enum api_role role;
	uint8_t hash[KEY_HASH];
	int64_t made_s;
};

struct api_keys {
	struct api_key list[LIMIT_API_KEYS];
	size_t count;
};

const char *role_name(enum api_role role);
bool role_parse(struct span text, enum api_role *ret);
/* 1-32 letters, digits, - _ . */
bool key_name_is_good(const char *name);

/* -EINVAL: *ret_line has the line that cannot be read; *ret is not written. */
nodiscard int keys_parse(struct api_keys *ret, struct span text, int *ret_line);
/* Makes a key, whose text is nowhere but in ret_key afterwards. -EEXIST: the name is taken; -TR_ELIMIT; -EINVAL: no name. */
nodiscard int keys_add(struct api_keys *keys, const char *name, enum api_role role, int64_t now_s, char ret_key[static KEY_TEXT]);
/* -TR_ENOTFOUND. */
nodiscard int keys_remove(struct api_keys *keys, const char *name);
/* NULL: no such key. Takes the same time whichever it is, and whether or not there is one. */
const struct api_key *keys_find(const struct api_keys *keys, struct span key);

/* A file that is not there has no keys. Otherwise an error comes with words, and *ret is not written. */
nodiscard int keys_load(struct api_keys *ret, const char *path, char *ret_why, size_t cap);
/* Whole or not at all; a new file is its owner's only, an old one keeps its owner and mode. */
nodiscard int keys_save(const struct api_keys *keys, const char *path, char *ret_why, size_t cap);
/* Keeps others from changing it until the descriptor is closed; negative: -errno. */
nodiscard int keys_lock(const char *path);
