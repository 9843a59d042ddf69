/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/testlab.h"

/*
 * Whole calls between whole stacks over a link that loses, doubles, delays and reorders, in virtual time: callers who give up
 * at any moment, holds from both sides at once, early media with and without PRACK, transfers, refreshes, forks.
 *
 * When a run has become quiet, both ends must agree on the call and on its media; every offer must have had one outcome; and
 * when all have hung up and 64*T1 are over, nothing may be left.
 */

#define RUNS	  3000
#define ACTIONS	  256
#define CALLS	  16
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

struct pair {
	char local[64], remote[64];
};

/* What one end believes. */
struct end {
	sip_session_id id;
	struct lab_node *node;
	struct pair pairs[LIMIT_SIP_FORKS]; /* negotiated, by fork; the media of a fork that loses does not count */
	unsigned fork;			    /* the one that counts */
	char first[64];			    /* our offer in INVITE, 1xx or 2xx, until it is answered for good */
	char queued[64];		    /* our sip_session_offer */
	char late[64];			    /* ours that the peer's re-INVITE asked for */
	char asked[64];			    /* the peer's offer that waits */
	unsigned asked_fork;
	bool is_caller, is_up, is_ended, is_late_offer, has_answered;
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

static void agree(struct end *e, unsigned fork, const char *local, const char *remote)
{
	assert_true(fork < LIMIT_SIP_FORKS);
	if (local != e->pairs[fork].local)
		snprintf(e->pairs[fork].local, 64, "%s", local);
	snprintf(e->pairs[fork].remote, 64, "%s", remote);
}

static void ring(struct end *e, struct sip_session *s, enum kind kind)
{
	char sdp[64] = "";
	struct sip_reply reply = {.status = kind == RING ? 180 : 183, .is_reliable = kind == RING_RELIABLE};

	if (e->has_answered || e->first[0])
		kind = RING;
	if (kind != RING && (kind == RING_RELIABLE || e->asked[0]))
		invent(sdp, e->node, "early");
	/* A preview must be repeated in the answer (RFC 3261 §13.2.1): so one text for both. */
	if (sdp[0] && e->pairs[0].local[0])
		snprintf(sdp, sizeof(sdp), "%s", e->pairs[0].local);
	reply.sdp = span_z(sdp);
	if (sip_session_ring(s, &reply, lab.now) < 0 || !sdp[0])
		return;
	if (e->asked[0])
		agree(e, 0, sdp, e->asked);
	else
		snprintf(e->first, sizeof(e->first), "%s", sdp);
	if (kind == RING_RELIABLE)
		e->has_answered = true;
}

static void accept_call(struct end *e, struct sip_session *s)
{
	char sdp[64] = "";
	struct sip_reply reply = {.status = 200};

	if (e->pairs[0].local[0])
		snprintf(sdp, sizeof(sdp), "%s", e->pairs[0].local);
	else if (e->first[0])
		snprintf(sdp, sizeof(sdp), "%s", e->first);
	else
		invent(sdp, e->node, "accept");
	reply.sdp = span_z(sdp);
	if (sip_session_accept(s, &reply, lab.now) < 0 || e->pairs[0].local[0] || e->first[0])
		return;
	if (e->asked[0])
		agree(e, 0, sdp, e->asked);
	else
		snprintf(e->first, sizeof(e->first), "%s", sdp);
}

static void answer(struct end *e, struct sip_session *s)
{
	char sdp[64];

	invent(sdp, e->node, "answer");
	if (sip_session_answer(s, span_z(sdp), lab.now) < 0)
		return;
	e->has_answered = true;
	if (e->is_late_offer)
		snprintf(e->late, sizeof(e->late), "%s", sdp);
	else
		agree(e, e->asked_fork, sdp, e->asked);
	e->asked[0] = 0;
}

static void offer(struct end *e, struct sip_session *s)
{
	char sdp[64];

	invent(sdp, e->node, "offer");
	if (sip_session_offer(s, span_z(sdp), lab.now) < 0)
		return;
	snprintf(e->queued, sizeof(e->queued), "%s", sdp);
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

#define CHALLENGE "WWW-Authenticate: Digest realm=\"sim\",nonce=\"%u\",qop=\"auth\",algorithm=SHA-256\r\n"

/* Some users want credentials first; what they say is not checked here. */
static bool challenge(struct lab_node *node, const struct sip_stack_event *ev)
{
	char text[128];

	if (sip_msg_find(ev->msg, SIP_HDR_AUTHORIZATION) || addr_is_set(&lab.group) || roll(6))
		return false;
	snprintf(text, sizeof(text), CHALLENGE, roll(1000));

	return sip_session_challenge(ev->session, 401, span_z(text), lab.now) == 0;
}

static void on_incoming(struct lab_node *node, const struct sip_stack_event *ev)
{
	sip_session_id id = sip_session_get_id(ev->session);
	uint32_t how = roll(10);

	if (challenge(node, ev))
		return;

	if (how < 3)
		plan(node, id, RING, roll(500), 0);
	if (how >= 2 && how < 5)
		plan(node, id, RING_SDP, roll(800), 0);
	if (how >= 4 && how < 8)
		plan(node, id, RING_RELIABLE, roll(800), 0);
	if (roll(10) == 0 && !addr_is_set(&lab.group))
		plan(node, id, REJECT, roll(4000), 0);
	if (roll(6) == 0)
		plan(node, id, OFFER, roll(3000), 0);
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
	char sdp[64], *ours = e->late[0] ? e->late : !e->is_caller && e->first[0] ? e->first : e->queued;

	span_copy(ev->sdp, sdp, sizeof(sdp));
	assert_true(sdp[0]);
	e->has_answered = true; /* RFC 3311 §5.1: who may offer again has the INVITE's exchange behind it */
	/* A session timer's re-INVITE repeats our last SDP and is not ours. */
	agree(e, e->is_up ? e->fork : ev->fork, ours[0] ? ours : e->pairs[e->fork].local, sdp);
	if (ours == e->queued && ours[0])
		e->outcomes++;
	ours[0] = 0;
}

/* An answer in a 1xx may be repeated in the 2xx, or not; an UPDATE between the two counts more. */
static void on_first_answer(struct end *e, const struct sip_stack_event *ev)
{
	char sdp[64];

	if (!ev->sdp.n)
		return;
	span_copy(ev->sdp, sdp, sizeof(sdp));
	assert_true(e->first[0]);
	agree(e, ev->fork, e->first, sdp);
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
		on_first_answer(e, ev);
		if (roll(8) == 0)
			plan(node, e->id, OFFER, roll(300), 0);
		break;
	case SIP_EV_ANSWERED:
		on_first_answer(e, ev);
		e->fork = ev->fork;
		e->is_up = true;
		e->first[0] = 0;
		live(node, e->id);
		break;
	case SIP_EV_CONFIRMED:
		e->is_up = true;
		live(node, e->id);
		break;
	case SIP_EV_OFFER:
		e->has_answered = true;
		span_copy(ev->sdp, e->asked, sizeof(e->asked));
		e->is_late_offer = ev->sdp.n == 0;
		e->asked_fork = ev->fork % LIMIT_SIP_FORKS;
		plan(node, e->id, !is_quiet && roll(12) == 0 ? REFUSE : ANSWER, roll(3) ? 0 : roll(400), 0);
		break;
	case SIP_EV_ANSWER:
		on_answer(e, ev);
		break;
	case SIP_EV_OFFER_FAILED:
		if (e->queued[0])
			e->outcomes++;
		e->queued[0] = 0;
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

static const struct pair *media(const struct end *e)
{
	return &e->pairs[e->fork];
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
		if (!o || !e->is_up || !o->is_up || strcmp(media(e)->local, media(o)->remote) ||
		    strcmp(media(e)->remote, media(o)->local) || e->offers != e->outcomes)
			fail_msg("TIPRING_SEED=%" PRIu64 ": %s has [%s|%s] up %d, other end %s has [%s|%s] up %d; "
				 "%u offers, %u outcomes",
				 seed, e->node->host, media(e)->local, media(e)->remote, e->is_up, o ? o->node->host : "none",
				 o ? media(o)->local : "", o ? media(o)->remote : "", o ? o->is_up : 0, e->offers,
				 e->outcomes);
	}
}

static bool is_idle(void)
{
	for (unsigned i = 0; i < end_count; i++) {
		struct sip_session *s = sip_session_by_id(ends[i].node->stack, ends[i].id);

		if (s && !sip_session_can_offer(s))
			return false;
	}

	return true;
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
	snprintf(end_of(from, sip_session_get_id(s))->first, 64, "%s", sdp);
	end_of(from, sip_session_get_id(s))->is_caller = true;
	if (give_up)
		plan(from, sip_session_get_id(s), HANGUP, give_up, 0);
	lab_drain(&lab);
}

static void one_run(uint64_t seed)
{
	struct sip_stack_params params = {.session_expires_s = 90 + roll(3) * 30, .no_100rel = roll(6) == 0,
					  .no_session_timer = roll(4) == 0, .no_update = roll(4) == 0,
					  .min_se_s = 90 + roll(2) * 60};
	bool is_forked = roll(5) == 0;
	char target[ADDR_TEXT + 16];

	if (is_forked)
		params.min_se_s = 90;

	action_count = end_count = sdp_count = 0;
	is_quiet = false;
	lab_init(&lab, seed);
	lab.is_traced = getenv("TIPRING_TRACE") != NULL;
	for (unsigned i = 0; i < (is_forked ? 3u : 2u); i++) {
		lab_add(&lab, &params)->on_event = on_event;
		if (roll(4) == 0)
			params.no_session_timer = !params.no_session_timer;
		if (roll(3) == 0 && !is_forked) /* a 422 of one branch would not get past a real forking proxy */
			params.min_se_s = 90 + roll(3) * 40;
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
	for (int i = 0; i < 100 && !is_idle(); i++)
		run_until(lab.now + 50); /* a refresh may be under way just now */
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
