/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A conference of 50 legs: CPU of the media worker every 20 ms, of mixing alone and with everything that its legs cost (RTP both ways,
 * jitter buffers, codecs). Everybody talks, the worst there is. The engine is driven by hand, so that only its own work is counted; the
 * same legs with an echo each are what is taken off for mixing alone.
 *
 * Usage: bench_conference [legs...], default 10 and 50; G.711, then G.722 at 16 kHz. Only 127.0.0.0/8 is used.
 */
#include "audio/codec.h"
#include "media/media.h"
#include "rtp/packet.h"
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LEGS = LIMIT_MIX_MEMBERS, WARM = 100, FRAMES = 1500, PAYLOAD = 160, SLICES = 4 };

static struct leg {
	int fd;
	struct addr to;
	struct media_id id;
	struct codec *codec;
	uint16_t seq;
	uint32_t ts;
} legs[MAX_LEGS];

static void must(int err, const char *what)
{
	if (err < 0) {
		fprintf(stderr, "bench_conference: %s: %s\n", what, err_text(err));
		exit(1);
	}
}

static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void open_leg(struct media_engine *e, struct leg *l, enum codec_id codec)
{
	struct media_stream_params p = {.tag = 1};
	struct media_local local;
	struct media_plan plan = {.direction = MEDIA_SENDRECV, .tx = {.id = codec, .pt = codec == CODEC_G722 ? 9 : 0}, .n_rx = 1,
		.dtmf_tx_pt = -1};
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(any);

	*l = (struct leg){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
	must(bind(l->fd, (struct sockaddr *)&any, n) < 0 || getsockname(l->fd, (struct sockaddr *)&any, &n) < 0 ? -errno : 0, "socket");
	must(addr_parse_ip(SPAN_LIT("127.0.0.1"), 0, &p.bind) ? 0 : -EINVAL, "address");
	must(media_stream_open(e, &p, &l->id, &local), "stream");
	l->to = local.rtp;
	plan.remote_rtp = p.bind;
	addr_set_port(&plan.remote_rtp, ntohs(any.sin_port));
	plan.rx[0] = plan.tx;
	must(media_stream_update(e, l->id, &plan), "plan");
	must(codec_new(codec, NULL, &l->codec), "codec");
}

/* Every leg's next packet, and what came for it is thrown away: none of it is the engine's work. */
static void peers(unsigned n, int rate_hz)
{
	static uint64_t seed = 1;
	uint8_t packet[12 + PAYLOAD], scrap[400];
	int16_t pcm[320];

	for (unsigned i = 0; i < n; i++) {
		struct leg *l = &legs[i];
		struct rtp_packet p = {.pt = rate_hz == 16000 ? 9 : 0, .seq = l->seq++, .ts = l->ts, .ssrc = 1000 + i};

		for (int k = 0; k < rate_hz / 50; k++)
			pcm[k] = (int16_t)(prng_u32(&seed) % 6000) - 3000;
		rtp_write_header(&p, packet);
		must(codec_encode(l->codec, pcm, rate_hz / 50, packet + 12, PAYLOAD), "encode");
		l->ts += PAYLOAD;
		(void)!sendto(l->fd, packet, sizeof(packet), 0, &l->to.sa, addr_len(&l->to));
		while (recv(l->fd, scrap, sizeof(scrap), 0) > 0)
			;
	}
}

/* Microseconds of CPU each 20 ms. */
static double measure(unsigned n, enum codec_id codec, bool is_mixed)
{
	struct media_engine *e;
	struct media_id mixer;
	int rate_hz = codec == CODEC_G722 ? 16000 : 8000;
	int64_t now_us = 1000000000, spent = 0;

	must(media_engine_new(&(struct media_engine_params){.workers = 1, .is_manual = true, .port_min = 30000, .port_max = 31999}, &e), "engine");
	if (is_mixed)
		must(media_mixer_new(e, rate_hz, &mixer), "mixer");
	for (unsigned i = 0; i < n; i++) {
		open_leg(e, &legs[i], codec);
		must(is_mixed ? media_mixer_add(e, mixer, legs[i].id) : media_connect_echo(e, legs[i].id), "connect");
		media_engine_slice(e, 0, now_us += 5000);
	}
	for (int frame = 0; frame < WARM + FRAMES; frame++) {
		peers(n, rate_hz);

		int64_t t0 = cpu_ns();

		for (int i = 0; i < SLICES; i++)
			media_engine_slice(e, 0, now_us += 5000);
		if (frame >= WARM)
			spent += cpu_ns() - t0;
	}
	for (unsigned i = 0; i < n; i++) {
		close(legs[i].fd);
		codec_free(legs[i].codec);
	}
	media_engine_free(e);

	return (double)spent / FRAMES / 1000;
}

int main(int argc, char **argv)
{
	static const char *const defaults[] = {"10", "50"};
	int count = argc > 1 ? argc - 1 : (int)ARRAY_LEN(defaults);

	for (int i = 0; i < count * 2; i++) {
		const char *text = argc > 1 ? argv[1 + i / 2] : defaults[i / 2];
		enum codec_id codec = i % 2 ? CODEC_G722 : CODEC_PCMU;
		uint32_t n;

		if (!span_u32(span_z(text), &n) || n < 2 || n > MAX_LEGS) {
			fprintf(stderr, "bench_conference: \"%s\" is no number of legs from 2 to %d\n", text, MAX_LEGS);
			return 2;
		}

		double mixed = measure(n, codec, true), echoed = measure(n, codec, false);

		printf("conference: %2u legs of %s, CPU us a 20 ms: %.0f in all, %.0f more than an echo each\n", n,
			codec == CODEC_G722 ? "G.722" : "G.711", mixed, mixed - echoed);
	}

	return 0;
}
