/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

static const struct route routes[] = {
	{"GET", "/v1/health", ROLE_READ, ROUTE_LOOP},
	{"GET", "/v1/stats", ROLE_READ, ROUTE_LOOP},
	{"GET", "/v1/lines", ROLE_READ, ROUTE_LOOP},
	{"GET", "/v1/calls", ROLE_READ, ROUTE_LOOP},
	{"POST", "/v1/calls", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/route-test", ROLE_READ, ROUTE_LOOP}, /* it only asks */
	{"GET", "/v1/calls/{id}", ROLE_READ, ROUTE_LOOP},
	{"DELETE", "/v1/calls/{id}", ROLE_OPERATE, ROUTE_LOOP},
	{"GET", "/v1/calls/{id}/trace", ROLE_READ, ROUTE_LOOP},
	{"POST", "/v1/calls/{id}/transfer", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/calls/{id}/hold", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/calls/{id}/resume", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/calls/{id}/supervise", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/calls/{id}/dtmf", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/calls/{id}/collect", ROLE_OPERATE, ROUTE_LOOP},
	{"GET", "/v1/calls/{id}/collect", ROLE_OPERATE, ROUTE_LOOP}, /* hands out a secret entry, once */
	{"POST", "/v1/calls/{id}/sensitive", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/calls/{id}/recording", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/calls/{id}/park", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/calls/{id}/retrieve", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/calls/{id}/queue", ROLE_OPERATE, ROUTE_LOOP},
	{"GET", "/v1/conferences", ROLE_READ, ROUTE_LOOP},
	{"POST", "/v1/conferences", ROLE_OPERATE, ROUTE_LOOP},
	{"GET", "/v1/conferences/{id}", ROLE_READ, ROUTE_LOOP},
	{"DELETE", "/v1/conferences/{id}", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/conferences/{id}/members", ROLE_OPERATE, ROUTE_LOOP},
	{"POST", "/v1/conferences/{id}/members/{id}", ROLE_OPERATE, ROUTE_LOOP},
	{"DELETE", "/v1/conferences/{id}/members/{id}", ROLE_OPERATE, ROUTE_LOOP},
	{"GET", "/v1/records", ROLE_READ, ROUTE_SERVER},
	{"GET", "/v1/records.csv", ROLE_READ, ROUTE_SERVER},
	{"GET", "/v1/records/{id}", ROLE_READ, ROUTE_SERVER},
	{"DELETE", "/v1/records/{id}", ROLE_ADMIN, ROUTE_SERVER}, /* cannot be taken back */
	{"GET", "/v1/events", ROLE_READ, ROUTE_EVENTS},
	{"POST", "/v1/reload", ROLE_ADMIN, ROUTE_LOOP},
};

static bool is_match(const char *pattern, struct span path)
{
	struct span want = span_z(pattern);

	while (want.n || path.n) {
		struct span w = span_cut(&want, '/'), p = span_cut(&path, '/');

		if (span_eq_z(w, "{id}") ? !p.n : !span_eq(w, p))
			return false;
	}

	return true;
}

const struct route *route_find(const char *method, struct span path, char *ret_allow, size_t cap)
{
	ret_allow[0] = 0;
	if (path.n && path.p[path.n - 1] == '/')
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		size_t n = strlen(ret_allow);

		if (!is_match(routes[i].path, path))
			continue;
		if (!strcmp(routes[i].method, method))
			return &routes[i];
		snprintf(ret_allow + n, cap - n, "%s%s", n ? ", " : "", routes[i].method);
	}

	return NULL;
}

const struct route *route_at(size_t i)
{
	return i < ARRAY_LEN(routes) ? &routes[i] : NULL;
}
