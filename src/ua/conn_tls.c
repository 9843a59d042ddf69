/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/conn_priv.h"

/*
 * TLS on connections (RFC 3261 §26.2, RFC 5922): the settings of listeners and lines, and the handshake's course. Settings are
 * replaced at a reload; connections that are open keep theirs.
 */

struct ua_tls {
	char *name;
	char *host; /* the line's server: a second name that its certificate may have; NULL */
	struct tls_ctx *ctx;
};

void ua_set_tls_server(struct ua *ua, struct tls_ctx *ctx)
{
	tls_ctx_ref(ctx);
	tls_ctx_unref(ua->tls_server);
	ua->tls_server = ctx;
}

/* The settings of that name, or fresh ones; NULL: no room. */
static struct ua_tls *find_client(struct ua *ua, const char *name)
{
	for (uint32_t i = 0; i < ua->tls_count; i++)
		if (strcmp(ua->tls[i].name, name) == 0)
			return &ua->tls[i];
	if (ua->tls_count == LIMIT_UA_TLS_CLIENTS)
		return NULL;

	struct ua_tls *grown = realloc(ua->tls, (ua->tls_count + 1) * sizeof(*grown));
	char *copy = strdup(name);

	if (grown)
		ua->tls = grown;
	if (!grown || !copy) {
		free(copy);
		return NULL;
	}
	grown[ua->tls_count] = (struct ua_tls){.name = copy};

	return &grown[ua->tls_count++];
}

int ua_set_tls_client(struct ua *ua, const char *name, struct tls_ctx *ctx, const char *host, uint32_t *ret_id)
{
	struct ua_tls *t = find_client(ua, name);
	char *copy = host ? strdup(host) : NULL;

	if (!t || (host && !copy)) {
		free(copy);
		return -TR_ELIMIT;
	}
	tls_ctx_ref(ctx);
	tls_ctx_unref(t->ctx);
	free(t->host);
	t->ctx = ctx;
	t->host = copy;
	*ret_id = (uint32_t)(t - ua->tls) + 1;

	return 0;
}

void ua_tls_done(struct ua *ua)
{
	for (uint32_t i = 0; i < ua->tls_count; i++) {
		tls_ctx_unref(ua->tls[i].ctx);
		free(ua->tls[i].name);
		free(ua->tls[i].host);
	}
	free(ua->tls);
	tls_ctx_unref(ua->tls_server);
	tls_ctx_unref(ua->tls_default);
}

/* The settings a client connection uses. id 0, and a line whose settings were taken back: the system's CAs. */
static struct tls_ctx *client_ctx(struct ua *ua, uint32_t id, const char **ret_other)
{
	char why[TLS_WHY_BYTES];

	*ret_other = NULL;
	if (id && id <= ua->tls_count && ua->tls[id - 1].ctx) {
		*ret_other = ua->tls[id - 1].host;
		return ua->tls[id - 1].ctx;
	}
	if (!ua->tls_default && tls_ctx_new(&ua->tls_default, &(struct tls_params){0}, why, sizeof(why)))
		return NULL;

	return ua->tls_default;
}

/* The line's name counts in place of an address only: a name that was asked for has to be in the certificate itself. */
static struct tls_ctx *settings_for(struct ua *ua, const struct conn_to *to, const char **ret_other)
{
	struct tls_ctx *ctx = client_ctx(ua, to->tls_id, ret_other);
	struct addr ip;

	if (!addr_parse_ip(span_z(to->host), 0, &ip))
		*ret_other = NULL;

	return ctx;
}

int conn_tls_prepare(struct conn *c, const struct conn_to *to)
{
	const char *other;
	struct tls_ctx *ctx = settings_for(c->ua, to, &other);

	if (!ctx)
		return -TR_ECONFIG;
	c->tls_ctx = tls_ctx_ref(ctx);
	c->host = strdup(to->host);
	c->other = other ? strdup(other) : NULL;

	return c->host && (c->other || !other) ? 0 : -ENOMEM;
}

bool conn_tls_fits(const struct conn *c, const struct conn_to *to)
{
	const char *other;
	bool is_same = settings_for(c->ua, to, &other) == c->tls_ctx && strcasecmp(c->host, to->host) == 0;

	return is_same && strcmp(other ? other : "", c->other ? c->other : "") == 0;
}

bool ua_conn_is_of(struct ua *ua, uint32_t conn, const char *name)
{
	const struct conn *c = conn ? conn_find(ua, conn) : NULL;

	return c && c->tls && tls_peer_is(c->tls, name);
}

int conn_tls_start(struct conn *c)
{
	struct tls_peer peer = {.label = c->label, .host = c->host, .other = c->other};
	struct tls_ctx *ctx = c->is_ours ? c->tls_ctx : c->ua->tls_server;
	int err = ctx ? tls_new(&c->tls, ctx, &peer) : -TR_ECONFIG;

	if (!err && c->is_ours) {
		tls_feed(c->tls, (struct span){0});
		conn_flush_tls(c);
	}

	return err;
}

static void failed(struct conn *c)
{
	c->ua->stats.tls_failures++;
	if (c->is_ours && c->state == CONN_SHAKING)
		c->ua->stats.connect_failures++;
	if (c->is_ours)
		conn_close(c, -TR_ETRANSPORT, tls_why(c->tls));
	else
		conn_refuse(c, UA_REFUSE_TLS, -TR_ETRANSPORT, tls_why(c->tls));
}

static void note_shaken(struct conn *c)
{
	c->ua->stats.tls_handshakes++;
	c->ua->stats.tls_resumed += tls_is_resumed(c->tls);
}

bool conn_tls_moved(struct conn *c)
{
	enum tls_state state = tls_state(c->tls);

	if (!conn_flush_tls(c))
		return false;
	if (state == TLS_FAILED) {
		failed(c);
	} else if (state == TLS_ENDED) {
		conn_close(c, -ECONNRESET, NULL);
	} else if (state == TLS_OPEN && c->state == CONN_SHAKING && !c->is_shaken) {
		c->is_shaken = true;
		note_shaken(c);
		if (!conn_is_ws(c)) /* else the upgrade is still to come, within the same time */
			conn_ready(c);
	}

	return c->state != CONN_CLOSED;
}
