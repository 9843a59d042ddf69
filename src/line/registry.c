/* SPDX-License-Identifier: Apache-2.0 */
#include "line/registry.h"
#include "base/log.h"

struct line {
	struct lines *owner;
	struct line_status status;
	struct sip_account *account;
	struct sip_reg *reg; /* NULL: does not register, or gone */
};

struct lines {
	struct lines_params p;
	struct line *list;
	size_t count;
};

const char *line_state_name(enum line_state s)
{
	static const char *const names[] = {"ready", "registering", "registered", "failed"};

	return names[s];
}

enum sip_transport line_sip_transport(const struct line_config *c)
{
	return c->transport == LINE_TCP ? SIP_TCP : c->transport == LINE_TLS ? SIP_TLS : SIP_UDP;
}

static void set_state(struct line *l, enum line_state state, const char *text, msec_t now)
{
	bool is_news = l->status.state != state || strcmp(l->status.text, text) != 0;

	if (l->status.state != state)
		l->status.since = now;
	l->status.state = state;
	buf_copy(l->status.text, sizeof(l->status.text), text);
	if (is_news && l->owner->p.changed)
		l->owner->p.changed(l->owner->p.ctx, &l->status);
}

/* "host", "host:port", "[v6]:port" into its parts; a literal is set as an address too. */
static void split_server(const char *text, struct sip_dest *ret)
{
	struct span s = span_z(text);

	if (addr_parse(s, line_default_port(ret->transport == SIP_TLS ? LINE_TLS : LINE_UDP), &ret->addr)) {
		ret->port = addr_port(&ret->addr);
		return;
	}

	struct span port = s, host = span_cut(&port, ':');
	uint32_t number = 0;

	ret->host = host;
	if (port.p && span_u32(port, &number) && number < 65536)
		ret->port = (uint16_t)number;
}

/* The host of the address of record: the domain if given, else the server without its port. */
static struct span domain_of(const struct line_config *c, const struct sip_dest *server, char text[static ADDR_TEXT])
{
	if (c->domain)
		return span_z(c->domain);
	if (!addr_is_set(&server->addr))
		return server->host;
	addr_ip_text(&server->addr, text);
	if (server->addr.family == AF_INET6) {
		char bare[ADDR_TEXT];

		buf_copy(bare, sizeof(bare), text);
		snprintf(text, ADDR_TEXT, "[%.45s]", bare);
	}

	return span_z(text);
}

static int make_account(struct line *l)
{
	const struct line_config *c = l->status.config;
	struct sip_dest server = {.transport = line_sip_transport(c)};
	struct addr local;
	char aor[400], ip[ADDR_TEXT], sent_by[ADDR_TEXT] = "";

	split_server(c->server, &server);

	struct span domain = domain_of(c, &server, ip);

	if (buf_format(aor, sizeof(aor), "sip:%s%s%.*s", c->extension ? c->extension : "", c->extension ? "@" : "", SPAN_FMT(domain)))
		return -TR_ETOOBIG;
	if (c->outbound_proxy) {
		server = (struct sip_dest){.transport = line_sip_transport(c)};
		split_server(c->outbound_proxy, &server);
	}
	if (l->owner->p.local_for(l->owner->p.ctx, c, &local))
		addr_text(&local, sent_by);

	struct sip_account_params params = {.aor = span_z(aor), .display_name = span_z(c->display_name),
		.tls = l->owner->p.tls_for ? l->owner->p.tls_for(l->owner->p.ctx, c) : 0, .auth_id = span_z(c->auth_id), .password = span_z(c->password), .transport = line_sip_transport(c),
		.sent_by = span_z(sent_by), .proxy = server, .user_agent = span_z(c->user_agent)};

	return sip_account_new(l->owner->p.stack, &params, &l->account);
}

static int start_line(struct line *l, msec_t now)
{
	const struct line_config *c = l->status.config;
	int err;

	l->status.state = LINE_READY;
	l->status.since = now;
	l->status.retry_at = NEVER;
	if (!c->server)
		return 0;

	err = make_account(l);
	if (err || !c->does_register)
		return err;

	struct sip_reg_params rp = {.account = l->account, .expires_s = c->expires_s, .retry_max_s = 20,
		.keepalive = c->keepalive_s == 0 ? SIP_KA_NONE : c->keepalive_options ? SIP_KA_OPTIONS : SIP_KA_CRLF,
		.keepalive_s = c->keepalive_s, .learn_public = true, .user = l};

	l->status.state = LINE_REGISTERING;

	return sip_reg_new(l->owner->p.stack, &rp, now, &l->reg);
}

