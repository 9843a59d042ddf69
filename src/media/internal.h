/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "audio/cn.h"
#include "audio/resample.h"
#include "audio/stretch.h"
#include "audio/vad.h"
#include "base/list.h"
#include "media/inband.h"
#include "media/media.h"
#include "media/watch.h"
#include "rtp/dtmf.h"
#include "rtp/guard.h"
#include "rtp/jbuf.h"
#include "rtp/packet.h"
#include "rtp/quality.h"
#include "rtp/rtcp.h"
#include "rtp/seq.h"
#include "rtp/srtp.h"
#include <pthread.h>
#include "base/timer.h"
#include "nat/ice.h"
#include "nat/relay.h"
#include "net/dtls.h"

/*
 * Inside the media engine. Two kinds of threads meet here: the control thread makes and frees, workers use. What a worker is
 * done with goes back on the engine's heap of junk, a lock-free stack without a bound, so giving back cannot fail.
 */
struct stream;
struct worker;

#define SLICE_US	   5000
#define PHASES		   4 /* slices a frame: a stream is served in one of them */
#define SOFT_TIMEOUT_US	   (3 * 1000000)
#define QUALITY_EVERY_US   (5 * 1000000)
#define RTCP_POLL_TICKS	   10 /* the RTCP socket is read every 200 ms: kernel timestamps keep the RTT exact */
#define FETCH_STAGES	   3
#define OLD_KEY_US	   (2 * 1000000) /* packets on their way when the peer changed its key, and its own delay */
#define CATCH_UP_US	   100000 /* a worker further behind leaves frames out */

/* ---- junk ---------------------------------------------------------------------------------------------------------------- */

/* First member of everything that a worker gives back; free runs on the control thread. */
struct junk {
	struct junk *next;
	void (*free)(struct junk *j);
};

struct junk_heap {
	_Atomic(struct junk *) top;
};

void junk_push(struct junk_heap *h, struct junk *j);   /* any thread */
struct junk *junk_take_all(struct junk_heap *h);       /* control thread; in the order they were given back */

/* ---- codecs of a stream (gear.c) -------------------------------------------------------------------------------------- */

struct inband;

/* How the packets of a plan travel, besides its addresses; path.c decides. */
struct route {
	bool is_shut;	    /* path or keys are missing yet: nothing is sent or heard */
	bool is_bound;	    /* ICE: exactly to plan.remote_rtp, whatever is heard from elsewhere */
	bool is_mux_only;   /* no RTCP unless it shares RTP's port: only that has a path, or keys */
	struct addr via;    /* TURN server; unset: straight */
	uint16_t channel;
};

/* Everything that follows from a plan. Made on the control thread, swapped in whole by the worker. */
struct gear {
	struct junk junk;
	struct media_plan plan;
	int rate_hz;			/* of all PCM inside the stream */
	bool keeps_codecs;		/* same codecs as the gear before: the worker takes those over, with their state */
	struct codec *codecs[MEDIA_MAX_CODECS + 1]; /* by rx index; the last is the sender's, when it is none of them */
	struct resample *to_rate[MEDIA_MAX_CODECS]; /* NULL: decodes at rate_hz */
	struct resample *from_rate;	/* NULL: the encoder takes rate_hz */
	struct codec *tx;		/* one of codecs */
	struct inband *inband;		/* NULL: telephone-event does it */
	struct route route;
	bool is_secure;			/* SRTP: nothing in clear is sent or heard */
	bool keeps_seal, keeps_open;	/* the key stays: the context is taken over, counters and all */
	struct srtp *seal, *open;	/* what we send, what we hear */
	struct srtp *open_before;	/* the peer's key before; NULL: there is none, or its time is over */
	int64_t open_before_until_us;
};

nodiscard int gear_new(const struct media_plan *plan, const struct media_plan *before, const struct route *route, struct gear **ret);
int gear_find_codec(const struct media_plan *plan, uint8_t pt); /* index in rx, or -1 */
void gear_take_over(struct gear *g, struct gear *from, int64_t now_us); /* what goes on through a re-negotiation; worker */

/* ---- links: audio between two streams, or a stream and a mixer (link.c) -------------------------------------------------- */

/* Two rings; side 0 writes ring 0 and reads ring 1, side 1 the other way round. Each side belongs to one worker. */
struct link;

