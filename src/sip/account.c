/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/account.h"

static void free_strings(struct sip_account *a)
{
	struct sip_bytes *all[] = {&a->aor, &a->domain, &a->display_name, &a->user, &a->auth_id, &a->password, &a->realm,
				   &a->sent_by, &a->contact, &a->host, &a->routes, &a->service_route, &a->headers,
				   &a->user_agent};

	if (a->password.p)
		explicit_bzero(a->password.p, a->password.n);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		sip_bytes_free(all[i]);
}

static int copy_params(struct sip_account *a, const struct sip_account_params *p)
{
	struct sip_uri uri;
	const struct {
		struct sip_bytes *to;
		struct span from;
	} all[] = {
		{&a->aor, p->aor}, {&a->display_name, p->display_name}, {&a->auth_id, p->auth_id},
		{&a->password, p->password}, {&a->realm, p->realm}, {&a->sent_by, p->sent_by},
		{&a->contact, p->contact}, {&a->routes, p->routes}, {&a->headers, p->headers},
		{&a->user_agent, p->user_agent},
	};
	size_t total = 0;

	if (sip_uri_parse(&uri, p->aor) < 0 || !uri.host.n)
		return -TR_EPARSE;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		total += all[i].from.n;
		if (total > LIMIT_SIP_ACCOUNT_BYTES)
			return -TR_ETOOBIG;
		if (sip_bytes_set(all[i].to, all[i].from) < 0)
			return -ENOMEM;
	}
	if (sip_bytes_set(&a->domain, uri.host) < 0 || sip_bytes_set(&a->user, uri.user) < 0)
		return -ENOMEM;
	if (!a->auth_id.n && sip_bytes_set(&a->auth_id, uri.user) < 0)
		return -ENOMEM;

	return sip_account_set_proxy(a, &p->proxy);
}

int sip_account_new(struct sip_stack *stack, const struct sip_account_params *params, struct sip_account **ret)
{
	struct sip_account *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->stack = stack;
	a->refs = 1;
	a->tls = params->tls;
	a->transport = params->transport != SIP_TRANSPORT_UNKNOWN ? params->transport : SIP_UDP;
	a->no_100rel = params->no_100rel;
	a->no_session_timer = params->no_session_timer;

	int err = copy_params(a, params);

	if (err < 0) {
		free_strings(a);
		free(a);
		return err;
	}
	list_append(&stack->accounts, &a->link);
	stack->stats.live_accounts++;
	*ret = a;

	return 0;
}

struct sip_account *sip_account_ref(struct sip_account *a)
{
	if (a)
		a->refs++;

	return a;
}

struct sip_account *sip_account_unref(struct sip_account *a)
{
	if (!a || --a->refs > 0)
		return NULL;
	list_unlink(&a->link);
	a->stack->stats.live_accounts--;
	for (size_t i = 0; i < SIP_ACCOUNT_REALMS; i++)
		free(a->auths[i]);
	free_strings(a);
	free(a);

	return NULL;
}

int sip_account_set_sent_by(struct sip_account *a, struct span sent_by)
{
	return sip_bytes_set(&a->sent_by, sent_by);
}

int sip_account_set_proxy(struct sip_account *a, const struct sip_dest *proxy)
{
	if (!proxy)
		return 0;
	if (sip_bytes_set(&a->host, proxy->host) < 0)
		return -ENOMEM;
	a->proxy = *proxy;
	a->proxy.host = sip_bytes_span(&a->host);
	if (a->proxy.transport == SIP_TRANSPORT_UNKNOWN)
		a->proxy.transport = a->transport;

	return 0;
}

