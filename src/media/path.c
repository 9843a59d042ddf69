/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"
#include <openssl/crypto.h>
#include <sys/socket.h>

/*
 * The path of a stream: how its packets get to the peer (ICE, TURN, the address outside) and under which keys (DTLS). It lives on
 * the control thread, as everything that allocates or signs; workers hand over what is not media (rx.c), and are told by a new gear
 * when path or keys have changed.
 *
 * It sends from the stream's own socket: the kernel lets two threads do that, and the socket is closed by this thread only.
 *
 *	media_path_open ──▶ gathering ──▶ MEDIA_EV_GATHERED
 *	path_update (descriptions agreed on) ──▶ ICE: MEDIA_EV_PATH ──▶ DTLS: MEDIA_EV_SECURED
 *	                                            └──▶ MEDIA_EV_PATH_FAILED ◀──┘
 */
#define GATHER_MS 1500	/* for servers to answer; the caller hears ringing meanwhile */
#define SHAKE_MS  15000 /* for the handshake once there is a path */
#define RELAY	  1	/* ICE base of the relay; 0 is the socket */

struct path {
	struct stream *s;
	struct media_engine *e;
	struct timer timer;
	struct media_path_params p;

	/* gathering */
	struct stun_query queries[MEDIA_MAX_STUN];
	struct relay *turn; /* NULL: none */
	bool is_gathered;
	msec_t gather_until;
	struct addr public_rtp;

	/* what was agreed on */
	struct media_plan plan; /* as the call layer wants it */
	struct media_transport transport;
	bool has_plan;

	struct ice *ice; /* NULL: none */
	bool is_ice_begun;
	struct ice_path found;
	bool has_found;	 /* kept through an ICE restart, until the new one has found another */

	struct dtls *dtls;
	enum srtp_suite suite; /* SRTP_NONE: no keys yet */
	struct addr dtls_from; /* without ICE: where the peer's handshake comes from */
	msec_t shake_until;
	struct arrival early; /* the peer's first flight came before its description; n 0: none */

	bool has_failed;
};

static msec_t now_ms(const struct path *p)
{
	return engine_now_us(p->e) / 1000;
}

static void tell(struct path *p, struct media_event *ev)
{
	ev->stream = p->s->id;
	ev->tag = p->s->tag;
	ev->at_us = engine_now_us(p->e);
	if (p->s->events && mailbox_post(p->s->events, ev) < 0)
		count_up(&p->s->w->events_lost, 1);
}

static void fail(struct path *p, const char *why)
{
	struct media_event ev = {.type = MEDIA_EV_PATH_FAILED};

	if (p->has_failed)
		return;
	p->has_failed = true;
	buf_copy(ev.why, sizeof(ev.why), why);
	tell(p, &ev);
}

static void run(struct path *p, msec_t now);

static bool uses_ice(const struct path *p)
{
	return p->ice && ice_description_is_set(&p->transport.ice);
}

static bool uses_dtls(const struct path *p)
{
	return p->transport.fingerprint.hash != SDP_HASH_NONE;
}

/* ---- sending ------------------------------------------------------------------------------------------------------------------- */

static void put(struct path *p, const struct addr *to, const uint8_t *bytes, size_t n)
{
	/* What the kernel does not take is lost, as on the wire, and sent again. */
	if (to->family == p->s->sockets.local.family)
		(void)!sendto(p->s->sockets.rtp, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL, &to->sa, addr_len(to));
}

static void turn_out(void *ctx, const struct addr *to, const uint8_t *bytes, size_t n)
{
	put(ctx, to, bytes, n);
}

static void ice_out(void *ctx, unsigned base, const struct addr *to, const uint8_t *bytes, size_t n)
{
	struct path *p = ctx;

	if (base != RELAY) {
		put(p, to, bytes, n);
	} else if (p->turn && relay_permit(p->turn, to, now_ms(p)) == 0) {
		(void)!relay_send(p->turn, to, bytes, n);
	}
}

static void dtls_out(void *ctx, const uint8_t *bytes, size_t n)
{
	struct path *p = ctx;

	if (uses_ice(p) && p->has_found)
		ice_out(p, p->found.base, &p->found.remote, bytes, n);
	else if (!uses_ice(p) && addr_is_set(&p->dtls_from))
		put(p, &p->dtls_from, bytes, n);
	else if (!uses_ice(p) && addr_is_set(&p->plan.remote_rtp))
		put(p, &p->plan.remote_rtp, bytes, n);
}

