/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/config.h"
#include "yaml/tree.h"

/*
 * YAML into structs by tables: each map has a list of fields with their reader and place. Whatever is not in the table is an
 * error that suggests the nearest key. All errors of a file are collected, not only the first.
 */
struct schema_reader {
	struct arena *arena;
	struct config_errors *errors;
	const char *dir; /* of the file: relative paths of ${file:...} start here */
};

struct field;
typedef void field_fn(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst);

struct field {
	const char *key;
	field_fn *read;
	size_t offset;		    /* of the value in the struct */
	int64_t min, max;	    /* numbers */
	const char *const *choices; /* read_enum: NULL-terminated, index is the value */
	const struct field *fields; /* read_map: table of the inner map, ending with a NULL key */
	bool is_required;
};

/* Readers. schema_text_or_empty keeps an empty text, which schema_str takes for "not said". Strings expand ${file:PATH} (contents without trailing newline) and ${env:NAME}. */
field_fn schema_str, schema_text_or_empty, schema_secret, schema_bool, schema_u32, schema_enum, schema_map;

/* Reads a map by its table. */
void schema_read(struct schema_reader *r, const struct field *fields, const struct yaml_node *map, void *dst);

/* A scalar's text with ${...} expanded; NULL after an error was noted. what: "key" for messages. */
const char *schema_text(struct schema_reader *r, const struct yaml_node *node, const char *what);

void schema_error(struct schema_reader *r, int line, const char *fmt, ...) printf_like(3, 4);
