/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"

/* The control thread's side of streams: set-up, commands, and taking apart what workers gave back. */

int engine_post(struct worker *w, const struct command *cmd)
{
	return mailbox_post(w->commands, cmd);
}

struct stream *engine_stream(struct media_engine *e, struct media_id id)
{
	if (id.index >= e->p.max_streams || e->slots[id.index].gen != id.gen)
		return NULL;

	return e->slots[id.index].stream;
}

static struct worker *least_loaded(struct media_engine *e)
{
	struct worker *w = &e->workers[0];

	for (unsigned i = 1; i < e->n_workers; i++)
		if (e->workers[i].load < w->load)
			w = &e->workers[i];

	return w;
}

/* ---- open and close ------------------------------------------------------------------------------------------------------- */

/* On the control thread, when the worker has let go or never had it. */
static void stream_free(struct junk *j)
{
	struct stream *s = container_of(j, struct stream, junk);
	struct media_engine *e = s->e;

	path_free(s->path);

	struct slot *slot = &e->slots[s->id.index];

	e->rx_packets += s->rx.packets;
	e->tx_packets += s->tx.packets;
	if (s->sockets.rtp >= 0)
		port_pool_put(&e->ports, addr_port(&s->sockets.local), engine_now_us(e));
	sockets_close(&s->sockets);
	jbuf_free(s->rx.jbuf);
	s->w->load--;
	slot->stream = NULL;
	if (slot->gen == s->id.gen)
		slot->gen++;
	e->free_slots[e->n_free_slots++] = s->id.index;
	free(s);
}

static void name_stream(struct stream *s, const char *cname)
{
	uint8_t bytes[12];

	if (cname) {
		buf_copy(s->cname, sizeof(s->cname), cname);
		return;
	}
	/* RFC 7022 §4.2: 96 random bits for a name that lives as long as the session. */
	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(s->cname + 2 * i, 3, "%02x", bytes[i]);
}

static void init_stream(struct stream *s, const struct media_stream_params *params)
{
	int64_t now_us = engine_now_us(s->e);
	struct {
		uint64_t seed;
		uint32_t ssrc, ts;
		uint16_t seq;
	} chance;

	/* RFC 3550 §5.1: sequence number, timestamp and SSRC begin at random. */
	random_bytes(&chance, sizeof(chance));
	s->seed = chance.seed | 1;
	s->tx.ssrc = chance.ssrc;
	s->tx.ts = chance.ts;
	/* RFC 3711 §3.3.1: in the lower half, so that losses at the start leave no doubt about SRTP's roll-over counter. */
	s->tx.seq = chance.seq & 0x7fff;
	s->tx.needs_marker = true;
	s->tx.rtt_us = -1;
	s->tag = params->tag;
	s->events = params->events ? params->events : s->e->p.events;
	s->opened_us = now_us;
	s->timeout_us = (int64_t)params->rtp_timeout_ms * 1000;
	s->tick = UINT64_MAX;
	s->rx.codec = -1;
	s->rx.heard_at_us = now_us;
	name_stream(s, params->cname);
	rtp_guard_init(&s->rx.guard, &(struct rtp_guard_params){.is_strict = params->is_strict});
	/* The guard has proven the source already, and a single packet may be all of an early announcement. */
	rtp_source_init(&s->rx.source, 8000, 1);
	rtp_quality_init(&s->rx.quality, RTP_QUALITY_G711, 8000, now_us / 1000);
	cn_init(&s->rx.noise, s->seed);
	s->rx.clock_hz = 8000;
}

static int make_stream(struct media_engine *e, const struct media_stream_params *params, struct stream **ret)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;

	struct stream *near = engine_stream(e, params->near);

	s->junk.free = stream_free;
	s->e = e;
	s->w = near ? near->w : least_loaded(e);
	s->w->load++;
	s->sockets.rtp = s->sockets.rtcp = -1;
	s->id.index = e->free_slots[--e->n_free_slots];
	s->id.gen = e->slots[s->id.index].gen;
	init_stream(s, params);

	int err = sockets_open(&e->ports, &params->bind, s->opened_us, &s->sockets);

	if (!err)
		err = jbuf_new(&s->rx.jbuf, &(struct jbuf_params){.clock_hz = 8000, .tick_units = 160});
	if (!err)
		err = engine_post(s->w, &(struct command){.type = CMD_ADD, .id = s->id, .ptr = s});
	if (err) {
		stream_free(&s->junk);
		return err;
	}
	*ret = s;

	return 0;
}

