/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"
#include "flow/flow_priv.h"

/* The top of a flow's file, and what all of its readers use. */

/* ---- faults ----------------------------------------------------------------------------------------------------------- */

void flow_fault(struct builder *b, int line, const char *fmt, ...)
{
	struct flow_faults *f = b->faults;

	if (f->count < LIMIT_CONFIG_ERRORS) {
		va_list ap;

		f->list[f->count].line = line;
		f->list[f->count].is_business = b->is_business;
		va_start(ap, fmt);
		vsnprintf(f->list[f->count].words, sizeof(f->list[0].words), fmt, ap);
		va_end(ap);
	}
	f->count++;
}

void flow_no_such(struct builder *b, int line, const char *what, const char *word, const char *const *names)
{
	size_t n = 0;

	while (names[n])
		n++;

	const char *near_one = nearest_word(word, names, n);

	if (near_one)
		flow_fault(b, line, "there is no %s \"%.60s\": did you mean \"%s\"?", what, word, near_one);
	else
		flow_fault(b, line, "there is no %s \"%.60s\"", what, word);
}

void flow_known_keys(struct builder *b, const struct yaml_node *map, const char *const *keys)
{
	for (const struct yaml_node *c = map->first; c; c = c->next) {
		size_t n = 0;
		bool is_known = false;

		for (; keys[n]; n++)
			is_known |= strcmp(keys[n], c->key) == 0;
		if (is_known)
			continue;

		const char *near_one = nearest_word(c->key, keys, n);
		char all[260] = "";

		for (size_t i = 0; i < n; i++)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "", keys[i]);
		if (near_one)
			flow_fault(b, c->key_line, "\"%.60s\" is not a key here: did you mean \"%s\"?", c->key, near_one);
		else
			flow_fault(b, c->key_line, "\"%.60s\" is not a key here; known are: %s", c->key, all);
	}
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------ */

static bool is_language(const struct builder *b, const char *key)
{
	for (size_t i = 0; i < b->language_count; i++)
		if (strcmp(b->languages[i], key) == 0)
			return true;

	return false;
}

const struct yaml_node *flow_pick(struct builder *b, const struct yaml_node *n)
{
	const struct yaml_node *ours = NULL;

	if (n->kind != YAML_MAP || !n->first)
		return n;
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		if (!is_language(b, c->key))
			return n;
		if (strcmp(c->key, b->language) == 0)
			ours = c;
	}
	if (!ours)
		flow_fault(b, n->line, "\"%s\" is missing: the other languages have it", b->language);

	return ours ? ours : n->first;
}

const struct yaml_node *flow_child(struct builder *b, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *n = map->kind == YAML_MAP ? yaml_get(map, key) : NULL;

	return n ? flow_pick(b, n) : NULL;
}

const char *flow_scalar(struct builder *b, const struct yaml_node *n, const char *what)
{
	if (n->kind == YAML_SCALAR)
		return n->text;
	flow_fault(b, n->line, "%s: one value is wanted here, not %s (put text with { or [ in quotes)", what,
		n->kind == YAML_MAP ? "keys and values" : "a list");

	return NULL;
}

