/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/testlab.h"

/*
 * Whole calls between whole stacks over a link that loses, doubles, delays and reorders, in virtual time: callers who give up
 * at any moment, holds from both sides at once, early media with and without PRACK, transfers, refreshes, forks.
 *
 * When a run has become quiet, both ends must agree on the call and on its media; every offer must have had one outcome; and
 * when all have hung up and 64*T1 are over, nothing may be left.
 */

#define RUNS	  400
#define ACTIONS	  256
#define CALLS	  8
#define ACTIVE_MS 20000
#define QUIET_MS  140000

enum kind { RING, RING_SDP, RING_RELIABLE, ACCEPT, REJECT, HANGUP, OFFER, ASK, ANSWER, REFUSE, INFO, REFER, NOTIFY };

struct action {
	msec_t at;
	enum kind kind;
	struct lab_node *node;
	sip_session_id id;
	uint32_t refer_id;
};

/* What one end believes. */
struct end {
	sip_session_id id;
	struct lab_node *node;
	char local[64], remote[64]; /* negotiated */
	char offer[64];		    /* ours that waits */
	char late[64];		    /* ours that the peer asked for: it overtakes the other */
	char asked[64];		    /* the peer's that waits */
	char early[LIMIT_SIP_FORKS][64]; /* answers in 1xx, by fork */
	char early_local[LIMIT_SIP_FORKS][64]; /* our answers to their offers in 1xx */
	unsigned asked_fork;
	bool is_up, is_ended, is_late_offer, has_answered;
	unsigned offers, outcomes;
};

static struct lab lab;
static struct action actions[ACTIONS];
static unsigned action_count;
static struct end ends[CALLS];
static unsigned end_count, sdp_count;
static bool is_quiet;
static uint64_t dice;

static uint32_t roll(uint32_t n)
{
	return prng_u32(&dice) % n;
}

static struct end *end_of(struct lab_node *node, sip_session_id id)
{
	for (unsigned i = 0; i < end_count; i++)
		if (ends[i].node == node && ends[i].id == id)
			return &ends[i];
	assert_true(end_count < CALLS);
	ends[end_count] = (struct end){.id = id, .node = node};

	return &ends[end_count++];
}

static void plan(struct lab_node *node, sip_session_id id, enum kind kind, msec_t after, uint32_t refer_id)
{
	if (action_count < ACTIONS)
		actions[action_count++] = (struct action){lab.now + after, kind, node, id, refer_id};
	lab.is_interrupted = true;
}

static void invent(char sdp[64], const struct lab_node *node, const char *what)
{
	snprintf(sdp, 64, "%s-%u-%.20s", what, ++sdp_count, node->host);
}

/* ---- what users do ---- */

static void agree(struct end *e, const char *local, const char *remote)
{
	snprintf(e->local, sizeof(e->local), "%s", local);
	snprintf(e->remote, sizeof(e->remote), "%s", remote);
}

static void ring(struct end *e, struct sip_session *s, enum kind kind)
{
	char sdp[64] = "";
	struct sip_reply reply = {.status = kind == RING ? 180 : 183, .is_reliable = kind == RING_RELIABLE};

	if (e->has_answered || e->offer[0])
		kind = RING;
	if (kind != RING && (kind == RING_RELIABLE || e->asked[0]))
		invent(sdp, e->node, "early");
	/* A preview must be repeated in the answer (RFC 3261 §13.2.1): so one text for both. */
	if (sdp[0] && e->local[0])
		snprintf(sdp, sizeof(sdp), "%s", e->local);
	reply.sdp = span_z(sdp);
	if (sip_session_ring(s, &reply, lab.now) == 0 && sdp[0]) {
		if (e->asked[0])
			agree(e, sdp, e->asked);
		else
			snprintf(e->offer, sizeof(e->offer), "%s", sdp);
		if (kind == RING_RELIABLE)
			e->has_answered = true;
	}
}

static void accept_call(struct end *e, struct sip_session *s)
{
	char sdp[64] = "";
	struct sip_reply reply = {.status = 200};

	if (e->local[0])
		snprintf(sdp, sizeof(sdp), "%s", e->local);
	else if (e->offer[0])
		snprintf(sdp, sizeof(sdp), "%s", e->offer);
	else
		invent(sdp, e->node, "accept");
	reply.sdp = span_z(sdp);
	if (sip_session_accept(s, &reply, lab.now) < 0)
		return;
	if (e->local[0] || e->offer[0])
		return;
	if (e->asked[0])
		agree(e, sdp, e->asked);
	else
		snprintf(e->offer, sizeof(e->offer), "%s", sdp);
}

