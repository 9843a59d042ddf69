/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/hash.h"
#include "base/log.h"
#include "base/timer.h"
#include "call/call.h"
#include "sip/reg.h"

/* What the files of this folder share. */

enum { CALL_PLAY_WAITING, CALL_PLAY_BRAIN, CALL_PLAY_CONSENT }; /* media_play_clip's play_id: what has ended */

struct call {
	struct calls *owner;
	struct hash_node by_handle;
	struct list link; /* in calls.live, newest first */
	uint64_t handle;  /* names it to workers and agents; never used twice */
	struct call_record rec;
	struct call_plan plan;

	struct sip_session *session; /* NULL once it has ended */
	struct sdp_oa oa, oa_first;  /* oa_first: an INVITE's offer before any answer, for forks */
	bool has_oa, has_oa_first;
	unsigned fork;		     /* whose answer oa holds */
	char *early[LIMIT_SIP_FORKS]; /* the latest answer in a 1xx of each fork, until the call is answered; NULL: none */
	struct sdp_local local;

	struct media_id stream;
	struct media_plan media;
	bool has_stream;	     /* until MEDIA_EV_CLOSED */
	bool has_media;		     /* a description was agreed on */
	struct ice_description *ice; /* ours; NULL: no ICE */
	bool is_gathering;	     /* our own description has to wait until MEDIA_EV_GATHERED */
	char *offer;		     /* incoming: the INVITE's, meanwhile; "": it had none; NULL: nothing waits */
	struct media_port *port;
	bool has_agent;		     /* until AGENT_STOPPED */
	bool is_stop_due;	     /* the agent's mailbox was full: stop it again */
	bool agent_is_held;	     /* what the agent was told last */
	bool is_refer_accepted;	     /* our REFER got its 2xx: a BYE means that the peer went to the target */
	bool is_connected;
	uint32_t files_open;	     /* recordings that are not complete yet */
	bool is_recording_failing;   /* the disk does not take it */
	bool has_consented;	     /* plan.consent was said */
	msec_t closing_at;	     /* when SIP was over: what lingers too long is given up */

	struct sip_account *account; /* outgoing: held for further tries */
	bool wants_savp;	     /* the second try: RTP/SAVP, since keys in RTP/AVP were refused */

	struct timer ring;	     /* until it is answered; outgoing: until a screener puts somebody through */
	/* What doctor.c watches. */
	struct addr said_rtp;	     /* where the last description wants our audio */
	msec_t first_rx_at;	     /* clock_ms; 0: nothing came yet */
	msec_t silent_since;	     /* clock_ms; 0: it is heard */
	bool is_switched, is_reoffered; /* the cures that were tried */

	struct timer longest;	     /* outgoing: how long it may last */
	uint32_t most_s;	     /* 0: for ever */
	struct sdp_body *body;	     /* incoming: what the 200 will carry, while it rings; outgoing: the offer, for the next hop */
	struct call_hops *hops;	     /* outgoing */
	char info_digits[LIMIT_DTMF_QUEUE + 1]; /* by INFO: the first of them is under way */

	struct collect collect;	     /* keys of the other side; record's collected says whether it runs */
	struct timer collect_timer;
	uint8_t sensitive_for;	     /* enum call_sensitive */

	struct xfer *xfer;	     /* the caller is on the way to somebody else */
	struct park *park;	     /* the caller waits in a slot */
	struct queue *queue;	     /* the caller waits in line */
	bool is_retrieved;	     /* plan.retrieves was done */
	bool wants_brain;	     /* the agent that is leaving is wanted again */
	struct conference *conference; /* that it is in, or is to enter by answering; NULL: none */
	bool rings_for_conference, is_muted;
	struct room *room;	     /* a supervisor is there or on the way */
	uint64_t supervises;	     /* handle of the call whose supervisor this leg is; 0: none */
	uint64_t serves;	     /* handle of the caller whom this leg is for; 0: nobody */
	struct call *peer;	     /* joined with; NULL: nobody */
	bool is_held_by_us;
	bool is_brain_dismissed;     /* whoever was behind it left on purpose */

