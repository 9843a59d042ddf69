/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <jansson.h>
#include "base/base.h"

/* The daemon's API from the outside: one blocking request at a time. */
struct client {
	char base[200]; /* "http://127.0.0.1:8060" */
	char authorization[200]; /* a header; "": without a key */
	const char *ca;		 /* PEM file of the CA that vouches for an https daemon; NULL: the system's */
};

/* What a sub-command exits with. */
enum cli_exit { CLI_OK, CLI_FAILED, CLI_USAGE, CLI_UNREACHABLE, CLI_NOT_FOUND };

/* url: NULL for TIPRING_API in the environment, else the default. key: NULL for TIPRING_API_KEY, else none. The CA is TIPRING_API_CA's. */
void client_init(struct client *c, const char *url, const char *key);

/*
 * body may be NULL. Returns the status (200...) with the answer in *ret_doc (NULL when it is no JSON), which the caller owns; or a
 * negative code when the daemon is not reached, with words in ret_why.
 */
nodiscard int client_ask(struct client *c, const char *method, const char *path, const char *body, json_t **ret_doc, char *ret_why,
	size_t cap);
/* The same with the answer as it came, terminated, which the caller frees; NULL when it was empty. */
nodiscard int client_ask_text(struct client *c, const char *method, const char *path, const char *body, char **ret_text, char *ret_why,
	size_t cap);
/* text as a value in a query: what has a meaning there is escaped. The caller frees it. */
char *client_escape(const char *text);
