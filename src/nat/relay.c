/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/relay.h"
#include <openssl/crypto.h>

#define LIFETIME_S	600
#define PERMIT_MS	(240 * 1000) /* renewed after; it lives 300 s (RFC 8656 §9) */
#define BIND_MS		(540 * 1000) /* it lives 600 s (§12) */
#define EARLY_S		60	     /* an allocation is refreshed so long before its end */
#define AUTH_TRIES	3	     /* challenges in a row: 401, then stale nonces */
#define FIRST_CHANNEL	0x4000
#define UDP_PROTOCOL	(17u << 24)
#define NONCE_COOKIE	"obMatJos2" /* RFC 8489 §9.2: behind it four characters of feature bits */

enum kind { ALLOCATE, REFRESH, PERMIT, BIND };

struct request {
	enum kind kind;
	uint8_t peer; /* PERMIT, BIND */
	uint8_t tries;
	struct stun_trans trans;
};

struct peer {
	struct addr addr;
	bool wants_channel, is_bound, is_permitted;
	uint16_t channel;
	msec_t permit_at, bind_at; /* next renewal; NEVER while a request runs */
};

struct relay {
	struct relay_params p;
	enum relay_state state;
	char why[160];
	struct stun_ids ids;
	char user[LIMIT_TURN_TEXT_BYTES], password[LIMIT_TURN_TEXT_BYTES];
	char realm[LIMIT_STUN_TEXT_BYTES + 1], nonce[LIMIT_STUN_TEXT_BYTES + 1];
	uint8_t algorithms[LIMIT_TURN_ALGORITHMS_BYTES]; /* PASSWORD-ALGORITHMS, to be sent back */
	uint8_t algorithms_n;
	enum stun_algorithm algorithm;
	uint8_t key[32];
	size_t key_n; /* 0: not challenged yet */
	bool is_redirected;
	struct addr relayed, mapped;
	msec_t refresh_at;
	struct peer peers[LIMIT_TURN_PEERS];
	unsigned peer_count;
	struct request requests[2 * LIMIT_TURN_PEERS + 2]; /* room for all that can be under way at once */
};

int relay_new(struct relay **ret, const struct relay_params *params)
{
	struct relay *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;

	t->p = *params;
	t->refresh_at = NEVER;
	stun_ids_init(&t->ids, params->seed);
	if (!span_copy(params->user, t->user, sizeof(t->user)) || !span_copy(params->password, t->password, sizeof(t->password))) {
		relay_free(t);
		return -EINVAL;
	}
	t->p.user = span_z(t->user);
	t->p.password = span_z(t->password);
	*ret = t;

	return 0;
}

struct relay *relay_free(struct relay *t)
{
	if (t) {
		OPENSSL_cleanse(t, sizeof(*t));
		free(t);
	}

	return NULL;
}

enum relay_state relay_state(const struct relay *t)
{
	return t->state;
}

const char *relay_why(const struct relay *t)
{
	return t->why;
}

const struct addr *relay_server(const struct relay *t)
{
	return &t->p.server;
}

const struct addr *relay_relayed(const struct relay *t)
{
	return &t->relayed;
}

const struct addr *relay_mapped(const struct relay *t)
{
	return &t->mapped;
}

static void fail(struct relay *t, const char *fmt, ...) printf_like(2, 3);
static void fail(struct relay *t, const char *fmt, ...)
{
	va_list ap;

	t->state = RELAY_FAILED;
	t->refresh_at = NEVER;
	for (size_t i = 0; i < ARRAY_LEN(t->requests); i++)
		stun_trans_stop(&t->requests[i].trans);
	va_start(ap, fmt);
	(void)vsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
}

/* ---- requests ----------------------------------------------------------------------------------------------------------------- */

static const uint16_t methods[] = {
	[ALLOCATE] = TURN_ALLOCATE, [REFRESH] = TURN_REFRESH, [PERMIT] = TURN_CREATE_PERMISSION, [BIND] = TURN_CHANNEL_BIND};

static void put_credentials(struct relay *t, struct stun_writer *w)
{
	struct span key = span((const char *)t->key, t->key_n);

	if (!t->key_n)
		return;
	stun_put_span(w, STUN_USERNAME, t->p.user);
	stun_put_span(w, STUN_REALM, span_z(t->realm));
	stun_put_span(w, STUN_NONCE, span_z(t->nonce));
	if (t->algorithms_n) {
		uint8_t chosen[4] = {0, (uint8_t)t->algorithm};

		/* §9.2.4: the server sees by its own list that nobody on the way took the better one out. */
		stun_put(w, STUN_PASSWORD_ALGORITHMS, t->algorithms, t->algorithms_n);
		stun_put(w, STUN_PASSWORD_ALGORITHM, chosen, sizeof(chosen));
		stun_put_integrity256(w, key);
	} else {
		stun_put_integrity(w, key);
	}
}

