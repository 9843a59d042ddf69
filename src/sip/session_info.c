/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/session_priv.h"

/* Names of sessions, finding them, and what they look like from outside. */

/* ---- names ---- */

int sip_slot_take(struct sip_stack *stack, struct sip_session *s)
{
	if (stack->slot_free == stack->slot_count) {
		uint32_t n = MAX(16, stack->slot_count * 2);
		struct sip_slot *slots = realloc(stack->slots, n * sizeof(*slots));

		if (!slots)
			return -ENOMEM;
		for (uint32_t i = stack->slot_count; i < n; i++)
			slots[i] = (struct sip_slot){.generation = 1, .next_free = i + 1};
		stack->slots = slots;
		stack->slot_count = n;
	}

	uint32_t at = stack->slot_free;

	stack->slot_free = stack->slots[at].next_free;
	stack->slots[at].session = s;
	s->id = (uint64_t)stack->slots[at].generation << 32 | (at + 1);

	return 0;
}

void sip_slot_give(struct sip_stack *stack, struct sip_session *s)
{
	uint32_t at = (uint32_t)s->id - 1;

	stack->slots[at].session = NULL;
	stack->slots[at].generation++;
	stack->slots[at].next_free = stack->slot_free;
	stack->slot_free = at;
}

sip_session_id sip_session_get_id(const struct sip_session *s)
{
	return s->id;
}

struct sip_session *sip_session_by_id(const struct sip_stack *stack, sip_session_id id)
{
	uint32_t at = (uint32_t)id - 1;

	if (!id || at >= stack->slot_count || stack->slots[at].generation != id >> 32)
		return NULL;

	struct sip_session *s = stack->slots[at].session;

	return s && !s->is_told ? s : NULL;
}

void sip_session_set_user(struct sip_session *s, void *user)
{
	s->user = user;
}

void *sip_session_user(const struct sip_session *s)
{
	return s->user;
}

/* ---- looking ---- */

struct sip_session *sip_session_find(const struct sip_stack *stack, struct span call_id, struct span to_tag,
				     struct span from_tag)
{
	for (struct hash_node *n = hash_find(&stack->dialogs, span_hash(to_tag)); n; n = hash_find_next(n)) {
		struct sip_dialog *d = container_of(n, struct sip_dialog, by_tag);

		if (span_eq(d->local_tag, to_tag) && span_eq(d->call_id, call_id) && span_eq(d->remote_tag, from_tag))
			return d->session;
	}

	return NULL;
}

static struct span without_tag(struct span value)
{
	struct sip_name_addr addr;

	if (sip_name_addr_parse(&addr, value) < 0)
		return value;

	const char *end = addr.uri.text.p + addr.uri.text.n + (addr.is_angled ? 1 : 0);

	return span(value.p, (size_t)(end - value.p));
}

void sip_session_get_info(const struct sip_session *s, struct sip_session_info *ret)
{
	const struct sip_dialog *d = s->dlg;

	if (!d)
		d = list_first(&s->dialogs, struct sip_dialog, link);
	*ret = (struct sip_session_info){
		.is_outgoing = s->is_uac,
		.is_answered = s->was_answered,
		.is_confirmed = s->was_confirmed,
		.is_ending = s->state != SIP_S_CALLING && s->state != SIP_S_INCOMING && s->state != SIP_S_ANSWERED &&
			s->state != SIP_S_UP,
		.is_silent = s->invite && s->invite->state == SIP_TRANS_CALLING && s->invite->tries == 0,
		.session_expires_s = s->se_s,
		.is_refresher = s->is_refresher,
		.bytes = sizeof(*s) + s->offer.n + s->invite_sdp.n,
		.call_id = d ? d->call_id : sip_bytes_span(&s->call_id),
	};
	list_each(&s->dialogs, struct sip_dialog, link, each)
		ret->bytes += sip_dialog_bytes(each);
	if (s->incoming)
		ret->bytes += sizeof(*s->incoming) + s->incoming->lines.n + s->incoming->response.n + s->incoming->key.n;
	if (s->invite)
		ret->bytes += sizeof(*s->invite) + s->invite->request.n;
	if (!d)
		return;
	ret->local_tag = d->local_tag;
	ret->remote_tag = d->remote_tag;
	ret->local_uri = without_tag(d->local);
	ret->remote_uri = without_tag(d->remote);
	ret->remote_target = sip_bytes_span(&d->target);
}