/* ---- what workers are told ------------------------------------------------------------------------------------------------------ */

/* The way of ICE's pair. False: not open yet. */
static bool route_by_ice(struct path *p, struct media_plan *plan, struct route *route)
{
	route->is_bound = true;
	if (!p->has_found)
		return false;
	plan->remote_rtp = plan->remote_rtcp = p->found.remote;
	if (p->found.base != RELAY)
		return true;

	/* Through the relay media goes by a channel, four bytes a packet, which a worker can write. */
	route->via = *relay_server(p->turn);
	route->channel = relay_channel(p->turn, &p->found.remote);
	if (!route->channel)
		(void)!relay_bind(p->turn, &p->found.remote, now_ms(p));

	return route->channel != 0;
}

static bool is_same_route(const struct route *a, const struct route *b)
{
	return a->is_shut == b->is_shut && a->is_bound == b->is_bound && a->is_mux_only == b->is_mux_only && a->channel == b->channel &&
		addr_eq(&a->via, &b->via);
}

/* Everything that can change without a new description: only then workers need to hear of it again. */
static bool is_same(const struct path *p, const struct media_plan *plan, const struct route *route)
{
	const struct stream *s = p->s;

	return s->has_plan && addr_eq(&s->plan.remote_rtp, &plan->remote_rtp) && srtp_key_eq(&s->plan.tx_key, &plan->tx_key) &&
		srtp_key_eq(&s->plan.rx_key, &plan->rx_key) && is_same_route(&s->route, route);
}

static int apply(struct path *p, bool is_new)
{
	struct media_plan plan = p->plan;
	struct route route = {.is_mux_only = uses_ice(p) || uses_dtls(p)};

	if (!p->has_plan)
		return 0;
	if (uses_ice(p) && !route_by_ice(p, &plan, &route))
		route.is_shut = true;
	if (uses_dtls(p) && p->suite != SRTP_NONE)
		dtls_keys(p->dtls, &plan.tx_key, &plan.rx_key);
	else if (uses_dtls(p))
		route.is_shut = true;
	if (p->has_failed)
		route.is_shut = true;

	return is_new || !is_same(p, &plan, &route) ? stream_apply(p->s, &plan, &route) : 0;
}

/* ---- DTLS ------------------------------------------------------------------------------------------------------------------------ */

static void check_dtls(struct path *p)
{
	struct srtp_key tx, rx;

	if (!p->dtls)
		return;
	if (dtls_state(p->dtls) == DTLS_FAILED)
		fail(p, dtls_why(p->dtls));
	if (p->suite != SRTP_NONE || (dtls_state(p->dtls) != DTLS_DONE && dtls_state(p->dtls) != DTLS_CLOSED))
		return;
	dtls_keys(p->dtls, &tx, &rx);
	p->suite = tx.suite;
	tell(p, &(struct media_event){.type = MEDIA_EV_SECURED, .suite = p->suite});
}

static void take_dtls(struct path *p, const struct arrival *a)
{
	/* The description that says whose certificate to expect is still on its way. */
	if (!p->dtls) {
		p->early = *a;
		return;
	}
	if (!uses_ice(p))
		p->dtls_from = a->from;
	dtls_recv(p->dtls, a->bytes, a->n);
	check_dtls(p);
}

/* The handshake begins when its packets have somewhere to go. */
static void start_dtls(struct path *p)
{
	struct dtls_params params = {.identity = p->e->identity, .peer = p->transport.fingerprint,
		.is_client = p->transport.is_dtls_client, .send = dtls_out, .ctx = p};

	if (p->dtls || !uses_dtls(p) || (uses_ice(p) && !p->has_found))
		return;
	if (dtls_new(&p->dtls, &params) != 0) {
		fail(p, "no memory for a DTLS handshake");
		return;
	}
	p->shake_until = now_ms(p) + SHAKE_MS;
	dtls_start(p->dtls);
	if (p->early.n) {
		struct arrival a = p->early;

		p->early.n = 0;
		take_dtls(p, &a);
	}
}

static msec_t tick_dtls(struct path *p, msec_t now)
{
	if (!p->dtls)
		return NEVER;

	int wait_ms = dtls_tick(p->dtls);

	check_dtls(p);
	if (p->suite == SRTP_NONE && !p->has_failed && now >= p->shake_until)
		fail(p, "the other side does not complete the DTLS handshake: its packets or ours do not get through");
	if (p->has_failed || wait_ms < 0)
		return p->suite == SRTP_NONE && !p->has_failed ? p->shake_until : NEVER;

	return p->suite == SRTP_NONE ? MIN(now + MAX(wait_ms, 1), p->shake_until) : now + MAX(wait_ms, 1);
}

