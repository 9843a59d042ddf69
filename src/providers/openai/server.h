/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "web/client.h"

/* One server of OpenAI's HTTP interfaces, or of one that speaks them: where it is and how we show who we are. */
struct openai_server {
	struct web_client *client; /* borrowed */
	char *url, *authorization; /* NULL: no key */
	msec_t used_at;
};

/* url: up to and without "/chat/completions" and its like: "https://api.openai.com/v1". */
void openai_server_init(struct openai_server *s, struct web_client *client, const char *url, const char *key);
void openai_server_done(struct openai_server *s);

/* ask has body and callbacks; the rest is filled in. path: "/chat/completions". type: of the body. */
nodiscard int openai_post(struct openai_server *s, struct web_request **ret, const char *path, const char *type, const struct web_ask *ask);
/* A connection is made now if there may be none, so that the next request need not wait for one. */
void openai_warm_up(struct openai_server *s);

/* What went wrong, with what the server says about it; for logs and people. */
void openai_fault_words(const struct web_end *end, char *ret_words, size_t cap);
