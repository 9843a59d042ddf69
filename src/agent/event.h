/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "turn/answer.h"
#include "turn/turn.h"

/*
 * What an agent tells the call it is on. Delivered on the agent thread by agent_event_fn; everything pointed to is borrowed
 * until it returns.
 */
enum agent_event_kind {
	AGENT_STARTED,	  /* the ports are open */
	AGENT_TRANSCRIPT, /* somebody said something */
	AGENT_TURN,	  /* one exchange's latencies, once its reply has begun to play or failed */
	AGENT_INTERRUPT,  /* one barge-in's latencies */
	AGENT_TRANSFER,	  /* the agent wants the caller to be put through; answer with agent_call_transfer_failed or stop */
	AGENT_SENSITIVE,  /* what the caller says and presses from now on is not to be kept, or may be again: is_on */
	AGENT_HANG_UP,	  /* the agent has said good-bye: end the call */
	AGENT_FAILED,	  /* a provider failed; the agent goes on as well as it can (apology, transfer, hang-up follow as events) */
	AGENT_WORDS,	  /* an agent that waits: the words of a machine were heard */
	AGENT_LEFT,	  /* the same: the text of agent_call_leave was said to its end, or cannot be said */
	AGENT_HEARD,	  /* a scripted caller: what it heard of the answer to a line */
	AGENT_STOPPED,	  /* the last event of a call: its port is not touched any more */
};

enum agent_who { AGENT_WHO_CALLER, AGENT_WHO_AGENT };

struct agent_transcript {
	enum agent_who who;
	const char *text;
	bool is_final;		/* a partial is replaced by the next of the same who */
	bool is_interrupted;	/* agent: text is only what was heard */
	bool is_digits;		/* caller: keys, not words */
	float confidence;	/* caller: of the recogniser; agent: 1 */
	int64_t at_us;		/* when its speech began, CLOCK_MONOTONIC */
	int64_t end_us;		/* when its speech ended; 0 while it lasts */
};

/*
 * The waterfall of one exchange, microseconds of CLOCK_MONOTONIC; 0: did not happen. Ours are the steps between; the engines'
 * are endpoint_us..final_us (stt), mind_us..text_us (llm), voice_us..audio_us (tts).
 */
struct agent_turn_metrics {
	uint32_t turn;		  /* 1 for the greeting */
	enum turn_reason reason;  /* of the endpoint; TURN_BY_NONE for a turn without one (greeting, silence) */
	int64_t speech_end_us;	  /* the caller's last voiced frame ended, on the media clock */
	int64_t endpoint_us;	  /* end of turn decided */
	int64_t final_us;	  /* the recogniser's final */
	int64_t mind_us;	  /* the llm was asked */
	int64_t text_us;	  /* its first text */
	int64_t voice_us;	  /* the first clause went to the tts */
	int64_t audio_us;	  /* its first audio */
	int64_t queued_us;	  /* the first frame was put on the ring to the worker */
	int64_t rtp_us;		  /* the worker sent it */
	int64_t own_us;		  /* endpoint (or mind) to queued without the engines' waits: our share */
	uint32_t stt_compute_us;  /* CPU time the recogniser says it used */
	bool has_failed;	  /* the reply is an apology */
	bool had_filler;	  /* "one moment" was said first */
};

struct agent_interrupt_metrics {
	int64_t voice_us;  /* the voice over ours began */
	int64_t pause_us;  /* we fell silent; 0: flushed at once */
	int64_t verdict_us; /* flush or resume */
	bool was_real;	   /* flush; else false alarm or nod */
	enum turn_reason reason;
	uint32_t voiced_ms;
};

struct agent_transfer {
	const char *to;	    /* what the mind named; "" when it left that to the configuration */
	const char *reason;
	bool is_failure;    /* because a provider failed */
};

struct agent_failure {
	const char *part; /* "stt", "llm", "tts", "vad", "agent" */
	const char *port; /* its name */
	int err;
	const char *words;
	bool is_fatal;	/* the conversation cannot go on: a transfer or hang-up follows */
};

/* Measured by ear at the far end of the line, network and codecs included. Microseconds of CLOCK_MONOTONIC; 0: did not happen. */
struct agent_heard_metrics {
	uint32_t line;
	int64_t said_us, said_end_us; /* the line */
	int64_t answer_us;	      /* first audible frame of the answer; before said_end_us: the other side spoke over us */
	int64_t hushed_us;	      /* the line interrupted the other side: last audible frame of what it was saying */
};

struct agent_event {
	enum agent_event_kind kind;
	uint64_t call; /* the handle given to agent_call_start */
	union {
		struct agent_transcript transcript;
		struct agent_turn_metrics turn;
		struct agent_interrupt_metrics interrupt;
		struct agent_transfer transfer;
		struct agent_failure failure;
		struct agent_heard_metrics heard;
		const char *reason; /* HANG_UP */
		struct {
			enum answer_who who;
			const char *text;
		} words;
		bool has_failed; /* LEFT */
		bool is_on;	 /* SENSITIVE */
	};
};

typedef void agent_event_fn(void *ctx, const struct agent_event *ev);

const char *agent_event_name(enum agent_event_kind kind);
