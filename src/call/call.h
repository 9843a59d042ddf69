/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>
#include "agent/agent.h"
#include "call/detect.h"
#include "call/park.h"
#include "call/queue.h"
#include "call/record.h"
#include "sdp/offer_answer.h"
#include "sip/session.h"

/*
 * The calls of the daemon: each a SIP leg with its media stream and what is behind it (an agent, an echo, a recording, a scripted
 * caller). Everything here belongs to the signalling thread; media workers and agents report by mailboxes that wake its loop.
 *
 *	           ring, accept           BYE, hang-up, failure
 *	NEW ──▶ RINGING ───────────▶ UP ──────────────────────▶ ENDING ──▶ ENDED (kept as a record)
 *	           │ reject, cancel   │▲ refused                  ▲
 *	           └──────────────────┼┴── TRANSFERRING ──────────┘
 *	                              └──────▲ REFER
 */
struct calls;
struct call;

enum call_brain {
	CALL_BRAIN_AGENT,
	CALL_BRAIN_ECHO,
	CALL_BRAIN_PLAY,
	CALL_BRAIN_CALLER,
	CALL_BRAIN_LEG, /* nobody of ours: it will be joined with another call */
};

/* How a caller is put through to somebody else. */
enum call_xfer_mode {
	CALL_XFER_BLIND,    /* REFER: the other side's PBX does it, and reports */
	CALL_XFER_ATTENDED, /* we call the target first, then REFER with Replaces; joined by us where that is refused */
	CALL_XFER_BRIDGE,   /* we call the target and join the two */
};

/* What the caller hears while the target rings and plays nothing of its own. */
enum call_waiting { CALL_WAITING_RINGBACK, CALL_WAITING_MUSIC, CALL_WAITING_SILENCE };

/* How keys are sent. */
enum call_dtmf { CALL_DTMF_AUTO, CALL_DTMF_INBAND, CALL_DTMF_INFO, CALL_DTMF_RFC4733 };

/* Who wants that nothing is kept. */
enum call_sensitive { CALL_SENSITIVE_OUTSIDE = 1, CALL_SENSITIVE_COLLECT = 2, CALL_SENSITIVE_AGENT = 4 };

/* How the media is secured and finds its way. */
struct call_security {
	enum sdp_srtp srtp;
	bool prefers_dtls; /* in offers; answers follow the offer */
	struct media_path_params path; /* announce is set by calls_params; strings live as long as owner is held */
};

/* What stands behind our end of a call. Filled by route (incoming) or by the one who dials; what it points to lives as long as owner is held. */
struct call_plan {
	const char *line;	  /* for the record */
	const char *agent_name;
	enum call_brain brain;
	const struct agent_config *agent;	  /* CALL_BRAIN_AGENT */
	const struct agent_caller_config *caller; /* CALL_BRAIN_CALLER */
	struct media_clip *clip;  /* CALL_BRAIN_PLAY */
	struct sip_account *account; /* whose Contact and credentials the dialog uses; NULL: none */
	const char *const *codecs; /* names, most wanted first; NULL-terminated; NULL: all */
	struct {
		enum call_xfer_mode mode;
		enum call_waiting waiting;
		uint32_t ring_s; /* a target may ring so long; 0: 30 */
		const char *targets[LIMIT_CALL_XFER_TARGETS]; /* number or URI each: first choice, then fall-backs */
		size_t target_count; /* 0: nobody takes over */
	} transfer;
	struct media_clip *music; /* for those who wait; NULL: none */
	struct addr announce;	  /* how the line's other side sees this host: for SDP; port ignored; unset: as it is */
	struct call_security security;
	const char *domain;	  /* where numbers are dialled: sip:NUMBER@domain */
	const char *record_dir;	  /* NULL: no recording is possible */
	bool does_record;	  /* from the beginning */
	struct media_clip *consent; /* said before a call is first recorded; NULL: nothing */
	const struct call_caller *who; /* incoming: for the record and the agent; NULL: what From says */
	enum call_dtmf dtmf;
	void *owner;		  /* what keeps these pointers alive; given to hooks.release when the call is over */
	const struct call_detect *detect; /* outgoing: find out who has answered and react; NULL: the agent begins at once */
	const char *words_stt;	  /* the same: recogniser of machines' words, a literal; NULL: none */
	uint32_t answer_after_ms; /* incoming: ring so long first; 0: answer at once */
	const struct call_park_plan *park; /* NULL: none */
	const struct call_queues *queues; /* NULL: none */
	uint32_t retrieves;	  /* incoming, CALL_BRAIN_LEG: the slot that was dialled; 0: none */
	bool follows_refer;	  /* a REFER from the peer makes us call its target (demo caller, softphone behaviour) */
};

struct call_incoming {
	const char *to_user, *from_user, *from_text;
	const struct addr *source;
	uint32_t conn; /* that it came on; 0: UDP */
	const struct sip_msg *msg;
};

