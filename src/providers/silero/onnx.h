/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"

/*
 * As much of ONNX Runtime's C interface as one small model needs, found at run time with dlopen: the library is no dependency
 * of the build. The table it hands out is part of its ABI and only ever grows; version 17 and later are taken.
 */
struct onnx;        /* the library and one session with a model: shared by threads that do not run it at the same time */
struct onnx_value;  /* a tensor over the caller's memory, which must outlive it */

enum onnx_type { ONNX_FLOAT = 1, ONNX_INT64 = 7 };

/* -TR_ENOTFOUND when a file is missing, -TR_EENGINE when it is not what it should be; words say which. */
nodiscard int onnx_open(const char *library, const char *model, struct onnx **ret, struct port_fault *ret_fault);
struct onnx *onnx_close(struct onnx *o);

struct onnx_tensor {
	enum onnx_type type;
	void *data;
	size_t bytes;
	int64_t shape[3];
	size_t rank;
};

nodiscard int onnx_value_new(struct onnx *o, const struct onnx_tensor *t, struct onnx_value **ret, struct port_fault *ret_fault);
struct onnx_value *onnx_value_free(struct onnx *o, struct onnx_value *v);

struct onnx_binding {
	const char *const *names;
	struct onnx_value *const *values;
	size_t n;
};

/* Reads the values of in and writes those of out. -TR_EENGINE with the runtime's own words. */
nodiscard int onnx_run(struct onnx *o, const struct onnx_binding *in, const struct onnx_binding *out, struct port_fault *ret_fault);
