/* SPDX-License-Identifier: Apache-2.0 */
#include <libgen.h>
#include "base/nearest.h"
#include "flow/flow_priv.h"

/*
 * Flows and languages by name: those of share/tipring are built into the program, so that it works wherever it is; others are files.
 * A language that is not built in is looked for in the folder "languages" beside the flow.
 */
extern const char flow_text_receptionist[], flow_text_order_status[], flow_text_survey[];
extern const char lang_text_en[], lang_text_es[];

static const struct {
	const char *name, *text;
} flows[] = {{"receptionist", flow_text_receptionist}, {"order-status", flow_text_order_status}, {"survey", flow_text_survey}},
  languages[] = {{"en", lang_text_en}, {"es", lang_text_es}};

static const char *const flow_names[] = {"receptionist", "order-status", "survey", NULL};

const char *const *flow_builtin(void)
{
	return flow_names;
}

struct loader {
	const struct flow_source *source;
	struct flow_faults *faults;
	char path[1024];   /* of what is read */
	char *text;	   /* of the flow; owned */
	char wanted[16];   /* language */
};

static int fail(struct loader *l, int err, const char *fmt, ...) printf_like(3, 4);

static int fail(struct loader *l, int err, const char *fmt, ...)
{
	va_list ap;

	l->faults->count = 1;
	l->faults->list[0] = (struct flow_fault){0};
	va_start(ap, fmt);
	vsnprintf(l->faults->list[0].words, sizeof(l->faults->list[0].words), fmt, ap);
	va_end(ap);

	return err;
}

/* A terminated copy of a file; NULL when it cannot be read or is larger than any flow may be. */
static char *read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = f ? mem_zalloc(LIMIT_FLOW_BYTES + 2) : NULL;
	size_t n = f ? fread(text, 1, LIMIT_FLOW_BYTES + 1, f) : 0;

	if (f)
		fclose(f);
	if (text && (strlen(text) != n || n > LIMIT_FLOW_BYTES)) {
		free(text);
		return NULL;
	}

	return text;
}

static bool is_path(const char *name)
{
	size_t n = strlen(name);

	return strchr(name, '/') || (n > 5 && strcmp(name + n - 5, ".yaml") == 0) || (n > 4 && strcmp(name + n - 4, ".yml") == 0);
}

static int find_flow(struct loader *l)
{
	const char *name = l->source->name, *near_one;

	for (size_t i = 0; i < ARRAY_LEN(flows); i++)
		if (strcmp(flows[i].name, name) == 0) {
			snprintf(l->path, sizeof(l->path), "flow %s", name);
			l->text = mem_strdup(flows[i].text);
			return 0;
		}
	if (!is_path(name)) {
		buf_copy(l->path, sizeof(l->path), name);
		near_one = nearest_word(name, flow_names, ARRAY_LEN(flow_names) - 1);
		return fail(l, -TR_ENOTFOUND, "there is no flow \"%.60s\": built in are receptionist, order-status and survey%s%s%s; a file's "
			"name ends in .yaml", name, near_one ? " (did you mean " : "", near_one ? near_one : "", near_one ? "?)" : "");
	}
	snprintf(l->path, sizeof(l->path), "%s%s%s", name[0] != '/' && l->source->dir ? l->source->dir : "",
		name[0] != '/' && l->source->dir ? "/" : "", name);
	errno = 0;
	l->text = read_file(l->path);
	if (!l->text)
		return fail(l, -TR_ENOTFOUND, "cannot be read: %s", errno ? strerror(errno) : "larger than 256 kB, or not a text file");

	return 0;
}

