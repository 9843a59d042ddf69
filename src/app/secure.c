/* SPDX-License-Identifier: Apache-2.0 */
#include "app/secure.h"
#include "base/log.h"
#include "net/tls.h"

#define WARN_DAYS 21

struct secure_line {
	struct tls_ctx *ctx;
	uint32_t id;
};

struct secure {
	const struct config *config; /* borrowed; its end may come before ours is noticed, so not for secure_free */
	size_t line_count;
	struct tls_ctx *server;
	struct secure_line *lines; /* as config->lines */
};

static int64_t days_left(const struct tls_ctx *ctx)
{
	int64_t seconds = tls_ctx_expires_at(ctx) - clock_wall_ms() / 1000;

	return seconds < 0 ? -1 : seconds / 86400;
}

/* Some line is known by certificates. */
static bool wants_certificates(const struct config *c)
{
	bool is_wanted = false;

	for (size_t i = 0; i < c->line_count; i++)
		is_wanted |= c->lines[i].client_names != NULL;

	return is_wanted;
}

static int load_server(struct secure *s, bool may_be_expired, char *why, size_t cap)
{
	const struct config_tls *t = &s->config->sip.tls;
	struct tls_params p = {
		.is_server = true, .certificate = t->certificate, .key = t->key, .ca = t->ca, .verify_clients = t->verify_clients,
		.asks_clients = wants_certificates(s->config)};
	int err = t->certificate ? tls_ctx_new(&s->server, &p, why, cap) : 0;

	if (!err && s->server && !may_be_expired && days_left(s->server) < 0) {
		snprintf(why, cap, "%s: the certificate has expired", t->certificate);
		return -TR_ECONFIG;
	}

	return err;
}

static bool is_same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Lines with the same settings share them, and with them their connections; and a file of CAs is kept once. */
static struct tls_ctx *find_like(const struct secure *s, size_t upto)
{
	const struct line_tls *t = &s->config->lines[upto].tls;

	for (size_t i = 0; i < upto; i++) {
		const struct line_tls *o = &s->config->lines[i].tls;

		if (s->lines[i].ctx && o->verify == t->verify && is_same(o->ca, t->ca) && is_same(o->pin, t->pin) &&
			is_same(o->certificate, t->certificate) && is_same(o->key, t->key))
			return s->lines[i].ctx;
	}

	return NULL;
}

static int load_line(struct secure *s, size_t i, char *why, size_t cap)
{
	const struct line_config *line = &s->config->lines[i];
	const struct line_tls *t = &line->tls;
	struct tls_params p = {.certificate = t->certificate, .key = t->key, .ca = t->ca, .pin = t->pin, .no_verify = !t->verify};
	char words[TLS_WHY_BYTES] = "";

	if (line->transport != LINE_TLS)
		return 0;
	s->lines[i].ctx = tls_ctx_ref(find_like(s, i));
	if (s->lines[i].ctx)
		return 0;

	int err = tls_ctx_new(&s->lines[i].ctx, &p, words, sizeof(words));

	if (err)
		snprintf(why, cap, "line %s: %s", line->name, words);

	return err;
}

int secure_new(struct secure **ret, const struct config *config, bool may_be_expired, char *ret_why, size_t cap)
{
	struct secure *s = mem_zalloc(sizeof(*s));

	s->config = config;
	s->line_count = config->line_count;
	s->lines = mem_zalloc((config->line_count + 1) * sizeof(*s->lines));

	int err = load_server(s, may_be_expired, ret_why, cap);

	for (size_t i = 0; !err && i < config->line_count; i++)
		err = load_line(s, i, ret_why, cap);
	if (err) {
		secure_free(s);
		return err;
	}
	*ret = s;

	return 0;
}

struct secure *secure_free(struct secure *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->line_count; i++)
		tls_ctx_unref(s->lines[i].ctx);
	tls_ctx_unref(s->server);
	free(s->lines);
	free(s);

	return NULL;
}

struct tls_ctx *secure_server(const struct secure *s)
{
	return s->server;
}

/* The name that the line's server was given by, without its port; "" for an address. */
static void server_name(const struct line_config *line, char *ret, size_t cap)
{
	struct span rest = span_z(line->outbound_proxy ? line->outbound_proxy : line->server), host;
	struct addr ip;

	ret[0] = 0;
	if (!rest.p || addr_parse(rest, 5061, &ip))
		return;
	host = span_cut(&rest, ':');
	if (!span_copy(host, ret, cap))
		ret[0] = 0;
}

int secure_apply(struct secure *s, struct ua *ua)
{
	char host[256];
	int err = ua_set_ws_origins(ua, s->config->sip.origins, (unsigned)s->config->sip.origin_count);

	/* Listeners stay until a restart, and so does what they need. */
	if (s->server)
		ua_set_tls_server(ua, s->server);
	for (size_t i = 0; !err && i < s->config->line_count; i++) {
		const struct line_config *line = &s->config->lines[i];

		if (!s->lines[i].ctx)
			continue;
		server_name(line, host, sizeof(host));
		err = ua_set_tls_client(ua, line->name, s->lines[i].ctx, host[0] ? host : NULL, &s->lines[i].id);
	}

	return err;
}

uint32_t secure_line(const struct secure *s, const struct line_config *line)
{
	size_t i = (size_t)(line - s->config->lines);

	return i < s->config->line_count ? s->lines[i].id : 0;
}

static void warn(const char *line, const char *file, const struct tls_ctx *ctx)
{
	int64_t days = days_left(ctx);

	if (days < 0)
		log_error("tls.certificate_expired", LOG_STR("line", line), LOG_STR("file", file),
			LOG_STR("remedy", "renew it, then: tipring reload"));
	else if (days < WARN_DAYS)
		log_warn("tls.certificate_ends_soon", LOG_STR("line", line), LOG_STR("file", file), LOG_INT("days", days));
}

void secure_warn(const struct secure *s)
{
	if (s->server)
		warn("", s->config->sip.tls.certificate, s->server);
	for (size_t i = 0; i < s->config->line_count; i++)
		if (s->lines[i].ctx && s->config->lines[i].tls.certificate)
			warn(s->config->lines[i].name, s->config->lines[i].tls.certificate, s->lines[i].ctx);
}
