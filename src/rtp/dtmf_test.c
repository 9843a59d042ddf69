/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "rtp/dtmf.h"

static struct dtmf_recv recv_;
static char heard[64]; /* digits reported; starts as s + digit */
static uint32_t last_ms;
static bool last_lost;

static void note(enum dtmf_state state, const struct dtmf_event *e)
{
	size_t n = strlen(heard);

	assert_true(n + 3 < sizeof(heard));
	if (state == DTMF_START)
		heard[n++] = 's';
	if (state != DTMF_NONE)
		heard[n++] = e->digit;
	heard[n] = 0;
	if (state == DTMF_DIGIT) {
		last_ms = e->duration_ms;
		last_lost = e->is_end_lost;
	}
}

static void feed(const struct rtp_packet *p, msec_t now)
{
	enum dtmf_state states[2];
	struct dtmf_event events[2];
	int n = dtmf_recv_packet(&recv_, p, now, states, events);

	for (int i = 0; i < n; i++)
		note(states[i], &events[i]);
}

/* A packet of an event. flags: 'm' marker, 'e' end */
static void event(uint16_t seq, uint32_t ts, char digit, uint16_t duration, const char *flags)
{
	uint8_t payload[DTMF_PAYLOAD_BYTES];
	struct dtmf_payload e = {.code = (uint8_t)dtmf_code(digit), .is_end = strchr(flags, 'e'), .volume = 10, .duration = duration};
	struct rtp_packet p = {
		.seq = seq, .ts = ts, .marker = strchr(flags, 'm'), .payload = payload, .payload_len = sizeof(payload)};

	dtmf_write(&e, payload);
	feed(&p, seq * 20);
}

static void tick(msec_t now)
{
	struct dtmf_event e;
	enum dtmf_state state = dtmf_recv_tick(&recv_, now, &e);

	if (state != DTMF_NONE)
		note(state, &e);
}

static int setup(void **state)
{
	dtmf_recv_init(&recv_, 8000);
	heard[0] = 0;

	return 0;
}

/* RFC 4733 §2.3 */
static void payload_is_read_and_written(void **state)
{
	static const uint8_t bytes[] = {11, 0x80 | 0x40 | 10, 0x03, 0x20};
	uint8_t out[4];
	struct dtmf_payload p;

	assert_int_equal(dtmf_parse(bytes, 3, &p), -TR_EPARSE);
	assert_int_equal(dtmf_parse(bytes, 4, &p), 0);
	assert_int_equal(p.code, 11);
	assert_true(p.is_end);
	assert_int_equal(p.volume, 10);
	assert_int_equal(p.duration, 800);
	dtmf_write(&p, out);
	assert_int_equal(out[1], 0x80 | 10); /* the reserved bit is zero */
}

static void codes_and_digits_map(void **state)
{
	for (uint8_t code = 0; code <= DTMF_FLASH; code++)
		assert_int_equal(dtmf_code(dtmf_digit(code)), code);
	assert_int_equal(dtmf_digit(10), '*');
	assert_int_equal(dtmf_digit(11), '#');
	assert_int_equal(dtmf_digit(15), 'D');
	assert_int_equal(dtmf_code('d'), 15);
	assert_int_equal(dtmf_digit(17), 0);
	assert_int_equal(dtmf_code('x'), -1);
	assert_int_equal(dtmf_code(0), -1);
}

/* RFC 4733 §2.5.1.4: the end is sent three times, the digit is reported once. */
static void repeated_ends_are_one_digit(void **state)
{
	event(1, 1000, '5', 160, "m");
	event(2, 1000, '5', 320, "");
	event(3, 1000, '5', 800, "e");
	event(4, 1000, '5', 800, "e");
	event(5, 1000, '5', 800, "e");
	tick(10000);
	assert_string_equal(heard, "s55");
	assert_int_equal(last_ms, 100);
	assert_false(last_lost);
}

/* Any of its packets may be lost, as long as one comes. */
static void any_one_packet_makes_the_digit(void **state)
{
	for (int only = 0; only < 6; only++) {
		setup(state);
		for (int i = 0; i < 6; i++)
			if (i == only)
				event((uint16_t)i, 500, '9', (uint16_t)(MIN(i + 1, 4) * 160), i == 0 ? "m" : i > 2 ? "e" : "");
		tick(100 + 20 * only);
		tick(1000);
		assert_string_equal(heard, only > 2 ? "9" : "s99");
		assert_int_equal(last_lost, only <= 2);
	}
}