static void answer(struct end *e, struct sip_session *s)
{
	char sdp[64];

	invent(sdp, e->node, "answer");
	if (sip_session_answer(s, span_z(sdp), lab.now) < 0)
		return;
	if (e->is_late_offer)
		snprintf(e->late, sizeof(e->late), "%s", sdp);
	else
		agree(e, sdp, e->asked);
	if (!e->is_up) {
		snprintf(e->early_local[e->asked_fork], 64, "%s", sdp);
		snprintf(e->early[e->asked_fork], 64, "%s", e->asked);
	}
	e->asked[0] = 0;
}

static void offer(struct end *e, struct sip_session *s)
{
	char sdp[64];

	invent(sdp, e->node, "offer");
	if (sip_session_offer(s, span_z(sdp), lab.now) < 0)
		return;
	snprintf(e->offer, sizeof(e->offer), "%s", sdp);
	e->offers++;
}

static void refer(struct sip_session *s)
{
	struct sip_refer r = {.refer_to = SPAN_LIT("sip:carol@192.0.2.99")};
	int err = sip_session_refer(s, &r, lab.now);

	assert_true(err == 0 || err == -TR_ESTATE || err == -TR_ELIMIT);
}

static void act(const struct action *a)
{
	struct sip_session *s = sip_session_by_id(a->node->stack, a->id);
	struct end *e = end_of(a->node, a->id);
	struct sip_reply no = {.status = roll(2) ? 486 : 603};
	int err = 0;

	if (!s)
		return;
	switch (a->kind) {
	case RING:
	case RING_SDP:
	case RING_RELIABLE:
		ring(e, s, a->kind);
		break;
	case ACCEPT:
		accept_call(e, s);
		break;
	case REJECT:
		err = sip_session_reject(s, &no, lab.now);
		break;
	case HANGUP:
		sip_session_hangup(s, (struct span){0}, lab.now);
		break;
	case OFFER:
		offer(e, s);
		break;
	case ASK:
		err = sip_session_ask_offer(s, lab.now);
		break;
	case ANSWER:
		answer(e, s);
		break;
	case REFUSE:
		err = sip_session_refuse(s, 488, lab.now);
		e->asked[0] = 0;
		break;
	case INFO:
		err = sip_session_info(s, SPAN_LIT("application/dtmf-relay"), SPAN_LIT("Signal=5\r\n"), lab.now);
		break;
	case REFER:
		refer(s);
		break;
	case NOTIFY:
		err = sip_session_refer_notify(s, a->refer_id, 200, lab.now);
		break;
	}
	assert_true(err <= 0);
	lab_drain(&lab);
}

/* ---- what happens to them ---- */

static void on_incoming(struct lab_node *node, const struct sip_stack_event *ev)
{
	sip_session_id id = sip_session_get_id(ev->session);
	uint32_t how = roll(10);

	if (how < 3)
		plan(node, id, RING, roll(500), 0);
	if (how >= 2 && how < 5)
		plan(node, id, RING_SDP, roll(800), 0);
	if (how >= 4 && how < 8)
		plan(node, id, RING_RELIABLE, roll(800), 0);
	if (roll(10) == 0 && !addr_is_set(&lab.group))
		plan(node, id, REJECT, roll(4000), 0);
	plan(node, id, ACCEPT, 1000 + roll(4000), 0);
	plan(node, id, ACCEPT, 9000, 0); /* whatever came between */
}

static void live(struct lab_node *node, sip_session_id id)
{
	for (unsigned n = roll(5); n > 0; n--) {
		static const enum kind kinds[] = {OFFER, OFFER, OFFER, ASK, INFO, REFER};

		plan(node, id, kinds[roll(ARRAY_LEN(kinds))], roll(6000), 0);
	}
	if (roll(4) == 0)
		plan(node, id, HANGUP, roll(12000), 0);
}

static void on_answer(struct end *e, const struct sip_stack_event *ev)
{
	char sdp[64];

	span_copy(ev->sdp, sdp, sizeof(sdp));
	assert_true(sdp[0]);
	if (e->late[0]) {
		agree(e, e->late, sdp);
		e->late[0] = 0;
		return;
	}
	/* The session timer's re-INVITE repeats our last SDP and is not ours. */
	agree(e, e->offer[0] ? e->offer : e->local, sdp);
	if (e->offer[0] && e->offers > e->outcomes)
		e->outcomes++;
	e->offer[0] = 0;
}

