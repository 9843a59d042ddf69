/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"

/* The routes of a configuration. */

static const struct field route_fields[] = {
	{"line", schema_str, AT(struct route_config, line)},
	{"to", schema_str, AT(struct route_config, to)},
	{"from", schema_str, AT(struct route_config, from)},
	{"agent", schema_str, AT(struct route_config, agent), .is_required = true},
	{0},
};

void config_read_routes(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config *c = dst;

	if (!config_want_list(r, f, node))
		return;
	c->routes = arena_alloc(r->arena, config_count(node) * sizeof(*c->routes));
	for (const struct yaml_node *n = node->first; n; n = n->next) {
		if (n->kind != YAML_MAP) {
			schema_error(r, n->line, "routes: each entry has keys (- { line: ..., agent: ... })");
			continue;
		}
		c->routes[c->route_count].file_line = n->line;
		schema_read(r, route_fields, n, &c->routes[c->route_count]);
		c->route_count++;
	}
}

void config_check_routes(struct schema_reader *r, const struct config *c)
{
	for (size_t i = 0; i < c->route_count; i++) {
		const struct route_config *route = &c->routes[i];

		if (route->line && config_line_find(c, route->line) < 0)
			schema_error(r, route->file_line, "routes: there is no line \"%.60s\"", route->line);
		if (route->agent && !config_agent_find(c, route->agent))
			schema_error(r, route->file_line, "routes: there is no agent \"%.60s\"", route->agent);
	}
}
