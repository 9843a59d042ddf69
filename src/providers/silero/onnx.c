/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/silero/onnx.h"
#include <dlfcn.h>
#include <unistd.h>

/* Places in the table of functions, from onnxruntime_c_api.h of version 1.17. Each returns a status, NULL when all went well. */
enum slot {
	GET_ERROR_MESSAGE = 2,
	CREATE_ENV = 3,
	CREATE_SESSION = 7,
	RUN = 9,
	CREATE_SESSION_OPTIONS = 10,
	SET_INTRA_OP_THREADS = 24,
	SET_INTER_OP_THREADS = 25,
	CREATE_TENSOR_WITH_DATA = 49,
	CREATE_CPU_MEMORY_INFO = 69,
	RELEASE_ENV = 92,
	RELEASE_STATUS = 93,
	RELEASE_MEMORY_INFO = 94,
	RELEASE_SESSION = 95,
	RELEASE_VALUE = 96,
	RELEASE_SESSION_OPTIONS = 100,
};

#define API_VERSION 17

typedef void any_fn(void);
typedef const char *text_of_fn(void *status);
typedef void release_fn(void *object);
typedef void *create_env_fn(int severity, const char *name, void **ret);
typedef void *create_options_fn(void **ret);
typedef void *set_threads_fn(void *options, int n);
typedef void *create_session_fn(void *env, const char *model, void *options, void **ret);
typedef void *create_memory_fn(int allocator, int kind, void **ret);
typedef void *create_tensor_fn(void *memory, void *data, size_t n, const int64_t *shape, size_t rank, int type, struct onnx_value **ret);
typedef void *run_fn(void *session, void *options, const char *const *in_names, struct onnx_value *const *in, size_t in_n,
	const char *const *out_names, size_t out_n, struct onnx_value *const *out);

struct api_base {
	any_fn *const *(*get_api)(uint32_t version);
	const char *(*get_version)(void);
};

struct onnx {
	void *library;
	any_fn *const *table;
	void *env, *options, *session, *memory;
};

#define CALL(o, slot, type) ((type *)(o)->table[slot])

/* Consumes a status. */
static int fault_of(const struct onnx *o, void *status, const char *what, struct port_fault *ret_fault)
{
	if (!status)
		return 0;

	int err = port_fail(ret_fault, -TR_EENGINE, "%s: %s", what, CALL(o, GET_ERROR_MESSAGE, text_of_fn)(status));

	CALL(o, RELEASE_STATUS, release_fn)(status);

	return err;
}

static int find_table(struct onnx *o, const char *library, struct port_fault *ret_fault)
{
	const struct api_base *(*get_base)(void);
	void *symbol;

	o->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!o->library)
		return port_fail(ret_fault, -TR_EENGINE, "%s", dlerror());
	symbol = dlsym(o->library, "OrtGetApiBase");
	if (!symbol)
		return port_fail(ret_fault, -TR_EENGINE, "%s is not ONNX Runtime", library);
	memcpy(&get_base, &symbol, sizeof(get_base)); /* ISO C has no cast from an object to a function */
	o->table = get_base()->get_api(API_VERSION);
	if (!o->table)
		return port_fail(ret_fault, -TR_EENGINE, "ONNX Runtime %s is older than 1.%d", get_base()->get_version(), API_VERSION);

	return 0;
}

/* One thread: a model of this size is done before a second one has woken. */
static int load(struct onnx *o, const char *model, struct port_fault *ret_fault)
{
	int err = fault_of(o, CALL(o, CREATE_ENV, create_env_fn)(3, "tipring", &o->env), "environment", ret_fault);

	if (!err)
		err = fault_of(o, CALL(o, CREATE_SESSION_OPTIONS, create_options_fn)(&o->options), "options", ret_fault);
	if (!err)
		err = fault_of(o, CALL(o, SET_INTRA_OP_THREADS, set_threads_fn)(o->options, 1), "threads", ret_fault);
	if (!err)
		err = fault_of(o, CALL(o, SET_INTER_OP_THREADS, set_threads_fn)(o->options, 1), "threads", ret_fault);
	if (!err)
		err = fault_of(o, CALL(o, CREATE_SESSION, create_session_fn)(o->env, model, o->options, &o->session), model, ret_fault);
	if (!err)
		err = fault_of(o, CALL(o, CREATE_CPU_MEMORY_INFO, create_memory_fn)(0, 0, &o->memory), "memory", ret_fault);

	return err;
}

int onnx_open(const char *library, const char *model, struct onnx **ret, struct port_fault *ret_fault)
{
	struct onnx *o;
	int err;

	if (access(library, R_OK) != 0)
		return port_fail(ret_fault, -TR_ENOTFOUND, "%s is missing", library);
	if (access(model, R_OK) != 0)
		return port_fail(ret_fault, -TR_ENOTFOUND, "%s is missing", model);

	o = mem_zalloc(sizeof(*o));
	err = find_table(o, library, ret_fault);
	if (!err)
		err = load(o, model, ret_fault);
	if (err) {
		onnx_close(o);
		return err;
	}
	*ret = o;

	return 0;
}

/* The library stays loaded: its threads and statics do not survive an unload. */
struct onnx *onnx_close(struct onnx *o)
{
	if (!o)
		return NULL;

	if (o->memory)
		CALL(o, RELEASE_MEMORY_INFO, release_fn)(o->memory);
	if (o->session)
		CALL(o, RELEASE_SESSION, release_fn)(o->session);
	if (o->options)
		CALL(o, RELEASE_SESSION_OPTIONS, release_fn)(o->options);
	if (o->env)
		CALL(o, RELEASE_ENV, release_fn)(o->env);
	free(o);

	return NULL;
}

int onnx_value_new(struct onnx *o, const struct onnx_tensor *t, struct onnx_value **ret, struct port_fault *ret_fault)
{
	void *status = CALL(o, CREATE_TENSOR_WITH_DATA, create_tensor_fn)(o->memory, t->data, t->bytes, t->shape, t->rank, t->type, ret);

	return fault_of(o, status, "tensor", ret_fault);
}

struct onnx_value *onnx_value_free(struct onnx *o, struct onnx_value *v)
{
	if (v)
		CALL(o, RELEASE_VALUE, release_fn)(v);

	return NULL;
}

int onnx_run(struct onnx *o, const struct onnx_binding *in, const struct onnx_binding *out, struct port_fault *ret_fault)
{
	void *status = CALL(o, RUN, run_fn)(o->session, NULL, in->names, in->values, in->n, out->names, out->n, out->values);

	return fault_of(o, status, "run", ret_fault);
}
