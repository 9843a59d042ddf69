/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "audio/codec.h"
#include "audio/tone.h"
#include "base/addr.h"
#include "base/base.h"
#include "base/mailbox.h"
#include "media/port.h"
#include "nat/candidate.h"
#include "turn/answer.h"
#include "rtp/quality.h"
#include "rtp/srtp.h"
#include "sdp/transport.h"

/*
 * The media engine: RTP in and out of every leg, on worker threads that neither allocate nor lock nor log once a stream runs.
 *
 * Thread: all functions here belong to one control thread (signalling). They do the set-up (sockets, codecs, buffers), hand it
 * to a worker by message and return at once; what the workers find out comes as struct media_event through mailboxes.
 * Streams and mixers are named by generational handles: a handle of something closed is answered with -TR_ECLOSED.
 *
 * Errors of all commands: -TR_ECLOSED; -TR_ELIMIT when the worker's mailbox is full (nothing was done); -ENOMEM; -EINVAL.
 */
struct media_engine;

struct media_id {
	uint32_t index, gen; /* all zero: none */
};

static inline bool media_id_eq(struct media_id a, struct media_id b)
{
	return a.index == b.index && a.gen == b.gen;
}

/* ---- what workers tell --------------------------------------------------------------------------------------------------- */

enum media_event_type {
	MEDIA_EV_FIRST_PACKET,	 /* audio from the peer has begun: source */
	MEDIA_EV_SOURCE_CHANGED, /* symmetric RTP now sends elsewhere: source */
	MEDIA_EV_DTMF,		 /* a key was pressed, once however it was signalled: dtmf */
	MEDIA_EV_DTMF_SENT,	 /* every digit asked for is on the wire */
	MEDIA_EV_RTP_SILENT,	 /* no packet for 3 s although the peer should send: silent_ms */
	MEDIA_EV_RTP_TIMEOUT,	 /* the same for rtp_timeout_ms: the leg is dead: silent_ms */
	MEDIA_EV_RTP_RESUMED,	 /* packets again, after one of the two: silent_ms */
	MEDIA_EV_QUALITY,	 /* every 5 s: quality */
	MEDIA_EV_PLAY_DONE,	 /* tone or clip ended by itself: play_id */
	MEDIA_EV_PORT_OVERFLOW,	 /* the agent does not read; at most one a second: count of frames dropped */
	MEDIA_EV_PORT_STARVED,	 /* the agent's voice broke off in mid-utterance; once a gap: count so far */
	MEDIA_EV_RECORD_FAILED,	 /* the disk does not take it: record.err; tried again each second, told once an outage */
	MEDIA_EV_RECORD_RESUMED, /* the disk takes it again: record.lost_frames so far */
	MEDIA_EV_RECORD_DONE,	 /* the last of a recording; record.err 0: the file is complete under its name */
	MEDIA_EV_GATHERED,	 /* media_path_local is complete */
	MEDIA_EV_PATH,		 /* ICE has found a path, or a better one: path */
	MEDIA_EV_SECURED,	 /* DTLS has made the keys: suite */
	MEDIA_EV_PATH_FAILED,	 /* no path, no keys, or no consent any more: nothing is heard or sent; why */
	MEDIA_EV_ANSWER,	 /* who has answered, and when it is our turn: answer */
	MEDIA_EV_CLOSED,	 /* the last event of a stream: quality of the whole */
};

enum media_dtmf_how { MEDIA_DTMF_RFC4733, MEDIA_DTMF_INBAND };