/* All ends of the first lost: the next event concludes it. */
static void the_next_event_ends_the_one_before(void **state)
{
	event(1, 1000, '1', 160, "m");
	event(2, 1000, '1', 320, "");
	event(9, 2600, '2', 160, "m");
	event(10, 2600, '2', 320, "e");
	assert_string_equal(heard, "s11s22");
	setup(state);
	event(1, 1000, '1', 160, "m");
	event(9, 2600, '1', 160, ""); /* the same digit, its marker lost too */
	event(10, 2600, '1', 320, "e");
	assert_string_equal(heard, "s11s11");
}

static void lost_ends_are_concluded_from_silence(void **state)
{
	event(1, 1000, '#', 160, "m");
	event(2, 1000, '#', 480, "");
	tick(40 + 199);
	assert_string_equal(heard, "s#");
	tick(40 + 200);
	assert_string_equal(heard, "s##");
	assert_true(last_lost);
	assert_int_equal(last_ms, 60);
	event(9, 1000, '#', 800, "e"); /* after all: it is known already */
	assert_string_equal(heard, "s##");
}

static void reordering_does_not_double(void **state)
{
	event(2, 1000, '3', 320, "");
	event(1, 1000, '3', 160, "m");
	event(4, 1000, '3', 640, "e");
	event(3, 1000, '3', 480, "");
	event(6, 3000, '4', 160, "m");
	event(5, 1000, '3', 640, "e"); /* of the event before, behind the next one's start */
	event(7, 3000, '4', 320, "e");
	assert_string_equal(heard, "s33s44");
}

static void the_same_digit_twice_is_two(void **state)
{
	event(1, 1000, '7', 400, "me");
	event(2, 1000, '7', 400, "e");
	event(3, 2000, '7', 400, "me");
	event(4, 2000, '7', 400, "e");
	assert_string_equal(heard, "77");
	/* and with a timestamp at a stand, as some gateways send it */
	event(5, 2000, '7', 160, "m");
	event(6, 2000, '7', 480, "e");
	assert_string_equal(heard, "77s77");
}

/* RFC 4733 §2.5.1.3: an event longer than 0xffff goes on at the timestamp where its segment ended. */
static void long_events_are_one_digit(void **state)
{
	uint16_t seq = 1;

	for (uint32_t duration = 160; duration <= 0xffff; duration += 160)
		event(seq++, 1000, '0', (uint16_t)duration, duration == 160 ? "m" : "");
	for (uint32_t duration = 160; duration <= 8000; duration += 160)
		event(seq++, 1000 + 0xffff, '0', (uint16_t)duration, duration == 8000 ? "e" : "");
	assert_string_equal(heard, "s00");
	assert_int_equal(last_ms, (0xffff + 8000) / 8);
}

static void unknown_events_are_counted(void **state)
{
	uint8_t payload[] = {36, 10, 0, 160}; /* a fax tone */
	struct rtp_packet p = {.seq = 1, .ts = 1, .payload = payload, .payload_len = 4};

	feed(&p, 0);
	p.payload_len = 2;
	feed(&p, 0);
	assert_int_equal(recv_.ignored, 2);
	assert_string_equal(heard, "");
}

/* RFC 4733 §2.5.1: marker on the first, one timestamp, growing duration, end three times, then the pause. */
static void sent_packets_follow_the_rules(void **state)
{
	static const uint32_t clocks[] = {8000, 16000, 48000};

	for (size_t c = 0; c < ARRAY_LEN(clocks); c++) {
		uint32_t step = clocks[c] / 50, ts = 0xfffffff0;
		struct dtmf_send send;
		struct dtmf_out out;
		struct dtmf_payload p;

		dtmf_send_init(&send, clocks[c], step);
		assert_false(dtmf_send_next(&send, ts, &out));
		assert_int_equal(dtmf_send_digit(&send, '8', 100, 60), 0);
		assert_int_equal(dtmf_send_digit(&send, '9', 1, 1), 0);
		for (uint32_t i = 0; i < 7; i++) {
			assert_true(dtmf_send_next(&send, ts + i * step, &out));
			assert_int_equal(dtmf_parse(out.payload, 4, &p), 0);
			assert_int_equal(p.code, 8);
			assert_int_equal(out.ts, ts);
			assert_int_equal(out.marker, i == 0);
			assert_int_equal(p.is_end, i >= 4);
			assert_int_equal(p.duration, MIN(i + 1, 5) * step);
		}
		assert_true(dtmf_send_is_busy(&send));
		assert_false(dtmf_send_next(&send, ts + 7 * step, &out)); /* 60 ms less the two repeated ends */
		assert_true(dtmf_send_next(&send, ts + 8 * step, &out));
		assert_int_equal(out.ts, ts + 8 * step);
		assert_true(out.marker);
		int more = 0;
		while (dtmf_send_next(&send, 0, &out))
			more++;
		assert_int_equal(more, 3); /* 40 ms at least: two updates, of which the second ends, and two more ends */
	}
}

