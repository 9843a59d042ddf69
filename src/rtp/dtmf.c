/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/dtmf.h"

/*
 * Receiving: RFC 4733 §2.5.2. An event is known by its timestamp. It ends by an end packet, by another event, or by silence;
 * the digit is reported at that moment, once. Deviation: an event whose packets stopped is concluded after SILENCE_MS, while
 * §2.5.2.2 lets the receiver play on until told otherwise, since a dialplan cannot wait.
 */
#define SILENCE_MS    200    /* without a packet of the event: its three ends are lost */
#define MAX_DURATION  0xffff /* RFC 4733 §2.5.1.3: then a segment ends and the next begins */
#define NEARLY_FULL   0xf000 /* less a packet time of 50 ms at 48 kHz, and some */
#define MIN_MS	      40     /* ITU-T Q.24: shorter digits are not detected everywhere */
#define DEFAULT_MS    100
#define DEFAULT_GAP   60
#define END_PACKETS   3 /* RFC 4733 §2.5.1.4 */
#define DIGITS	      "0123456789*#ABCD!"

int dtmf_parse(const uint8_t *bytes, size_t n, struct dtmf_payload *ret)
{
	if (n < DTMF_PAYLOAD_BYTES)
		return -TR_EPARSE;
	ret->code = bytes[0];
	ret->is_end = bytes[1] >> 7;
	ret->volume = bytes[1] & 63;
	ret->duration = rtp_get16(bytes + 2);

	return 0;
}

void dtmf_write(const struct dtmf_payload *p, uint8_t ret_bytes[static DTMF_PAYLOAD_BYTES])
{
	ret_bytes[0] = p->code;
	ret_bytes[1] = (uint8_t)(p->is_end << 7 | (p->volume & 63));
	rtp_put16(ret_bytes + 2, p->duration);
}

char dtmf_digit(uint8_t code)
{
	return code <= DTMF_FLASH ? DIGITS[code] : 0;
}

int dtmf_code(char digit)
{
	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');
	const char *at = digit ? strchr(DIGITS, digit) : NULL;

	return at ? (int)(at - DIGITS) : -1;
}

void dtmf_recv_init(struct dtmf_recv *r, uint32_t clock_hz)
{
	assert(clock_hz > 0);
	*r = (struct dtmf_recv){.clock_hz = clock_hz};
}

static struct dtmf_event describe(const struct dtmf_recv *r, bool is_end_lost)
{
	return (struct dtmf_event){
		.digit = dtmf_digit(r->code),
		.code = r->code,
		.duration_ms = (uint32_t)((uint64_t)(r->before + r->duration) * 1000 / r->clock_hz),
		.is_end_lost = is_end_lost,
	};
}

static void begin(struct dtmf_recv *r, const struct rtp_packet *p, const struct dtmf_payload *e)
{
	r->is_active = true;
	r->has_last = true;
	r->code = e->code;
	r->ts = p->ts;
	r->first_ts = p->ts;
	r->duration = e->duration;
	r->before = 0;
	r->seq = p->seq;
}

/*
 * RFC 4733 §2.5.1.3: the same event at the timestamp where the segment before it ended. Senders end segments one packet time
 * short of the greatest duration, too, and the last update of a segment may be lost.
 */
static bool is_next_segment(const struct dtmf_recv *r, const struct rtp_packet *p, const struct dtmf_payload *e)
{
	uint32_t step = p->ts - r->ts;
	bool is_full = step >= NEARLY_FULL && step <= MAX_DURATION && step >= r->duration;

	return r->is_active && e->code == r->code && !p->marker && (step == r->duration || is_full);
}

/* A packet of the event that is known by r->ts. */
static int go_on(struct dtmf_recv *r, const struct dtmf_payload *e, enum dtmf_state ret_states[2], struct dtmf_event ret[2])
{
	if (!r->is_active) { /* a repeated end, or an update that an end overtook */
		r->ignored++;
		return 0;
	}
	r->duration = MAX(r->duration, e->duration);
	if (!e->is_end)
		return 0;
	r->is_active = false;
	ret_states[0] = DTMF_DIGIT;
	ret[0] = describe(r, false);

	return 1;
}

/* Some gateways leave the timestamp at a stand between digits: then a marker with a short duration begins another. */
static bool is_same_ts_again(const struct dtmf_recv *r, const struct rtp_packet *p, const struct dtmf_payload *e)
{
	return !r->is_active && p->marker && !e->is_end && e->duration < r->duration && (int16_t)(p->seq - r->seq) > 0;
}

int dtmf_recv_packet(struct dtmf_recv *r, const struct rtp_packet *p, msec_t now, enum dtmf_state ret_states[2],
		     struct dtmf_event ret[2])
{
	struct dtmf_payload e;
	int n = 0;