bool flow_flag(struct builder *b, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *n = flow_child(b, map, key);
	const char *text = n ? flow_scalar(b, n, key) : NULL;

	if (!text)
		return false;
	if (!strcmp(text, "yes") || !strcmp(text, "true"))
		return true;
	if (strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
		flow_fault(b, n->line, "%s: \"%.40s\" is neither yes nor no", key, text);

	return false;
}

bool flow_number(struct builder *b, const struct yaml_node *map, const char *key, int64_t min, int64_t max, int64_t *ret)
{
	const struct yaml_node *n = flow_child(b, map, key);
	const char *text = n ? flow_scalar(b, n, key) : NULL;
	uint32_t v;

	if (!text)
		return false;
	if (!span_u32(span_z(text), &v) || v < min || v > max) {
		flow_fault(b, n->line, "%s: \"%.40s\" is not a whole number from %" PRId64 " to %" PRId64, key, text, min, max);
		return false;
	}
	*ret = v;

	return true;
}

/* Names are written into texts, conditions and grammars. */
/* Words with a meaning of their own in texts and conditions. */
static bool is_reserved(const char *name)
{
	static const char *const words[] = {"value", "choices", "weekday", "from", "to", "key", "open", "today", "yes", "no", "true", "false",
		"and", "or", "not", "end", "again"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(name, words[i]) == 0)
			return true;

	return false;
}

bool flow_check_name(struct builder *b, int line, const char *what, const char *name)
{
	bool is_flow = strcmp(what, "flow") == 0;
	size_t n = strspn(name, is_flow ? "abcdefghijklmnopqrstuvwxyz0123456789_-" : "abcdefghijklmnopqrstuvwxyz0123456789_");

	if (!name[0] || name[n] || n > 40 || (name[0] >= '0' && name[0] <= '9')) {
		flow_fault(b, line, "%s: \"%.60s\" must be small letters, digits and _ (at most 40), beginning with a letter", what, name);
		return false;
	}
	if (is_reserved(name)) {
		flow_fault(b, line, "%s: \"%s\" has a meaning of its own: take another name", what, name);
		return false;
	}

	return true;
}

/* ---- finding ---------------------------------------------------------------------------------------------------------- */

int flow_find_slot(const struct flow *f, struct span name)
{
	for (size_t i = 0; i < f->slot_count; i++)
		if (span_eq_z(name, f->slots[i].name))
			return (int)i;

	return -1;
}

int flow_find_variable(const struct flow *f, struct span name)
{
	for (size_t i = 0; i < f->variable_count; i++)
		if (span_eq_z(name, f->variables[i].name))
			return (int)i;

	return -1;
}

int flow_find_intent(const struct flow *f, struct span name)
{
	for (size_t i = 0; i < f->intent_count; i++)
		if (span_eq_z(name, f->intents[i].name))
			return (int)i;

	return -1;
}

int flow_find_step(const struct flow *f, struct span name)
{
	for (size_t i = 0; i < f->step_count; i++)
		if (span_eq_z(name, f->steps[i].name))
			return (int)i;

	return -1;
}

int flow_add_variable(struct builder *b, int line, struct span name, const char *value)
{
	struct flow *f = b->flow;
	int index = flow_find_variable(f, name);
	const char *copy = arena_strdup(b->arena, name);

	if (index >= 0)
		return index;
	if (!flow_check_name(b, line, "variable", copy))
		return -1;
	if (flow_find_slot(f, name) >= 0) {
		flow_fault(b, line, "\"%s\" is a slot: give the variable another name", copy);
		return -1;
	}
	if (f->variable_count == LIMIT_FLOW_VARIABLES) {
		flow_fault(b, line, "more than %d variables", LIMIT_FLOW_VARIABLES);
		return -1;
	}
	f->variables[f->variable_count] = (struct variable){copy, arena_strdup(b->arena, span_z(value))};

	return (int)f->variable_count++;
}

/* ---- phrases ---------------------------------------------------------------------------------------------------------- */

static int find_name(void *ctx, struct span name, bool is_slot, const char **ret_rule)
{
	struct builder *b = ctx;
	int slot = is_slot ? flow_find_slot(b->flow, name) : -1;

	if (slot >= 0)
		return FLOW_REF_SLOT + slot;
	*ret_rule = NULL;
	if (is_slot)
		return -1;
	for (size_t i = 0; i < b->flow->rule_count; i++)
		if (span_eq_z(name, b->flow->rules[i].name))
			*ret_rule = b->flow->rules[i].source;

	return *ret_rule ? -1 : b->flow->lang->names.find(b->flow->lang->names.ctx, name, false, ret_rule);
}

static void add_phrase(struct builder *b, const struct yaml_node *n, const char *what, struct lang_phrases *ret)
{
	const char *text = flow_scalar(b, n, what);
	struct pattern_error error;

	if (!text)
		return;
	ret->sources[ret->count] = arena_strdup(b->arena, span_z(text));
	if (pattern_compile(&ret->all[ret->count], b->arena, text + (text[0] == '~'), &b->names, &error) != 0)
		flow_fault(b, n->line, "%s: \"%.80s\": %s", what, text, error.words);
	else
		ret->count++;
}

void flow_read_phrases(struct builder *b, const struct yaml_node *n, const char *what, struct lang_phrases *ret)
{
	size_t count = 1;

	*ret = (struct lang_phrases){0};
	n = n ? flow_pick(b, n) : NULL;
	if (!n)
		return;
	if (n->kind == YAML_MAP) {
		flow_fault(b, n->line, "%s: a phrase or a list of phrases is wanted", what);
		return;
	}
	for (const struct yaml_node *c = n->first; c; c = c->next)
		count++;
	if (count > LIMIT_FLOW_PHRASES) {
		flow_fault(b, n->line, "%s: more than %d phrases", what, LIMIT_FLOW_PHRASES);
		return;
	}
	ret->all = arena_alloc(b->arena, count * sizeof(struct pattern *));
	ret->sources = arena_alloc(b->arena, count * sizeof(char *));
	if (n->kind == YAML_SCALAR)
		add_phrase(b, n, what, ret);
	for (const struct yaml_node *c = n->first; c; c = c->next)
		add_phrase(b, c, what, ret);
}

void flow_read_keys(struct builder *b, const struct yaml_node *n, struct slot_key **ret, size_t *ret_count)
{
	size_t count = 0;

	n = n ? flow_pick(b, n) : NULL;
	if (!n)
		return;
	if (n->kind != YAML_MAP) {
		flow_fault(b, n->line, "keys: which key means which words: { 1: monday, 2: tuesday }");
		return;
	}
	for (const struct yaml_node *c = n->first; c; c = c->next)
		count++;
	*ret = arena_alloc(b->arena, (count + 1) * sizeof(**ret));
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		const char *words = flow_scalar(b, flow_pick(b, c), "keys");

		if (strspn(c->key, "0123456789*#") != strlen(c->key))
			flow_fault(b, c->key_line, "keys: \"%.20s\" cannot be pressed on a telephone (0 to 9, * and # can)", c->key);
		else if (words)
			(*ret)[(*ret_count)++] = (struct slot_key){arena_strdup(b->arena, span_z(c->key)),
				arena_strdup(b->arena, span_z(words))};
	}
}

