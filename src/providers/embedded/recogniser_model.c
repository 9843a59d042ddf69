/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/recogniser_model.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"

#define DEBIAN_MODEL_DIR "/usr/share/pocketsphinx/model/en-us"

enum { FILE_MAX_BYTES = 64 << 20 /* dictionaries have a few megabytes */ };

static int read_file(const char *path, char **ret_text, size_t *ret_n)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_size > FILE_MAX_BYTES) {
		close(fd);
		return -TR_ETOOBIG;
	}

	size_t want = (size_t)st.st_size, got = 0;
	char *text = mem_zalloc(want + 1);

	while (got < want) {
		ssize_t n = read(fd, text + got, want - got);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(fd);
	*ret_text = text;
	*ret_n = got;

	return 0;
}

/* ---- dictionary ------------------------------------------------------------------------------------------------------- */

/* One pronunciation, or (without phones) a word with the number of those it has. */
struct entry {
	struct hash_node hash;
	struct span word, phones;
	uint32_t count;
};

struct dictionary {
	struct hash_table table;
	FILE *out;
};

static struct entry *entry_get(struct dictionary *d, struct span word, struct span phones)
{
	uint32_t hash = span_hash(word) * 31 + (phones.n ? span_hash(phones) : 0);

	for (struct hash_node *node = hash_find(&d->table, hash); node; node = hash_find_next(node)) {
		struct entry *e = container_of(node, struct entry, hash);

		if (span_eq(e->word, word) && span_eq(e->phones, phones))
			return e;
	}

	struct entry *e = mem_zalloc(sizeof(*e));

	e->word = word;
	e->phones = phones;
	hash_add(&d->table, &e->hash, hash);

	return e;
}

static void dictionary_done(struct dictionary *d)
{
	hash_each(&d->table, node)
		free(container_of(node, struct entry, hash));
	hash_done(&d->table);
}

/* The pronunciations of another grammar; variants ("the(2)") are numbered anew since grammars may know different ones. */
static void add_entries(struct dictionary *d, struct span text)
{
	while (text.n) {
		struct span line = span_cut(&text, '\n');
		size_t head = MIN(span_find(line, ' '), span_find(line, '\t'));
		struct span word = span(line.p, MIN(head, span_find(line, '(')));
		struct span phones = span_trim(span(line.p + head, line.n - head));
		struct entry *pronunciation = entry_get(d, word, phones);

		if (pronunciation->count++)
			continue;

		uint32_t number = ++entry_get(d, word, (struct span){0})->count;

		if (number == 1)
			fprintf(d->out, "%.*s\t%.*s\n", SPAN_FMT(word), SPAN_FMT(phones));
		else
			fprintf(d->out, "%.*s(%u)\t%.*s\n", SPAN_FMT(word), number, SPAN_FMT(phones));
	}
}

static void add_phone(struct recogniser_model *model, struct span phone, FILE *out)
{
	if (!phone.n || model->phone_count == RECOGNISER_PHONES_MAX)
		return;
	for (size_t i = 0; i < model->phone_count; i++)
		if (span_eq_z(phone, model->phones[i] + 1))
			return;
	model->phones[model->phone_count] = mem_format("%%%.*s", SPAN_FMT(phone));
	fprintf(out, "%s\t%.*s\n", model->phones[model->phone_count], SPAN_FMT(phone));
	model->phone_count++;
}

/* Each sound of the dictionary becomes a word of its own, marked so that it cannot be confused with one. */
static void add_phones(struct recogniser_model *model, struct span dictionary, FILE *out)
{
	while (dictionary.n) {
		struct span line = span_cut(&dictionary, '\n');
		size_t head = MIN(span_find(line, ' '), span_find(line, '\t'));

		line = span_trim(span(line.p + head, line.n - head));
		while (line.n)
			add_phone(model, span_cut(&line, ' '), out);
	}
}

/* PocketSphinx reads dictionaries from files only; this one has a path but no name on disk. */
static int hold_dictionary(struct recogniser_model *model, const char *text, size_t n)
{
	model->dictionary_fd = memfd_create("tipring-dictionary", MFD_CLOEXEC);
	if (model->dictionary_fd < 0)
		return -errno;
	while (n) {
		ssize_t wrote = write(model->dictionary_fd, text, n);

		if (wrote <= 0)
			return -errno;
		text += wrote;
		n -= (size_t)wrote;
	}
	model->dictionary_path = mem_format("/proc/self/fd/%d", model->dictionary_fd);

	return 0;
}

static int grammar_fail(const struct recogniser_model *model, size_t i, int err, const struct grammar_error *error,
	struct port_fault *ret_fault)
{
	if (!model->names[i][0])
		return port_fail(ret_fault, err, "grammar line %u: %.110s", error->line, error->words);

	return port_fail(ret_fault, err, "grammar \"%.30s\" line %u: %.90s", model->names[i], error->line, error->words);
}

static int write_dictionary(struct recogniser_model *model, struct span all, FILE *out, struct port_fault *ret_fault)
{
	char *texts[LIMIT_STT_GRAMMARS] = {0}; /* entries point into them */
	struct dictionary d = {.out = out};
	int err = 0;

	hash_init(&d.table);
	for (size_t i = 0; i < model->grammar_count && !err; i++) {
		struct grammar_error error;

		texts[i] = grammar_dictionary(model->grammars[i], all, &error);
		if (texts[i])
			add_entries(&d, span_z(texts[i]));
		else
			err = grammar_fail(model, i, -TR_EPARSE, &error, ret_fault);
	}
	for (size_t i = 0; i < model->grammar_count && !err; i++)
		add_phones(model, span_z(texts[i]), out);
	dictionary_done(&d);
	for (size_t i = 0; i < model->grammar_count; i++)
		free(texts[i]);

	return err;
}