static void put_request(struct relay *t, const struct request *r, struct stun_writer *w)
{
	switch (r->kind) {
	case ALLOCATE:
		stun_put_u32(w, TURN_REQUESTED_TRANSPORT, UDP_PROTOCOL);
		stun_put_u32(w, TURN_LIFETIME, LIFETIME_S);
		break;
	case REFRESH:
		stun_put_u32(w, TURN_LIFETIME, t->state == RELAY_CLOSED ? 0 : LIFETIME_S);
		break;
	case PERMIT:
		stun_put_addr(w, TURN_XOR_PEER_ADDRESS, &t->peers[r->peer].addr);
		break;
	case BIND:
		stun_put_u32(w, TURN_CHANNEL_NUMBER, (uint32_t)t->peers[r->peer].channel << 16);
		stun_put_addr(w, TURN_XOR_PEER_ADDRESS, &t->peers[r->peer].addr);
		break;
	}
}

static void transmit(struct relay *t, const struct request *r)
{
	uint8_t bytes[LIMIT_STUN_BYTES];
	struct stun_writer w;
	size_t n;

	stun_begin(&w, bytes, sizeof(bytes), STUN_REQUEST, methods[r->kind], &r->trans.id);
	put_request(t, r, &w);
	put_credentials(t, &w);
	stun_put_fingerprint(&w);
	if (stun_end(&w, &n) == 0)
		t->p.send(t->p.ctx, &t->p.server, bytes, n);
}

/* Under a new id, due at once. */
static void begin(struct relay *t, struct request *r, msec_t now)
{
	struct stun_id id = stun_ids_next(&t->ids);

	stun_trans_start(&r->trans, &id, t->p.rto_ms, now);
	if (stun_trans_tick(&r->trans, now) == STUN_SEND)
		transmit(t, r);
}

/* One request of a kind (and peer) at a time, so there is always a place. */
static void ask(struct relay *t, enum kind kind, uint8_t peer, msec_t now)
{
	struct request *free_one = NULL;

	for (size_t i = 0; i < ARRAY_LEN(t->requests); i++) {
		struct request *r = &t->requests[i];

		if (!r->trans.is_running)
			free_one = r;
	}
	assert(free_one);
	*free_one = (struct request){.kind = kind, .peer = peer};
	begin(t, free_one, now);
}

void relay_start(struct relay *t, msec_t now)
{
	if (t->state != RELAY_IDLE)
		return;
	t->state = RELAY_ALLOCATING;
	ask(t, ALLOCATE, 0, now);
}

