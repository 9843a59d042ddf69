/* SPDX-License-Identifier: Apache-2.0 */
#include "audio/mix.h"
#include "media/internal.h"

/*
 * Conference: a member is a link to a stream (on any worker) or an agent's port. Every 20 ms the mixer takes a frame of each and
 * gives each the sum of the others.
 */
struct mixer_member {
	struct junk junk;
	struct mixer *mixer; /* that it is meant for */
	struct link *link;
	struct media_id stream; /* whose link it is */
	struct media_port *port;
	struct media_mix_role role;
	bool has_port; /* see struct hook */
	struct vad vad; /* of the port: what the others say */
};

struct mixer {
	struct junk junk;
	struct list link; /* in its worker's phase */
	struct media_engine *e;
	struct worker *w;
	struct media_id id;
	int rate_hz;

	/* the control thread's */
	unsigned n_joined;

	/* the worker's */
	unsigned n;
	struct mixer_member *members[LIMIT_MIX_MEMBERS];
	int16_t pcm[LIMIT_MIX_MEMBERS][MEDIA_FRAME_MAX];
	bool is_heard[LIMIT_MIX_MEMBERS];
	unsigned n_some; /* members that speak to some only */
};

/* ---- worker ---------------------------------------------------------------------------------------------------------------- */

static void drop_member(struct mixer *m, unsigned at)
{
	struct mixer_member *gone = m->members[at];

	if (gone->has_port)
		media_port_disconnect(gone->port);
	m->members[at] = m->members[--m->n];
	junk_push(&m->e->junk, &gone->junk);
}

static void drop_all(struct mixer *m)
{
	/* The members before the mixer that they point to: junk is freed in order. */
	while (m->n > 0)
		drop_member(m, m->n - 1);
	list_unlink(&m->link);
	junk_push(&m->e->junk, &m->junk);
}

static void join(struct mixer *m, struct mixer_member *member)
{
	/* The control thread counts too, but those who left by themselves are only known here. */
	if (m->n == LIMIT_MIX_MEMBERS) {
		junk_push(&m->e->junk, &member->junk);
		return;
	}
	m->members[m->n++] = member;
}

static void leave(struct mixer *m, const struct media_port *port)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->members[i]->port == port) {
			drop_member(m, i);
			return;
		}
}

static void set_role(struct mixer *m, const struct command *cmd)
{
	for (unsigned i = 0; i < m->n; i++) {
		struct mixer_member *member = m->members[i];

		if (cmd->ptr ? member->port == cmd->ptr : member->link && media_id_eq(member->stream, cmd->id))
			member->role = cmd->role;
	}
}

void mixer_command(struct worker *w, const struct command *cmd)
{
	struct mixer *m = cmd->arg;

	switch (cmd->type) {
	case CMD_MIXER_ADD:
		list_append(&w->mixers[cmd->id.index % PHASES], &m->link);
		break;
	case CMD_MIXER_JOIN:
		join(m, container_of(cmd->junk, struct mixer_member, junk));
		break;
	case CMD_MIXER_LEAVE:
		leave(m, cmd->ptr);
		break;
	case CMD_MIXER_ROLE:
		set_role(m, cmd);
		break;
	case CMD_MIXER_FREE:
		drop_all(m);
		break;
	default:
		break;
	}
}

static bool speaks_to_all(const struct mixer_member *member)
{
	return member->role.speaks_to == MEDIA_MIX_ALL;
}

/* all: the sum of those who speak to all; the few who speak to some are added for those. */
static void mix_for(const struct mixer *m, unsigned at, const int32_t *all, int16_t *ret_pcm)
{
	const struct mixer_member *member = m->members[at];
	int n = m->rate_hz / 50;
	int32_t sum[MEDIA_FRAME_MAX];

	if (m->n_some == 0) {
		mix_out(all, m->is_heard[at] ? m->pcm[at] : NULL, ret_pcm, n);
		return;
	}
	memcpy(sum, all, (size_t)n * sizeof(*sum));
	for (unsigned i = 0; i < m->n; i++)
		if (i != at && m->is_heard[i] && !speaks_to_all(m->members[i]) && m->members[i]->role.speaks_to & member->role.groups)
			mix_add(sum, m->pcm[i], n);
	mix_out(sum, m->is_heard[at] && speaks_to_all(member) ? m->pcm[at] : NULL, ret_pcm, n);
}