nodiscard int link_new(int rate_hz, struct link **ret);
struct link *link_ref(struct link *l);
struct link *link_unref(struct link *l);
bool link_is_lonely(const struct link *l); /* the other end was let go */
int link_rate_hz(const struct link *l);
void link_push(struct link *l, int side, const int16_t *pcm);
/* False and silence when the other side gave nothing. */
bool link_pull(struct link *l, int side, int16_t *ret_pcm);

/* ---- what a stream is connected to (hook.c) ------------------------------------------------------------------------------ */

enum hook_kind { HOOK_ECHO, HOOK_PORT, HOOK_LINK };

struct hook {
	struct junk junk;
	enum hook_kind kind;
	int rate_hz;			/* of port or link */
	struct resample *in, *out;	/* between it and a stream of the other rate */
	struct media_port *port;
	bool has_port;			/* we are the one that drives it */
	struct link *link;
	int side;
	struct vad vad;			/* at rate_hz */
	/* events at most so often */
	uint32_t overflows, underruns;
	int64_t overflow_told_at;
	bool is_starved;
};

nodiscard int hook_new(enum hook_kind kind, struct media_port *port, struct link *link, int side, struct hook **ret);

/* ---- tones and clips (player.c) ------------------------------------------------------------------------------------------- */

struct media_clip {
	_Atomic int refs;
	int16_t *pcm[2]; /* at 8 and 16 kHz */
	size_t n[2];
};

struct player {
	struct junk junk;
	uint32_t play_id;
	bool is_loop;
	struct tone_spec spec;
	struct tone_gen tone;
	struct media_clip *clip; /* NULL: the tone */
	uint64_t at_8k;		 /* position in samples of the 8 kHz copy, whichever is played */
	int rate_hz;		 /* that the tone was started at; 0: not yet */
};

nodiscard int player_new(const struct tone_spec *spec, struct media_clip *clip, struct player **ret);

/* Next frame; false when it was over before it. */
bool player_run(struct player *p, int rate_hz, int16_t *ret_pcm, int n);

/* ---- who has answered (control.c, stream.c) ------------------------------------------------------------------------------ */

struct watcher {
	struct junk junk;
	struct watch watch;
	struct vad vad; /* when the stream's hook has none */
};

/* ---- recording (recorder.c) ---------------------------------------------------------------------------------------------- */

struct record_frame {
	uint32_t at; /* ticks since the start */
	uint32_t n;
	int16_t pcm[]; /* n of the left, n of the right */
};

struct recording {
	struct junk junk;
	struct list link;	/* the recorder thread's */
	struct ring ring;
	int rate_hz;
	struct resample *left, *right; /* for a stream of the other rate */
	uint32_t ticks;		/* the worker's */
	bool is_paused;		/* the worker's */
	_Atomic uint64_t lost;
	_Atomic bool is_done;	/* worker: no more frames */
	char *path;
	struct media_id stream;
	uint64_t tag;
	struct mailbox *events;
	uint32_t id;
	struct wav_rec *wav;	/* the recorder's */
	int err, rest;		/* rest: passes until it is tried again */
	bool is_failing;
	uint64_t unwritten;	/* frames that the disk did not take */
};

struct recorder;

nodiscard int recorder_new(bool is_manual, struct recorder **ret);
struct recorder *recorder_free(struct recorder *r); /* finishes what is open; recordings must be done */
nodiscard int recording_new(const char *path, uint32_t id, int rate_hz, struct recording **ret);
void recording_free(struct recording *rec); /* one that was not added */
void recorder_add(struct recorder *r, struct recording *rec); /* which frees it once is_done and written */
void recorder_run(struct recorder *r); /* one pass over all; is_manual: by media_engine_slice */
void recording_put(struct recording *rec, int rate_hz, const int16_t *left, const int16_t *right); /* worker */

/* ---- ports and sockets (sockets.c) ---------------------------------------------------------------------------------------- */

struct port_pool {
	uint16_t first;
	uint32_t count, free_head, n_free; /* ring of pairs, those freed longest ago first */
	uint16_t *pairs;		   /* index of the pair: port = first + 2 * index */
	int64_t *freed_at_us;
	int64_t rest_us;
};