int media_stream_open(struct media_engine *e, const struct media_stream_params *params, struct media_id *ret,
	struct media_local *ret_local)
{
	struct stream *s;
	int err = 0;

	media_engine_reap(e);
	if (!addr_is_set(&params->bind))
		return -EINVAL;
	if (e->n_free_slots == 0)
		err = -TR_ELIMIT;
	if (!err)
		err = make_stream(e, params, &s);
	if (err) {
		e->refused++;
		return err;
	}
	e->slots[s->id.index].stream = s;
	e->opened++;
	*ret = s->id;
	*ret_local = (struct media_local){.rtp = s->sockets.local, .ssrc = s->tx.ssrc};

	return 0;
}

void media_stream_close(struct media_engine *e, struct media_id id)
{
	struct stream *s = engine_stream(e, id);

	if (s) {
		/* From now on the handle is stale; the slot is free again when the stream has come back as junk. */
		e->slots[id.index].stream = NULL;
		e->slots[id.index].gen++;
		atomic_store_explicit(&s->is_closing, true, memory_order_release);
	}
	media_engine_reap(e);
}

int stream_apply(struct stream *s, const struct media_plan *plan, const struct route *route)
{
	struct gear *g;
	int err = gear_new(plan, s->has_plan ? &s->plan : NULL, route, &g);

	if (err)
		return err;
	err = engine_post(s->w, &(struct command){.type = CMD_GEAR, .id = s->id, .junk = &g->junk});
	if (err) {
		g->junk.free(&g->junk);
		return err;
	}
	s->plan = *plan;
	s->plan.transport = NULL;
	s->route = *route;
	s->has_plan = true;

	return 0;
}

int media_stream_update(struct media_engine *e, struct media_id id, const struct media_plan *plan)
{
	struct stream *s = engine_stream(e, id);

	media_engine_reap(e);
	if (!s)
		return -TR_ECLOSED;
	if (s->path)
		return path_update(s->path, plan);

	return plan->transport ? -TR_ESTATE : stream_apply(s, plan, &(struct route){0});
}

/* ---- commands that carry something ------------------------------------------------------------------------------------------ */

static int post_junk(struct media_engine *e, struct media_id id, enum cmd_type type, struct junk *j)
{
	struct stream *s = engine_stream(e, id);
	int err = s ? engine_post(s->w, &(struct command){.type = type, .id = id, .junk = j}) : -TR_ECLOSED;

	if (err && j)
		j->free(j);
	media_engine_reap(e);

	return err;
}

static int connect_to(struct media_engine *e, struct media_id id, struct hook *h)
{
	return post_junk(e, id, CMD_HOOK, h ? &h->junk : NULL);
}

int media_connect_port(struct media_engine *e, struct media_id id, struct media_port *port)
{
	struct hook *h;
	int err = hook_new(HOOK_PORT, port, NULL, 0, &h);

	return err ? err : connect_to(e, id, h);
}

int media_connect_echo(struct media_engine *e, struct media_id id)
{
	struct hook *h;
	int err = hook_new(HOOK_ECHO, NULL, NULL, 0, &h);

	return err ? err : connect_to(e, id, h);
}

int media_disconnect(struct media_engine *e, struct media_id id)
{
	return connect_to(e, id, NULL);
}

int media_connect_link(struct media_engine *e, struct media_id id, struct link *l, int side)
{
	struct hook *h;
	int err = hook_new(HOOK_LINK, NULL, l, side, &h);

	return err ? err : connect_to(e, id, h);
}

int media_connect_streams(struct media_engine *e, struct media_id a, struct media_id b)
{
	struct stream *sa = engine_stream(e, a), *sb = engine_stream(e, b);
	struct link *l;

	if (!sa || !sb)
		return -TR_ECLOSED;
	if (sa == sb)
		return -EINVAL;

	/* Wide only if both are: the wide half of one would be lost in the other anyway. */
	bool is_wide = sa->has_plan && sb->has_plan && media_plan_rate_hz(&sa->plan) == 16000 &&
		media_plan_rate_hz(&sb->plan) == 16000;
	int err = link_new(is_wide ? 16000 : 8000, &l);

	if (err)
		return err;
	err = media_connect_link(e, a, l, 0);
	/* If only the first took it, it hears silence, as after the other's close. */
	if (!err)
		err = media_connect_link(e, b, l, 1);
	link_unref(l);

	return err;
}

static int play(struct media_engine *e, struct media_id id, struct player *p, uint32_t play_id)
{
	p->play_id = play_id;

	return post_junk(e, id, CMD_PLAY, &p->junk);
}