	uint64_t referred_by;	     /* handle of the call whose REFER made this one */
	uint32_t refer_id;
	bool wants_hangup_after_play;
	bool has_begun;		     /* an agent that waited for who answers, or its recording */
	bool was_screened;	     /* a screener was told who calls */
};

struct calls {
	struct calls_params p;
	struct media_engine *media;
	struct agent *agent;
	struct mailbox *media_box, *agent_box;
	uv_async_t wake;
	uv_timer_t second, due, paths; /* due: the wheel's next timer; paths: media_engine_run's */
	struct timer_wheel wheel;
	uint32_t open_handles;
	struct hash_table by_handle;
	struct list live;
	uint32_t live_count;
	uint64_t next_handle;
	struct call_record *history; /* ring */
	uint32_t history_next, history_count;
	struct calls_recording recording;
	struct list conferences;
	uint32_t conference_count;
	uint64_t next_conference;
	bool is_closing; /* calls_free: the stack hears nothing any more */
};

/* calls.c */
struct call *call_new(struct calls *cs, const struct call_plan *plan, bool is_outgoing);
struct call *call_by_handle(struct calls *cs, uint64_t handle);
void call_retire_if_done(struct call *c);
void call_changed(struct call *c, const char *what);
void call_note(struct call *c, const char *fmt, ...) printf_like(2, 3); /* a SYSTEM line of the conversation */
msec_t calls_now(const struct calls *cs);
/* Starts a timer of a call; its function runs on the loop. */
void calls_timer(struct calls *cs, struct timer *t, uint32_t after_ms);

/* call.c */
void call_gathered(struct call *c); /* our own description can be written now */
void call_answer_now(struct timer *ring, msec_t now);
void call_too_long(struct timer *longest, msec_t now);
void call_forget_early(struct call *c);

/* leg.c: media of the SIP leg */
nodiscard int leg_open_media(struct call *c, const struct addr *local);
void leg_secure(struct call *c); /* keys and profiles of c->local, fresh */
void leg_trickle(struct call *c, struct span body); /* application/trickle-ice-sdpfrag */
nodiscard int leg_answer(struct call *c, struct span offer, struct sdp_body *ret_body);
nodiscard int leg_recv_answer(struct call *c, struct span answer);
void leg_close_media(struct call *c);
/* The far end pressed a key, however it was signalled; in-band ones are in the audio already. */
void leg_on_digit(struct call *c, char digit, bool is_inband);
void leg_on_media(struct calls *cs, const struct media_event *ev);

/* call.c, for xfer.c and room.c */
/*
 * Calls target on behalf of c, by the plan that the application gives (hooks.plan_leg); nobody of ours is behind the new leg. The caller
 * fills whom it is for and how long it may ring.
 */
nodiscard int call_dial_for(struct call *c, const char *target, struct call_dial *dial, struct call **ret);
/* REFER to target, or to whom a consultation is with (RFC 3891). */
nodiscard int call_refer(struct call *c, const char *target, const struct sip_session *replaces);
void call_transferring(struct call *c);
void call_transferred(struct call *c, struct call *leg); /* joined by us */
void call_transfer_failed(struct call *c, const char *why);

/* xfer.c: putting callers through */
void xfer_on_refer(struct call *c, int status, bool is_final, struct span reason);
void xfer_on_over(struct call *c);
void xfer_on_leg_media(struct call *leg);
void xfer_on_leg_up(struct call *leg);
void xfer_on_leg_over(struct call *leg);

/* As call_xfer, also from a parked call. */
nodiscard int xfer_begin(struct call *c, const struct call_xfer_params *params);

/* park.c */
/* A transfer of a parked caller came to nothing: true when that was dealt with, false when the agent is to be told. */
bool park_takes_back(struct call *c, const char *why);
void park_on_leg_up(struct call *leg);
void park_on_joined(struct call *c); /* also when it is over */