/* ---- ICE ------------------------------------------------------------------------------------------------------------------------- */

static void check_ice(struct path *p)
{
	struct ice_path found;

	if (!p->is_ice_begun)
		return;
	if (ice_state(p->ice) == ICE_FAILED)
		fail(p, "no pair of addresses works in both directions: a firewall or NAT is between us (a TURN server would help)");
	if (ice_state(p->ice) == ICE_LOST)
		fail(p, "the other side has not been reachable for 30 seconds");
	if (!ice_path(p->ice, &found))
		return;
	if (p->has_found && found.base == p->found.base && addr_eq(&found.remote, &p->found.remote))
		return;
	p->found = found;
	p->has_found = true;
	tell(p, &(struct media_event){.type = MEDIA_EV_PATH,
			.path = {.remote = found.remote, .local = found.local_type, .peer = found.remote_type}});
}

static int make_ice(struct path *p, struct ice **ret)
{
	struct ice_params params = {.is_lite = p->p.ice == MEDIA_ICE_LITE, .send = ice_out, .ctx = p};

	random_bytes(params.seed, sizeof(params.seed));

	return ice_new(ret, &params);
}

/* RFC 8839 §4.2.1.2 for lite: only what peers can reach. */
static int add_host(struct path *p, struct ice *ice)
{
	struct addr announce = p->p.announce;
	const struct addr *local = &p->s->sockets.local;
	int err = 0;

	if (addr_is_set(&announce))
		addr_set_port(&announce, addr_port(local));
	if (p->p.ice == MEDIA_ICE_LITE)
		return ice_add_local(ice, ICE_HOST, 0, addr_is_set(&announce) ? &announce : local, NULL);

	err = ice_add_local(ice, ICE_HOST, 0, local, NULL);
	if (!err && addr_is_set(&announce))
		err = ice_add_local(ice, ICE_SRFLX, 0, &announce, local);

	return err;
}

/* What servers have said, as far as it is known. */
static void add_reflexive(struct path *p, struct ice *ice)
{
	int err = 0;

	if (p->p.ice != MEDIA_ICE_FULL)
		return;
	for (unsigned i = 0; i < p->p.stun_count; i++)
		if (p->queries[i].state == STUN_ANSWERED)
			err |= ice_add_local(ice, ICE_SRFLX, 0, &p->queries[i].mapped, &p->s->sockets.local);
	if (p->turn && relay_state(p->turn) == RELAY_READY) {
		err |= ice_add_local(ice, ICE_SRFLX, 0, relay_mapped(p->turn), &p->s->sockets.local);
		err |= ice_add_local(ice, ICE_RELAY, RELAY, relay_relayed(p->turn), relay_mapped(p->turn));
	}
	/* LIMIT_ICE_LOCALS has room for every server that can be configured. */
	assert(!err);
}

void media_path_peer_ufrag(struct media_engine *e, struct media_id id, const char *ufrag)
{
	struct stream *s = engine_stream(e, id);
	struct path *p = s ? s->path : NULL;
	struct ice *fresh;

	if (!p || !p->is_ice_begun || strcmp(p->transport.ice.ufrag, ufrag) == 0)
		return;
	if (make_ice(p, &fresh) != 0)
		return;
	if (add_host(p, fresh) != 0) {
		ice_free(fresh);
		return;
	}
	add_reflexive(p, fresh);
	ice_free(p->ice);
	p->ice = fresh;
	p->is_ice_begun = p->has_failed = false;
}

void media_path_candidates(struct media_engine *e, struct media_id id, const struct ice_candidate *c, unsigned n, bool is_complete)
{
	struct stream *s = engine_stream(e, id);
	struct path *p = s ? s->path : NULL;

	if (!p || !p->is_ice_begun)
		return;
	ice_add_remote(p->ice, c, n, now_ms(p));
	if (is_complete)
		ice_remote_complete(p->ice, now_ms(p));
	run(p, now_ms(p));
	e->p.wake(e->p.wake_ctx);
}

/* ---- gathering ---------------------------------------------------------------------------------------------------------------------- */