size_t flow_languages(struct span text, char (*ret_names)[16], size_t cap)
{
	struct arena arena = {0};
	struct yaml_node *root;
	const struct yaml_node *one, *many;
	const char *why;
	size_t n = 0;
	int line;

	if (yaml_parse(&arena, text, &root, &line, &why) == 0 && root->kind == YAML_MAP) {
		one = yaml_get(root, "language");
		many = yaml_get(root, "languages");
		if (one && one->kind == YAML_SCALAR && cap)
			buf_copy(ret_names[n++], sizeof(*ret_names), one->text);
		for (const struct yaml_node *c = many && many->kind == YAML_LIST ? many->first : NULL; c && n < cap; c = c->next)
			if (c->kind == YAML_SCALAR)
				buf_copy(ret_names[n++], sizeof(*ret_names), c->text);
	}
	arena_done(&arena);
	/* English is what a flow speaks that says nothing about it. */
	if (!n && cap)
		buf_copy(ret_names[n++], sizeof(*ret_names), "en");

	return n;
}

static size_t primary(const char *tag)
{
	return strcspn(tag, "-_");
}

static int choose_language(struct loader *l)
{
	char names[8][16], all[160] = "";
	size_t n = flow_languages(span_z(l->text), names, ARRAY_LEN(names));
	const char *wanted = l->source->language;

	for (size_t i = 0; i < n; i++) {
		if (!wanted || (primary(wanted) == primary(names[i]) && strncasecmp(wanted, names[i], primary(wanted)) == 0)) {
			buf_copy(l->wanted, sizeof(l->wanted), names[i]);
			return 0;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "", names[i]);
	}

	return fail(l, -TR_EUNSUPP, "this flow is written in %s, not in \"%.20s\": add that language to \"languages\" and give every text in it",
		all, wanted);
}

static int load_language(struct loader *l, struct lang **ret)
{
	char flow_path[sizeof(l->path)], *file = NULL;
	const char *text = NULL;
	struct lang_fault fault;
	int err;

	for (size_t i = 0; i < ARRAY_LEN(languages); i++)
		if (strncasecmp(languages[i].name, l->wanted, primary(l->wanted)) == 0 && strlen(languages[i].name) == primary(l->wanted))
			text = languages[i].text;
	buf_copy(flow_path, sizeof(flow_path), l->path);
	if (text) {
		snprintf(l->path, sizeof(l->path), "language %s", l->wanted);
	} else {
		char dir[sizeof(l->path)];

		buf_copy(dir, sizeof(dir), flow_path);
		if (buf_format(l->path, sizeof(l->path), "%s/languages/%.*s.yaml", dirname(dir), (int)primary(l->wanted), l->wanted) != 0)
			return fail(l, -TR_ETOOBIG, "the path is too long");
		file = read_file(l->path);
		text = file;
	}
	if (!text)
		return fail(l, -TR_EUNSUPP, "there is no language \"%s\": built in are en and es; others are files of this name", l->wanted);
	err = lang_parse(ret, span_z(text), &fault);
	free(file);
	if (err) {
		l->faults->count = 1;
		l->faults->list[0] = (struct flow_fault){.line = fault.line};
		buf_copy(l->faults->list[0].words, sizeof(l->faults->list[0].words), fault.words);
		return err;
	}
	buf_copy(l->path, sizeof(l->path), flow_path);

	return 0;
}

char *flow_read(const struct flow_source *source, struct flow_faults *ret_faults)
{
	struct loader l = {.source = source, .faults = ret_faults};

	return find_flow(&l) == 0 ? l.text : NULL;
}

int flow_load(struct flow **ret, const struct flow_source *source, struct flow_faults *ret_faults, const char **ret_path)
{
	static _Thread_local char path[1024];
	struct loader l = {.source = source, .faults = ret_faults};
	struct lang *lang = NULL;
	int err;

	ret_faults->count = 0;
	err = find_flow(&l);
	if (!err)
		err = choose_language(&l);
	if (!err)
		err = load_language(&l, &lang);
	if (!err)
		err = flow_parse(ret, lang, span_z(l.text), source->business, ret_faults);
	free(l.text);
	buf_copy(path, sizeof(path), l.path);
	if (ret_path)
		*ret_path = path;

	return err;
}