/* queue.c: as park.c's */
bool queue_takes_back(struct call *c, const char *why);
bool queue_lets_agent_speak(const struct call *c);
void queue_on_said(struct call *c); /* by the agent, to its end */
void queues_tick(struct calls *cs);
void queue_on_over(struct call *c);

/* conference.c */
void conference_on_leg_up(struct call *leg);
void conference_on_over(struct call *c);
void conferences_done(struct calls *cs);

/* room.c: supervisors */
void room_on_leg_up(struct call *leg);
void room_on_over(struct call *c);
bool room_is_taken_over(const struct call *c);

/* bridge.c: two legs joined */
nodiscard int bridge_join(struct call *a, struct call *b);
void bridge_on_over(struct call *c);
void bridge_leave_brain(struct call *c); /* whoever of ours is behind it goes */
void bridge_digit(struct call *c, char digit);

/* doctor.c: what is wrong with the audio */
void doctor_new_media(struct call *c); /* a description was applied */
void doctor_on_media(struct call *c, const struct media_event *ev);
/* A sentence about the worst that holds, for the cause of the end; NULL: nothing. */
const struct call_finding *doctor_worst(const struct call *c);
/* hop.c: an outgoing call at its targets, one after the other */
nodiscard int hops_new(struct call *c, const struct call_dial *dial);
nodiscard int hops_start(struct call *c, const struct sdp_body *offer); /* again with another offer: at the present one */
void hops_free(struct call *c);
/* The present hop lives: something other than silence came from it. */
void hops_heard(struct call *c);
/* The call has ended there; true: it goes on at the next. */
bool hops_next(struct call *c, const struct sip_stack_event *ended);

/* dtmf.c */
void dtmf_on_notified(struct call *c);

/* recording.c */
void recording_on_connect(struct call *c); /* audio flows, or it is the agent's turn */
bool recording_will_prompt(const struct call *c); /* before that: the agent shall wait */
bool recording_is_prompting(const struct call *c);
void recording_prompt_said(struct call *c);
void recording_on_media(struct call *c, const struct media_event *ev);
void recording_on_over(struct call *c);

void recording_pause_now(struct call *c); /* silent or not, as things stand */

/* sensitive.c */
bool sensitive_hides_keys(const struct call *c); /* from the agent */
void sensitive_mask(const struct call *c, char *keys);

/* collect.c: keys for somebody outside */
void collect_expired(struct timer *t, msec_t now);
bool collect_takes(struct call *c, char key);
void collect_on_over(struct call *c);

/* about.c: the agent's instructions with what is known of this call; NULL: as they are. The caller frees. */
nodiscard char *about_call(const struct call_record *r, const char *instructions);

/* brain.c: what is behind the leg */
void brain_start(struct call *c); /* as soon as the call is certain to be answered */
void brain_connect(struct call *c); /* audio may flow */
/* What was played to somebody who waits ends; a recording that it replaced begins anew. */
nodiscard int brain_play_on(struct call *c);
void brain_stop(struct call *c);
/* Whoever was there at first begins anew, after a person has left; false: there was nobody of ours. */
bool brain_again(struct call *c);
/* Music for somebody who waits in a slot or in line, or nothing. */
void brain_play_waiting(struct call *c);
/* The waiting is over and nobody took the caller. True: whoever was there at first begins anew, or the call ends with why; false: the agent is still there. */
bool brain_takes_back(struct call *c, const char *why);
/* Tells the agent what it does not know yet of the record's is_held; again each second while its mailbox is full. */
void brain_hold(struct call *c);
/* answered.c: who has answered our call */
bool answered_waits(const struct call *c); /* the agent is told when to begin */
void answered_watch(struct call *c);
void answered_begin(struct call *c);
void answered_left(struct call *c, bool has_failed);
void answered_words(struct call *c, enum answer_who who, const char *text);
void answered_expired(struct call *c);
void answered_on_media(struct call *c, const struct answer_event *ev);

/* Any thread: posts a copy to the signalling loop. */
void brain_post(void *ctx, const struct agent_event *ev);
void brain_drain(struct calls *cs);