static bool is_waiting(const struct path *p)
{
	for (unsigned i = 0; i < p->p.stun_count; i++)
		if (p->queries[i].state == STUN_ASKING)
			return true;

	return p->turn && relay_state(p->turn) == RELAY_ALLOCATING;
}

static void check_gathered(struct path *p, msec_t now)
{
	if (p->is_gathered || (is_waiting(p) && now < p->gather_until))
		return;
	p->is_gathered = true;
	for (unsigned i = 0; i < p->p.stun_count; i++)
		if (p->queries[i].state == STUN_ANSWERED && !addr_is_set(&p->public_rtp))
			p->public_rtp = p->queries[i].mapped;
	if (p->ice && !p->is_ice_begun)
		add_reflexive(p, p->ice);
	tell(p, &(struct media_event){.type = MEDIA_EV_GATHERED});
}

static msec_t tick_queries(struct path *p, msec_t now)
{
	msec_t next = p->is_gathered ? NEVER : p->gather_until;

	for (unsigned i = 0; i < p->p.stun_count && !p->is_gathered; i++) {
		uint8_t bytes[128];
		size_t n;

		if (stun_query_tick(&p->queries[i], now, bytes, sizeof(bytes), &n))
			put(p, &p->queries[i].server, bytes, n);
		next = MIN(next, stun_trans_next(&p->queries[i].trans));
	}

	return next;
}

/* ---- time and messages --------------------------------------------------------------------------------------------------------------- */

/* All that is due, and what follows from it. */
static void run(struct path *p, msec_t now)
{
	msec_t next = tick_queries(p, now);

	if (p->turn)
		next = MIN(next, relay_tick(p->turn, now));
	check_gathered(p, now);
	if (p->is_ice_begun)
		next = MIN(next, ice_tick(p->ice, now));
	check_ice(p);
	start_dtls(p);
	next = MIN(next, tick_dtls(p, now));
	/* A worker whose mailbox is full is told the next time. */
	if (apply(p, false) != 0)
		next = MIN(next, now + 20);
	if (next == NEVER)
		timer_stop(&p->e->path_wheel, &p->timer);
	else
		timer_start(&p->e->path_wheel, &p->timer, next);
}

static void on_timer(struct timer *t, msec_t now)
{
	run(container_of(t, struct path, timer), now);
}

static void take_stun(struct path *p, unsigned base, const struct arrival *a, msec_t now)
{
	struct stun_msg m;

	for (unsigned i = 0; base == 0 && i < p->p.stun_count; i++)
		if (p->queries[i].state == STUN_ASKING && stun_parse(a->bytes, a->n, &m) == 0 &&
			stun_query_recv(&p->queries[i], &a->from, &m, now))
			return;
	if (p->ice)
		(void)ice_recv(p->ice, base, &a->from, a->bytes, a->n, now);
}

static void take(struct path *p, unsigned base, const struct arrival *a, msec_t now)
{
	enum rtp_kind kind = rtp_classify(a->bytes, a->n);

	if (kind == RTP_KIND_STUN)
		take_stun(p, base, a, now);
	else if (kind == RTP_KIND_DTLS)
		take_dtls(p, a);
}

/* Media that the relay sends before our channel is bound is lost; it is a few packets at the very beginning. */
static void take_relayed(struct path *p, const struct relay_data *data, msec_t now)
{
	struct arrival inner = {.id = p->s->id, .from = data->peer, .is_relayed = true};

	if (!data->bytes || data->n > sizeof(inner.bytes))
		return;
	inner.n = (uint16_t)data->n;
	memcpy(inner.bytes, data->bytes, data->n);
	take(p, RELAY, &inner, now);
}

void path_recv(struct path *p, const struct arrival *a, msec_t now)
{
	struct relay_data data;

	if (a->is_relayed)
		take(p, RELAY, a, now);
	else if (p->turn && relay_recv(p->turn, &a->from, a->bytes, a->n, now, &data))
		take_relayed(p, &data, now);
	else
		take(p, 0, a, now);
	run(p, now);
}

msec_t media_engine_run(struct media_engine *e)
{
	msec_t now = engine_now_us(e) / 1000;
	struct arrival a;

	media_engine_reap(e);
	wheel_advance(&e->path_wheel, now);
	while (e->arrivals && mailbox_take(e->arrivals, &a)) {
		struct stream *s = engine_stream(e, a.id);

		if (s && s->path)
			path_recv(s->path, &a, now);
	}

	return wheel_next(&e->path_wheel);
}

