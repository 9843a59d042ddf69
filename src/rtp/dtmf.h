/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "rtp/packet.h"

/*
 * Telephone events in RTP, RFC 4733: DTMF digits 0-9 * # A-D and hook flash. Both directions are pure machines for one
 * stream; durations are units of the event payload's own clock.
 */
#define DTMF_PAYLOAD_BYTES 4
#define DTMF_FLASH	   16

struct dtmf_payload {
	uint8_t code;
	bool is_end;
	uint8_t volume;		/* -dBm0, 0 to 63 */
	uint16_t duration;
};

/* RFC 4733 §2.3. -TR_EPARSE below four bytes; more (redundancy of RFC 2198 without its header, seen) is ignored. */
nodiscard int dtmf_parse(const uint8_t *bytes, size_t n, struct dtmf_payload *ret);
void dtmf_write(const struct dtmf_payload *p, uint8_t ret_bytes[static DTMF_PAYLOAD_BYTES]);

/* '0'-'9' '*' '#' 'A'-'D', '!' for flash; 0 for other events. And back, letters in either case; -1 for other characters. */
char dtmf_digit(uint8_t code);
int dtmf_code(char digit);

enum dtmf_state {
	DTMF_NONE,
	DTMF_START,	/* a digit begins: for barge-in. Its DTMF_DIGIT follows */
	DTMF_DIGIT,	/* a digit is complete: exactly one per press */
};

struct dtmf_event {
	char digit;
	uint8_t code;
	uint32_t duration_ms;	/* all segments of it (RFC 4733 §2.5.1.3); of a lost end what was last heard */
	bool is_end_lost;	/* concluded from silence or from the next event */
};

/* Receives. A digit is reported once whatever is repeated, lost or reordered. */
struct dtmf_recv {
	uint32_t clock_hz;
	bool is_active;		/* an event is being heard, its end not yet */
	bool has_last;		/* the fields below are of a real event */
	uint8_t code;
	uint32_t ts;		/* of the current segment; after the end, of the last one */
	uint32_t first_ts;	/* of the whole event */
	uint32_t duration;	/* of the current segment */
	uint32_t before;	/* of the segments before it */
	uint16_t seq;		/* newest packet of the event */
	msec_t heard_at;
	uint32_t ignored;	/* packets of unknown events, old ones, repeated ends */
};

void dtmf_recv_init(struct dtmf_recv *r, uint32_t clock_hz);

/*
 * A packet of the event payload type. Up to two things happen at once (an end concluded from the next event, and that
 * event): returns how many, in order, in ret_states and ret.
 */
int dtmf_recv_packet(struct dtmf_recv *r, const struct rtp_packet *p, msec_t now, enum dtmf_state ret_states[2],
		     struct dtmf_event ret[2]);

/* Every so often, e.g. each tick: DTMF_DIGIT when an event fell silent without an end. */
enum dtmf_state dtmf_recv_tick(struct dtmf_recv *r, msec_t now, struct dtmf_event *ret);

/* Sends. */
struct dtmf_send {
	uint32_t clock_hz;
	uint32_t packet_units;	/* one call of dtmf_send_next */
	uint8_t head, count;	/* of the queue */
	uint8_t ends;		/* end packets still to be sent */
	bool is_active;
	bool is_first;		/* nothing of this event was sent yet */
	uint32_t ts;		/* of the segment */
	uint32_t left;		/* of the event, units */
	uint32_t duration;	/* of the segment so far */
	uint32_t gap_left;	/* units of pause until the next event may start */
	uint32_t dropped;	/* refused: queue full */
	struct {
		uint8_t code;
		uint16_t duration_ms, gap_ms;
	} queue[LIMIT_DTMF_QUEUE];
};

struct dtmf_out {
	bool marker;
	uint32_t ts;
	uint8_t payload[DTMF_PAYLOAD_BYTES];
};

/* packet_units: ticks of the event's clock from one dtmf_send_next to the next (20 ms: 160, 320, 960). */
void dtmf_send_init(struct dtmf_send *s, uint32_t clock_hz, uint32_t packet_units);

/* duration_ms and gap_ms 0: 100 and 60. Shorter than 40 each is lengthened. -TR_ELIMIT when the queue is full, -EINVAL. */
nodiscard int dtmf_send_digit(struct dtmf_send *s, char digit, uint32_t duration_ms, uint32_t gap_ms);

/* Forgets what has not begun; the current event is ended properly. */
void dtmf_send_clear(struct dtmf_send *s);

/*
 * Call once a packet time. True: send *ret instead of audio, with the stream's next sequence number. now_ts is the
 * stream's timestamp of this packet time, which goes on counting. False with dtmf_send_is_busy: the pause between digits, send
 * silence or audio as you like.
 */
bool dtmf_send_next(struct dtmf_send *s, uint32_t now_ts, struct dtmf_out *ret);
bool dtmf_send_is_busy(const struct dtmf_send *s);