static void give(struct mixer *m, unsigned at, const int32_t *acc)
{
	struct mixer_member *member = m->members[at];
	int n = m->rate_hz / 50;
	int16_t pcm[MEDIA_FRAME_MAX];

	mix_for(m, at, acc, pcm);
	if (member->link) {
		link_push(member->link, 1, pcm);
		return;
	}
	if (!member->has_port)
		return;
	(void)media_port_push_up(member->port, pcm, vad_run(&member->vad, pcm, n), 0);
	if (media_port_bell(member->port))
		worker_bell(m->w, media_port_bell(member->port));
}

static bool take(struct mixer *m, struct mixer_member *member, int64_t now_us, int16_t *ret_pcm)
{
	if (member->link)
		return link_pull(member->link, 1, ret_pcm);
	if (!member->has_port)
		member->has_port = media_port_connect(member->port);

	return member->has_port && media_port_pull_down(member->port, now_us, ret_pcm) == MEDIA_PULL_AUDIO;
}

static void mixer_tick(struct mixer *m, int64_t now_us)
{
	int32_t acc[MEDIA_FRAME_MAX] = {0};
	int n = m->rate_hz / 50;

	/* A stream that was closed or connected elsewhere has let its end of the link go. */
	for (unsigned i = m->n; i-- > 0;)
		if (m->members[i]->link && link_is_lonely(m->members[i]->link))
			drop_member(m, i);

	m->n_some = 0;
	for (unsigned i = 0; i < m->n; i++) {
		struct mixer_member *member = m->members[i];

		m->is_heard[i] = take(m, member, now_us, m->pcm[i]);
		if (!speaks_to_all(member))
			m->n_some++;
		else if (m->is_heard[i])
			mix_add(acc, m->pcm[i], n);
	}
	for (unsigned i = 0; i < m->n; i++)
		give(m, i, acc);
}

void mixers_tick(struct worker *w, unsigned phase, int64_t now_us)
{
	list_each(&w->mixers[phase], struct mixer, link, m)
		mixer_tick(m, now_us);
}

void mixers_stop(struct worker *w)
{
	for (int i = 0; i < PHASES; i++)
		list_each(&w->mixers[i], struct mixer, link, m)
			drop_all(m);
}

/* ---- control --------------------------------------------------------------------------------------------------------------- */

static void mixer_free(struct junk *j)
{
	struct mixer *m = container_of(j, struct mixer, junk);
	struct slot *slot = &m->e->slots[m->id.index];

	slot->mixer = NULL;
	if (slot->gen == m->id.gen)
		slot->gen++;
	m->e->free_slots[m->e->n_free_slots++] = m->id.index;
	free(m);
}

static void member_free(struct junk *j)
{
	struct mixer_member *member = container_of(j, struct mixer_member, junk);

	member->mixer->n_joined--;
	link_unref(member->link);
	media_port_unref(member->port);
	free(member);
}

static struct mixer *find(struct media_engine *e, struct media_id id)
{
	media_engine_reap(e);
	if (id.index >= e->p.max_streams || e->slots[id.index].gen != id.gen)
		return NULL;

	return e->slots[id.index].mixer;
}

int media_mixer_new(struct media_engine *e, int rate_hz, struct media_id *ret)
{
	if (rate_hz != 8000 && rate_hz != 16000)
		return -EINVAL;
	if (e->n_free_slots == 0)
		return -TR_ELIMIT;

	struct mixer *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;

	m->junk.free = mixer_free;
	list_init(&m->link);
	m->e = e;
	m->w = &e->workers[0];
	for (unsigned i = 1; i < e->n_workers; i++)
		if (e->workers[i].load < m->w->load)
			m->w = &e->workers[i];
	m->rate_hz = rate_hz;
	m->id.index = e->free_slots[--e->n_free_slots];
	m->id.gen = e->slots[m->id.index].gen;

	int err = engine_post(m->w, &(struct command){.type = CMD_MIXER_ADD, .id = m->id, .arg = m});

	if (err) {
		mixer_free(&m->junk);
		return err;
	}
	e->slots[m->id.index].mixer = m;
	*ret = m->id;

	return 0;
}

