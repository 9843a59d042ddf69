/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <uv.h>
#include "agent/event.h"
#include "agent/registry.h"

/*
 * The agent runtime: one thread with a loop on which calls' brains live. Knows neither SIP nor any vendor.
 *
 *	signalling thread ── agent_call_* ──▶ mailbox ──▶ agent thread ── agent_event_fn ──▶ (the application's mailbox)
 *	media workers     ◀═════ media_port rings ═════▶ agent thread
 *
 * Life: agent_new; engines are made on agent_loop and added to agent_providers; agent_start; calls; agent_stop; engines are
 * freed; agent_free (runs the loop until their handles are closed).
 */
struct agent;
struct media_port;
struct media_bell;
struct prompts;

struct agent_params {
	agent_event_fn *on_event; /* on the agent thread; must not block */
	void *ctx;
	uint32_t calls_max;	  /* 0: LIMIT_AGENT_CALLS */
};

nodiscard int agent_new(struct agent **ret, const struct agent_params *params);
uv_loop_t *agent_loop(struct agent *a);
struct agent_providers *agent_providers(struct agent *a);
/* For media_port_params.bell of ports that calls of this agent thread will use. */
struct media_bell *agent_bell(struct agent *a);

nodiscard int agent_start(struct agent *a);
/*
 * Ends every call and joins the thread. STOPPED comes for each; for calls whose start was never handled, from the thread that
 * calls this. Harmless when not started.
 */
void agent_stop(struct agent *a);
struct agent *agent_free(struct agent *a);

/* What one agent is: `agents:` of the configuration. Everything is copied by agent_call_start. */
struct agent_config {
	const char *name;
	const char *instructions; /* NULL: none */
	const char *greeting;	  /* NULL: the mind's own */
	const char *language;	  /* BCP 47; NULL: "en-US" */
	const char *voice;	  /* NULL: the engine's default */
	const char *stt, *llm, *tts; /* port names; NULL: "embedded" */
	const char *vad;	  /* port name of a detector of speech; NULL: the media core's */
	const char *tts_fallback; /* another tts for the apology; NULL: the same again, then the tone */
	const char *transfer_to;  /* the human; NULL: none, a failed agent ends the call politely */
	const char *tools_json;	  /* NULL: only transfer and hang_up */
	struct flow *flow;	  /* that the embedded mind follows; NULL for other minds. A copy takes a reference */
	const char *filler;	  /* said when the mind is slow ("One moment, please."); NULL: none */
	const char *apology;	  /* said when a provider failed; NULL: English default */
	struct prompts *prompts;  /* recorded phrases (prompts.h); a reference is taken; NULL: none */
	const char *transfer_failed; /* said when nobody takes the transfer; NULL: the mind is told and answers */
	uint32_t filler_after_ms; /* 0: 1500 */
	uint32_t llm_timeout_ms;  /* to the first text; 0: 10000 */
	int32_t utc_offset_s;
	const struct turn_params *turn; /* NULL: defaults */
};

/*
 * A scripted caller for demonstrations and tests: says its lines by tts, one whenever the other side has been silent. See
 * caller_script.h. Everything is copied.
 */
struct agent_caller_line {
	const char *text;      /* "<600>" in it is a pause of so many ms, at most 3000 */
	uint32_t interrupt_ms; /* >0: does not wait for the end, speaks so long after the other side begins */
	uint32_t wait_ms;      /* silence of the other side before speaking; 0: 700 */
	const char *digits;    /* pressed instead of said, by the event AGENT_TRANSCRIPT with is_digits: the application sends DTMF */
};

struct agent_caller_config {
	const char *name;
	const char *voice, *language, *tts; /* as in agent_config */
	const struct agent_caller_line *lines;
	uint32_t line_count;
	uint32_t patience_ms; /* nothing heard for so long after a line: the next is said anyway; 0: 15000 */
	uint16_t noise;	      /* peak of a noise behind the caller, in samples; 0: none */
	uint32_t linger_ms;   /* silence after the last line's answer until HANG_UP; 0: 2500 */
};

struct agent_call_params {
	uint64_t call;		 /* the caller's handle, in every event; not in use by another call */
	struct media_port *port; /* a reference is taken; connected or not yet */
	const struct agent_config *config;	  /* an agent... */
	const struct agent_caller_config *caller; /* ...or a scripted caller; exactly one is set */
	bool waits;		 /* an agent: says nothing until agent_call_begin or agent_call_leave (doorman.h) */
	const char *words_stt;	 /* the same: recogniser that knows machines' words; a literal; NULL: none listens */
};

/*
 * Any thread; none blocks. 0: accepted, and failures come as AGENT_FAILED, always followed by AGENT_STOPPED at the end.
 * -TR_ELIMIT: the mailbox or the call table is full, nothing happened (a refused stop must be tried again). An unknown call is
 * ignored: it may have just ended.
 */
nodiscard int agent_call_start(struct agent *a, const struct agent_call_params *params);
/* STOPPED follows; nothing else does. */
nodiscard int agent_call_stop(struct agent *a, uint64_t call);
nodiscard int agent_call_dtmf(struct agent *a, uint64_t call, char digit);
/* The caller was put on hold by us or by the other side: no listening, no speaking, no time-outs. */
nodiscard int agent_call_hold(struct agent *a, uint64_t call);
nodiscard int agent_call_resume(struct agent *a, uint64_t call);
/* Says text as soon as the floor is free (LIMIT_AGENT_SAY_BYTES, -TR_ETOOBIG). */
nodiscard int agent_call_say(struct agent *a, uint64_t call, const char *text);
/* A waiting agent: the conversation begins. Nothing when it has begun. */
nodiscard int agent_call_begin(struct agent *a, uint64_t call);
/*
 * A waiting agent, also one that has begun: stops whatever it does and says text (LIMIT_AGENT_SAY_BYTES, -TR_ETOOBIG), then AGENT_LEFT;
 * "" only makes it wait again.
 */
nodiscard int agent_call_leave(struct agent *a, uint64_t call, const char *text);
/* The transfer that AGENT_TRANSFER asked for did not work: the agent tells the caller and goes on. */
nodiscard int agent_call_transfer_failed(struct agent *a, uint64_t call, const char *reason);

struct agent_stats {
	uint32_t calls;		/* now */
	uint64_t started, refused;
	uint64_t mailbox_dropped;
};
struct agent_stats agent_stats(const struct agent *a);