static void on_event(struct lab_node *node, const struct sip_stack_event *ev)
{
	struct end *e = ev->session ? end_of(node, sip_session_get_id(ev->session)) : NULL;

	if (!e)
		return;
	assert_false(e->is_ended);
	switch (ev->type) {
	case SIP_EV_INCOMING:
		span_copy(ev->sdp, e->asked, sizeof(e->asked));
		on_incoming(node, ev);
		break;
	case SIP_EV_PROGRESS:
	case SIP_EV_ANSWERED:
		/* The answer of the fork that wins counts, also if another's came later. */
		assert_true(ev->fork < LIMIT_SIP_FORKS);
		if (ev->sdp.n)
			span_copy(ev->sdp, e->early[ev->fork], 64);
		if (e->offer[0] && e->early[ev->fork][0])
			agree(e, e->offer, e->early[ev->fork]);
		else if (e->early_local[ev->fork][0])
			agree(e, e->early_local[ev->fork], e->early[ev->fork]);
		if (ev->type == SIP_EV_ANSWERED) {
			e->is_up = true;
			e->offer[0] = 0;
			live(node, e->id);
		}
		break;
	case SIP_EV_CONFIRMED:
		e->is_up = true;
		live(node, e->id);
		break;
	case SIP_EV_OFFER:
		span_copy(ev->sdp, e->asked, sizeof(e->asked));
		e->is_late_offer = ev->sdp.n == 0;
		e->asked_fork = ev->fork % LIMIT_SIP_FORKS;
		plan(node, e->id, !is_quiet && roll(12) == 0 ? REFUSE : ANSWER, roll(3) ? 0 : roll(400), 0);
		break;
	case SIP_EV_ANSWER:
		on_answer(e, ev);
		break;
	case SIP_EV_OFFER_FAILED:
		assert_true(e->offers > e->outcomes || !e->offer[0]);
		if (e->offer[0])
			e->outcomes++;
		e->offer[0] = 0;
		break;
	case SIP_EV_REFER:
		if (sip_session_refer_reply(ev->session, ev->refer_id, roll(3) ? 202 : 603, lab.now) == 0)
			plan(node, e->id, NOTIFY, roll(1000), ev->refer_id);
		break;
	case SIP_EV_ENDED:
		e->is_ended = true;
		break;
	default:
		break;
	}
}

/* ---- a run ---- */

static unsigned earliest(void)
{
	unsigned first = 0;

	for (unsigned i = 1; i < action_count; i++)
		if (actions[i].at < actions[first].at)
			first = i;

	return first;
}

/* New plans interrupt lab_run, so that none is missed. */
static void run_until(msec_t until)
{
	while (lab.now < until) {
		unsigned first = earliest();
		msec_t next = action_count ? actions[first].at : NEVER;
		struct action a;

		lab_run(&lab, MIN(MAX(next, lab.now), until));
		if (next > lab.now || next > until)
			continue;
		first = earliest();
		a = actions[first];
		actions[first] = actions[--action_count];
		act(&a);
	}
}

static void drop_plans(void)
{
	unsigned kept = 0;

	/* Whoever owes an answer still gives it. */
	for (unsigned i = 0; i < action_count; i++)
		if (actions[i].kind == ANSWER || actions[i].kind == REFUSE || actions[i].kind == NOTIFY ||
		    actions[i].kind == ACCEPT)
			actions[kept++] = actions[i];
	action_count = kept;
}

static struct end *other_end(const struct end *e, const struct sip_session_info *info)
{
	struct sip_session_info other;

	for (unsigned i = 0; i < end_count; i++) {
		struct sip_session *s = sip_session_by_id(ends[i].node->stack, ends[i].id);

		if (&ends[i] == e || ends[i].node == e->node || !s)
			continue;
		sip_session_get_info(s, &other);
		if (span_eq(other.call_id, info->call_id) && span_eq(other.local_tag, info->remote_tag))
			return &ends[i];
	}

	return NULL;
}

static void check_agreement(uint64_t seed)
{
	for (unsigned i = 0; i < end_count; i++) {
		struct end *e = &ends[i], *o;
		struct sip_session *s = sip_session_by_id(e->node->stack, e->id);
		struct sip_session_info info;

		if (e->is_ended || !s)
			continue;
		sip_session_get_info(s, &info);
		o = other_end(e, &info);
		if (!o || !e->is_up || !o->is_up || strcmp(e->local, o->remote) || strcmp(e->remote, o->local) ||
		    e->offers != e->outcomes)
			fail_msg("TIPRING_SEED=%" PRIu64 ": %s has [%s|%s] up %d, other end %s has [%s|%s] up %d; "
				 "%u offers, %u outcomes",
				 seed, e->node->host, e->local, e->remote, e->is_up, o ? o->node->host : "none",
				 o ? o->local : "", o ? o->remote : "", o ? o->is_up : 0, e->offers, e->outcomes);
	}
}