void relay_close(struct relay *t, msec_t now)
{
	if (t->state != RELAY_READY)
		return;
	t->state = RELAY_CLOSED;
	t->refresh_at = NEVER;
	for (size_t i = 0; i < ARRAY_LEN(t->requests); i++)
		stun_trans_stop(&t->requests[i].trans);
	ask(t, REFRESH, 0, now);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------------ */

static bool is_authentic(const struct relay *t, const struct stun_msg *m)
{
	struct span key = span((const char *)t->key, t->key_n);

	return t->algorithms_n ? stun_is_authentic256(m, key) : stun_is_authentic(m, key);
}

/*
 * RFC 8489 §9.2: the nonce begins with a cookie and 24 bits in four characters of Base64; the first bit says that the server knows
 * password algorithms (§18.1).
 */
static bool offers_algorithms(struct span nonce)
{
	size_t at = sizeof(NONCE_COOKIE) - 1;

	if (nonce.n < at + 4 || memcmp(nonce.p, NONCE_COOKIE, at) != 0)
		return false;

	char c = nonce.p[at];

	return (c >= 'g' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* The challenge of 401 or 438: the next request carries the proof. False: nothing more to try. */
static bool take_challenge(struct relay *t, struct request *r, const struct stun_msg *m)
{
	if (!m->realm.p || !m->nonce.p || ++r->tries > AUTH_TRIES || (m->error == 401 && t->key_n && r->tries > 1) ||
		!span_copy(m->realm, t->realm, sizeof(t->realm)) || !span_copy(m->nonce, t->nonce, sizeof(t->nonce)))
		return false;

	t->algorithm = STUN_MD5;
	t->algorithms_n = 0;
	if (m->has_algorithms && m->algorithm && m->algorithms.n <= sizeof(t->algorithms) && offers_algorithms(m->nonce)) {
		t->algorithm = (enum stun_algorithm)m->algorithm;
		t->algorithms_n = (uint8_t)m->algorithms.n;
		memcpy(t->algorithms, m->algorithms.p, m->algorithms.n);
	}
	t->key_n = stun_long_term_key(t->algorithm, t->p.user, span_z(t->realm), t->p.password, t->key);

	return t->key_n > 0;
}

static void on_lifetime(struct relay *t, const struct stun_msg *m, msec_t now)
{
	uint32_t s = m->has_lifetime ? m->lifetime_s : LIFETIME_S;

	t->refresh_at = now + 1000 * (msec_t)(s > 2 * EARLY_S ? s - EARLY_S : MAX(s / 2, 1u));
}

static void on_success(struct relay *t, struct request *r, const struct stun_msg *m, msec_t now)
{
	struct peer *peer = &t->peers[r->peer];

	switch (r->kind) {
	case ALLOCATE:
		if (!addr_is_set(&m->relayed)) {
			fail(t, "the TURN server allocated nothing");
			return;
		}
		t->relayed = m->relayed;
		t->mapped = m->mapped;
		t->state = RELAY_READY;
		on_lifetime(t, m, now);
		break;
	case REFRESH:
		if (t->state == RELAY_READY)
			on_lifetime(t, m, now);
		break;
	case PERMIT:
		peer->is_permitted = true;
		peer->permit_at = now + PERMIT_MS;
		break;
	case BIND:
		peer->is_bound = peer->is_permitted = true;
		peer->bind_at = now + BIND_MS;
		break;
	}
}

/* A request that concerns one peer only: the rest goes on. Asked again with the next renewal. */
static void lose_peer(struct relay *t, const struct request *r, msec_t now)
{
	struct peer *peer = &t->peers[r->peer];

	if (r->kind == BIND) {
		peer->is_bound = false;
		peer->bind_at = now + PERMIT_MS;
	} else {
		peer->is_permitted = false;
		peer->permit_at = now + PERMIT_MS;
	}
}

static void on_error(struct relay *t, struct request *r, const struct stun_msg *m, msec_t now)
{
	if ((m->error == 401 || m->error == 438) && take_challenge(t, r, m)) {
		begin(t, r, now);
		return;
	}
	if (m->error == 300 && r->kind == ALLOCATE && addr_is_set(&m->alternate) && !t->is_redirected) {
		t->is_redirected = true;
		t->p.server = m->alternate;
		t->key_n = 0;
		begin(t, r, now);
		return;
	}
	if (t->state == RELAY_CLOSED)
		return;
	if (r->kind == PERMIT || r->kind == BIND)
		lose_peer(t, r, now);
	else if (m->error == 401 || m->error == 441)
		fail(t, "the TURN server refuses user or password (%u)", m->error);
	else
		fail(t, "the TURN server refuses: %u %.*s", m->error, (int)MIN(m->reason.n, (size_t)60), m->reason.p ? m->reason.p : "");
}

static bool on_response(struct relay *t, const struct stun_msg *m, msec_t now)
{
	for (size_t i = 0; i < ARRAY_LEN(t->requests); i++) {
		struct request *r = &t->requests[i];

		if (!r->trans.is_running || m->method != methods[r->kind] || !stun_id_eq(&m->id, &r->trans.id))
			continue;
		/* Success without proof is forged, once we have a key; challenges come without. */
		if (m->cls == STUN_SUCCESS && t->key_n && !is_authentic(t, m))
			return true;
		stun_trans_stop(&r->trans);
		if (m->cls == STUN_SUCCESS)
			on_success(t, r, m, now);
		else
			on_error(t, r, m, now);
		return true;
	}

	return false;
}

static bool on_channel_data(struct relay *t, const uint8_t *bytes, size_t n, struct relay_data *ret)
{
	size_t payload_n = 0;
	uint16_t channel = relay_channel_of(bytes, n, &payload_n);

	for (unsigned i = 0; channel && i < t->peer_count; i++) {
		if (t->peers[i].channel != channel || !t->peers[i].is_bound)
			continue;
		*ret = (struct relay_data){.peer = t->peers[i].addr, .bytes = bytes + RELAY_CHANNEL_HEAD, .n = payload_n};
		return true;
	}

	return channel != 0;
}

bool relay_recv(struct relay *t, const struct addr *from, const uint8_t *bytes, size_t n, msec_t now, struct relay_data *ret)
{
	struct stun_msg m;

	*ret = (struct relay_data){0};
	if (!addr_eq(from, &t->p.server))
		return false;
	if (n && bytes[0] >= 0x40)
		return on_channel_data(t, bytes, n, ret);
	if (stun_parse(bytes, n, &m) != 0)
		return false;
	if (m.cls == STUN_SUCCESS || m.cls == STUN_ERROR)
		return on_response(t, &m, now);
	if (m.cls != STUN_INDICATION || m.method != TURN_DATA || !addr_is_set(&m.peer) || !m.data.p)
		return false;
	*ret = (struct relay_data){.peer = m.peer, .bytes = (const uint8_t *)m.data.p, .n = m.data.n};

	return true;
}

/* ---- peers ------------------------------------------------------------------------------------------------------------------- */

static int peer_index(const struct relay *t, const struct addr *a)
{
	for (unsigned i = 0; i < t->peer_count; i++)
		if (addr_eq(&t->peers[i].addr, a))
			return (int)i;

	return -1;
}

int relay_permit(struct relay *t, const struct addr *peer, msec_t now)
{
	if (t->state != RELAY_READY)
		return -TR_ESTATE;
	if (peer_index(t, peer) >= 0)
		return 0;
	if (t->peer_count == LIMIT_TURN_PEERS)
		return -TR_ELIMIT;

	struct peer *p = &t->peers[t->peer_count];

	*p = (struct peer){.addr = *peer, .channel = (uint16_t)(FIRST_CHANNEL + t->peer_count), .permit_at = NEVER, .bind_at = NEVER};
	ask(t, PERMIT, (uint8_t)t->peer_count++, now);

	return 0;
}

int relay_bind(struct relay *t, const struct addr *peer, msec_t now)
{
	int err = relay_permit(t, peer, now);
	struct peer *p = err ? NULL : &t->peers[peer_index(t, peer)];

	if (!p || p->wants_channel)
		return err;
	p->wants_channel = true;
	ask(t, BIND, (uint8_t)(p - t->peers), now);

	return 0;
}

uint16_t relay_channel(const struct relay *t, const struct addr *peer)
{
	int i = peer_index(t, peer);

	return i >= 0 && t->peers[i].is_bound ? t->peers[i].channel : 0;
}

int relay_send(struct relay *t, const struct addr *peer, const uint8_t *bytes, size_t n)
{
	uint8_t out[LIMIT_STUN_BYTES];
	uint16_t channel = relay_channel(t, peer);
	struct stun_writer w;
	struct stun_id id;
	size_t out_n = 0;

	if (t->state != RELAY_READY)
		return -TR_ESTATE;
	if (n > sizeof(out) - RELAY_CHANNEL_HEAD)
		return -TR_ETOOBIG;
	if (channel) {
		out[0] = (uint8_t)(channel >> 8);
		out[1] = (uint8_t)channel;
		out[2] = (uint8_t)(n >> 8);
		out[3] = (uint8_t)n;
		memcpy(out + RELAY_CHANNEL_HEAD, bytes, n);
		out_n = n + RELAY_CHANNEL_HEAD;
	} else {
		id = stun_ids_next(&t->ids);
		stun_begin(&w, out, sizeof(out), STUN_INDICATION, TURN_SEND, &id);
		stun_put_addr(&w, TURN_XOR_PEER_ADDRESS, peer);
		stun_put(&w, TURN_DATA_ATTR, bytes, n);
		if (stun_end(&w, &out_n) != 0)
			return -TR_ETOOBIG;
	}
	t->p.send(t->p.ctx, &t->p.server, out, out_n);

	return 0;
}

/* ---- time ------------------------------------------------------------------------------------------------------------------------ */

static void give_up(struct relay *t, const struct request *r, msec_t now)
{
	if (r->kind == PERMIT || r->kind == BIND)
		lose_peer(t, r, now);
	else if (t->state != RELAY_CLOSED)
		fail(t, "the TURN server does not answer");
}

static void renew(struct relay *t, msec_t now)
{
	if (now >= t->refresh_at) {
		t->refresh_at = NEVER;
		ask(t, REFRESH, 0, now);
	}
	for (unsigned i = 0; i < t->peer_count; i++) {
		struct peer *p = &t->peers[i];

		if (now >= p->permit_at) {
			p->permit_at = NEVER;
			ask(t, PERMIT, (uint8_t)i, now);
		}
		if (now >= p->bind_at) {
			p->bind_at = NEVER;
			ask(t, BIND, (uint8_t)i, now);
		}
	}
}

static msec_t next_of(const struct relay *t)
{
	msec_t next = t->refresh_at;

	for (size_t i = 0; i < ARRAY_LEN(t->requests); i++)
		next = MIN(next, stun_trans_next(&t->requests[i].trans));
	for (unsigned i = 0; t->state == RELAY_READY && i < t->peer_count; i++)
		next = MIN(next, MIN(t->peers[i].permit_at, t->peers[i].bind_at));

	return next;
}

msec_t relay_tick(struct relay *t, msec_t now)
{
	for (size_t i = 0; i < ARRAY_LEN(t->requests); i++) {
		struct request *r = &t->requests[i];
		enum stun_due due = stun_trans_tick(&r->trans, now);

		if (due == STUN_SEND)
			transmit(t, r);
		else if (due == STUN_GIVE_UP)
			give_up(t, r, now);
	}
	if (t->state == RELAY_READY)
		renew(t, now);

	return next_of(t);
}
