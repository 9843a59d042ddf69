/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/schema.h"

/* What the files that read a configuration share: config.c, config_line.c (lines), config_route.c (routes). */
#define AT(type, member) offsetof(type, member)

size_t config_count(const struct yaml_node *list);
bool config_want_list(struct schema_reader *r, const struct field *f, const struct yaml_node *node);
/* One of f->choices into a const char *. */
field_fn config_read_name;

/* dst: the node itself is kept */
field_fn config_read_business;
/* The flow of an agent whose mind follows one, from the agent's node; faults go into r. */
void config_load_flow(struct schema_reader *r, struct config_agent *a, const struct yaml_node *node);
/* Two flows of one name would share one grammar. */
void config_check_flows(struct schema_reader *r, const struct config *c);

/* dst: the struct config */
field_fn config_read_lines, config_read_routes;
/* What can only be said once everything was read: names that do not exist. */
void config_check_routes(struct schema_reader *r, const struct config *c);
