/* SPDX-License-Identifier: Apache-2.0 */
#include "app/media_servers.h"
#include "base/log.h"
#include "net/dns.h"

#define STUN_PORT  3478
#define REFRESH_MS (300 * 1000)

struct server {
	const char *line, *text; /* as configured; text NULL: none */
	uint16_t port;
	bool is_literal, is_failing;
	struct addr addr; /* unset: not known yet */
};

struct line_servers {
	struct server stun[LINE_STUN], turn;
};

struct media_servers {
	const struct config *config;
	struct dns *dns; /* NULL: every server is an address */
	uv_timer_t timer;
	bool has_timer;
	struct line_servers *lines;
};

static void on_answer(void *ctx, const struct dns_answer *a)
{
	struct server *s = ctx;

	if (a->err) {
		/* Once a failure, not once in five minutes; the address of before stays in use. */
		if (!s->is_failing)
			log_warn("media.server_unknown", LOG_STR("line", s->line), LOG_STR("server", s->text), LOG_ERR(a->err));
		s->is_failing = true;
		return;
	}
	s->is_failing = false;
	s->addr = a->addrs[0];
	addr_set_port(&s->addr, s->port);
}

static void resolve(struct media_servers *ms, struct server *s)
{
	struct span rest = span_z(s->text), host;

	if (!s->text || s->is_literal)
		return;
	host = span_cut(&rest, ':');
	dns_lookup(ms->dns, DNS_ADDR, host, on_answer, s);
}

/* True: it has to be looked up. */
static bool prepare(struct server *s, const char *line, const char *text)
{
	struct span rest = span_z(text);
	uint32_t port = STUN_PORT;

	*s = (struct server){.line = line, .text = text};
	if (!text)
		return false;
	s->is_literal = addr_parse(rest, STUN_PORT, &s->addr);
	if (s->is_literal)
		return false;
	(void)span_cut(&rest, ':');
	if (rest.p)
		(void)span_u32(rest, &port); /* checked when the configuration was read */
	s->port = (uint16_t)port;

	return true;
}

void media_servers_refresh(struct media_servers *ms)
{
	if (!ms || !ms->dns)
		return;
	for (size_t i = 0; i < ms->config->line_count; i++) {
		for (size_t k = 0; k < LINE_STUN; k++)
			resolve(ms, &ms->lines[i].stun[k]);
		resolve(ms, &ms->lines[i].turn);
	}
}

static void on_timer(uv_timer_t *timer)
{
	media_servers_refresh(timer->data);
}

int media_servers_new(struct media_servers **ret, uv_loop_t *loop, const struct config *c)
{
	struct media_servers *ms = mem_zalloc(sizeof(*ms));
	bool has_names = false;
	int err = 0;

	ms->config = c;
	ms->lines = mem_zalloc((c->line_count + 1) * sizeof(*ms->lines));
	for (size_t i = 0; i < c->line_count; i++) {
		const struct line_media *m = &c->lines[i].media;

		for (size_t k = 0; k < LINE_STUN; k++)
			has_names |= prepare(&ms->lines[i].stun[k], c->lines[i].name, m->stun[k]);
		has_names |= prepare(&ms->lines[i].turn, c->lines[i].name, m->turn_server);
	}
	if (has_names)
		err = dns_new(loop, NULL, &ms->dns);
	if (err) {
		media_servers_free(ms);
		return err;
	}
	if (has_names) {
		uv_timer_init(loop, &ms->timer);
		ms->timer.data = ms;
		ms->has_timer = true;
		uv_timer_start(&ms->timer, on_timer, REFRESH_MS, REFRESH_MS);
		uv_unref((uv_handle_t *)&ms->timer);
		media_servers_refresh(ms);
	}
	*ret = ms;

	return 0;
}

static void on_closed(uv_handle_t *timer)
{
	free(timer->data);
}

struct media_servers *media_servers_free(struct media_servers *ms)
{
	if (!ms)
		return NULL;

	dns_close(ms->dns);
	free(ms->lines);
	if (ms->has_timer)
		uv_close((uv_handle_t *)&ms->timer, on_closed);
	else
		free(ms);

	return NULL;
}

void media_servers_fill(const struct media_servers *ms, size_t line, struct media_path_params *ret)
{
	const struct line_media *m = &ms->config->lines[line].media;
	const struct line_servers *servers = &ms->lines[line];

	ret->stun_count = 0;
	for (size_t k = 0; k < LINE_STUN && ret->stun_count < MEDIA_MAX_STUN; k++)
		if (addr_is_set(&servers->stun[k].addr))
			ret->stun[ret->stun_count++] = servers->stun[k].addr;
	ret->turn = (struct media_turn){.server = servers->turn.addr, .user = m->turn_user, .password = m->turn_password};
}