struct media_event {
	enum media_event_type type;
	struct media_id stream;
	uint64_t tag;	/* the stream's, as given at open */
	int64_t at_us;	/* worker's clock, CLOCK_MONOTONIC */
	union {
		struct addr source;
		struct {
			char digit;
			enum media_dtmf_how how;
			uint32_t ms; /* RFC 4733: as long as the peer said; in-band: 0 */
		} dtmf;
		uint32_t silent_ms;
		uint32_t play_id;
		uint32_t count;
		struct answer_event answer; /* its at_ms count from media_watch_start's taking effect */
		struct {
			struct addr remote;
			enum ice_type local, peer; /* kinds of the two candidates */
		} path;
		enum srtp_suite suite;
		char why[160];
		struct {
			uint32_t id; /* as given to media_record_start */
			int err;
			uint64_t lost_frames; /* silent or missing in the file: the disk was too slow, or full */
		} record;
		struct media_quality {
			struct rtp_quality rtp;	  /* both directions, see rtp/quality.h */
			uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
			uint64_t rx_refused;	  /* by the guard: not from our peer */
			uint64_t rx_invalid;	  /* no RTP, unknown payload type, payload that does not decode */
			uint64_t rx_unauthentic;  /* of an encrypted stream: not made with the peer's key */
			uint64_t rx_replayed;	  /* of an encrypted stream: seen before, or too old to tell */
			uint64_t tx_failed;	  /* the kernel took no datagram */
			uint32_t first_tx_us;	  /* from open to the first packet sent */
			uint32_t peer_rtcp;	  /* RTCP packets that it sent */
			/* what the peer's last RTCP report says of what we send; all 0 before it */
			uint32_t peer_reports;
			int32_t peer_lost;	  /* packets in all */
			uint32_t peer_loss_permille, peer_jitter_ms;
		} quality;
	};
};

const char *media_event_name(enum media_event_type type);

/* ---- the engine -------------------------------------------------------------------------------------------------------- */

struct media_engine_params {
	unsigned workers;	 /* threads; 0: one a core */
	bool is_pinned;		 /* worker n on core n */
	bool is_realtime;	 /* ask for SCHED_RR; without the right to it, as usual */
	bool is_manual;		 /* no threads: media_engine_slice drives, and its clock is the only one (tests) */
	uint32_t max_streams;	 /* 0: LIMIT_MEDIA_STREAMS */
	uint16_t port_min, port_max; /* RTP on even ports, RTCP on the next; 0: 10000..20000 */
	uint32_t port_rest_ms;	 /* a freed pair is not used again before; 0: 5000 */
	struct mailbox *events;	 /* of struct media_event; borrowed, outlives the engine; may be NULL */
	/* Any thread, must not block: media_engine_run has something to do. NULL: no paths (ICE, DTLS) are opened. */
	void (*wake)(void *ctx);
	void *wake_ctx;
};

/* Starts the workers. -errno of a thread that could not be made. */
nodiscard int media_engine_new(const struct media_engine_params *params, struct media_engine **ret);

/* Closes what is open, stops and joins the workers, waits for recorders to finish their files. */
struct media_engine *media_engine_free(struct media_engine *e);

/*
 * Frees what workers have let go of. Called by every other function here; call it also upon MEDIA_EV_CLOSED, or once a second,
 * so that ports and memory come back while nothing else happens.
 */
void media_engine_reap(struct media_engine *e);

/*
 * What paths have to do: STUN and DTLS datagrams that workers handed over, and timers. Call it when woken and at the time it
 * returned last (clock_ms; NEVER: nothing is due).
 */
msec_t media_engine_run(struct media_engine *e);

#define MEDIA_LATE_BUCKETS 14

struct media_worker_stats {
	uint32_t streams;
	uint64_t slices;	/* 5 ms each */
	uint64_t late[MEDIA_LATE_BUCKETS]; /* began later than due by less than media_late_edge_us[i] */
	uint64_t done[MEDIA_LATE_BUCKETS]; /* the last of its streams was served so long after it was due */
	uint64_t busy_us;	/* time spent in slices */
	uint64_t cpu_us;	/* of the thread, the kernel's share included; 0 when is_manual */
	uint64_t skipped;	/* stream frames left out since the worker was more than 100 ms behind */
	uint64_t events_lost;	/* the events' mailbox was full */
};

