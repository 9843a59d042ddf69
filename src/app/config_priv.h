/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/schema.h"

/* What the files that read a configuration share: config.c, config_line.c (lines), config_media.c (a line's media security),
 * config_route.c (routes), config_toll.c (toll), config_park.c (park), config_queue.c (queues), config_sip.c (SIP's listeners, certificates, origins). */
#define AT(type, member) offsetof(type, member)

size_t config_count(const struct yaml_node *list);
bool config_want_list(struct schema_reader *r, const struct field *f, const struct yaml_node *node);
/* One of f->choices into a const char *. */
field_fn config_read_name;

/* The fields of struct line_media, to be read into a struct line_config; and what they mean together. */
field_fn config_read_srtp, config_read_stun, config_read_turn;
extern const char *const config_ice_names[];
void config_default_media(struct line_config *line);
void config_check_media(struct schema_reader *r, struct line_config *line);
/* A list of at most so many texts into an array of them. */
struct config_texts {
	const char **list;
	size_t most, *count;
};
void config_read_bounded(struct schema_reader *r, const struct field *f, const struct yaml_node *node, struct config_texts to);
/* A path into a const char *; a relative one starts at the configuration's folder. */
field_fn config_read_path;
/* One text or a list of them into a const char *const *, NULL-terminated. */
field_fn config_read_texts;
/* The same, where check says what is wrong with a text, or NULL. */
void config_read_checked(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst,
	const char *(*check)(const char *text));
/* The same for patterns of numbers (line/number.h). */
field_fn config_read_patterns;
/* dst: the node itself is kept */
field_fn config_read_business;
/* The flow of an agent whose mind follows one, from the agent's node; faults go into r. */
void config_load_flow(struct schema_reader *r, struct config_agent *a, const struct yaml_node *node);
/* Two flows of one name would share one grammar. */
void config_check_flows(struct schema_reader *r, const struct config *c);

/* dst: the struct config */
field_fn config_read_lines, config_read_routes, config_read_outbound, config_read_calendars, config_read_webhooks, config_read_providers;
/* dst: the struct config_agent */
field_fn config_read_llm;
/* Nested YAML as JSON: numbers, true, false and null are what they look like unless quoted. */
const char *config_yaml_json(struct schema_reader *r, const struct yaml_node *node);
bool config_agent_names_llm(const struct config_agent *a, const char *name);
void config_check_brains(struct schema_reader *r, const struct config *c);
field_fn config_read_queues;
/* A sentence for `tipring check` and the log; the file stays valid. */
void config_warn(struct schema_reader *r, struct config *c, int line, const char *fmt, ...) printf_like(4, 5);
/* Presets' advice, secrets in the file. */
void config_check_lines(struct schema_reader *r, struct config *c);
/* dst: the struct config_toll */
field_fn config_read_toll;
void config_toll_defaults(struct config_toll *toll);
void config_check_toll(struct schema_reader *r, const struct config_toll *toll);
/* What can only be said once everything was read: names that do not exist. */
void config_check_routes(struct schema_reader *r, struct config *c);

extern const struct field config_park_fields[];	    /* of struct config */
void config_check_park(struct schema_reader *r, const struct config *c);
extern const struct field config_sip_fields[];	    /* of struct config_sip */
extern const struct field config_line_tls_fields[]; /* of struct line_tls */
/* What one key alone cannot say. */
void config_check_sip(struct schema_reader *r, const struct config_sip *sip);
void config_check_line_tls(struct schema_reader *r, const struct line_config *line);
