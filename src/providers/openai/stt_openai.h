/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "web/client.h"

/*
 * A recogniser behind the stt port, by OpenAI's audio transcriptions: an utterance goes out as a whole, as WAV. It is sent when the caller falls silent,
 * before the end of the turn is sure, so that most of the server's time passes during the pause; a caller who goes on makes that void. There are no
 * partials while the caller speaks.
 *
 * Thread: the loop of the client.
 */
struct stt_openai_params {
	const char *name;  /* of the port */
	const char *url;   /* as in server.h */
	const char *key;   /* NULL: none is sent */
	const char *model; /* "whisper-large-v3-turbo" */
	const char *prompt; /* words it should expect; NULL: none */
};

/* Copies. Borrows the client. */
struct stt_port *stt_openai_new(struct web_client *client, const struct stt_openai_params *params);
/* Every stream must be closed before. */
struct stt_port *stt_openai_free(struct stt_port *port);