struct calls_hooks {
	/*
	 * Whose call is it? 0 fills *ret_plan. Otherwise the SIP status to refuse with. why is a sentence for the record.
	 */
	int (*route)(void *ctx, const struct call_incoming *in, struct call_plan *ret_plan, char *ret_why, size_t cap);
	/* A target that a peer referred us to (plan.follows_refer): the plan of the new call. False refuses the REFER. */
	bool (*refer)(void *ctx, const struct call_record *by, const char *target, struct call_plan *ret_plan);
	/*
	 * A call of ours to a target that a caller is to be put through to: the plan (its brain is set by the call), where its media binds.
	 * Negative: no, and why is a sentence. NULL: bridges and attended transfers are not possible.
	 */
	int (*plan_leg)(void *ctx, const struct call_record *by, const char *target, struct call_plan *ret_plan, struct addr *ret_local,
		char *ret_why, size_t cap);
	/* Whether a call may be transferred to target, and counts it when so; otherwise why is a sentence. NULL: anywhere. */
	bool (*may_transfer)(void *ctx, const char *target, char *ret_why, size_t cap);
	/*
	 * Something about a call changed. what: a state's name, "recording", "parked", "queued", "conference", "collected", "sensitive", "who", "said", "turn", "interrupt", "media", "quality", "dtmf", or "closed":
	 * all is told, the record joins the history. For logs and watchers. May be NULL.
	 */
	void (*changed)(void *ctx, const struct call_record *r, const char *what);
	/* What became of an outgoing call at one of its hops: false: silent, not reachable or 503. May be NULL. */
	void (*hop_done)(void *ctx, void *owner, const struct addr *hop, bool is_fine);
	/* SIP is over, and with it the line is free; the plan lives on until release. May be NULL. */
	void (*ended)(void *ctx, void *owner);
	/* The plan's pointers are not used any more. May be NULL. */
	void (*release)(void *ctx, void *owner);
	void *ctx;
};

struct calls_params {
	uv_loop_t *loop;
	struct sip_stack *stack;
	struct media_engine_params media; /* events is set here */
	struct agent_params agent;	  /* on_event is set here */
	struct calls_hooks hooks;
	struct addr announce;		  /* IP for SDP instead of the local one; unset: local */
	uint32_t rtp_timeout_ms;
	uint32_t history;		  /* records of ended calls kept; 0: LIMIT_CALL_HISTORY */
};

nodiscard int calls_new(struct calls **ret, const struct calls_params *params);
/* Its agent, so that engines can be added before calls_start. */
struct agent *calls_agent(struct calls *cs);
struct media_engine *calls_media(struct calls *cs);
nodiscard int calls_start(struct calls *cs);

/* Hangs up every call. calls_count tells when all are gone. */
void calls_hangup_all(struct calls *cs, const char *why);
uint32_t calls_count(const struct calls *cs);
/* After the loop has stopped. */
struct calls *calls_free(struct calls *cs);

/* Session events of the stack (session is set, or INCOMING). */
void calls_on_sip(struct calls *cs, const struct sip_stack_event *ev);

struct call_dial {
	struct call_plan plan;
	const char *target;	   /* "sip:200@pbx" */
	const struct addr *local;  /* address our media binds to */
	uint32_t ring_timeout_s;   /* 0: 60 */
	uint64_t supervises;	   /* handle of the call that this one's far end shall hear; 0: none */
	uint64_t serves;	   /* handle of the caller who waits for it; 0: nobody */
	uint32_t most_s;	   /* answered calls end after that; 0: never */
	const char *from;	   /* name-addr without tag; NULL or "": the account's */
	const char *headers;	   /* whole lines into the INVITE; NULL */
	/* Where it is sent, one after the other until one answers; copied. None: where account and target say. */
	const struct sip_dest *hops;
	size_t hop_count;
	uint32_t failover_ms;	   /* a hop that has not said a word after so long: the next; 0: 1500 */
	const char *route;	   /* why this line: for the record; NULL */
};
/* Takes over the plan, also when it fails: hooks.release is called then. */
nodiscard int calls_dial(struct calls *cs, const struct call_dial *dial, struct call **ret);

const struct call_record *call_record_of(const struct call *c);
/* why: a sentence for the record; by: who wanted it. */
void call_hangup(struct call *c, enum call_end by, const char *why);
/* Blind transfer; the caller stays with the agent when it fails. -TR_EDENIED: hooks.may_transfer said no, its reason is in the record. */
nodiscard int call_transfer(struct call *c, const char *target);

/* Music (plan.music) or silence for the other side, and the agent waits; or on again. -TR_ESTATE: not up, or so already. */
nodiscard int call_hold(struct call *c, bool is_held);

/*
 * The recording, started by plan.does_record or here; each start makes a file of its own. With plan.consent the caller hears that first, once a
 * call. A pause writes silence. -TR_ESTATE: not up, on hold by us, or not what can follow the present state; -TR_EUNSUPP: no folder for them.
 */