/* ---- sections --------------------------------------------------------------------------------------------------------- */

static void read_variables(struct builder *b, const struct yaml_node *n)
{
	if (n && n->kind != YAML_MAP) {
		flow_fault(b, n->line, "variables: names and values are wanted: { address: \"12 Main Street\" }");
		return;
	}
	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next) {
		const char *text = flow_scalar(b, flow_pick(b, c), c->key);

		if (text)
			(void)!flow_add_variable(b, c->key_line, span_z(c->key), text);
	}
}

/* Variables that steps set may be used before they are set: {text} is then empty. */
static void find_variables(struct builder *b, const struct yaml_node *n)
{
	for (const struct yaml_node *c = n->kind == YAML_SCALAR ? NULL : n->first; c; c = c->next) {
		bool sets = n->kind == YAML_MAP && (!strcmp(c->key, "set") || !strcmp(c->key, "save"));

		for (const struct yaml_node *v = sets && c->kind == YAML_MAP ? c->first : NULL; v; v = v->next)
			if (flow_find_slot(b->flow, span_z(v->key)) < 0)
				(void)!flow_add_variable(b, v->key_line, span_z(v->key), "");
		if (!sets)
			find_variables(b, c);
	}
}

/* Variables and opening hours of the business that uses the flow. What the flow does not know is a slip. */
static void read_business(struct builder *b, const struct yaml_node *n)
{
	struct flow *f = b->flow;
	const char *names[LIMIT_FLOW_VARIABLES + 3];
	size_t count = 0;

	if (n->kind != YAML_MAP) {
		flow_fault(b, n->line, "business: names and values are wanted: { address: \"12 Main Street\" }");
		return;
	}
	flow_read_open(b, yaml_get(n, "open"), yaml_get(n, "closed"));
	for (size_t i = 0; i < f->variable_count; i++)
		names[count++] = f->variables[i].name;
	names[count++] = "open";
	names[count++] = "closed";
	names[count] = NULL;
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		int index = flow_find_variable(f, span_z(c->key));

		if (!strcmp(c->key, "open") || !strcmp(c->key, "closed"))
			continue;
		if (index < 0)
			flow_no_such(b, c->key_line, "variable of this flow called", c->key, names);
		else if (flow_pick(b, c)->kind != YAML_SCALAR)
			flow_fault(b, c->line, "business: %s: one value is wanted", c->key);
		else
			f->variables[index].value = arena_strdup(b->arena, span_z(flow_pick(b, c)->text));
	}
}

static void read_rules(struct builder *b, const struct yaml_node *n, const char *what, struct lang_rule **ret, size_t *ret_count)
{
	size_t count = 0;

	if (n && n->kind != YAML_MAP) {
		flow_fault(b, n->line, "%s: names and texts are wanted", what);
		return;
	}
	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next)
		count++;
	*ret = arena_alloc(b->arena, (count + 1) * sizeof(**ret));
	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next) {
		const char *text = flow_scalar(b, flow_pick(b, c), what);
		char folded[80];

		if (!text)
			continue;
		if (!strcmp(what, "rules") && !flow_check_name(b, c->key_line, what, c->key))
			continue;
		words_fold(span_z(c->key), folded, sizeof(folded));
		(*ret)[(*ret_count)++] =
			(struct lang_rule){arena_strdup(b->arena, span_z(folded)), arena_strdup(b->arena, span_z(text))};
	}
}