static void the_queue_is_bounded(void **state)
{
	struct dtmf_send send;
	struct dtmf_out out;

	dtmf_send_init(&send, 8000, 160);
	for (int i = 0; i < LIMIT_DTMF_QUEUE; i++)
		assert_int_equal(dtmf_send_digit(&send, '1', 0, 0), 0);
	assert_int_equal(dtmf_send_digit(&send, '1', 0, 0), -TR_ELIMIT);
	assert_int_equal(send.dropped, 1);
	assert_int_equal(dtmf_send_digit(&send, 'z', 0, 0), -EINVAL);
	assert_true(dtmf_send_next(&send, 0, &out));
	dtmf_send_clear(&send);
	int more = 0;
	while (dtmf_send_next(&send, 0, &out))
		more++;
	assert_int_equal(more, 3); /* what began is ended */
	for (int i = 0; i < 10; i++)
		assert_false(dtmf_send_next(&send, 0, &out));
	assert_false(dtmf_send_is_busy(&send));
}

/* What is sent is heard, through loss, duplication and reordering of neighbours, at every clock and for all lengths. */
static void what_is_sent_is_heard(void **state)
{
	static const uint32_t clocks[] = {8000, 16000, 48000};
	uint64_t seed = test_seed();

	for (int round = 0; round < 300; round++) {
		uint32_t hz = clocks[round % 3], step = hz / 50;
		char want[20] = "", got[40] = "";
		struct dtmf_send send;
		struct rtp_packet p = {.seq = (uint16_t)prng_u32(&seed)};
		uint32_t ts = prng_u32(&seed);
		msec_t now = 0;

		dtmf_send_init(&send, hz, step);
		dtmf_recv_init(&recv_, hz);
		for (int i = 0; i < 16; i++) {
			want[i] = dtmf_digit((uint8_t)(prng_u32(&seed) % 17));
			uint32_t ms = prng_u32(&seed) % 20 == 0 ? 9000 : 40 + prng_u32(&seed) % 300;
			assert_int_equal(dtmf_send_digit(&send, want[i], ms, 40 + prng_u32(&seed) % 100), 0);
		}
		while (dtmf_send_is_busy(&send)) {
			struct dtmf_out out;
			bool is_event = dtmf_send_next(&send, ts, &out);

			for (uint32_t copies = is_event ? 1 + (prng_u32(&seed) % 10 == 0) : 0; copies; copies--) {
				enum dtmf_state states[2];
				struct dtmf_event events[2];

				if (send.is_active && prng_u32(&seed) % 100 < 30) /* loss, but the last end comes through */
					continue;
				p.ts = out.ts;
				p.marker = out.marker;
				p.payload = out.payload;
				p.payload_len = 4;
				int n = dtmf_recv_packet(&recv_, &p, now, states, events);
				for (int i = 0; i < n; i++)
					if (states[i] == DTMF_DIGIT)
						got[strlen(got)] = events[i].digit;
			}
			p.seq++;
			ts += step;
			now += 20;
		}
		struct dtmf_event e;
		if (dtmf_recv_tick(&recv_, now + 1000, &e) == DTMF_DIGIT)
			got[strlen(got)] = e.digit;
		assert_string_equal(got, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_is_read_and_written),
		cmocka_unit_test(codes_and_digits_map),
		cmocka_unit_test_setup(repeated_ends_are_one_digit, setup),
		cmocka_unit_test(any_one_packet_makes_the_digit),
		cmocka_unit_test_setup(the_next_event_ends_the_one_before, setup),
		cmocka_unit_test_setup(lost_ends_are_concluded_from_silence, setup),
		cmocka_unit_test_setup(reordering_does_not_double, setup),
		cmocka_unit_test_setup(the_same_digit_twice_is_two, setup),
		cmocka_unit_test_setup(long_events_are_one_digit, setup),
		cmocka_unit_test_setup(unknown_events_are_counted, setup),
		cmocka_unit_test(sent_packets_follow_the_rules),
		cmocka_unit_test(the_queue_is_bounded),
		cmocka_unit_test(what_is_sent_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