nodiscard int call_recording_start(struct call *c);
nodiscard int call_recording_stop(struct call *c);
nodiscard int call_recording_pause(struct call *c, bool is_paused);

/* Of all calls since the start. */
struct calls_recording {
	uint64_t done, failed;	/* files; failed: none was made */
	uint64_t lost_frames;	/* of 20 ms, silent or missing in the files */
	uint32_t failing;	/* calls whose recording cannot be written now */
	int last_err;		/* why */
};
struct calls_recording calls_recording(const struct calls *cs);

struct call_park {
	uint32_t slot;	    /* 0: the first that is free */
	uint32_t timeout_s; /* 0: the plan's */
	const char *const *targets; /* instead of the plan's; copied */
	size_t target_count;
};
/*
 * Parks the caller: music, and whoever talked to the caller leaves. -TR_EUNSUPP: there are no slots; -EINVAL: no such slot; -TR_ELIMIT: taken,
 * all taken; -TR_ESTATE: not up and quiet.
 */
nodiscard int call_park(struct call *c, const struct call_park *want, uint32_t *ret_slot);
/* Rings target, who talks to the caller by answering; otherwise the caller stays parked. -TR_ESTATE: not parked. ring_s 0: 30. */
nodiscard int call_retrieve(struct call *c, const char *target, uint32_t ring_s);
bool calls_is_parked(struct calls *cs, uint32_t slot);

/*
 * The caller waits in the line of that name; a target "queue:NAME" of call_xfer is the same. -TR_ENOTFOUND: no such queue; -TR_ELIMIT: it is
 * full; -TR_ESTATE. Dequeue: back to the agent; -TR_ESTATE: not in line, or a member is being rung.
 */
nodiscard int call_enqueue(struct call *c, const char *name);
nodiscard int call_dequeue(struct call *c);

/* A third party on a call: what it hears is everything; whom it speaks to is its mode, which may change at any time. */
enum call_supervision {
	CALL_SUPERVISE_LISTEN,	      /* to nobody */
	CALL_SUPERVISE_WHISPER_AGENT, /* to the agent only */
	CALL_SUPERVISE_WHISPER_HUMAN, /* to the human whom the caller was put through to */
	CALL_SUPERVISE_BARGE,	      /* to all */
	CALL_SUPERVISE_TAKE_OVER,     /* to all, and the agent is silent */
};
const char *call_supervision_name(enum call_supervision mode);
/* Calls the supervisor at target, who joins by answering; without a target the mode of the one who is there changes. One a call. */
nodiscard int call_supervise(struct call *c, const char *target, enum call_supervision mode);

struct call_xfer_params {
	enum call_xfer_mode mode;
	enum call_waiting waiting;
	uint32_t ring_s;	    /* 0: 30 */
	const char *const *targets; /* first choice, then fall-backs; copied */
	size_t target_count;
};
/*
 * Puts the caller through. Whatever the targets do, the caller is not lost: after the last the agent goes on, and is told. Progress is in the
 * record's lines and in changes "transfer" and "bridged". -TR_ESTATE: the call is not up, or on its way already.
 */
nodiscard int call_xfer(struct call *c, const struct call_xfer_params *params);
/*
 * Presses keys: 0-9 * # A-D, "," for a pause. how: CALL_DTMF_AUTO is what the line says. -EINVAL: other characters; -TR_EUNSUPP:
 * CALL_DTMF_RFC4733 and the other side did not agree to it.
 */
nodiscard int call_send_dtmf(struct call *c, const char *digits, enum call_dtmf how);

/*
 * The next keys of the other side are somebody's outside, not the agent's, until the entry is complete or its time is over: record's
 * collected and change "collected" tell. -TR_ESTATE: not up, or one runs already.
 */
nodiscard int call_collect(struct call *c, const struct collect_params *params, bool is_sensitive);
nodiscard int call_collect_stop(struct call *c);
/* What was entered; a sensitive entry once. False: there is none, it still runs, or it was taken. */
bool call_collect_take(struct call *c, char *ret_keys, size_t cap);

/*
 * Begins or ends a part of which nothing is kept (sensitive.c), for one of those who may want that; it is over when nobody wants it any
 * more. -TR_ESTATE: the call is over.
 */
nodiscard int call_set_sensitive(struct call *c, enum call_sensitive who, bool is_on);
bool call_is_sensitive(const struct call *c);
/* Whether that of a SIP Call-ID is; false: no such call. */
bool calls_is_sensitive(const struct calls *cs, struct span sip_call_id);

/* Live and kept calls, newest first. */
struct call *calls_find(struct calls *cs, const char *id); /* live only */
const struct call_record *calls_record(struct calls *cs, const char *id);
/* Calls fn for each record, live ones first; stops when it returns false. */
void calls_each(struct calls *cs, bool (*fn)(void *ctx, const struct call_record *r), void *ctx);
