/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/arena.h"
#include "base/log.h"
#include "line/line.h"

/*
 * The configuration as a whole: read once, checked completely, then immutable. A new file makes a new object; a daemon that cannot read
 * it keeps the old one.
 */

#define CONFIG_LISTEN 8

struct flow;
struct yaml_node;

struct config_sip {
	struct {
		bool is_tcp;
		struct addr addr;
	} listen[CONFIG_LISTEN];
	size_t listen_count;
	const char *user_agent;
	uint32_t max_calls;
};

struct config_media {
	const char *address;	   /* IP to announce in SDP instead of the local one; NULL: the local one */
	uint32_t port_min, port_max;
	uint32_t workers;	   /* 0: one a core */
	uint32_t timeout_s;	   /* a call without any RTP for so long is ended */
	const char *record_dir;
};

struct config_log {
	enum log_level level;
	bool is_json;
};

struct config_api {
	struct addr listen;
};

enum agent_kind {
	AGENT_PIPELINE, /* stt, llm, tts */
	AGENT_ECHO,	/* sends back what it hears: for testing a line */
	AGENT_PLAY,	/* plays a WAV file, then hangs up */
};

struct config_agent {
	const char *name;
	int file_line;
	enum agent_kind kind;
	const char *greeting, *instructions, *language, *voice;
	const char *flow_name;		  /* built in, or a file; NULL: the mind is none that follows one */
	const struct yaml_node *business; /* the flow's variables and opening hours */
	struct flow *flow;		  /* of the mind "embedded" */
	const char *stt, *llm, *tts;
	const char *transfer_human; /* number or SIP URI; NULL: nobody */
	const char *play_file;
	bool does_record;
	uint32_t answer_after_ms;  /* rings so long before it answers */
};

struct config {
	struct arena arena;
	const char *path;
	struct config_api api;
	struct config_log log;
	struct config_sip sip;
	struct config_media media;
	struct line_config *lines;
	size_t line_count;
	struct config_agent *agents;
	size_t agent_count;
	struct route_config *routes;
	size_t route_count;
};

struct config_error {
	int line;
	char text[400]; /* names the key, what is wrong and the remedy; never the value of a secret */
};

struct config_errors {
	struct config_error list[LIMIT_CONFIG_ERRORS];
	size_t count; /* may be larger than what the list holds */
};

/* Reads and checks text; path is for messages and for files next to it. NULL when there is any error. */
struct config *config_parse(const char *path, struct span text, struct config_errors *errors);

/* The same from a file; an unreadable one is an error in line 0. */
struct config *config_load(const char *path, struct config_errors *errors);
struct config *config_free(struct config *c);

const struct config_agent *config_agent_find(const struct config *c, const char *name);
int config_line_find(const struct config *c, const char *name); /* -1 */

/* "file:line: text", one a line, to f. */
void config_errors_print(const struct config_errors *errors, const char *path, FILE *f);
