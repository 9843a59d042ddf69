/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

/* Keys that we press: as telephone-events or tones by the media worker, or one INFO after the other. */

#define INFO_MS 160 /* what receivers take for a key; the length is told, not played */

static int send_info(struct call *c)
{
	char body[60];

	snprintf(body, sizeof(body), "Signal=%c\r\nDuration=%d\r\n", c->info_digits[0], INFO_MS);

	return sip_session_info(c->session, SPAN_LIT("application/dtmf-relay"), span_z(body), calls_now(c->owner));
}

static int queue_info(struct call *c, const char *digits)
{
	bool is_idle = !c->info_digits[0];
	size_t n = strlen(c->info_digits);

	if (!c->session || c->rec.state != CALL_UP)
		return -TR_ESTATE;
	if (strspn(digits, "0123456789*#ABCD,") != strlen(digits))
		return -EINVAL;
	for (; *digits; digits++) {
		if (*digits == ',') /* a pause: INFOs wait for their answers anyway */
			continue;
		if (n + 1 == sizeof(c->info_digits))
			return -TR_ELIMIT;
		c->info_digits[n++] = *digits;
	}
	if (!is_idle || !n)
		return 0;

	int err = send_info(c);

	if (err)
		memset(c->info_digits, 0, sizeof(c->info_digits));

	return err;
}

void dtmf_on_notified(struct call *c)
{
	size_t n = strlen(c->info_digits);

	if (!n)
		return;
	memmove(c->info_digits, c->info_digits + 1, n); /* the terminator too */
	if (n > 1 && send_info(c) != 0)
		memset(c->info_digits, 0, sizeof(c->info_digits));
}

int call_send_dtmf(struct call *c, const char *digits, enum call_dtmf how)
{
	if (how == CALL_DTMF_AUTO)
		how = c->plan.dtmf;
	if (how == CALL_DTMF_INFO)
		return queue_info(c, digits);
	if (!c->has_stream)
		return -TR_ESTATE;
	if (how == CALL_DTMF_RFC4733 && c->media.dtmf_tx_pt < 0)
		return -TR_EUNSUPP;

	return media_send_dtmf(c->owner->media, c->stream, span_z(digits), 0, how == CALL_DTMF_INBAND);
}
