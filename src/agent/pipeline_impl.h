/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ears.h"
#include "agent/mind.h"
#include "agent/pipeline.h"
#include "agent/recorded.h"
#include "agent/voice.h"
#include "turn/echo.h"
#include "turn/words.h"

/* Private to pipeline*.c: the conductor is one object in five files. */
enum stage {
	STAGE_TALK,    /* the conversation */
	STAGE_SORRY,   /* a provider has failed, the apology is played */
	STAGE_LEAVING, /* transfer or hang-up was asked for */
};

enum leave_kind { LEAVE_NONE, LEAVE_TRANSFER, LEAVE_HANG_UP };

/* What happens once the reply has been spoken. */
struct leave {
	enum leave_kind kind;
	char *to, *reason, *call_id, *args;
	bool is_failure;
};

/*
 * Nobody reacts to what has sounded for less, the network's way there and back included: who speaks then was going on anyway.
 */
#define PIPELINE_REACTION_US 700000

/* What the mind said of the answer to the reply that is being made; copies. */
struct listen {
	bool is_set, is_number, is_sensitive;
	uint32_t silence_ms, keys_most, keys_ms;
	char key_ends[17];
	char *context;
	char *phrases[LIMIT_AGENT_PHRASES];
	size_t phrase_count;
};

/* How an apology can still be said, best first. */
enum sorry { SORRY_RECORDED, SORRY_OWN_VOICE, SORRY_OTHER_VOICE, SORRY_TONE, SORRY_NOTHING };

struct media_up_frame;

struct pipeline {
	struct brain brain;
	struct brain_env env;
	const struct agent_config *config;
	const char *language;
	struct word_list nods;

	struct turn turn;
	struct echo echo;
	struct ears *ears;
	struct vad_stream *vad; /* NULL: the media core's verdicts are taken */
	struct port_fault vad_fault;
	struct mind *mind;
	struct voice *voice;
	struct history *history;
	enum stage stage;
	bool is_on_hold;

	/* The exchange that runs. */
	char *question;	      /* asked of the mind, not in the history yet; NULL: none */
	enum llm_cause cause;
	uint32_t rounds;      /* of tool results in a row */
	bool is_reply_open;   /* a reply was begun and its end not handled */
	bool is_reply_told;   /* the turn machine knows that audio is on its way */
	char *said;	      /* the caller's last utterance and how sure it is */
	float confidence;
	char *so_far;	      /* the newest partial of the running utterance */
	char *nod;	      /* the last nod over our reply that would answer it */
	char *unanswered;     /* said before; the caller went on before anything was answered */
	bool was_interrupted; /* for the next question */
	bool is_continued;    /* the question holds an unanswered one */
	char *heard;
	bool asked_interrupted; /* the same of the question that was asked, should it be continued */
	char *asked_heard;
	char digits[LIMIT_DTMF_COLLECT + 1];
	char key_ends[17];   /* of the answer that is awaited; "": the default */
	bool is_sensitive;   /* the answer is nobody's but the mind's, and so is a reply that may read it back */
	bool wants_sensitive; /* the same, once that reply is over */
	bool is_question_hidden; /* the question is such an answer */
	struct leave leave;
	struct listen listen;
	char *says[LIMIT_AGENT_SAYS];
	uint32_t say_count;

	enum sorry sorry;
	bool is_voice_dead;
	struct agent_failure open_fault; /* of start; words are below */
	char open_words[160];

	/* Frames' own time: base_ms + 20 * at. */
	msec_t base_ms, turn_now, last_frame_at;
	bool has_base;

	struct agent_turn_metrics m;
	struct agent_interrupt_metrics i;
	uint32_t turns;
	bool is_m_open; /* m is being filled */
};

/* pipeline.c */
int64_t pipeline_now_us(const struct pipeline *p);
msec_t pipeline_now(struct pipeline *p);
void pipeline_decide(struct pipeline *p);

/* pipeline_reply.c */
void pipeline_ask(struct pipeline *p, enum llm_cause cause, const char *text);
void pipeline_cut(struct pipeline *p, const struct turn_out *out);
void pipeline_reply_tick(struct pipeline *p);
void pipeline_say_text(struct pipeline *p, const char *text);
void pipeline_transfer_failed(struct brain *b, const char *reason);
void pipeline_leave_clear(struct pipeline *p);
void pipeline_leave_now(struct pipeline *p);
void pipeline_on_piece(void *arg, const char *text);
void pipeline_on_done(void *arg, const struct mind_tool *tools, uint32_t tool_count);

/* pipeline_listen.c */
void pipeline_on_listen(void *arg, const struct llm_listen *listen);
void pipeline_listen_now(struct pipeline *p);
void pipeline_listen_clear(struct pipeline *p);
void pipeline_listen_tick(struct pipeline *p);
void pipeline_be_sensitive(struct pipeline *p); /* what was said so far has been told */

/* pipeline_sorry.c */
const char *pipeline_apology(const struct pipeline *p);
void pipeline_fail(struct pipeline *p, const struct agent_failure *failure);
void pipeline_look_for_faults(struct pipeline *p);
void pipeline_sorry_done(struct pipeline *p);

/* pipeline_vad.c */
void pipeline_vad_open(struct pipeline *p);
void pipeline_vad_close(struct pipeline *p);
uint8_t pipeline_vad_judge(struct pipeline *p, const struct media_up_frame *f);
void pipeline_vad_tell_fault(struct pipeline *p);

/* pipeline_report.c */
void pipeline_emit(struct pipeline *p, struct agent_event ev);
void pipeline_tell_caller_said(struct pipeline *p, const char *text, bool is_final);
void pipeline_tell_agent_said(struct pipeline *p, const char *text, bool is_final, bool is_interrupted);
void pipeline_turn_begins(struct pipeline *p, bool has_endpoint);
void pipeline_turn_metrics_tick(struct pipeline *p);
void pipeline_interrupt_verdict(struct pipeline *p, const struct turn_out *out, bool was_real);
