/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keys.h"
#include "api/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A path on the first line, the file of keys on the others. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
	struct span file = span((const char *)data, n), path = span_cut(&file, '\n');
	struct api_keys keys;
	char allow[64];
	int line;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		const struct route *r = route_find(methods[i], path, allow, sizeof(allow));

		assert(!r || (path.n >= 4 && !memcmp(path.p, "/v1/", 4) && !strcmp(r->method, methods[i])));
		assert(strlen(allow) < sizeof(allow) - 1);
	}
	if (keys_parse(&keys, file, &line) != 0)
		return 0;
	assert(keys.count <= LIMIT_API_KEYS);
	for (size_t i = 0; i < keys.count; i++)
		assert(key_name_is_good(keys.list[i].name) && keys.list[i].role <= ROLE_ADMIN);
	assert(!keys.count || keys_remove(&keys, keys.list[0].name) == 0);

	return 0;
}