nodiscard int port_pool_init(struct port_pool *p, uint16_t min, uint16_t max, int64_t rest_us);
void port_pool_done(struct port_pool *p);
void port_pool_put(struct port_pool *p, uint16_t port, int64_t now_us);
uint32_t port_pool_ready(const struct port_pool *p, int64_t now_us);

struct sockets {
	int rtp, rtcp;
	struct addr local;
};

nodiscard int sockets_open(struct port_pool *p, const struct addr *bind, int64_t now_us, struct sockets *ret);
void sockets_close(struct sockets *s);

/* ---- streams ------------------------------------------------------------------------------------------------------------- */

#define RX_FIFO_SAMPLES ((LIMIT_PTIME_MS + 2 * MEDIA_FRAME_MS) * 16 + STRETCH_MAX_PERIOD(16000))
#define TX_FIFO_SAMPLES (80 * 16)

struct digit {
	char digit;
	uint8_t pauses; /* of a second behind it */
	bool is_inband;
	uint32_t on_ms; /* 0: the default */
};

struct stream_rx {
	struct rtp_guard guard;
	struct rtp_source source;
	struct jbuf *jbuf;
	struct dtmf_recv dtmf[MEDIA_MAX_DTMF_PTS];
	struct rtp_quality_meter quality;
	struct stretch stretch;
	struct cn noise;
	uint32_t clock_hz;	 /* of jbuf and quality */
	int codec;		 /* index that decoded last; -1: none yet */
	bool is_heard;		 /* MEDIA_EV_FIRST_PACKET was told */
	uint8_t silence;	 /* 0, 1: soft event told, 2: time-out told */
	int64_t arrived_at_us;	 /* when the kernel got the last packet */
	int64_t heard_at_us;	 /* last packet, or when we began to expect one */
	int64_t quality_at_us;
	int64_t inband_at_us, dtmf_at_us; /* last digit of either kind, so that one press is told once */
	char inband_digit, dtmf_digit;
	uint64_t packets, bytes, refused, invalid, unauthentic, replayed;
	int fifo_n;
	int16_t fifo[RX_FIFO_SAMPLES];
};

struct stream_tx {
	uint32_t ssrc, ts;
	uint16_t seq;
	bool needs_marker;
	bool is_dtmf_sending, is_inband_sending;
	struct dtmf_send dtmf;
	struct rtcp_timer rtcp;
	uint64_t packets, bytes, failed;
	uint32_t rtcp_sent, reported_packets;
	int64_t first_us;	/* of the first packet; 0: none yet */
	int64_t rtt_us;
	uint32_t peer_rtcp, peer_reports, peer_loss_permille, peer_jitter_ms;
	int32_t peer_lost;
	int fifo_n;
	int16_t fifo[TX_FIFO_SAMPLES];
};

struct stream {
	struct junk junk;

	/* set at open, constant */
	struct media_engine *e;
	struct worker *w;
	struct media_id id;
	uint64_t tag;
	struct mailbox *events;
	struct sockets sockets;
	int64_t opened_us, timeout_us;
	char cname[64];
	uint8_t phase;
	uint32_t phase_at; /* in its worker's phase */

	/* the control thread's */
	struct media_plan plan;
	bool has_plan;

	struct path *path;	/* NULL: plain RTP */
	struct route route;	/* of the last gear */

	_Atomic bool is_attended; /* control → worker: STUN and DTLS are waited for */
	_Atomic bool is_closing; /* control → worker; cannot fail as a message could */

	/* the worker's */
	uint64_t tick;	  /* number of the last frame; UINT64_MAX before the first */
	uint64_t seed;
	struct gear *gear;
	struct hook *hook;
	struct player *player;
	struct recording *recording;
	struct watcher *watcher;
	bool is_speaking; /* what was sent last was no silence */
	bool is_from_muted, is_to_muted;
	struct stream_rx rx;
	struct stream_tx tx;
};

static inline bool gear_hears(const struct gear *g)
{
	return g && !g->route.is_shut && (g->plan.direction & MEDIA_RECVONLY);
}

static inline bool stream_hears(const struct stream *s)
{
	return gear_hears(s->gear);
}

static inline bool stream_sends(const struct stream *s)
{
	return s->gear && !s->gear->route.is_shut && (s->gear->plan.direction & MEDIA_SENDONLY);
}