struct media_engine_stats {
	uint32_t streams;
	uint32_t ports_free;	/* pairs, resting ones not counted */
	uint32_t ports_resting;
	uint64_t opened, refused; /* since the start; refused: no port, no descriptor, no room */
	unsigned workers;
	uint64_t rx_packets, tx_packets; /* sums over closed streams; open ones report by MEDIA_EV_QUALITY */
};

void media_engine_stats(struct media_engine *e, struct media_engine_stats *ret);
bool media_worker_stats(struct media_engine *e, unsigned worker, struct media_worker_stats *ret); /* false: no such */

/* Upper edges of the buckets of late, microseconds; the last is UINT32_MAX. */
extern const uint32_t media_late_edge_us[MEDIA_LATE_BUCKETS];

/* is_manual only: one 5 ms slice of one worker at now_us, which grows by 5000 a call. */
void media_engine_slice(struct media_engine *e, unsigned worker, int64_t now_us);

/* ---- streams ----------------------------------------------------------------------------------------------------------- */

struct media_stream_params {
	struct addr bind;	   /* local address; its port is ignored */
	uint64_t tag;		   /* given back in events */
	struct mailbox *events;	   /* NULL: the engine's */
	struct media_id near;	   /* same worker as that stream, when it is still open */
	uint32_t rtp_timeout_ms;   /* 0: never MEDIA_EV_RTP_TIMEOUT */
	const char *cname;	   /* RTCP; NULL: a random one (RFC 7022) */
	bool is_strict;		   /* RTP only from the SDP's address and the signalling host: trunks without NAT */
};

struct media_local {
	struct addr rtp; /* as bound; the RTCP port is rtp's + 1 */
	uint32_t ssrc;
};

/*
 * Binds a pair of ports and puts the stream on the least loaded worker. It receives and drops until media_stream_update.
 * -TR_ENOPORT: every pair is in use; -EMFILE/-ENFILE: no descriptors left; -EADDRNOTAVAIL: bind is not ours;
 * -TR_ELIMIT: max_streams.
 */
nodiscard int media_stream_open(struct media_engine *e, const struct media_stream_params *params, struct media_id *ret,
	struct media_local *ret_local);

/* Seen from us, as in the SDP we sent. */
enum media_direction {
	MEDIA_INACTIVE = 0, /* nothing but RTCP */
	MEDIA_SENDONLY = 1,
	MEDIA_RECVONLY = 2, /* nothing is sent but RTCP */
	MEDIA_SENDRECV = 3,
};

#define MEDIA_MAX_CODECS    4
#define MEDIA_MAX_DTMF_PTS  4

struct media_codec {
	enum codec_id id;
	uint8_t pt;
	uint16_t ptime_ms;	  /* of what we send: 10, 20, 30, 40, 60; 0: 20. Ignored in rx */
	struct codec_params opus; /* what fmtp agreed on; rate_hz is ignored */
};

/* What the peer said of the way to it, beyond an address. */
struct media_transport {
	struct sdp_fingerprint fingerprint; /* DTLS: of its certificate; not set: no DTLS */
	bool is_dtls_client;		    /* DTLS: we begin */
	struct ice_description ice;	    /* not set: no ICE */
	bool is_offerer;		    /* ICE: the description that began it was ours */
};

/* The outcome of an offer/answer exchange. A plain value; the call layer fills it from sdp. */
struct media_plan {
	const struct media_transport *transport; /* NULL: none; copied. Needs media_path_open before */
	struct addr remote_rtp;
	struct addr remote_rtcp;  /* unset: remote_rtp with the next port */
	struct addr peer;	  /* where SIP comes from, for the guard; port ignored; unset: unknown */
	enum media_direction direction;
	struct media_codec tx;
	struct media_codec rx[MEDIA_MAX_CODECS]; /* what the peer may send, also in mid-call */
	uint8_t n_rx;
	struct {
		uint8_t pt;
		uint32_t hz;
	} dtmf_rx[MEDIA_MAX_DTMF_PTS]; /* telephone-event */
	uint8_t n_dtmf_rx;
	int16_t dtmf_tx_pt;	   /* -1: in-band */
	uint32_t dtmf_tx_hz;	   /* 0: the clock of tx */
	struct srtp_key tx_key, rx_key; /* SRTP; both or none. A key that stays the same goes on with its counters */
	bool rtcp_mux;
	bool detects_inband;	   /* look for DTMF in the audio; without telephone-event it is always done */
};

