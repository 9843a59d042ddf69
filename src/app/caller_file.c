/* SPDX-License-Identifier: Apache-2.0 */
#include "app/caller_file.h"
#include "app/schema.h"
#include <libgen.h>

#define AT(type, member) offsetof(type, member)

static const struct field line_fields[] = {
	{"text", schema_str, AT(struct agent_caller_line, text)},
	{"digits", schema_str, AT(struct agent_caller_line, digits)},
	{"wait_ms", schema_u32, AT(struct agent_caller_line, wait_ms), .min = 1, .max = 600000},
	{"interrupt_ms", schema_u32, AT(struct agent_caller_line, interrupt_ms), .min = 1, .max = 600000},
	{0},
};

static void check_line(struct schema_reader *r, const struct yaml_node *n, struct agent_caller_line *line)
{
	if (!line->text && !line->digits && !line->wait_ms)
		schema_error(r, n->line, "lines: \"text\", \"digits\" or \"wait_ms\" is missing");
	if (line->text && line->digits)
		schema_error(r, n->line, "lines: either \"text\" or \"digits\"; make two lines of it");
	if (line->digits && strspn(line->digits, "0123456789*#ABCD,") != strlen(line->digits))
		schema_error(r, n->line, "digits: \"%.40s\" has others than 0-9 * # A-D and , for a pause", line->digits);
	if (!line->text)
		line->text = "";
}

static void read_lines(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct agent_caller_config *c = dst;
	struct agent_caller_line *lines;
	size_t n = 0;

	for (const struct yaml_node *l = node->first; l; l = l->next)
		n++;
	if (node->kind != YAML_LIST || n > LIMIT_SCRIPT_LINES) {
		schema_error(r, node->line, "lines: a list of at most %d lines is wanted here", LIMIT_SCRIPT_LINES);
		return;
	}
	lines = arena_alloc(r->arena, (n + 1) * sizeof(*lines));
	for (const struct yaml_node *l = node->first; l; l = l->next) {
		struct agent_caller_line *line = &lines[c->line_count++];

		*line = (struct agent_caller_line){0};
		if (l->kind == YAML_MAP)
			schema_read(r, line_fields, l, line);
		else
			line->text = schema_text(r, l, f->key);
		check_line(r, l, line);
	}
	c->lines = lines;
}

/* dBFS as people know it, to the peak of noise that has this level. */
static void read_noise(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *text = schema_text(r, node, f->key);
	uint32_t down = 0;
	double peak = 56750; /* even noise is 4.8 dB below its peak */

	if (!text)
		return;
	if (text[0] != '-' || !span_u32(span_z(text + 1), &down) || down < 10 || down > 80) {
		schema_error(r, node->line, "%s: \"%.20s\" is not a level from -80 to -10 (dB below full scale)", f->key, text);
		return;
	}
	for (uint32_t i = 0; i < down; i++)
		peak *= 0.8912509; /* 1 dB */
	*(uint16_t *)dst = (uint16_t)peak;
}

static const struct field part_fields[] = {
	{"name", schema_str, AT(struct agent_caller_config, name)},
	{"voice", schema_str, AT(struct agent_caller_config, voice)},
	{"language", schema_str, AT(struct agent_caller_config, language)},
	{"noise_dbfs", read_noise, AT(struct agent_caller_config, noise)},
	{"patience_ms", schema_u32, AT(struct agent_caller_config, patience_ms), .min = 1, .max = 600000},
	{"linger_ms", schema_u32, AT(struct agent_caller_config, linger_ms), .min = 1, .max = 600000},
	{"lines", read_lines, 0},
	{0},
};

static void read_part(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct caller_part *part = dst;

	if (node->kind != YAML_MAP) {
		schema_error(r, node->line, "%s: keys are wanted here (lines: and others)", f->key);
		return;
	}
	schema_read(r, part_fields, node, &part->config);
	part->is_set = true;
}

/* The top is the caller's part and the two others. */
static const struct field root_fields[] = {
	{"name", schema_str, AT(struct caller_file, calls.config.name)},
	{"voice", schema_str, AT(struct caller_file, calls.config.voice)},
	{"language", schema_str, AT(struct caller_file, calls.config.language)},
	{"noise_dbfs", read_noise, AT(struct caller_file, calls.config.noise)},
	{"patience_ms", schema_u32, AT(struct caller_file, calls.config.patience_ms), .min = 1, .max = 600000},
	{"linger_ms", schema_u32, AT(struct caller_file, calls.config.linger_ms), .min = 1, .max = 600000},
	{"lines", read_lines, AT(struct caller_file, calls.config)},
	{"transferred", read_part, AT(struct caller_file, transferred)},
	{"answers", read_part, AT(struct caller_file, answers)},
	{0},
};

static void set_defaults(struct caller_part *part, const char *name, const char *voice)
{
	struct agent_caller_config *c = &part->config;

	if (!c->name)
		c->name = name;
	if (!c->voice)
		c->voice = voice;
	c->tts = "embedded";
}

struct caller_file *caller_file_parse(const char *path, struct span text, struct config_errors *errors)
{
	struct caller_file *f = mem_zalloc(sizeof(*f));
	struct schema_reader r = {
		.arena = &f->arena, .errors = errors, .dir = dirname(arena_strdup(&f->arena, span_z(path)))};
	struct yaml_node *root;
	const char *why;
	int line;

	errors->count = 0;
	if (yaml_parse(&f->arena, text, &root, &line, &why) != 0)
		schema_error(&r, line, "%s", why);
	else if (root->kind != YAML_MAP)
		schema_error(&r, root->line, "the file must have keys at its top (lines: and others)");
	else
		schema_read(&r, root_fields, root, f);
	f->calls.is_set = true;
	set_defaults(&f->calls, "caller", "slt");
	set_defaults(&f->transferred, f->calls.config.name, f->calls.config.voice);
	set_defaults(&f->answers, "person", "rms");

	return errors->count ? caller_file_free(f) : f;
}

struct caller_file *caller_file_load(const char *path, struct config_errors *errors)
{
	FILE *file = fopen(path, "re");
	auto_free char *text = mem_zalloc(LIMIT_CONFIG_BYTES + 1);
	struct schema_reader r = {.errors = errors};
	size_t n = file ? fread(text, 1, LIMIT_CONFIG_BYTES + 1, file) : 0;
	int err = !file || ferror(file) ? errno : 0;

	if (file)
		fclose(file);
	errors->count = 0;
	if (err) {
		schema_error(&r, 0, "cannot be read: %s", strerror(err));
		return NULL;
	}

	return caller_file_parse(path, span(text, n), errors);
}

struct caller_file *caller_file_free(struct caller_file *f)
{
	if (f) {
		arena_done(&f->arena);
		free(f);
	}

	return NULL;
}
