/* SPDX-License-Identifier: Apache-2.0 */
#include "app/caller_file.h"

/* A caller's script of any bytes is read or refused with a line and words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config_errors errors;
	struct caller_file *f = caller_file_parse("/nonexistent/script.yaml", span((const char *)data, size), &errors);

	if (!f && (errors.count == 0 || !errors.list[0].text[0]))
		abort();
	if (f && f->calls.config.line_count > LIMIT_SCRIPT_LINES)
		abort();
	caller_file_free(f);

	return 0;
}
