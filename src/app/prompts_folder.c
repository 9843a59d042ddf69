/* SPDX-License-Identifier: Apache-2.0 */
#include "app/prompts_folder.h"
#include "audio/wav_file.h"

enum { INDEX_BYTES = 256 * 1024 };

struct folder {
	struct schema_reader *r;
	struct prompts *set;
	const char *path, *index;
	int line; /* of the configuration */
	size_t faults;
};

static void fault(struct folder *f, int index_line, const char *fmt, ...) printf_like(3, 4);

static void fault(struct folder *f, int index_line, const char *fmt, ...)
{
	char text[300], at[16] = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (index_line)
		snprintf(at, sizeof(at), ":%d", index_line);
	schema_error(f->r, f->line, "prompts: %s%s: %s", f->index, at, text);
	f->faults++;
}

static struct span read_index(struct folder *f)
{
	FILE *file = fopen(f->index, "re");

	if (!file) {
		fault(f, 0, "cannot be read (%s): it lists the recordings, a line each: \"the phrase\": file.wav", strerror(errno));
		return span(NULL, 0);
	}

	char *text = arena_alloc(f->r->arena, INDEX_BYTES + 1);
	size_t n = fread(text, 1, INDEX_BYTES + 1, file);
	bool is_bad = ferror(file);

	fclose(file);
	if (is_bad || n > INDEX_BYTES) {
		fault(f, 0, "%s", is_bad ? "cannot be read" : "is larger than 256 KB: it should hold phrases and file names only");
		return span(NULL, 0);
	}

	return span(text, n);
}

static void add(struct folder *f, const struct yaml_node *entry)
{
	const char *path = entry->text && entry->text[0] == '/' ? entry->text :
								   arena_format(f->r->arena, "%s/%s", f->path, entry->text);
	struct wav_clip wav;
	char why[240] = "";
	int err = wav_clip_load(&wav, path, why, sizeof(why));

	if (err) {
		fault(f, entry->line, "%s: record it, or remove this line", why[0] ? why : err_text(err));
		return;
	}
	err = prompts_add(f->set, entry->key, wav.pcm, wav.n, wav.rate_hz);
	wav_clip_done(&wav);
	if (err == -EEXIST)
		fault(f, entry->key_line, "\"%.60s\" is here twice (case and punctuation do not count): remove one", entry->key);
	else if (err == -EINVAL)
		fault(f, entry->key_line, "\"%.60s\" has no words, or %s no sound", entry->key, entry->text);
	else if (err == -TR_ETOOBIG)
		fault(f, entry->key_line, "\"%.60s\" is longer than %d bytes, or %s than %d s", entry->key, LIMIT_PROMPT_BYTES,
			entry->text, LIMIT_PROMPT_MS / 1000);
	else if (err)
		fault(f, entry->key_line, "more than %d phrases, or %d MB of sound at 8 and 16 kHz", LIMIT_PROMPTS,
			LIMIT_PROMPTS_BYTES >> 20);
}

static void read_entries(struct folder *f, const struct yaml_node *root)
{
	if (root->kind != YAML_MAP) {
		fault(f, root->line, "phrases and files are wanted here, a line each: \"the phrase\": file.wav");
		return;
	}
	for (const struct yaml_node *entry = root->first; entry; entry = entry->next) {
		if (entry->kind != YAML_SCALAR || !entry->text[0])
			fault(f, entry->key_line, "\"%.60s\": the name of its WAV file is wanted behind it", entry->key);
		else
			add(f, entry);
		/* A wrong folder makes hundreds alike. */
		if (f->faults >= 10)
			return;
	}
	if (!root->first)
		fault(f, 0, "lists no phrase");
}

struct prompts *prompts_folder_load(struct schema_reader *r, int line, const char *folder)
{
	struct folder f = {.r = r, .path = folder, .line = line, .set = prompts_new()};
	struct yaml_node *root;
	const char *why;
	int bad_line;

	f.index = arena_format(r->arena, "%s/index.yaml", folder);
	if (!f.set) {
		fault(&f, 0, "no memory");
		return NULL;
	}

	struct span text = read_index(&f);

	if (text.p && yaml_parse(r->arena, text, &root, &bad_line, &why) != 0)
		fault(&f, bad_line, "%s", why);
	else if (text.p)
		read_entries(&f, root);

	return f.faults ? prompts_unref(f.set) : f.set;
}
