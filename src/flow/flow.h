/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * A flow: a conversation that is written down. One YAML file says what is asked, what may be answered and what is done then
 * (docs/flows.md); it is read and checked as a whole, then immutable and shared by all calls that follow it.
 *
 * Pure, but for flow_load, which reads files.
 */
struct flow;
struct yaml_node;

struct flow_fault {
	int line; /* 0: of the whole file */
	bool is_business; /* line is one of the business data, not of the flow */
	char words[400]; /* what is wrong and what would be right */
};

struct flow_faults {
	struct flow_fault list[LIMIT_CONFIG_ERRORS];
	size_t count; /* may be larger than what the list holds */
};

struct flow_source {
	const char *name;	/* of a flow that is built in, or the path of a file */
	const char *dir;	/* relative paths start here; NULL: the current folder */
	const char *language;	/* "es", "es-MX"; NULL: the flow's first */
	const struct yaml_node *business; /* variables and opening hours that replace the flow's; NULL: none */
};

/*
 * Reads a flow by name. On failure *ret_path is set to the file that the faults are in (a flow or a language), valid until the
 * next call of the thread. -TR_ENOTFOUND: there is no such flow; -TR_EUNSUPP: it does not have that language; -TR_ECONFIG.
 */
nodiscard int flow_load(struct flow **ret, const struct flow_source *source, struct flow_faults *ret_faults, const char **ret_path);

struct lang;
/* The same from text, in the language of lang, which is taken over in any case. */
nodiscard int flow_parse(struct flow **ret, struct lang *lang, struct span text, const struct yaml_node *business,
	struct flow_faults *ret_faults);

struct flow *flow_ref(struct flow *f); /* any thread */
struct flow *flow_unref(struct flow *f);

const char *flow_name(const struct flow *f);
const char *flow_language(const struct flow *f); /* "en" */
const char *flow_language_name(const struct flow *f); /* "English" */

/* Its size, for people: "3 slots, 5 intents, 4 steps, 5 contexts of a grammar of 12 kB". */
void flow_summary(const struct flow *f, char *ret_text, size_t cap);

/* Names of the flows that are built in; NULL at the end. */
const char *const *flow_builtin(void);
/* The text of a flow by its name or path, as flow_load finds it; the caller frees. NULL: there is none, *ret_faults says why. */
char *flow_read(const struct flow_source *source, struct flow_faults *ret_faults);
/* Languages a flow's text declares, as it writes them; how many were put into ret_names. */
size_t flow_languages(struct span text, char (*ret_names)[16], size_t cap);

/*
 * Everything callers may say, for recognisers: a grammar in the form of providers/embedded/grammar.h with a context for each
 * question; struct flow_reply's context names one of them. NULL-terminated, owned by the flow.
 */
const char *flow_grammar(const struct flow *f);

/*
 * What a sentence means where the slot `asked` is asked for ("confirm": where all slots were read back; NULL: an open question), in
 * words that can be compared: for tests and for measuring recognisers. Both are "" when nothing was understood.
 */
struct flow_meaning {
	char intent[60]; /* intent, command, "yes", "no"; "+" behind it marks a correction */
	char slots[400]; /* "day=2026-11-24 time=14:30" */
};
void flow_meaning(const struct flow *f, const char *asked, int32_t today, const char *text, struct flow_meaning *ret);

/* ---- at work ---------------------------------------------------------------------------------------------------------- */

enum flow_cause { FLOW_START, FLOW_TEXT, FLOW_KEYS, FLOW_SILENCE, FLOW_TOOL_RESULT };

struct flow_turn {
	enum flow_cause cause;
	const char *text;    /* what was said, which keys were pressed, the tool's result (JSON) */
	float confidence;    /* of text, 0..1 */
	bool is_interrupted; /* the caller spoke over our last reply */
	const char *heard;   /* the part of it that was played; NULL: all */
	bool is_continued;   /* the last turn was not answered yet: text holds its text too */
};

enum flow_action { FLOW_LISTEN, FLOW_TRANSFER, FLOW_HANG_UP, FLOW_CALL_TOOL };

enum { FLOW_TEXT_BYTES = 2000, FLOW_ARGS_BYTES = 2000 };

struct flow_reply {
	char text[FLOW_TEXT_BYTES];
	enum flow_action action;
	const char *tool; /* of FLOW_CALL_TOOL */
	char args[FLOW_ARGS_BYTES]; /* JSON; of a transfer {"reason", "to"?} */
	const char *context; /* of flow_grammar, to listen with */
	uint32_t silence_ms; /* without a word of the caller until FLOW_SILENCE */
	bool is_number;	     /* pauses inside the answer are normal */
	bool is_sensitive;   /* nobody is to keep the answer */
};

enum flow_fit { FLOW_FIT_UNKNOWN, FLOW_FIT_COMPLETE, FLOW_FIT_OPEN };

struct flow_machine_params {
	struct flow *flow;    /* a reference is taken */
	const char *greeting; /* replaces the flow's; NULL: does not */
	int32_t today;	      /* calendar_day of the call where the business is */
	int32_t minute;	      /* of that day */
	bool (*has_tool)(void *ctx, const char *name); /* NULL: there is none */
	void *ctx;
};

/* One conversation. Not shared. */
struct flow_machine;

struct flow_machine *flow_machine_new(const struct flow_machine_params *params);
struct flow_machine *flow_machine_free(struct flow_machine *m);
void flow_machine_turn(struct flow_machine *m, const struct flow_turn *turn, struct flow_reply *ret);
/* Is text, so far, an answer to what was asked. Quick, changes nothing. */
enum flow_fit flow_machine_judge(struct flow_machine *m, const char *text);
/* Where it is and what it knows, a line each, for people. */
void flow_machine_describe(const struct flow_machine *m, FILE *out);