int media_play_tone(struct media_engine *e, struct media_id id, const struct tone_spec *spec, uint32_t play_id)
{
	struct player *p;
	int err = player_new(spec, NULL, &p);

	return err ? err : play(e, id, p, play_id);
}

int media_play_clip(struct media_engine *e, struct media_id id, struct media_clip *clip, bool is_loop, uint32_t play_id)
{
	struct player *p;
	int err = player_new(NULL, clip, &p);

	if (err)
		return err;
	p->is_loop = is_loop;

	return play(e, id, p, play_id);
}

int media_play_stop(struct media_engine *e, struct media_id id)
{
	return post_junk(e, id, CMD_PLAY, NULL);
}

/* ---- who has answered -------------------------------------------------------------------------------------------------------- */

static void watcher_free(struct junk *j)
{
	free(container_of(j, struct watcher, junk));
}

int media_watch_start(struct media_engine *e, struct media_id id, int rate_hz)
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->junk.free = watcher_free;
	watch_init(&w->watch, rate_hz);
	vad_init(&w->vad, rate_hz);

	return post_junk(e, id, CMD_WATCH, &w->junk);
}

int media_watch_stop(struct media_engine *e, struct media_id id)
{
	return post_junk(e, id, CMD_WATCH, NULL);
}

int media_watch_hint(struct media_engine *e, struct media_id id, enum answer_who who)
{
	struct stream *s = engine_stream(e, id);

	return s ? engine_post(s->w, &(struct command){.type = CMD_HINT, .id = id, .flags = (uint32_t)who}) : -TR_ECLOSED;
}

/* ---- digits and mute --------------------------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return dtmf_code(c) >= 0 && c != '!';
}

int media_send_dtmf(struct media_engine *e, struct media_id id, struct span digits, uint32_t on_ms, bool is_inband)
{
	struct stream *s = engine_stream(e, id);

	if (!s)
		return -TR_ECLOSED;
	if (!s->has_plan)
		return -TR_ESTATE;
	if (digits.n > LIMIT_DTMF_QUEUE)
		return -TR_ELIMIT;
	for (size_t i = 0; i < digits.n; i++)
		if (!is_digit(digits.p[i]) && digits.p[i] != ',')
			return -EINVAL;

	for (size_t i = 0; i < digits.n;) {
		struct digit d = {.digit = digits.p[i++], .is_inband = is_inband, .on_ms = on_ms};

		if (d.digit == ',')
			continue; /* a pause before the first digit is the caller's to make */
		while (i < digits.n && digits.p[i] == ',' && d.pauses < 60) {
			d.pauses++;
			i++;
		}

		int err = engine_post(s->w, &(struct command){.type = CMD_DTMF, .id = id, .digit = d});

		if (err)
			return err;
	}

	return 0;
}

int media_set_mute(struct media_engine *e, struct media_id id, bool from_peer, bool to_peer)
{
	struct stream *s = engine_stream(e, id);
	uint32_t flags = (from_peer ? 1 : 0) | (to_peer ? 2 : 0);

	if (!s)
		return -TR_ECLOSED;

	return engine_post(s->w, &(struct command){.type = CMD_MUTE, .id = id, .flags = flags});
}

/* ---- recording --------------------------------------------------------------------------------------------------------------- */

static int post_recording(struct stream *s, struct recording *rec)
{
	return engine_post(s->w, &(struct command){.type = CMD_RECORD, .id = s->id, .ptr = rec});
}

int media_record_start(struct media_engine *e, struct media_id id, const char *path, uint32_t record_id)
{
	struct stream *s = engine_stream(e, id);
	struct recording *rec;

	media_engine_reap(e);
	if (!s)
		return -TR_ECLOSED;

	int err = recording_new(path, record_id, s->has_plan ? media_plan_rate_hz(&s->plan) : 8000, &rec);

	if (err)
		return err;
	rec->stream = id;
	rec->tag = s->tag;
	rec->events = s->events;
	err = post_recording(s, rec);
	if (err) {
		recording_free(rec);
		return err;
	}
	recorder_add(e->recorder, rec);

	return 0;
}

int media_record_stop(struct media_engine *e, struct media_id id)
{
	struct stream *s = engine_stream(e, id);

	return s ? post_recording(s, NULL) : -TR_ECLOSED;
}

int media_record_pause(struct media_engine *e, struct media_id id, bool is_paused)
{
	struct stream *s = engine_stream(e, id);

	return s ? engine_post(s->w, &(struct command){.type = CMD_RECORD_PAUSE, .id = id, .flags = is_paused}) : -TR_ECLOSED;
}
