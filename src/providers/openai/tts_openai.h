/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "web/client.h"

/*
 * A voice behind the tts port, by OpenAI's audio speech, which Kokoro, speaches, LocalAI and others speak too: raw PCM, spoken on while it comes. One
 * request at a time a session, the next is asked for while the last is still being delivered.
 *
 * Thread: the loop of the client.
 */
struct tts_openai_params {
	const char *name;  /* of the port */
	const char *url;   /* as in server.h */
	const char *key;   /* NULL: none is sent */
	const char *model;
	const char *voice; /* for agents that name none */
	uint32_t rate_hz;  /* of the PCM that comes; 0: 24000, which is what OpenAI sends */
};

/* Copies. Borrows the client. */
struct tts_port *tts_openai_new(struct web_client *client, const struct tts_openai_params *params);
/* Every session must be closed before. */
struct tts_port *tts_openai_free(struct tts_port *port);