static int load_dictionary(struct recogniser_model *model, const char *model_dir, struct port_fault *ret_fault)
{
	auto_free char *path = mem_format("%s/cmudict-en-us.dict", model_dir);
	auto_free char *all = NULL;
	auto_free char *text = NULL;
	size_t n = 0, len = 0;
	int err = read_file(path, &all, &n);

	if (err)
		return port_fail(ret_fault, -TR_EENGINE,
			"no speech model at %s (%s): install pocketsphinx-en-us or set its directory", path, err_text(err));

	FILE *out = open_memstream(&text, &len);

	assert(out);
	err = write_dictionary(model, span(all, n), out, ret_fault);
	fclose(out);
	if (err)
		return err;
	err = hold_dictionary(model, text, len);

	return err ? port_fail(ret_fault, err, "cannot hold the dictionary: %s", err_text(err)) : 0;
}

/* ---- grammars --------------------------------------------------------------------------------------------------------- */

static int add_contexts(struct recogniser_model *model, size_t in, struct port_fault *ret_fault)
{
	const struct grammar *g = model->grammars[in];
	const char *name = model->names[in];
	size_t count = grammar_context_count(g);

	model->contexts = mem_realloc(model->contexts, (model->context_count + count) * sizeof(*model->contexts));
	for (size_t i = 0; i < count; i++) {
		struct recogniser_context *context = &model->contexts[model->context_count++];
		const char *own = grammar_context_name(g, i);

		*context = (struct recogniser_context){mem_format("%s%s%s", name, name[0] ? "/" : "", own), in, NULL};

		int err = automaton_new(&context->automaton, g, i);

		if (err)
			return port_fail(ret_fault, err, "context \"%.60s\" needs more than %d states", context->name,
				LIMIT_AUTOMATON_STATES);
	}

	return 0;
}

static int add_grammar(struct recogniser_model *model, const struct stt_grammar *grammar, struct port_fault *ret_fault)
{
	size_t i = model->grammar_count;
	struct grammar_error error;
	const char *name = grammar->name ? grammar->name : "";

	for (size_t k = 0; k < i; k++)
		if (strcmp(model->names[k], name) == 0)
			return port_fail(ret_fault, -TR_ECONFIG, "two grammars are called \"%.60s\"", name);
	model->names[i] = mem_strdup(name);
	model->grammar_count++;

	int err = grammar_parse(&model->grammars[i], grammar->text, &error);

	return err ? grammar_fail(model, i, err, &error, ret_fault) : add_contexts(model, i, ret_fault);
}

static int load_model(struct recogniser_model *model, const char *model_dir, const struct stt_grammar *grammars, size_t n,
	struct port_fault *ret_fault)
{
	if (n == 0)
		return port_fail(ret_fault, -EINVAL, "there is no grammar to listen for");
	if (n > LIMIT_STT_GRAMMARS)
		return port_fail(ret_fault, -TR_ELIMIT, "%zu grammars are more than %d", n, LIMIT_STT_GRAMMARS);
	for (size_t i = 0; i < n; i++) {
		int err = add_grammar(model, &grammars[i], ret_fault);

		if (err)
			return err;
	}
	model->acoustic_dir = mem_format("%s/en-us", model_dir);

	return load_dictionary(model, model_dir, ret_fault);
}

int recogniser_model_load(struct recogniser_model **ret, const char *model_dir, const struct stt_grammar *grammars, size_t n,
	struct port_fault *ret_fault)
{
	struct recogniser_model *model = mem_zalloc(sizeof(*model));

	model->dictionary_fd = -1;

	int err = load_model(model, model_dir ? model_dir : DEBIAN_MODEL_DIR, grammars, n, ret_fault);

	if (err) {
		recogniser_model_free(model);
		return err;
	}
	*ret = model;

	return 0;
}

struct recogniser_model *recogniser_model_free(struct recogniser_model *model)
{
	if (!model)
		return NULL;

	for (size_t i = 0; i < model->context_count; i++) {
		automaton_free(model->contexts[i].automaton);
		free(model->contexts[i].name);
	}
	free(model->contexts);
	for (size_t i = 0; i < model->phone_count; i++)
		free(model->phones[i]);
	for (size_t i = 0; i < model->grammar_count; i++) {
		grammar_free(model->grammars[i]);
		free(model->names[i]);
	}
	if (model->dictionary_fd >= 0)
		close(model->dictionary_fd);
	free(model->dictionary_path);
	free(model->acoustic_dir);
	free(model);

	return NULL;
}

size_t recogniser_model_find(const struct recogniser_model *model, const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;
	struct span flow = span(name, slash ? (size_t)(slash - name) : 0);
	size_t widest = 0;
	bool is_in_grammar = false;

	for (size_t i = 0; i < model->context_count; i++) {
		const struct recogniser_context *context = &model->contexts[i];

		if (name && strcmp(context->name, name) == 0)
			return i;
		if (span_eq_z(flow, model->names[context->in])) {
			widest = i;
			is_in_grammar = true;
		} else if (context->in == 0 && !is_in_grammar) {
			widest = i;
		}
	}

	return widest;
}
