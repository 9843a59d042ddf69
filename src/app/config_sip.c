/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_priv.h"

/* SIP's transports: listeners, certificates, origins. */

/* ---- listeners --------------------------------------------------------------------------------------------------------- */

/* WebSocket's ports are the ones phone systems use (Asterisk). */
static uint16_t default_port(enum sip_transport t)
{
	switch (t) {
	case SIP_TLS:
		return 5061;
	case SIP_WS:
		return 8088;
	case SIP_WSS:
		return 8089;
	default:
		return 5060;
	}
}

static bool parse_listen(const char *text, enum sip_transport *ret_transport, struct addr *ret_addr)
{
	struct span rest = span_z(text), word = span_cut(&rest, ':');

	*ret_transport = sip_transport_find(word);
	if (*ret_transport == SIP_TRANSPORT_UNKNOWN || *ret_transport == SIP_SCTP || !rest.p)
		return false;

	return addr_parse(rest, default_port(*ret_transport), ret_addr);
}

static void read_listen(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config_sip *sip = (struct config_sip *)(void *)((char *)dst - AT(struct config_sip, listen));

	sip->listen_count = 0;
	if (!config_want_list(r, f, node))
		return;
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		const char *text = schema_text(r, c, f->key);

		if (!text)
			continue;
		if (sip->listen_count == CONFIG_LISTEN)
			schema_error(r, c->line, "%s: more than %d addresses", f->key, CONFIG_LISTEN);
		else if (!parse_listen(text, &sip->listen[sip->listen_count].transport, &sip->listen[sip->listen_count].addr))
			schema_error(r, c->line,
				"%s: \"%.60s\" is not TRANSPORT:IP:port with udp, tcp, tls, ws or wss (such as udp:0.0.0.0:5060)", f->key,
				text);
		else
			sip->listen_count++;
	}
}

/* "https://console.example.com": what a browser sends, without a path. */
static bool is_origin(const char *text)
{
	const char *host = strstr(text, "://");

	if (strcmp(text, "*") == 0)
		return true;

	return host && host > text && host[3] && !strpbrk(host + 3, "/ ?#@");
}

static void read_origins(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	struct config_sip *sip = (struct config_sip *)(void *)((char *)dst - AT(struct config_sip, origins));

	if (!config_want_list(r, f, node))
		return;
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		const char *text = schema_text(r, c, f->key);

		if (!text)
			continue;
		if (sip->origin_count == CONFIG_ORIGINS)
			schema_error(r, c->line, "%s: more than %d", f->key, CONFIG_ORIGINS);
		else if (!is_origin(text))
			schema_error(r, c->line, "%s: \"%.60s\" is no origin (such as https://console.example.com, or \"*\" for any)",
				f->key, text);
		else
			sip->origins[sip->origin_count++] = text;
	}
}

/* ---- files --------------------------------------------------------------------------------------------------------------- */

void config_read_path(struct schema_reader *r, const struct field *f, const struct yaml_node *node, void *dst)
{
	const char *text = NULL;
	char whole[1024];

	schema_str(r, f, node, &text);
	if (!text || text[0] == '/' || !r->dir)
		*(const char **)dst = text;
	else if (buf_format(whole, sizeof(whole), "%s/%s", r->dir, text))
		schema_error(r, node->line, "%s: the path is too long", f->key);
	else
		*(const char **)dst = arena_strdup(r->arena, span_z(whole));
}

static const struct field tls_fields[] = {
	{"certificate", config_read_path, AT(struct config_tls, certificate)},
	{"key", config_read_path, AT(struct config_tls, key)},
	{"ca", config_read_path, AT(struct config_tls, ca)},
	{"verify_clients", schema_bool, AT(struct config_tls, verify_clients)},
	{0},
};

const struct field config_line_tls_fields[] = {
	{"ca", config_read_path, AT(struct line_tls, ca)},
	{"verify", schema_bool, AT(struct line_tls, verify)},
	{"pin", schema_str, AT(struct line_tls, pin)},
	{"certificate", config_read_path, AT(struct line_tls, certificate)},
	{"key", config_read_path, AT(struct line_tls, key)},
	{0},
};

const struct field config_sip_fields[] = {
	{"listen", read_listen, AT(struct config_sip, listen)},
	{"tls", schema_map, AT(struct config_sip, tls), .fields = tls_fields},
	{"origins", read_origins, AT(struct config_sip, origins)},
	{"user_agent", schema_str, AT(struct config_sip, user_agent)},
	{"max_calls", schema_u32, AT(struct config_sip, max_calls), .min = 1, .max = 100000},
	{"dns", schema_str, AT(struct config_sip, dns)},
	{"answer_strangers", schema_bool, AT(struct config_sip, answers_strangers)},
	{0},
};

/* ---- checks -------------------------------------------------------------------------------------------------------------- */

void config_check_sip(struct schema_reader *r, const struct config_sip *sip)
{
	const char *needs = NULL;

	for (size_t i = 0; i < sip->listen_count; i++)
		if (sip->listen[i].transport == SIP_TLS || sip->listen[i].transport == SIP_WSS)
			needs = sip->listen[i].transport == SIP_TLS ? "tls" : "wss";
	if (sip->listen_count == 0)
		schema_error(r, 1, "sip: listen has no address: calls could not reach us");
	if (needs && !sip->tls.certificate)
		schema_error(r, 1, "sip: listen has %s:, so sip.tls.certificate is needed (\"tipring cert DIR\" makes one)", needs);
	if (sip->tls.verify_clients && !sip->tls.ca)
		schema_error(r, 1, "sip: tls.verify_clients needs tls.ca: the file of the CAs whose clients may come");
	if (sip->tls.key && !sip->tls.certificate)
		schema_error(r, 1, "sip: tls.key without tls.certificate");
}

void config_check_line_tls(struct schema_reader *r, const struct line_config *line)
{
	const struct line_tls *t = &line->tls;
	const char *name = line->name ? line->name : "?";
	bool has_any = t->ca || t->pin || t->certificate || t->key || !t->verify;

	if (has_any && line->transport != LINE_TLS)
		schema_error(r, line->file_line, "line %s: \"tls\" goes with transport: tls", name);
	if (t->key && !t->certificate)
		schema_error(r, line->file_line, "line %s: tls.key without tls.certificate", name);
	if (!t->verify && (t->ca || t->pin))
		schema_error(r, line->file_line, "line %s: tls.verify is off, so tls.ca and tls.pin would mean nothing: remove one or the other",
			name);
}
