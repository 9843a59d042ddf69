/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "web/client.h"

/*
 * A language model behind the llm port, by streaming chat completions (chat.h). The greeting of the session is said without asking the model.
 * A model that is asked the first time in a while is connected to when the call begins, so that its first turn need not wait for that.
 *
 * Thread: the loop of the client.
 */
struct llm_openai_params {
	const char *name;	/* of the port */
	const char *url;	/* as in server.h */
	const char *key;	/* NULL: none is sent */
	const char *model;
	double temperature;	/* negative: the server's */
	uint32_t max_tokens;	/* of a reply; 0: the server's */
	const char *max_tokens_key; /* NULL: "max_tokens" */
	const char *extra_json;	/* keys for each request, an object; NULL: none */
};

/* Copies. Borrows the client. */
struct llm_port *llm_openai_new(struct web_client *client, const struct llm_openai_params *params);
/* Every session must be closed before. */
struct llm_port *llm_openai_free(struct llm_port *port);