int lines_new(struct lines **ret, const struct lines_params *params, const struct line_config *configs, size_t n, msec_t now)
{
	struct lines *ls = mem_zalloc(sizeof(*ls));

	ls->p = *params;
	ls->list = mem_zalloc(n * sizeof(*ls->list));
	ls->count = n;
	for (size_t i = 0; i < n; i++) {
		struct line *l = &ls->list[i];

		l->owner = ls;
		l->status.config = &configs[i];

		int err = start_line(l, now);

		if (err) {
			log_error("line.bad", LOG_STR("line", configs[i].name), LOG_ERR(err));
			lines_free(ls);
			return err;
		}
	}
	*ret = ls;

	return 0;
}

void lines_stop(struct lines *ls, msec_t now)
{
	for (size_t i = 0; i < ls->count; i++)
		if (ls->list[i].reg)
			sip_reg_unregister(ls->list[i].reg, now);
}

bool lines_is_idle(const struct lines *ls)
{
	for (size_t i = 0; i < ls->count; i++)
		if (ls->list[i].reg)
			return false;

	return true;
}

struct lines *lines_free(struct lines *ls)
{
	if (!ls)
		return NULL;

	for (size_t i = 0; i < ls->count; i++) {
		sip_reg_free(ls->list[i].reg);
		sip_account_unref(ls->list[i].account);
	}
	free(ls->list);
	free(ls);

	return NULL;
}

static void on_ok(struct line *l, const struct sip_stack_event *ev, msec_t now)
{
	l->status.sip_status = 200;
	l->status.expires_s = ev->expires_s;
	l->status.retry_at = NEVER;
	if (ev->packet)
		l->status.server = ev->packet->source;
	set_state(l, LINE_REGISTERED, "", now);
}

static void on_failed(struct line *l, const struct sip_stack_event *ev, msec_t now)
{
	l->status.sip_status = ev->status;
	l->status.retry_at = ev->retry_at;
	set_state(l, LINE_FAILED, ev->text ? ev->text : "", now);
}

void lines_on_sip(struct lines *ls, const struct sip_stack_event *ev, msec_t now)
{
	struct line *l = sip_reg_user(ev->reg);
	char text[ADDR_TEXT];

	switch (ev->type) {
	case SIP_EV_REG_OK:
		on_ok(l, ev, now);
		break;
	case SIP_EV_REG_FAILED:
		on_failed(l, ev, now);
		break;
	case SIP_EV_PUBLIC_ADDR:
		l->status.public_addr = ev->public_addr;
		log_info("line.public_address", LOG_STR("line", l->status.config->name),
			LOG_STR("address", addr_text(&ev->public_addr, text)));
		break;
	case SIP_EV_REG_GONE:
		l->reg = sip_reg_free(l->reg);
		set_state(l, LINE_READY, "", now);
		break;
	default:
		break;
	}
}

void lines_refresh(struct lines *ls, msec_t now)
{
	for (size_t i = 0; i < ls->count; i++)
		if (ls->list[i].reg)
			sip_reg_refresh_now(ls->list[i].reg, now);
}

size_t lines_count(const struct lines *ls)
{
	return ls->count;
}

const struct line_status *lines_status(const struct lines *ls, size_t i)
{
	return &ls->list[i].status;
}

struct sip_account *lines_account(const struct lines *ls, size_t i)
{
	return ls->list[i].account;
}

bool lines_is_server(void *ctx, size_t i, const struct addr *source)
{
	const struct lines *ls = ctx;
	const struct line *l = &ls->list[i];
	struct addr literal;

	if (addr_is_set(&l->status.server) && addr_ip_eq(&l->status.server, source))
		return true;

	return l->status.config->server && addr_parse(span_z(l->status.config->server), 5060, &literal) && addr_ip_eq(&literal, source);
}