static void set_link(void)
{
	static const unsigned losses[] = {0, 0, 5, 10, 20, 30};

	lab.loss = losses[roll(ARRAY_LEN(losses))];
	lab.doubles = roll(3) ? 0 : roll(20);
	lab.delay = 1 + roll(60);
	lab.jitter = roll(3) ? roll(30) : roll(400);
}

static void call(struct lab_node *from, const char *target, msec_t give_up)
{
	char sdp[64] = "";
	struct sip_invite inv = {.account = from->account, .target = span_z(target), .require_100rel = roll(5) == 0};
	struct sip_session *s;

	if (roll(4))
		invent(sdp, from, "call");
	inv.sdp = span_z(sdp);
	assert_int_equal(sip_session_invite(from->stack, &inv, lab.now, &s), 0);
	snprintf(end_of(from, sip_session_get_id(s))->offer, 64, "%s", sdp);
	if (give_up)
		plan(from, sip_session_get_id(s), HANGUP, give_up, 0);
	lab_drain(&lab);
}

static void one_run(uint64_t seed)
{
	struct sip_stack_params params = {.session_expires_s = 90 + roll(3) * 30, .no_100rel = roll(6) == 0,
					  .no_session_timer = roll(4) == 0};
	bool is_forked = roll(5) == 0;
	char target[ADDR_TEXT + 16];

	action_count = end_count = sdp_count = 0;
	is_quiet = false;
	lab_init(&lab, seed);
	lab.is_traced = getenv("TIPRING_TRACE") != NULL;
	for (unsigned i = 0; i < (is_forked ? 3u : 2u); i++) {
		lab_add(&lab, &params)->on_event = on_event;
		if (roll(4) == 0)
			params.no_session_timer = !params.no_session_timer;
	}
	set_link();
	if (is_forked)
		assert_true(addr_parse(SPAN_LIT("192.0.2.50:5060"), 5060, &lab.group));
	snprintf(target, sizeof(target), "sip:bob@%s", is_forked ? "192.0.2.50:5060" : lab.nodes[1].host);
	call(&lab.nodes[0], target, roll(3) ? 0 : roll(6000));
	if (!is_forked && roll(3) == 0) {
		snprintf(target, sizeof(target), "sip:ann@%s", lab.nodes[0].host);
		call(&lab.nodes[1], target, 0);
	}
	run_until(lab.now + ACTIVE_MS);

	is_quiet = true;
	lab.loss = lab.doubles = 0;
	lab.jitter = 0;
	drop_plans();
	run_until(lab.now + QUIET_MS);
	check_agreement(seed);

	action_count = 0;
	for (unsigned i = 0; i < end_count; i++)
		if (!ends[i].is_ended && roll(2))
			plan(ends[i].node, ends[i].id, HANGUP, roll(200), 0);
	run_until(lab.now + 1000);
	for (unsigned i = 0; i < end_count; i++)
		if (!ends[i].is_ended)
			plan(ends[i].node, ends[i].id, HANGUP, roll(20), 0);
	run_until(lab.now + QUIET_MS);
	for (unsigned i = 0; i < end_count; i++)
		if (!ends[i].is_ended)
			fail_msg("TIPRING_SEED=%" PRIu64 ": a session of %s never ended", seed, ends[i].node->host);
	lab_assert_empty(&lab);
	lab_done(&lab);
}

/* RFC 3261 §13 §14 §15, RFC 3262, RFC 3311, RFC 3515, RFC 4028, RFC 6337 under loss, delay and doubles. */
static void calls_agree_and_end_whatever_the_link_does(void **state)
{
	uint64_t seed = test_seed();
	unsigned runs = getenv("TIPRING_RUNS") ? (unsigned)strtoul(getenv("TIPRING_RUNS"), NULL, 0) : RUNS;

	for (unsigned i = 0; i < runs; i++) {
		uint64_t run_seed = i == 0 ? seed : (seed + i * UINT64_C(0x9e3779b97f4a7c15)) | 1;

		dice = run_seed;
		prng_u32(&dice);
		if (getenv("TIPRING_EACH"))
			print_message("run %u TIPRING_SEED=%" PRIu64 "\n", i, run_seed);
		one_run(run_seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_agree_and_end_whatever_the_link_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