/* ---- from the call layer ---------------------------------------------------------------------------------------------------------------- */

/* The same certificate and part: the association of before goes on (RFC 8842 §5.1), its keys too. */
static bool is_same_dtls(const struct media_transport *a, const struct media_transport *b)
{
	return sdp_fingerprint_eq(&a->fingerprint, &b->fingerprint) && a->is_dtls_client == b->is_dtls_client;
}

int path_update(struct path *p, const struct media_plan *plan)
{
	struct media_transport before = p->transport;
	msec_t now = now_ms(p);

	p->plan = *plan;
	p->plan.transport = NULL;
	p->transport = plan->transport ? *plan->transport : (struct media_transport){0};
	p->has_plan = true;
	if (!is_same_dtls(&p->transport, &before)) {
		p->dtls = dtls_free(p->dtls);
		p->suite = SRTP_NONE;
		p->dtls_from = (struct addr){0};
		p->has_failed = false;
	}
	if (uses_ice(p) && !p->is_ice_begun) {
		p->is_ice_begun = true;
		ice_begin(p->ice, &p->transport.ice, p->transport.is_offerer, now);
	} else if (uses_ice(p)) {
		ice_add_remote(p->ice, p->transport.ice.candidates, p->transport.ice.count, now);
		if (p->transport.ice.is_complete)
			ice_remote_complete(p->ice, now);
	}

	int err = apply(p, true);

	run(p, now);
	p->e->p.wake(p->e->p.wake_ctx);

	return err;
}

static int begin(struct path *p, msec_t now)
{
	struct relay_params tp = {.server = p->p.turn.server, .send = turn_out, .ctx = p};
	struct stun_ids ids;
	uint8_t seed[32];
	int err = 0;

	random_bytes(seed, sizeof(seed));
	stun_ids_init(&ids, seed);
	for (unsigned i = 0; i < p->p.stun_count; i++) {
		struct stun_id id = stun_ids_next(&ids);

		stun_query_start(&p->queries[i], &p->p.stun[i], &id, 0, now);
	}
	if (p->p.ice != MEDIA_ICE_OFF)
		err = make_ice(p, &p->ice);
	if (!err && p->ice)
		err = add_host(p, p->ice);
	if (!err && p->p.ice == MEDIA_ICE_FULL && addr_is_set(&p->p.turn.server)) {
		tp.user = span_z(p->p.turn.user);
		tp.password = span_z(p->p.turn.password);
		random_bytes(tp.seed, sizeof(tp.seed));
		err = relay_new(&p->turn, &tp);
		if (!err)
			relay_start(p->turn, now);
	}

	return err;
}

int media_path_open(struct media_engine *e, struct media_id id, const struct media_path_params *params)
{
	struct stream *s = engine_stream(e, id);
	struct path *p;

	if (!s)
		return -TR_ECLOSED;
	if (!e->arrivals || s->path || s->has_plan || params->stun_count > MEDIA_MAX_STUN)
		return -TR_ESTATE;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;

	msec_t now = engine_now_us(e) / 1000;

	p->s = s;
	p->e = e;
	p->p = *params;
	p->gather_until = now + GATHER_MS;
	timer_init(&p->timer, on_timer);

	int err = begin(p, now);

	if (err) {
		path_free(p);
		return err;
	}
	s->path = p;
	atomic_store_explicit(&s->is_attended, true, memory_order_release);
	wheel_advance(&e->path_wheel, now);
	run(p, now);
	e->p.wake(e->p.wake_ctx);

	return 0;
}

bool media_path_local(struct media_engine *e, struct media_id id, struct media_path_local *ret)
{
	const struct stream *s = engine_stream(e, id);
	const struct path *p = s ? s->path : NULL;

	if (!p)
		return false;
	*ret = (struct media_path_local){.is_gathered = p->is_gathered, .public_rtp = p->public_rtp};
	if (p->ice)
		ice_describe(p->ice, &ret->ice);

	return true;
}

struct sdp_fingerprint media_engine_fingerprint(const struct media_engine *e)
{
	return e->identity ? *dtls_identity_fingerprint(e->identity) : (struct sdp_fingerprint){0};
}

void path_free(struct path *p)
{
	if (!p)
		return;

	timer_stop(&p->e->path_wheel, &p->timer);
	dtls_free(p->dtls);
	if (p->turn) {
		relay_close(p->turn, now_ms(p));
		relay_free(p->turn);
	}
	ice_free(p->ice);
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
}
