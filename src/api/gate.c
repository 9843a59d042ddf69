/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gate.h"
#include "base/log.h"
#include <sys/stat.h>

#define SOURCE_TEXT 48
#define LOOK_MS	    1000

/* Who has shown wrong keys lately. */
struct source {
	char ip[SOURCE_TEXT]; /* "": free */
	unsigned wrong;
	msec_t since, last_at;
};

struct gate {
	char *path;
	bool needs_key;
	struct api_keys keys;
	struct timespec changed; /* of the file as it was read */
	ino_t inode;
	off_t bytes;
	msec_t look_at;
	struct source sources[LIMIT_API_SOURCES];
};

/* ---- the file ---------------------------------------------------------------------------------------------------------- */

/* Whether it differs from what was read. A file that has gone does not: taking all keys away must not open the door. */
static bool has_changed(struct gate *g)
{
	struct stat s;

	if (stat(g->path, &s) != 0 || (s.st_ino == g->inode && s.st_size == g->bytes && s.st_mtim.tv_sec == g->changed.tv_sec &&
		s.st_mtim.tv_nsec == g->changed.tv_nsec))
		return false;
	g->inode = s.st_ino;
	g->bytes = s.st_size;
	g->changed = s.st_mtim;

	return true;
}

static void look(struct gate *g, msec_t now)
{
	char why[300];

	if (now < g->look_at)
		return;
	g->look_at = now + LOOK_MS;
	if (!has_changed(g))
		return;
	if (keys_load(&g->keys, g->path, why, sizeof(why)) != 0)
		log_error("api.keys_unread", LOG_STR("why", why), LOG_STR("effect", "the keys from before stay valid"));
	else
		log_info("api.keys", LOG_INT("count", g->keys.count));
}

int gate_new(struct gate **ret, const char *keys_file, bool needs_key, char *ret_why, size_t cap)
{
	struct gate *g = mem_zalloc(sizeof(*g));

	g->path = mem_strdup(keys_file);
	g->needs_key = needs_key;
	(void)has_changed(g);

	int err = keys_load(&g->keys, keys_file, ret_why, cap);

	if (err)
		gate_free(g);
	else
		*ret = g;

	return err;
}

struct gate *gate_free(struct gate *g)
{
	if (g) {
		free(g->path);
		free(g);
	}

	return NULL;
}

/* ---- wrong keys -------------------------------------------------------------------------------------------------------- */

/* Its place, or that of the one who has been silent for the longest. */
static struct source *source_of(struct gate *g, const char *ip)
{
	struct source *oldest = &g->sources[0];

	for (size_t i = 0; i < LIMIT_API_SOURCES; i++) {
		struct source *s = &g->sources[i];

		if (s->ip[0] && !strcmp(s->ip, ip))
			return s;
		if (!s->ip[0] || (oldest->ip[0] && s->last_at < oldest->last_at))
			oldest = s;
	}
	*oldest = (struct source){0};
	buf_copy(oldest->ip, sizeof(oldest->ip), ip);

	return oldest;
}

static void refuse(struct gate_no *no, int status, const char *header, const char *value, const char *detail)
{
	*no = (struct gate_no){.status = status, .header = header};
	buf_copy(no->value, sizeof(no->value), value);
	buf_copy(no->detail, sizeof(no->detail), detail);
}

static void refuse_key(struct gate *g, const char *ip, msec_t now, struct gate_no *no)
{
	struct source *s = source_of(g, ip);
	char wait[24];

	if (!s->wrong || now - s->since >= LIMIT_API_WRONG_MS)
		*s = (struct source){.since = now};
	buf_copy(s->ip, sizeof(s->ip), ip);
	s->last_at = now;
	if (s->wrong >= LIMIT_API_WRONG_KEYS) {
		snprintf(wait, sizeof(wait), "%d", (int)((s->since + LIMIT_API_WRONG_MS - now + 999) / 1000));
		refuse(no, 429, "retry-after:", wait, "too many wrong keys from this address");
		return;
	}
	s->wrong++;
	log_warn("api.wrong_key", LOG_STR("from", ip), LOG_INT("count", s->wrong));
	refuse(no, 401, "www-authenticate:", "Bearer realm=\"tipring\", error=\"invalid_token\"", "the key is not valid: it was removed, or never was one");
}

/* ---- requests ---------------------------------------------------------------------------------------------------------- */

/* RFC 6750 §2.1; the scheme's case does not matter. */
static bool read_bearer(const char *authorization, struct span *ret)
{
	struct span rest = span_trim(span_z(authorization)), scheme = span_cut(&rest, ' ');

	*ret = span_trim(rest);

	return span_ieq_z(scheme, "bearer") && ret->n;
}

static bool may(struct gate *g, const struct route *r, const struct gate_ask *ask, msec_t now, struct gate_no *no)
{
	const struct api_key *key;
	struct span text;

	if (!g->keys.count && !g->needs_key)
		return true;
	if (!read_bearer(ask->authorization, &text)) {
		refuse(no, 401, "www-authenticate:", "Bearer realm=\"tipring\"",
			"a key is wanted: Authorization: Bearer KEY, or tipring --key; `tipring keys add` makes one");
		return false;
	}
	key = keys_find(&g->keys, text);
	if (!key) {
		refuse_key(g, ask->source, now, no);
		return false;
	}
	if (r && key->role < r->least) {
		refuse(no, 403, NULL, "", "");
		snprintf(no->detail, sizeof(no->detail), "this wants a key with the role %s; %s has the role %s", role_name(r->least), key->name,
			role_name(key->role));
		return false;
	}

	return true;
}

const struct route *gate_pass(struct gate *g, const struct gate_ask *ask, msec_t now, struct gate_no *ret_no)
{
	char allow[64];
	const struct route *r = route_find(ask->method, ask->path, allow, sizeof(allow));

	look(g, now);
	if (!may(g, r, ask, now, ret_no)) /* first of all: what exists is nothing to tell to strangers */
		return NULL;
	if (r)
		return r;

	refuse(ret_no, allow[0] ? 405 : 404, allow[0] ? "allow:" : NULL, allow, "");
	snprintf(ret_no->detail, sizeof(ret_no->detail), "there is no %s %.*s%s%s", ask->method, (int)MIN(ask->path.n, (size_t)100), ask->path.p,
		allow[0] ? "; it knows " : "", allow);

	return NULL;
}
