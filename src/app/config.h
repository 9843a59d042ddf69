/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/prompts.h"
#include "base/arena.h"
#include "base/log.h"
#include "call/detect.h"
#include "call/park.h"
#include "call/queue.h"
#include "line/line.h"
#include "line/toll.h"
#include "sip/method.h"
#include "line/route.h"

/*
 * The configuration as a whole: read once, checked completely, then immutable. A new file makes a new object; a daemon that cannot read
 * it keeps the old one.
 */

#define CONFIG_LISTEN 8

struct flow;
struct yaml_node;

#define CONFIG_ORIGINS LIMIT_UA_WS_ORIGINS

/* Of our TLS and WSS listeners. Files by their whole path. */
struct config_tls {
	const char *certificate, *key; /* key NULL: in certificate's file */
	const char *ca;		       /* whose clients may come, with verify_clients */
	bool verify_clients;
};

struct config_sip {
	struct {
		enum sip_transport transport;
		struct addr addr;
	} listen[CONFIG_LISTEN];
	size_t listen_count;
	struct config_tls tls;
	const char *origins[CONFIG_ORIGINS]; /* pages that may open WebSockets */
	size_t origin_count;
	const char *user_agent;
	uint32_t max_calls;
	bool answers_strangers; /* false: who belongs to no line hears nothing */
	const char *dns; /* servers to ask, "192.0.2.1,192.0.2.2:5353"; NULL: the system's */
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

struct config_toll {
	struct toll_rules rules;
	const char *state_path; /* NULL: a restart begins the day anew */
};

struct config_hep {
	struct addr server; /* unset: no collector */
	uint32_t agent_id;
	const char *key, *name;
};

/* Records of calls on disk. */
struct config_records {
	bool is_off;
	const char *file;    /* the database; like record_dir from the daemon's own folder */
	uint32_t keep_days;  /* 0: for ever */
};

/* An endpoint of events (api/webhook.h). */
struct config_webhook {
	const char *url, *secret, *previous_secret;
	const char *const *events; /* patterns, NULL-terminated; NULL: call.* */
	bool allow_private;
	uint32_t retry_s;
	int file_line;
};

enum provider_kind { PROVIDER_LLM, PROVIDER_STT, PROVIDER_TTS };

/* A provider in the network that brains name. */
struct config_provider {
	const char *name;
	int kind; /* enum provider_kind; the interface is OpenAI's */
	const char *url, *key, *model;
	const char *voice;	    /* speech */
	uint32_t rate_hz;	    /* speech: of the PCM that it sends; 0: OpenAI's */
	const char *prompt;	    /* transcription: words to expect */
	double temperature;	    /* chat; negative: the server's */
	uint32_t max_tokens;	    /* chat; 0: the server's */
	const char *max_tokens_key; /* chat; NULL: "max_tokens" */
	const char *extra_json;	    /* chat: more keys of each request */
	int file_line;
};

struct config_api {
	struct addr listen;
	const char *certificate, *key; /* PEM files; NULL: plain HTTP */
	const char *keys_file; /* from the configuration's folder, so that the daemon and the sub-commands mean the same one */
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
	const char *company; /* how the agent names itself to a screener; NULL: by its greeting */
	const char *flow_name;		  /* built in, or a file; NULL: it follows none */
	const struct yaml_node *business; /* the flow's variables and opening hours */
	struct flow *flow;		  /* NULL: none */
	const char *stt, *llm, *tts; /* llm: all of llms, for people, and the name of their port */
	const char *llms[LIMIT_LLM_ROUTE]; /* the most wanted first */
	size_t llm_count;
	const char *vad; /* NULL: the media core's own */
	const char *transfer_human; /* number or SIP URI; NULL: nobody */
	const char *transfer_fallback[LIMIT_CALL_XFER_TARGETS - 1]; /* tried after it; NULL at the end */
	int transfer_mode;	    /* enum call_xfer_mode */
	int transfer_waiting;	    /* enum call_waiting */
	uint32_t transfer_ring_s;
	const char *music;	    /* WAV for those who wait; NULL: none */
	const char *play_file;
	struct prompts *prompts;    /* recorded phrases; the configuration holds the reference; NULL: none */
	bool does_record;	    /* from the beginning */
	const char *consent;	    /* WAV said before a call is recorded; NULL: none */
	bool does_detect;	    /* outbound: find out who has answered */
	struct call_detect detect;  /* what to do then; defaults when the file says nothing */
	uint32_t answer_after_ms;  /* rings so long before it answers */
};

struct config_error {
	int line;
	char text[400]; /* names the key, what is wrong and the remedy; never the value of a secret */
};

struct config {
	struct arena arena;
	const char *path;
	struct config_api api;
	struct config_log log;
	struct config_sip sip;
	struct config_media media;
	struct config_toll toll;
	struct config_hep hep;
	struct call_park_plan park;
	struct call_queues queues;
	int park_file_line;
	const char *const *park_lines; /* on which slots may be dialled; NULL-terminated; NULL: on none */
	struct config_records records;
	struct config_webhook webhooks[LIMIT_WEBHOOKS];
	size_t webhook_count;
	struct config_provider providers[LIMIT_PROVIDERS];
	size_t provider_count;
	struct line_config *lines;
	size_t line_count;
	struct config_agent *agents;
	size_t agent_count;
	struct route_config *routes;
	size_t route_count;
	struct outbound_config *outbound;
	size_t outbound_count;
	struct calendar *calendars;
	size_t calendar_count;
	struct config_error *warnings; /* the file is valid, and probably not what was meant; LIMIT_CONFIG_ERRORS of room */
	size_t warning_count;
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
const struct config_provider *config_provider_find(const struct config *c, const char *name);
/* Whether b's agents find all their providers, unchanged, in a daemon that was started with a. */
bool config_has_same_brains(const struct config *a, const struct config *b);
int config_line_find(const struct config *c, const char *name); /* -1 */

/* "file:line: warning: text", one a line, to f. */
void config_warnings_print(const struct config *c, FILE *f);
/* "file:line: text", one a line, to f. */
void config_errors_print(const struct config_errors *errors, const char *path, FILE *f);