static void check_rules(struct builder *b, const struct yaml_node *n)
{
	for (size_t i = 0; i < b->flow->rule_count; i++) {
		const struct pattern *p;
		struct pattern_error error;

		if (pattern_compile(&p, b->arena, b->flow->rules[i].source, &b->names, &error) != 0)
			flow_fault(b, n->line, "rules: %s: %s", b->flow->rules[i].name, error.words);
	}
}

static void read_intents(struct builder *b, const struct yaml_node *n)
{
	struct flow *f = b->flow;
	size_t count = 0;

	if (n && n->kind != YAML_MAP) {
		flow_fault(b, n->line, "intents: names and phrases are wanted: { book: [ an appointment, book me in ] }");
		return;
	}
	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next)
		count++;
	if (count > LIMIT_FLOW_INTENTS) {
		flow_fault(b, n->line, "more than %d intents", LIMIT_FLOW_INTENTS);
		return;
	}
	f->intents = arena_alloc(b->arena, (count + 1) * sizeof(*f->intents));
	for (const struct yaml_node *c = n ? n->first : NULL; c; c = c->next) {
		struct intent *i = &f->intents[f->intent_count];

		if (!flow_check_name(b, c->key_line, "intent", c->key))
			continue;
		i->name = arena_strdup(b->arena, span_z(c->key));
		i->line = c->key_line;
		flow_read_phrases(b, c, i->name, &i->phrases);
		f->intent_count++;
	}
}

static void read_prompts(struct builder *b, const struct yaml_node *n)
{
	struct flow *f = b->flow;

	if (n && n->kind == YAML_MAP)
		flow_known_keys(b, n, lang_prompt_names);
	else if (n)
		flow_fault(b, n->line, "prompts: names and texts are wanted: { goodbye: \"Have a nice day.\" }");
	for (int i = 0; i < LANG_PROMPTS; i++) {
		const struct yaml_node *own = n && n->kind == YAML_MAP ? yaml_get(n, lang_prompt_names[i]) : NULL;
		size_t count = 0;

		flow_read_text(b, own, lang_prompt_names[i], &f->prompts[i]);
		if (own)
			continue;
		while (f->lang->prompts[i][count])
			count++;
		f->prompts[i].variants = arena_alloc(b->arena, (count + 1) * sizeof(struct template));
		for (size_t k = 0; k < count; k++)
			if (flow_template(b, 0, f->lang->prompts[i][k], &f->prompts[i].variants[f->prompts[i].count]))
				f->prompts[i].count++;
	}
}

static void read_limits(struct builder *b)
{
	struct flow *f = b->flow;
	int64_t v;

	f->tries = 3;
	f->silence_ms = 7000;
	f->patient_ms = 20000;
	f->confidence = 0.35F;
	if (flow_number(b, b->root, "tries", 1, 9, &v))
		f->tries = (uint32_t)v;
	if (flow_number(b, b->root, "silence_s", 2, 60, &v))
		f->silence_ms = (uint32_t)v * 1000;
	if (flow_number(b, b->root, "wait_s", 5, 300, &v))
		f->patient_ms = (uint32_t)v * 1000;
	if (flow_number(b, b->root, "confidence_percent", 0, 95, &v))
		f->confidence = (float)v / 100;
}

/* ---- the whole -------------------------------------------------------------------------------------------------------- */

static const char *const root_keys[] = {"flow", "description", "language", "languages", "greeting", "variables", "open", "closed", "slots",
	"intents", "rules", "pronounce", "prompts", "steps", "on", "tries", "silence_s", "wait_s", "confidence_percent", NULL};

static void read_languages(struct builder *b, const struct yaml_node *root)
{
	const struct yaml_node *one = yaml_get(root, "language"), *many = yaml_get(root, "languages");

	if (one && many)
		flow_fault(b, many->line, "\"language\" and \"languages\": give one of them");
	if (one && one->kind == YAML_SCALAR)
		b->languages[b->language_count++] = one->text;
	for (const struct yaml_node *c = many && many->kind == YAML_LIST ? many->first : NULL; c; c = c->next)
		if (c->kind == YAML_SCALAR && b->language_count < ARRAY_LEN(b->languages))
			b->languages[b->language_count++] = c->text;
	if (!b->language_count)
		b->languages[b->language_count++] = "en";
	b->language = b->languages[0];
	for (size_t i = 0; i < b->language_count; i++)
		if (strncmp(b->languages[i], b->flow->lang->code, strlen(b->flow->lang->code)) == 0)
			b->language = b->languages[i];
}

