/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"

/* How a line's media is encrypted and finds its way through NATs. */

#define SRTP_UNSAID 99 /* in the place of an enum line_srtp until the whole line was read */

const char *const config_ice_names[] = {"off", "lite", "full", NULL};
static const char *const srtp_names[] = {"off", "optional", "required", NULL};

void config_default_media(struct line_config *line)
{
	line->media.srtp = (enum line_srtp)SRTP_UNSAID;
}

void config_read_srtp(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct line_media *m = dst;
	const struct field one = {.key = f->key, .choices = srtp_names};
	int index = LINE_SRTP_OFF;

	schema_enum(r, &one, node, &index);
	m->srtp = (enum line_srtp)index;
}

/* "host", "host:port", "192.0.2.1:3478", "[2001:db8::1]:3478". */
static const char *read_server(struct schema_reader *r, const struct field *f, const struct yaml_node *node)
{
	const char *text = schema_text(r, node, f->key);
	struct span rest = span_z(text ? text : "");
	uint32_t port;
	struct addr a;

	if (!text || addr_parse(rest, 3478, &a))
		return text;

	struct span host = span_cut(&rest, ':');

	if (host.n == 0 || span_find(host, '/') < host.n || (rest.p && (!span_u32(rest, &port) || port == 0 || port > 65535))) {
		schema_error(r, node->line, "%s: \"%.60s\" is not host or host:port (such as stun.example.com:3478)", f->key, text);
		return NULL;
	}

	return text;
}

/* One, or a list of them. */
void config_read_stun(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct line_media *m = dst;
	size_t n = 0;

	if (node->kind == YAML_SCALAR) {
		m->stun[0] = read_server(r, f, node);
		return;
	}
	if (!config_want_list(r, f, node))
		return;
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		if (n == LINE_STUN)
			schema_error(r, c->line, "%s: more than %d servers", f->key, LINE_STUN);
		else
			m->stun[n++] = read_server(r, f, c);
	}
}

static void read_turn_server(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	*(const char **)dst = read_server(r, f, node);
}

static const struct field turn_fields[] = {
	{"server", read_turn_server, AT(struct line_media, turn_server), .is_required = true},
	{"user", schema_str, AT(struct line_media, turn_user), .is_required = true},
	{"password", schema_secret, AT(struct line_media, turn_password), .is_required = true},
	{0},
};

void config_read_turn(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const struct field map = {.key = f->key, .fields = turn_fields};

	schema_map(r, &map, node, dst);
}

void config_check_media(struct schema_reader *r, struct line_config *line)
{
	struct line_media *m = &line->media;
	const char *name = line->name ? line->name : "?";
	bool is_tls = line->transport == LINE_TLS;

	/* A key in the signalling is worth what protects the signalling: without TLS it is not offered unasked. */
	if ((int)m->srtp == SRTP_UNSAID)
		m->srtp = m->uses_dtls ? LINE_SRTP_REQUIRED : is_tls ? LINE_SRTP_OPTIONAL : LINE_SRTP_OFF;
	else if (m->srtp == LINE_SRTP_OFF && m->uses_dtls)
		schema_error(r, line->file_line, "line %s: \"dtls\" needs \"srtp: optional\" or \"srtp: required\"", name);
	if (m->ice == LINE_ICE_LITE && m->turn_server)
		schema_error(r, line->file_line, "line %s: \"turn\" goes with \"ice: full\" only", name);
}
