/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/trans.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define RTO_MS	  500
#define SENDS	  7  /* Rc */
#define LAST_WAIT 16 /* Rm, in RTOs */

#define PATIENT_SENDS 15
#define PATIENT_MS    1000

void stun_trans_start(struct stun_trans *t, const struct stun_id *id, uint32_t rto_ms, msec_t now)
{
	*t = (struct stun_trans){.id = *id, .is_running = true, .rto_ms = rto_ms ? rto_ms : RTO_MS, .next_at = now};
	t->wait_ms = t->rto_ms;
}

void stun_trans_stop(struct stun_trans *t)
{
	t->is_running = false;
}

enum stun_due stun_trans_tick(struct stun_trans *t, msec_t now)
{
	if (!t->is_running || now < t->next_at)
		return STUN_NOTHING;
	if (t->sends == (t->is_patient ? PATIENT_SENDS : SENDS)) {
		t->is_running = false;
		return STUN_GIVE_UP;
	}
	t->sends++;
	t->next_at = now + (t->sends == SENDS && !t->is_patient ? t->rto_ms * LAST_WAIT : t->wait_ms);
	t->wait_ms = t->is_patient ? MIN(2 * t->wait_ms, MAX(PATIENT_MS, t->rto_ms)) : 2 * t->wait_ms;

	return STUN_SEND;
}

void stun_ids_init(struct stun_ids *ids, const uint8_t seed[static 32])
{
	memcpy(ids->key, seed, sizeof(ids->key));
	ids->counter = 0;
}

struct stun_id stun_ids_next(struct stun_ids *ids)
{
	uint8_t sum[32];
	unsigned n;
	struct stun_id id = {{0}};

	ids->counter++;
	if (HMAC(EVP_sha256(), ids->key, sizeof(ids->key), (const uint8_t *)&ids->counter, sizeof(ids->counter), sum, &n))
		memcpy(id.bytes, sum, sizeof(id.bytes));

	return id;
}

/* ---- queries ------------------------------------------------------------------------------------------------------------------ */

void stun_query_start(struct stun_query *q, const struct addr *server, const struct stun_id *id, uint32_t rto_ms, msec_t now)
{
	*q = (struct stun_query){.server = *server, .asked_at = now};
	stun_trans_start(&q->trans, id, rto_ms, now);
}

bool stun_query_tick(struct stun_query *q, msec_t now, uint8_t *ret_bytes, size_t cap, size_t *ret_n)
{
	struct stun_writer w;
	enum stun_due due = stun_trans_tick(&q->trans, now);

	if (due == STUN_GIVE_UP)
		q->state = STUN_SILENT;
	if (due != STUN_SEND)
		return false;

	stun_begin(&w, ret_bytes, cap, STUN_REQUEST, STUN_BINDING, &q->trans.id);
	if (q->change)
		stun_put_u32(&w, STUN_CHANGE_REQUEST, q->change);
	stun_put_fingerprint(&w);

	return stun_end(&w, ret_n) == 0;
}

bool stun_query_recv(struct stun_query *q, const struct addr *from, const struct stun_msg *m, msec_t now)
{
	if (!q->trans.is_running || m->method != STUN_BINDING || (m->cls != STUN_SUCCESS && m->cls != STUN_ERROR) ||
		!stun_id_eq(&m->id, &q->trans.id))
		return false;
	/* An answer that says nothing of use: another may still come. */
	if (m->cls == STUN_SUCCESS && !addr_is_set(&m->mapped))
		return true;

	stun_trans_stop(&q->trans);
	q->state = m->cls == STUN_SUCCESS ? STUN_ANSWERED : STUN_REFUSED;
	q->error = m->error;
	q->mapped = m->mapped;
	q->other = m->other;
	q->from = *from;
	q->answered_at = now;

	return true;
}