	if (dtmf_parse(p->payload, p->payload_len, &e) < 0 || e.code > DTMF_FLASH) {
		r->ignored++;
		return 0;
	}
	if (r->has_last && p->ts == r->ts && e.code == r->code && !is_same_ts_again(r, p, &e)) {
		r->heard_at = now;
		if ((int16_t)(p->seq - r->seq) > 0)
			r->seq = p->seq;
		return go_on(r, &e, ret_states, ret);
	}
	/* Older than what is known: reordered, its event is over. Long after it, a restarted sender is meant. */
	if (r->has_last && (int16_t)(p->seq - r->seq) < 0 && now - r->heard_at < 1000) {
		r->ignored++;
		return 0;
	}
	r->heard_at = now;
	if (is_next_segment(r, p, &e)) {
		r->before += p->ts - r->ts;
		r->ts = p->ts;
		r->duration = 0;
		r->seq = p->seq;
		return go_on(r, &e, ret_states, ret);
	}
	if (r->is_active) {
		ret_states[n] = DTMF_DIGIT;
		ret[n++] = describe(r, true);
	}
	begin(r, p, &e);
	/* Only the end was heard (RFC 4733 §2.5.2.2: it carries all there is to know): then there is no start to tell of. */
	r->is_active = !e.is_end;
	ret_states[n] = e.is_end ? DTMF_DIGIT : DTMF_START;
	ret[n++] = describe(r, false);

	return n;
}

enum dtmf_state dtmf_recv_tick(struct dtmf_recv *r, msec_t now, struct dtmf_event *ret)
{
	if (!r->is_active || now - r->heard_at < SILENCE_MS)
		return DTMF_NONE;
	r->is_active = false;
	*ret = describe(r, true);

	return DTMF_DIGIT;
}

void dtmf_send_init(struct dtmf_send *s, uint32_t clock_hz, uint32_t packet_units)
{
	assert(clock_hz > 0 && packet_units > 0 && packet_units < MAX_DURATION);
	*s = (struct dtmf_send){.clock_hz = clock_hz, .packet_units = packet_units};
}

int dtmf_send_digit(struct dtmf_send *s, char digit, uint32_t duration_ms, uint32_t gap_ms)
{
	int code = dtmf_code(digit);

	if (code < 0)
		return -EINVAL;
	if (s->count == LIMIT_DTMF_QUEUE) {
		s->dropped++;
		return -TR_ELIMIT;
	}
	unsigned at = (s->head + s->count++) % LIMIT_DTMF_QUEUE;
	s->queue[at].code = (uint8_t)code;
	s->queue[at].duration_ms = (uint16_t)CLAMP(duration_ms ? duration_ms : DEFAULT_MS, MIN_MS, UINT16_MAX);
	s->queue[at].gap_ms = (uint16_t)CLAMP(gap_ms ? gap_ms : DEFAULT_GAP, MIN_MS, UINT16_MAX);

	return 0;
}

void dtmf_send_clear(struct dtmf_send *s)
{
	s->count = MIN(s->count, s->is_active ? 1 : 0);
	if (s->is_active && !s->ends)
		s->left = 0;
}

bool dtmf_send_is_busy(const struct dtmf_send *s)
{
	return s->count > 0 || s->gap_left > 0;
}

static uint32_t to_units(const struct dtmf_send *s, uint32_t ms)
{
	return (uint32_t)((uint64_t)ms * s->clock_hz / 1000);
}

static void start_event(struct dtmf_send *s, uint32_t now_ts)
{
	s->is_active = true;
	s->is_first = true;
	s->ts = now_ts;
	s->duration = 0;
	s->left = to_units(s, s->queue[s->head].duration_ms);
}

/* The last of the ends went out: the pause counts from the end of the tone, which the first of them announced. */
static void finish_event(struct dtmf_send *s)
{
	uint32_t gap = to_units(s, s->queue[s->head].gap_ms), spent = (END_PACKETS - 1) * s->packet_units;

	s->gap_left = gap > spent ? gap - spent : 0;
	s->is_active = false;
	s->head = (uint8_t)((s->head + 1) % LIMIT_DTMF_QUEUE);
	s->count--;
}

/* One packet time more of the tone; §2.5.1.3: at the greatest duration the event goes on at a new timestamp. */
static void advance(struct dtmf_send *s)
{
	uint32_t step = MIN(s->packet_units, s->left);

	if (s->duration + step > MAX_DURATION) {
		s->ts += MAX_DURATION;
		s->duration -= MAX_DURATION;
	}
	s->duration += step;
	s->left -= step;
	if (s->left == 0)
		s->ends = END_PACKETS;
}

bool dtmf_send_next(struct dtmf_send *s, uint32_t now_ts, struct dtmf_out *ret)
{
	if (s->gap_left) {
		s->gap_left -= MIN(s->gap_left, s->packet_units);
		return false;
	}
	if (s->count == 0)
		return false;
	if (!s->is_active)
		start_event(s, now_ts);
	if (!s->ends)
		advance(s);

	const struct dtmf_payload e = {
		.code = s->queue[s->head].code,
		.is_end = s->ends > 0,
		.volume = 10, /* -10 dBm0, the usual */
		.duration = (uint16_t)s->duration,
	};
	*ret = (struct dtmf_out){.marker = s->is_first, .ts = s->ts};
	dtmf_write(&e, ret->payload);
	s->is_first = false;
	if (s->ends && --s->ends == 0)
		finish_event(s);

	return true;
}
