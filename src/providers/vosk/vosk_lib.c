/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/vosk/vosk_lib.h"
#include <dlfcn.h>
#include <unistd.h>

#define REMEDY "run scripts/install-vosk (75 MB from the npm registry), or use stt: embedded"

/* A function's address into a member that is a function pointer; POSIX lets both be the same. */
static bool find(void *handle, const char *name, void *ret_fn)
{
	void *address = dlsym(handle, name);

	memcpy(ret_fn, &address, sizeof(address));

	return address != NULL;
}

static const char *load(struct vosk_lib *l, const char *path)
{
	static const struct {
		const char *name;
		size_t at;
	} names[] = {
		{"vosk_set_log_level", offsetof(struct vosk_lib, set_log_level)},
		{"vosk_model_new", offsetof(struct vosk_lib, model_new)},
		{"vosk_model_free", offsetof(struct vosk_lib, model_free)},
		{"vosk_recognizer_new", offsetof(struct vosk_lib, recogniser_new)},
		{"vosk_recognizer_new_grm", offsetof(struct vosk_lib, recogniser_new_grm)},
		{"vosk_recognizer_free", offsetof(struct vosk_lib, recogniser_free)},
		{"vosk_recognizer_set_words", offsetof(struct vosk_lib, set_words)},
		{"vosk_recognizer_accept_waveform_s", offsetof(struct vosk_lib, accept)},
		{"vosk_recognizer_result", offsetof(struct vosk_lib, result)},
		{"vosk_recognizer_partial_result", offsetof(struct vosk_lib, partial)},
		{"vosk_recognizer_final_result", offsetof(struct vosk_lib, final)},
		{"vosk_recognizer_reset", offsetof(struct vosk_lib, reset)},
	};

	l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!l->handle)
		return dlerror();
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!find(l->handle, names[i].name, (char *)l + names[i].at))
			return names[i].name;

	return NULL;
}

/* The first folder with a library in it; all that were looked at otherwise. */
static bool find_dir(struct vosk_lib *l, const char *dir, char *ret_looked, size_t cap)
{
	const char *home = getenv("HOME"), *env = getenv("TIPRING_VOSK");
	char own[400] = "", path[600];
	const char *dirs[] = {dir ? dir : env, own, "/var/lib/tipring/vosk"};
	size_t n = dirs[0] ? 1 : ARRAY_LEN(dirs), used = 0;

	if (home)
		snprintf(own, sizeof(own), "%s/.local/share/tipring/vosk", home);
	for (size_t i = 0; i < n; i++) {
		if (!dirs[i] || !dirs[i][0])
			continue;
		snprintf(path, sizeof(path), "%s/libvosk.so", dirs[i]);
		if (access(path, R_OK) == 0) {
			buf_copy(l->dir, sizeof(l->dir), dirs[i]);
			return true;
		}
		if (buf_format(ret_looked + used, cap - used, "%s%s", used ? ", " : "", dirs[i]) == 0)
			used += strlen(ret_looked + used);
	}

	return false;
}

int vosk_lib_open(struct vosk_lib **ret, const char *dir, struct port_fault *ret_fault)
{
	struct vosk_lib *l = mem_zalloc(sizeof(*l));
	char looked[200] = "", path[600];
	const char *why;

	if (!find_dir(l, dir, looked, sizeof(looked))) {
		vosk_lib_close(l);
		return port_fail(ret_fault, -TR_EENGINE, "Vosk is not in %s: " REMEDY, looked);
	}
	snprintf(path, sizeof(path), "%s/libvosk.so", l->dir);
	why = load(l, path);
	if (why) {
		port_fail(ret_fault, -TR_EENGINE, "%.70s cannot be used (%.60s): run scripts/install-vosk", path, why);
		vosk_lib_close(l);
		return -TR_EENGINE;
	}
	l->set_log_level(-1);
	snprintf(path, sizeof(path), "%s/model-en-us", l->dir);
	l->model = access(path, R_OK) == 0 ? l->model_new(path) : NULL;
	if (!l->model) {
		port_fail(ret_fault, -TR_EENGINE, "the model %.80s cannot be read: run scripts/install-vosk", path);
		vosk_lib_close(l);
		return -TR_EENGINE;
	}
	*ret = l;

	return 0;
}

struct vosk_lib *vosk_lib_close(struct vosk_lib *l)
{
	if (!l)
		return NULL;

	if (l->model)
		l->model_free(l->model);
	/* The library stays loaded: its threads' destructors may still run. */
	free(l);

	return NULL;
}