void sip_account_write_contact(const struct sip_account *a, struct sip_writer *w, bool is_secure)
{
	static const char *const params[SIP_TRANSPORT_COUNT] = {
		[SIP_TCP] = ";transport=tcp", [SIP_TLS] = ";transport=tls", [SIP_WS] = ";transport=ws",
		[SIP_WSS] = ";transport=ws",
	};

	if (a->contact.n) {
		sip_write_span(w, sip_bytes_span(&a->contact));
		return;
	}
	is_secure |= span_istarts(sip_bytes_span(&a->aor), "sips:");
	sip_write_z(w, is_secure ? "sips:" : "sip:");
	if (a->user.n) {
		sip_write_span(w, sip_bytes_span(&a->user));
		sip_write_char(w, '@');
	}
	sip_write_span(w, sip_bytes_span(&a->sent_by));
	/* RFC 3261 §26.2.2: with sips: the transport is TLS unless another is said. */
	if (params[a->transport] && !(is_secure && a->transport == SIP_TLS))
		sip_write_z(w, params[a->transport]);
}

/* The entry for a realm, or -1. */
static int find_auth(const struct sip_account *a, struct span realm, bool is_proxy)
{
	for (int i = 0; i < SIP_ACCOUNT_REALMS; i++)
		if (a->auths[i] && a->auths[i]->is_proxy == is_proxy && span_eq(a->auths[i]->challenge.realm, realm))
			return i;

	return -1;
}

static int place_auth(struct sip_account *a)
{
	for (int i = 0; i < SIP_ACCOUNT_REALMS; i++)
		if (!a->auths[i])
			return i;
	a->next_auth = (uint8_t)((a->next_auth + 1) % SIP_ACCOUNT_REALMS);

	return a->next_auth;
}

/* Takes one challenge; returns its entry, or a negative code. */
static int take(struct sip_account *a, const struct sip_ctrans *ct, const struct sip_challenge *c, bool is_proxy)
{
	char cnonce[25];
	int at = find_auth(a, c->realm, is_proxy);

	if (at >= 0 && ct->auth_mask & (1u << at)) {
		bool is_same_nonce = span_eq(a->auths[at]->challenge.nonce, c->nonce);

		/*
		 * Servers that forget stale=true send a new nonce for an old one: so only credentials for a nonce that was
		 * made for this very request, or for the same nonce again, count as refused.
		 */
		if (!c->is_stale && (ct->fresh_mask & (1u << at) || is_same_nonce))
			return -TR_EAUTH;
	}
	if (at < 0)
		at = place_auth(a);
	if (!a->auths[at])
		a->auths[at] = calloc(1, sizeof(*a->auths[at]));
	if (!a->auths[at])
		return -ENOMEM;

	int err = sip_auth_init(a->auths[at], c, is_proxy, sip_stack_token(a->stack, cnonce, sizeof(cnonce) - 1));

	if (err < 0) {
		free(a->auths[at]);
		a->auths[at] = NULL;
		return err;
	}

	return at;
}

int sip_account_challenged(struct sip_account *a, const struct sip_ctrans *ct, const struct sip_msg *rsp, uint8_t *ret_mask,
			   uint8_t *ret_fresh)
{
	struct sip_challenge challenges[LIMIT_SIP_CHALLENGES];
	size_t n = sip_digest_choose(rsp, challenges, ARRAY_LEN(challenges));
	uint8_t mask = ct->auth_mask, fresh = ct->fresh_mask, taken = 0;

	if (!a->password.n)
		return -TR_EAUTH;
	if (ct->tries >= LIMIT_SIP_AUTH_TRIES)
		return -TR_ELIMIT;
	for (size_t i = 0; i < n; i++) {
		if (a->realm.n && !span_eq(challenges[i].realm, sip_bytes_span(&a->realm)))
			continue;

		int at = take(a, ct, &challenges[i], rsp->status == 407);

		if (at == -TR_EAUTH)
			return at;
		if (at >= 0)
			taken |= (uint8_t)(1u << at);
	}
	if (!taken)
		return -TR_EUNSUPP;
	*ret_mask = mask | taken;
	*ret_fresh = fresh | taken;

	return 0;
}

void sip_account_write_auth(struct sip_account *a, struct sip_writer *w, uint8_t mask, const struct sip_auth_request *request)
{
	struct sip_login login = {.user = sip_bytes_span(&a->auth_id), .password = sip_bytes_span(&a->password)};

	for (unsigned i = 0; i < SIP_ACCOUNT_REALMS; i++)
		if (mask & (1u << i) && a->auths[i])
			sip_auth_write(a->auths[i], w, &login, request);
}