static int member_new(struct mixer *m, struct link *l, struct media_id stream, struct media_port *port, struct mixer_member **ret)
{
	struct mixer_member *member = calloc(1, sizeof(*member));

	if (!member)
		return -ENOMEM;

	member->junk.free = member_free;
	member->mixer = m;
	member->stream = stream;
	member->role = (struct media_mix_role){MEDIA_MIX_ALL, MEDIA_MIX_ALL};
	member->link = l ? link_ref(l) : NULL;
	member->port = port ? media_port_ref(port) : NULL;
	vad_init(&member->vad, m->rate_hz);
	m->n_joined++;
	*ret = member;

	return 0;
}

static int post_member(struct mixer *m, struct link *l, struct media_id stream, struct media_port *port)
{
	struct mixer_member *member;

	if (m->n_joined == LIMIT_MIX_MEMBERS)
		return -TR_ELIMIT;

	int err = member_new(m, l, stream, port, &member);

	if (err)
		return err;
	err = engine_post(m->w, &(struct command){.type = CMD_MIXER_JOIN, .arg = m, .junk = &member->junk});
	if (err)
		member_free(&member->junk);

	return err;
}

int media_mixer_add(struct media_engine *e, struct media_id mixer, struct media_id stream)
{
	struct mixer *m = find(e, mixer);
	struct link *l;

	if (!m || !engine_stream(e, stream))
		return -TR_ECLOSED;

	int err = link_new(m->rate_hz, &l);

	if (err)
		return err;
	/* First the stream: a member whose other end was never held would be taken for one that left. */
	err = media_connect_link(e, stream, l, 0);
	if (!err)
		err = post_member(m, l, stream, NULL);
	link_unref(l);

	return err;
}

int media_mixer_add_port(struct media_engine *e, struct media_id mixer, struct media_port *port)
{
	struct mixer *m = find(e, mixer);

	if (!m)
		return -TR_ECLOSED;
	if (media_port_rate_hz(port) != m->rate_hz)
		return -EINVAL;

	return post_member(m, NULL, (struct media_id){0}, port);
}

int media_mixer_remove_port(struct media_engine *e, struct media_id mixer, struct media_port *port)
{
	struct mixer *m = find(e, mixer);

	if (!m)
		return -TR_ECLOSED;

	return engine_post(m->w, &(struct command){.type = CMD_MIXER_LEAVE, .arg = m, .ptr = port});
}

int media_mixer_set_role(struct media_engine *e, struct media_id mixer, struct media_id stream, struct media_mix_role role)
{
	struct mixer *m = find(e, mixer);

	return m ? engine_post(m->w, &(struct command){.type = CMD_MIXER_ROLE, .arg = m, .id = stream, .role = role}) : -TR_ECLOSED;
}

int media_mixer_set_port_role(struct media_engine *e, struct media_id mixer, const struct media_port *port, struct media_mix_role role)
{
	struct mixer *m = find(e, mixer);
	void *which = (void *)(uintptr_t)port;

	return m ? engine_post(m->w, &(struct command){.type = CMD_MIXER_ROLE, .arg = m, .ptr = which, .role = role}) : -TR_ECLOSED;
}

int media_mixer_free(struct media_engine *e, struct media_id mixer)
{
	struct mixer *m = find(e, mixer);

	if (!m)
		return 0;

	int err = engine_post(m->w, &(struct command){.type = CMD_MIXER_FREE, .arg = m});

	if (!err) {
		e->slots[m->id.index].mixer = NULL;
		e->slots[m->id.index].gen++;
	}

	return err;
}