/* Where RTP goes; unset: nowhere yet. */
static inline const struct addr *stream_remote(const struct stream *s)
{
	return s->gear->route.is_bound ? &s->gear->plan.remote_rtp : rtp_guard_remote(&s->rx.guard);
}

int stream_apply(struct stream *s, const struct media_plan *plan, const struct route *route); /* control: a gear of its own */

void stream_tell(struct stream *s, struct media_event *ev); /* fills stream and tag; worker */
void stream_set_gear(struct stream *s, struct gear *g, int64_t now_us);
void stream_hook(struct stream *s, struct hook *h);	/* NULL: nothing */
void stream_unhook(struct stream *s);
void stream_watch(struct stream *s, struct watcher *w); /* NULL: nobody */
void stream_hint(struct stream *s, enum answer_who who);
void stream_fetch(const struct stream *s, int stage); /* into the cache, see stream.c */
void stream_tick(struct stream *s, uint64_t tick, int64_t now_us);
void stream_detach(struct stream *s, int64_t now_us);	/* BYE, last event, off to the junk */
void stream_quality(struct stream *s, int64_t now_us, struct media_quality *ret);

/* rx.c: the 20 ms of this tick at the gear's rate. False: nobody speaks, silence. */
bool rx_tick(struct stream *s, int64_t now_us, int16_t *ret_pcm, uint8_t *ret_flags);
void rx_drop(struct stream *s); /* reads and forgets, before there is a plan */
void rx_set_gear(struct stream *s, const struct gear *before, int64_t now_us);
void rx_watch(struct stream *s, int64_t now_us);

/* playout.c: at least n samples in the FIFO; ORs MEDIA_UP_CONCEALED into flags */
void playout_fill(struct stream *s, int n, int64_t now_us, uint8_t *flags);

/* tx.c */
void tx_tick(struct stream *s, int64_t now_us, const int16_t *heard, int16_t *ret_sent);
void tx_skip(struct stream *s, uint32_t frames); /* the clock runs, nothing is sent */
void tx_set_gear(struct stream *s, const struct gear *before);
void tx_dtmf(struct stream *s, const struct digit *d); /* checked by control; a full queue drops it, as a telephone's does */

/* secure.c: SRTP and SRTCP in place, nothing when the stream is in clear. False: not to be heard (counted), not to be sent. */
bool secure_open(struct stream *s, bool is_rtcp, uint8_t *bytes, size_t *n, int64_t now_us);
bool secure_seal(struct stream *s, bool is_rtcp, uint8_t *bytes, size_t *n); /* SRTP_EXTRA_BYTES of room behind them */

/* sockets.c: a datagram, through the relay if the route has one */
bool stream_put(struct stream *s, int fd, const uint8_t *bytes, size_t n, const struct addr *to);

/* report.c: RTCP */
void report_recv(struct stream *s, const uint8_t *bytes, size_t n, int64_t at_us);
void report_tick(struct stream *s, int64_t now_us);
void report_bye(struct stream *s, int64_t now_us);

/* ---- mixers (mixer.c) ----------------------------------------------------------------------------------------------------- */

struct mixer;
struct command;
void mixer_command(struct worker *w, const struct command *cmd);
void mixers_tick(struct worker *w, unsigned phase, int64_t now_us);
void mixers_stop(struct worker *w);

/* ---- paths (path.c): the control thread's ------------------------------------------------------------------------------------------- */

/* From a worker: a datagram that is not media. */
struct arrival {
	struct media_id id;
	struct addr from;
	bool is_relayed; /* unwrapped from the relay's channel: from is the peer */
	uint16_t n;
	uint8_t bytes[LIMIT_RTP_PACKET_BYTES];
};

struct path;
nodiscard int path_update(struct path *p, const struct media_plan *plan);
void path_recv(struct path *p, const struct arrival *a, msec_t now);
void path_free(struct path *p); /* good-bye to DTLS and TURN */

/* ---- workers ------------------------------------------------------------------------------------------------------------- */