static void read_flow(struct builder *b, const struct yaml_node *root, const struct yaml_node *business)
{
	struct flow *f = b->flow;
	const struct yaml_node *name = yaml_get(root, "flow"), *rules = yaml_get(root, "rules");
	const char *text = name ? flow_scalar(b, name, "flow") : NULL;

	flow_known_keys(b, root, root_keys);
	read_languages(b, root);
	if (!name)
		flow_fault(b, root->line, "\"flow\" is missing: the name of this flow");
	if (text && flow_check_name(b, name->line, "flow", text))
		f->name = arena_strdup(b->arena, span_z(text));
	read_limits(b);
	read_variables(b, flow_child(b, root, "variables"));
	flow_read_open(b, flow_child(b, root, "open"), flow_child(b, root, "closed"));
	b->is_business = true;
	if (business)
		read_business(b, business);
	b->is_business = false;
	read_rules(b, flow_child(b, root, "rules"), "rules", &f->rules, &f->rule_count);
	read_rules(b, flow_child(b, root, "pronounce"), "pronounce", &f->sounds, &f->sound_count);
	flow_name_slots(b, flow_child(b, root, "slots"));
	if (yaml_get(root, "steps"))
		find_variables(b, yaml_get(root, "steps"));
	if (yaml_get(root, "on"))
		find_variables(b, yaml_get(root, "on"));
	flow_read_slots(b, flow_child(b, root, "slots"));
	if (rules)
		check_rules(b, rules);
	read_intents(b, flow_child(b, root, "intents"));
	flow_read_steps(b, flow_child(b, root, "steps"), yaml_get(root, "on"));
	flow_read_text(b, yaml_get(root, "greeting"), "greeting", &f->greeting);
	read_prompts(b, flow_child(b, root, "prompts"));
	if (!b->faults->count)
		flow_build_grammar(b);
}

static const struct yaml_node *read_yaml(struct builder *b, struct arena *yaml, struct span text)
{
	struct yaml_node *root = NULL;
	const char *why;
	int line;

	if (text.n > LIMIT_FLOW_BYTES) {
		flow_fault(b, 1, "larger than %d kB", LIMIT_FLOW_BYTES >> 10);
		return NULL;
	}
	if (yaml_parse(yaml, text, &root, &line, &why) != 0) {
		flow_fault(b, line, "%s", why);
		return NULL;
	}

	return root;
}

int flow_parse(struct flow **ret, struct lang *lang, struct span text, const struct yaml_node *business, struct flow_faults *ret_faults)
{
	struct flow *f = mem_zalloc(sizeof(*f));
	struct arena yaml = {0};
	struct builder b = {.flow = f, .arena = &f->arena, .faults = ret_faults};

	ret_faults->count = 0;
	atomic_init(&f->refs, 1);
	f->lang = lang;
	f->name = "flow";
	b.names = (struct pattern_names){&b, find_name};
	b.root = read_yaml(&b, &yaml, text);
	if (b.root && b.root->kind != YAML_MAP)
		flow_fault(&b, b.root->line, "the file must have keys at its top (flow:, slots:, steps:)");
	else if (b.root)
		read_flow(&b, b.root, business);
	arena_done(&yaml);
	if (ret_faults->count) {
		flow_unref(f);
		return -TR_ECONFIG;
	}
	*ret = f;

	return 0;
}

struct flow *flow_ref(struct flow *f)
{
	atomic_fetch_add(&f->refs, 1);

	return f;
}

struct flow *flow_unref(struct flow *f)
{
	if (!f || atomic_fetch_sub(&f->refs, 1) != 1)
		return NULL;

	lang_unref(f->lang);
	free(f->grammar);
	arena_done(&f->arena);
	free(f);

	return NULL;
}

const char *flow_name(const struct flow *f)
{
	return f->name;
}

const char *flow_language(const struct flow *f)
{
	return f->lang->code;
}

const char *flow_language_name(const struct flow *f)
{
	return f->lang->name;
}

const char *flow_grammar(const struct flow *f)
{
	return f->grammar;
}

void flow_summary(const struct flow *f, char *ret_text, size_t cap)
{
	size_t contexts = 0;

	for (const char *p = f->grammar; (p = strstr(p, "context ")); p++)
		contexts += p == f->grammar || p[-1] == '\n';
	snprintf(ret_text, cap, "%zu slots, %zu intents, %zu steps; %zu contexts in a grammar of %zu kB", f->slot_count, f->intent_count,
		f->step_count, contexts, (strlen(f->grammar) + 1023) / 1024);
}