/*
 * Rate at which this plan's audio is heard and spoken: 16000 when the codec we send is wideband, else 8000, although the peer may
 * send others (they are resampled): recognisers must know which band speech really has. For media_port_params.
 */
int media_plan_rate_hz(const struct media_plan *plan);

/*
 * Takes effect within a slice; SSRC, sequence and timestamp run on (a re-INVITE is heard as nothing but a change). A new key of
 * the peer counts at once; what it still sends under the old one is heard for two seconds more.
 * -TR_ENOCODEC when n_rx is 0 or a codec is not one of ours.
 */
nodiscard int media_stream_update(struct media_engine *e, struct media_id id, const struct media_plan *plan);

/* ---- paths: ICE, DTLS, the address outside (RFC 8445, RFC 5763) ------------------------------------------------------------------------ */

#define MEDIA_MAX_STUN 4

struct media_turn {
	struct addr server; /* unset: none */
	const char *user, *password;
};

enum media_ice { MEDIA_ICE_OFF, MEDIA_ICE_LITE, MEDIA_ICE_FULL };

struct media_path_params {
	enum media_ice ice;
	struct addr announce; /* our IP as peers see it, where it is known; port ignored; unset: not known */
	struct addr stun[MEDIA_MAX_STUN];
	uint8_t stun_count;
	struct media_turn turn; /* MEDIA_ICE_FULL only */
};

/* What our description has to say. */
struct media_path_local {
	bool is_gathered;
	struct ice_description ice; /* not set: MEDIA_ICE_OFF */
	struct addr public_rtp;	    /* the socket's address outside; unset: not known */
};

/*
 * Prepares a stream for ICE, DTLS or finding its address outside; before its first plan. MEDIA_EV_GATHERED follows, within a second
 * and a half, and is posted before it returns when there is nobody to ask.
 */
nodiscard int media_path_open(struct media_engine *e, struct media_id id, const struct media_path_params *params);
bool media_path_local(struct media_engine *e, struct media_id id, struct media_path_local *ret); /* false: no path */

/* The peer's new description has this user fragment: if it is another than before, ICE restarts with new secrets (RFC 8445 §9). */
void media_path_peer_ufrag(struct media_engine *e, struct media_id id, const char *ufrag);

/* Candidates that the peer trickled after its description (RFC 8838). */
void media_path_candidates(struct media_engine *e, struct media_id id, const struct ice_candidate *c, unsigned n, bool is_complete);

/* Of the certificate that this engine made for itself; not set when it has no paths. */
struct sdp_fingerprint media_engine_fingerprint(const struct media_engine *e);

/* Sends RTCP BYE; the worker lets go within 20 ms, then MEDIA_EV_CLOSED. A stale handle is fine. */
void media_stream_close(struct media_engine *e, struct media_id id);

/* ---- what a stream is connected to: one thing at a time, connecting replaces ------------------------------------------------ */

/* The agent; takes a reference. */
nodiscard int media_connect_port(struct media_engine *e, struct media_id id, struct media_port *port);

/* What the peer says is sent back, after the jitter buffer. */
nodiscard int media_connect_echo(struct media_engine *e, struct media_id id);

/* Two legs talk with each other, whatever their codecs and workers. Closing one leaves the other in silence. */
nodiscard int media_connect_streams(struct media_engine *e, struct media_id a, struct media_id b);

/* Silence. */
nodiscard int media_disconnect(struct media_engine *e, struct media_id id);

