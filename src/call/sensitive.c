/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/*
 * Parts of a call that nobody else is to learn: card numbers, PINs. While one runs, keys are stars in the record, in events, logs and the
 * flight recorder; the recording is silent, and what the caller says is not written down. A part that the agent asked for itself, its mind
 * hears; one that an operator or program began, nobody but who collects the keys.
 */
bool call_is_sensitive(const struct call *c)
{
	return c->sensitive_for != 0;
}

int call_set_sensitive(struct call *c, enum call_sensitive who, bool is_on)
{
	uint8_t before = c->sensitive_for;

	if (!c->session || c->rec.state == CALL_ENDING || c->rec.state == CALL_ENDED)
		return -TR_ESTATE;
	c->sensitive_for = is_on ? before | who : before & (uint8_t)~who;
	c->rec.is_sensitive = c->sensitive_for != 0;
	if (!before == !c->sensitive_for)
		return 0;
	recording_pause_now(c);
	call_note(c, is_on ? "a sensitive part begins: nothing of it is kept" : "the sensitive part is over");
	call_changed(c, "sensitive");

	return 0;
}

bool sensitive_hides_keys(const struct call *c)
{
	return c->sensitive_for & CALL_SENSITIVE_OUTSIDE;
}

void sensitive_mask(const struct call *c, char *keys)
{
	if (call_is_sensitive(c))
		memset(keys, '*', strlen(keys));
}

bool calls_is_sensitive(const struct calls *cs, struct span sip_call_id)
{
	list_each(&cs->live, struct call, link, c)
		if (c->sensitive_for && span_eq_z(sip_call_id, c->rec.sip_call_id))
			return true;

	return false;
}