enum cmd_type {
	CMD_ADD,	/* stream */
	CMD_GEAR,	/* junk: gear */
	CMD_HOOK,	/* junk: hook, or NULL */
	CMD_PLAY,	/* junk: player, or NULL */
	CMD_RECORD,	/* recording, or NULL */
	CMD_RECORD_PAUSE,/* flags: 1 paused */
	CMD_DTMF,	/* digit */
	CMD_MUTE,	/* flags: 1 from, 2 to */
	CMD_WATCH,	/* junk: watcher, or NULL */
	CMD_HINT,	/* flags: enum answer_who */
	CMD_MIXER_ADD,	/* mixer */
	CMD_MIXER_JOIN,	/* mixer, member */
	CMD_MIXER_LEAVE,/* mixer, port */
	CMD_MIXER_ROLE,	/* mixer, stream or port, role */
	CMD_MIXER_FREE,	/* mixer */
};

struct command {
	enum cmd_type type;
	struct media_id id;
	union {
		void *ptr;
		struct junk *junk;
		struct digit digit;
		uint32_t flags;
	};
	struct media_mix_role role;
	void *arg;
};

struct rx_buffers;

struct worker {
	alignas(64) struct media_engine *e; /* a cache line of its own: workers stand side by side */
	unsigned index;
	struct mailbox *commands;
	struct stream **table; /* by id.index; only this worker's */
	struct stream **phases[PHASES]; /* arrays, so that the next ones can be fetched ahead; room for all streams */
	uint32_t n_phase[PHASES];
	struct list mixers[PHASES];
	struct media_bell *bells[16]; /* to be rung at the end of the slice */
	unsigned n_bells;
	uint64_t slice;	       /* number of the slice that runs */
	int64_t wall_minus_mono_us;
	bool is_virtual;       /* kernel timestamps mean nothing */
	struct rx_buffers *rx; /* where datagrams are read to */
	struct arrival arrival;
	uint8_t packet[LIMIT_RTP_PACKET_BYTES]; /* what is sent */
	int16_t decoded[LIMIT_PTIME_MS * 48 + 64]; /* one packet, before it is brought to the stream's rate */
	int16_t resampled[LIMIT_PTIME_MS * 16 + 64];
	pthread_t thread;
	bool is_running;
	_Atomic bool is_stopping;
	unsigned load;	       /* the control thread's count of streams */
	_Atomic uint32_t streams;
	_Atomic uint64_t slices, late[MEDIA_LATE_BUCKETS], done[MEDIA_LATE_BUCKETS], busy_us, skipped, events_lost;
};

nodiscard int worker_init(struct worker *w, struct media_engine *e, unsigned index);
nodiscard int worker_start(struct worker *w, const struct media_engine_params *p);
void worker_stop(struct worker *w); /* joins; then streams still there are detached */
void worker_done(struct worker *w);
void worker_slice(struct worker *w, int64_t now_us);
uint64_t worker_cpu_us(const struct worker *w);
void worker_bell(struct worker *w, struct media_bell *bell); /* rings at the end of the slice */

struct rx_buffers *rx_buffers_new(void);
struct rx_buffers *rx_buffers_free(struct rx_buffers *b);

static inline void count_up(_Atomic uint64_t *c, uint64_t n)
{
	/* One writer: a plain add is enough, and cheaper than a locked one. */
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

/* ---- the engine ---------------------------------------------------------------------------------------------------------- */

struct slot {
	uint32_t gen;
	struct stream *stream; /* NULL: closed, or being torn down */
	struct mixer *mixer;
};

struct media_engine {
	struct media_engine_params p;
	unsigned n_workers;
	struct worker *workers;
	struct slot *slots;
	uint32_t *free_slots; /* stack */
	uint32_t n_free_slots;
	struct port_pool ports;
	struct junk_heap junk;
	struct recorder *recorder;
	struct mailbox *arrivals;      /* NULL: no paths */
	struct dtls_identity *identity;
	struct timer_wheel path_wheel; /* in clock_ms */
	int64_t manual_now_us;
	uint64_t opened, refused, rx_packets, tx_packets;
};

int64_t engine_now_us(const struct media_engine *e);
nodiscard int engine_post(struct worker *w, const struct command *cmd);
nodiscard int media_connect_link(struct media_engine *e, struct media_id id, struct link *l, int side);
struct stream *engine_stream(struct media_engine *e, struct media_id id); /* NULL: stale */
