/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/event.h"
#include "base/addr.h"
#include "base/base.h"
#include "base/list.h"
#include "call/diagnose.h"
#include "media/media.h"
#include "turn/collect.h"

/*
 * What is known of one call, while it runs and afterwards: the source of the call record, of `tipring show` and of the API.
 * Owned by the signalling thread.
 */
#define CALL_ID_TEXT 24

enum call_state {
	CALL_NEW,	   /* nothing sent yet */
	CALL_RINGING,	   /* incoming: not answered yet; outgoing: INVITE sent */
	CALL_UP,	   /* answered */
	CALL_TRANSFERRING, /* REFER sent, outcome open */
	CALL_ENDING,	   /* BYE, CANCEL or a rejection is under way */
	CALL_ENDED,
	CALL_STATE_COUNT
};
const char *call_state_name(enum call_state s);

enum call_end { CALL_END_NONE, CALL_END_CALLER, CALL_END_AGENT, CALL_END_US, CALL_END_PEER, CALL_END_NETWORK, CALL_END_TRANSFERRED };
const char *call_end_name(enum call_end e);

/* One utterance or event of the conversation. Times are milliseconds since the call began. */
struct call_line {
	enum { CALL_SAYS_CALLER, CALL_SAYS_AGENT, CALL_SAYS_SYSTEM } who;
	msec_t at, end;
	char *text;
	bool is_interrupted, is_digits;
	float confidence;
};

/* Of a call: nothing; the caller is told first; both sides go to the file; silence does. */
enum call_recording { CALL_RECORDING_OFF, CALL_RECORDING_PROMPT, CALL_RECORDING_ON, CALL_RECORDING_PAUSED };
const char *call_recording_name(enum call_recording s);

/* Keys that were collected last, as everybody may see them. */
struct call_collected {
	uint32_t number;      /* 1 is the call's first; 0: there was none */
	enum collect_end end; /* COLLECT_OPEN while it runs */
	bool is_sensitive;    /* shown has stars */
	char shown[LIMIT_DTMF_COLLECT + 1];
};

/* A finding, when it first held and last did. */
struct call_trouble {
	struct call_finding finding;
	msec_t from, until; /* milliseconds since the call began */
	bool is_over;	    /* it no longer holds */
};

/* Who has answered a call of ours. Times are milliseconds since the answer. */
struct call_who {
	bool is_wanted;		 /* it was looked after */
	enum answer_who who;
	uint8_t confidence;	 /* percent */
	bool is_revised;	 /* another verdict came first */
	bool has_rung;		 /* it went on ringing in the audio */
	uint32_t at, speech_ms;	 /* of the verdict, and how long after the first speech or tone */
	uint32_t beep_at, beep_ms, beep_hz; /* beep_ms 0: none was heard */
	uint32_t screened_at;	 /* verdict of the screener that was answered; 0: none */
	enum progress_sit sit;
	char words[160];	 /* that gave a machine away; "" when none did */
	char did[60];		 /* what was done about it */
};

/* Who is at the other end of an incoming call, and how the call came to us; as far as the line is believed. */
struct call_caller {
	char number[128];	 /* in the form the line's number plan gives; "anonymous": withheld */
	char name[128];
	bool is_asserted;	 /* by the PBX or carrier, not only claimed */
	bool is_private;	 /* others are not to learn the number */
	char diverted_from[128], diverted_why[32]; /* who sent the call on to us, and why ("no-answer"); "" */
	char dialled_first[128]; /* what the caller dialled before that; "" */
	unsigned diversions;
	char language[16];	 /* "de"; "" */
};

struct call_record {
	char id[CALL_ID_TEXT];
	char sip_call_id[LIMIT_CALLID_BYTES];
	bool is_outgoing;
	enum call_state state;
	char line[64], agent[64], from[128], to[128];
	char bridged_with[CALL_ID_TEXT]; /* the call it was joined with; "": none */
	char route[200];	 /* why this agent answered, or this line was taken */
	struct call_caller caller; /* incoming */
	int64_t wall_ms;	 /* when it began, since 1970 */
	msec_t began_at, ringing_at, answered_at, ended_at; /* clock_ms; 0: did not happen */
	struct addr peer;	 /* where its signalling came from */
	struct addr remote_rtp, local_rtp;
	char codec[16];
	char security[48];	 /* how the media is encrypted: "SDES, AES_CM_128_HMAC_SHA1_80"; "": in clear */
	char path[32];		 /* what ICE has found: "host to srflx"; "": no ICE, or nothing yet */
	uint32_t rate_hz;
	bool has_quality;
	struct media_quality quality; /* latest, and at the end of the whole call */
	bool is_held, is_held_by_us; /* by the other side; by us */
	enum call_recording recording_state;
	char recording[256];	 /* the first file, "": none; call_record_path has the others */
	bool is_recorded;	 /* it is complete */
	uint32_t recordings;	 /* files begun, LIMIT_CALL_RECORDINGS at most */
	uint32_t recorded;	 /* bit n-1: the nth is complete */
	uint32_t recording_lost_ms; /* of all, what the disk was too slow or too full for */

	uint32_t parked;	 /* slot; 0: not */
	char queue[40];		 /* in whose line; "": none */
	uint32_t queue_position; /* 1 is next */
	char conference[24];	 /* "": in none */
	bool is_sensitive;	 /* a part that is not kept runs */
	struct call_collected collected;

	struct call_who who;

	struct call_line *lines;
	uint32_t line_count, line_cap, lines_dropped;
	struct agent_turn_metrics *turns;
	uint32_t turn_count, turn_cap;
	struct agent_interrupt_metrics *interrupts;
	uint32_t interrupt_count, interrupt_cap;

	struct call_trouble troubles[CALL_FINDINGS];
	uint32_t trouble_count;

	enum call_end ended_by;
	int sip_status;		 /* of the message that ended it; 0: none */
	char cause[480];	 /* a sentence; those of TLS are long */
	char remedy[240];	 /* another when it is a fault; "" otherwise */
};

void call_record_done(struct call_record *r);

/* Bounded by LIMIT_CALL_LINES; beyond, lines are counted only, and it returns false. text is copied. */
bool call_record_say(struct call_record *r, const struct call_line *line);
void call_record_turn(struct call_record *r, const struct agent_turn_metrics *turn);
void call_record_interrupt(struct call_record *r, const struct agent_interrupt_metrics *m);

/* Of the nth recording, from 1. -TR_ETOOBIG. */
nodiscard int call_record_path(const struct call_record *r, uint32_t n, char *ret, size_t cap);

/* Milliseconds since the call began of a time on the microsecond clock. */
static inline msec_t call_record_ms(const struct call_record *r, int64_t at_us)
{
	return at_us ? at_us / 1000 - r->began_at : 0;
}

/* Fills cause and remedy, and who ended it, unless that is known already. */
void call_record_end(struct call_record *r, enum call_end by, int status, const char *fmt, ...) printf_like(4, 5);

/* What a final SIP status means to the people on the line, and what to do. Never NULL; remedy may be "". */
struct call_status_words {
	const char *meaning, *remedy;
};
struct call_status_words call_status_words(int status);
