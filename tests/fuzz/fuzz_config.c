/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A configuration file of any bytes is read or refused with at least one error that has a text; never both, never neither. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct config_errors errors;

	errors.count = 0;

	struct config *c = config_parse("/nonexistent/x.yaml", span((const char *)data, n), &errors);

	assert(!c == !!errors.count);
	for (size_t i = 0; i < errors.count && i < LIMIT_CONFIG_ERRORS; i++)
		assert(errors.list[i].text[0] && errors.list[i].line >= 0);
	config_free(c);

	return 0;
}