/* Conference: everybody hears all others. At most LIMIT_MIX_MEMBERS. */
nodiscard int media_mixer_new(struct media_engine *e, int rate_hz, struct media_id *ret);
nodiscard int media_mixer_add(struct media_engine *e, struct media_id mixer, struct media_id stream);
nodiscard int media_mixer_add_port(struct media_engine *e, struct media_id mixer, struct media_port *port);
nodiscard int media_mixer_remove_port(struct media_engine *e, struct media_id mixer, struct media_port *port);
/*
 * Who hears whom. A member hears the others that speak to one of its groups; bits are the caller's choice. Whoever has no role is in all
 * groups and speaks to all: everybody hears everybody. A supervisor who listens is in all and speaks to none; one who whispers to the
 * agent speaks to the agent's group only.
 */
struct media_mix_role {
	uint8_t groups, speaks_to;
};
#define MEDIA_MIX_ALL 0xff
/* Takes effect within a slice. A member that is not there (any more) is ignored. */
nodiscard int media_mixer_set_role(struct media_engine *e, struct media_id mixer, struct media_id stream, struct media_mix_role role);
nodiscard int media_mixer_set_port_role(struct media_engine *e, struct media_id mixer, const struct media_port *port,
	struct media_mix_role role);
/* Streams leave by media_disconnect or by being connected elsewhere. Freeing leaves them in silence. */
int media_mixer_free(struct media_engine *e, struct media_id mixer);

/* ---- what is sent instead of that for a while ------------------------------------------------------------------------------- */

/* Immutable PCM, counted, shared by any number of streams. */
struct media_clip;

/* Copies and resamples: not for a thread that must answer at once when n is large. 8000..48000 Hz. */
nodiscard int media_clip_new(const int16_t *pcm, size_t n, int rate_hz, struct media_clip **ret);
struct media_clip *media_clip_unref(struct media_clip *c);

/* play_id comes back in MEDIA_EV_PLAY_DONE, which a loop or endless tone never gives. A new play replaces the old. */
nodiscard int media_play_tone(struct media_engine *e, struct media_id id, const struct tone_spec *spec, uint32_t play_id);
nodiscard int media_play_clip(struct media_engine *e, struct media_id id, struct media_clip *clip, bool is_loop, uint32_t play_id);
nodiscard int media_play_stop(struct media_engine *e, struct media_id id);

/* 0-9 * # A-D and "," for a pause; RFC 4733 when the plan has it and is_inband is false, else in the audio. on_ms 0: 100. Appends. */
nodiscard int media_send_dtmf(struct media_engine *e, struct media_id id, struct span digits, uint32_t on_ms, bool is_inband);

/* from_peer: what we hear is silence; to_peer: what we send is. */
nodiscard int media_set_mute(struct media_engine *e, struct media_id id, bool from_peer, bool to_peer);

/*
 * Begins to find out who has answered (turn/answer.h); MEDIA_EV_ANSWER tells. Starting again begins anew. rate_hz is that of the
 * plan (media_plan_rate_hz): a leg that changes it later is not watched any more.
 */
nodiscard int media_watch_start(struct media_engine *e, struct media_id id, int rate_hz);
nodiscard int media_watch_stop(struct media_engine *e, struct media_id id);
/* What a recogniser made of the words (answer_hint); ANSWER_UNKNOWN: the screener was answered, somebody else may come (answer_again). */
nodiscard int media_watch_hint(struct media_engine *e, struct media_id id, enum answer_who who);

/*
 * Stereo WAV at path: peer left, we right, aligned to the frame. Written by the engine's recorder thread. A new recording ends the old.
 * record_id comes back in events.
 */
nodiscard int media_record_start(struct media_engine *e, struct media_id id, const char *path, uint32_t record_id);
nodiscard int media_record_stop(struct media_engine *e, struct media_id id);
/* While paused the file gets silence on both sides: what follows stays where it was in time. Nothing when nothing is recorded. */
nodiscard int media_record_pause(struct media_engine *e, struct media_id id, bool is_paused);
