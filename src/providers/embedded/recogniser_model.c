/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/recogniser_model.h"
#include "providers/embedded/slurp.h"

#define DEBIAN_MODEL_DIR "/usr/share/pocketsphinx/model/en-us"

enum { DICTIONARY_MAX_BYTES = 64 << 20 /* they have a few megabytes */ };

static int grammar_fail(const struct recogniser_model *model, size_t i, int err, const struct grammar_error *error,
	struct port_fault *ret_fault)
{
	if (!model->names[i][0])
		return port_fail(ret_fault, err, "grammar line %u: %.110s", error->line, error->words);

	return port_fail(ret_fault, err, "grammar \"%.30s\" line %u: %.90s", model->names[i], error->line, error->words);
}

/* ---- contexts --------------------------------------------------------------------------------------------------------- */

static int add_context(struct recogniser_model *model, size_t in, size_t i, const struct lexicon *lexicon,
	struct port_fault *ret_fault)
{
	struct recogniser_context *context = &model->contexts[model->context_count++];
	const struct grammar *g = model->grammars[in];
	const char *name = model->names[in];
	struct automaton *automaton;

	*context = (struct recogniser_context){mem_format("%s%s%s", name, name[0] ? "/" : "", grammar_context_name(g, i)), in, NULL};

	int err = automaton_new(&automaton, g, i);

	if (err)
		return port_fail(ret_fault, err, "context \"%.60s\" needs more than %d states", context->name,
			LIMIT_AUTOMATON_STATES);
	err = network_new(&context->network, automaton, lexicon, model->acoustic);
	automaton_free(automaton);

	return err ? port_fail(ret_fault, err, "context \"%.60s\" needs more than %d sounds", context->name, LIMIT_NETWORK_NODES) : 0;
}

static int add_contexts(struct recogniser_model *model, size_t in, struct span dictionary, struct port_fault *ret_fault)
{
	const struct grammar *g = model->grammars[in];
	size_t count = grammar_context_count(g);
	struct grammar_error error;
	struct lexicon *lexicon;
	char why[120];
	auto_free char *words = grammar_dictionary(g, dictionary, &error);
	int err = words ? lexicon_new(&lexicon, g, model->acoustic, span_z(words), why, sizeof(why)) : -TR_EPARSE;

	if (!words)
		return grammar_fail(model, in, err, &error, ret_fault);
	if (err)
		return port_fail(ret_fault, err, "grammar \"%.30s\": %.100s", model->names[in], why);
	model->contexts = mem_realloc(model->contexts, (model->context_count + count) * sizeof(*model->contexts));
	for (size_t i = 0; i < count && !err; i++)
		err = add_context(model, in, i, lexicon, ret_fault);
	lexicon_free(lexicon);

	return err;
}

static int add_grammar(struct recogniser_model *model, const struct stt_grammar *grammar, struct span dictionary,
	struct port_fault *ret_fault)
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

	return err ? grammar_fail(model, i, err, &error, ret_fault) : add_contexts(model, i, dictionary, ret_fault);
}

static int load_model(struct recogniser_model *model, const char *model_dir, const struct stt_grammar *grammars, size_t n,
	struct port_fault *ret_fault)
{
	auto_free char *acoustic_dir = mem_format("%s/en-us", model_dir);
	struct slurp dictionary = {0};
	char why[120];

	if (n == 0)
		return port_fail(ret_fault, -EINVAL, "there is no grammar to listen for");
	if (n > LIMIT_STT_GRAMMARS)
		return port_fail(ret_fault, -TR_ELIMIT, "%zu grammars are more than %d", n, LIMIT_STT_GRAMMARS);

	int err = slurp_open(&dictionary, model_dir, "cmudict-en-us.dict", DICTIONARY_MAX_BYTES);

	if (err)
		return port_fail(ret_fault, -TR_EENGINE, "no speech model in %.60s (%s): install pocketsphinx-en-us or set its directory",
			model_dir, err_text(err));
	err = acoustic_load(&model->acoustic, acoustic_dir, why, sizeof(why));
	if (err)
		err = port_fail(ret_fault, -TR_EENGINE, "speech model %.60s: %.80s", acoustic_dir, why);
	for (size_t i = 0; i < n && !err; i++)
		err = add_grammar(model, &grammars[i], span(dictionary.all, dictionary.n), ret_fault);
	slurp_close(&dictionary);

	return err;
}

int recogniser_model_load(struct recogniser_model **ret, const char *model_dir, const struct stt_grammar *grammars, size_t n,
	struct port_fault *ret_fault)
{
	struct recogniser_model *model = mem_zalloc(sizeof(*model));
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
		network_free(model->contexts[i].network);
		free(model->contexts[i].name);
	}
	free(model->contexts);
	for (size_t i = 0; i < model->grammar_count; i++) {
		grammar_free(model->grammars[i]);
		free(model->names[i]);
	}
	acoustic_free(model->acoustic);
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
