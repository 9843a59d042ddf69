/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"
#include "flow/flow.h"

/*
 * What a pipeline needs from the world: ears (stt), a mind (llm), a voice (tts). Every provider, embedded or in the cloud, is
 * one of these vtables.
 *
 * Rules that hold for all three:
 *  - Thread: the agent loop that opened the session. Nothing here blocks; results come by callback on the same loop, never
 *    from inside the call that asked for them, so that a caller need not be re-entrant.
 *  - A request has an id that the caller chooses (not 0, not in use). Once cancel or close has returned, no callback of that
 *    request is delivered, however late the engine is.
 *  - Every request that was accepted (0) and not cancelled ends with exactly one on_final/on_done or on_error.
 *  - A request that cannot be served now is refused at once: -TR_ELIMIT with words (port_fault), never queued for later.
 *    An engine that breaks gives -TR_EENGINE with words, from the call or in on_error. Words are for logs and people.
 *  - Strings and arrays handed over, in either direction, are borrowed until the function returns.
 *  - A callback may call any function of its session except close of that session inside on_audio/on_delta/on_partial;
 *    close is fine from on_final, on_done and on_error.
 */

struct port_fault {
	int err; /* 0 or a negative code */
	char words[160];
};

/* Fills fault (which may be NULL) and returns err: `return port_fail(ret_fault, -TR_ELIMIT, "all %u are busy", n)`. */
printf_like(3, 4) static inline int port_fail(struct port_fault *ret_fault, int err, const char *fmt, ...)
{
	va_list ap;

	if (!ret_fault)
		return err;

	ret_fault->err = err;
	va_start(ap, fmt);
	vsnprintf(ret_fault->words, sizeof(ret_fault->words), fmt, ap);
	va_end(ap);

	return err;
}

/* ---- ears ------------------------------------------------------------------------------------------------------------ */

struct stt_word {
	const char *text;
	uint32_t start_ms, end_ms; /* from the first sample of the utterance, pre-roll included */
	float confidence;	   /* 0..1 */
};

struct stt_final {
	const char *text; /* lower case words, one space between; "" when nothing was recognised */
	float confidence; /* 0..1 of the whole; engines without a measure say 1 */
	const struct stt_word *words;
	size_t word_count;   /* <= LIMIT_STT_WORDS; 0 when the engine gives no word times */
	uint32_t audio_ms;   /* audio decoded, pre-roll included */
	uint32_t compute_us; /* CPU time spent on it; 0 for a remote engine */
	uint32_t wait_us;    /* from end() to this callback being posted */
};

struct stt_callbacks {
	/* Best guess so far; may shrink. is_stable: from a whole-utterance decode (see pause), as good as a final. */
	void (*on_partial)(void *arg, uint32_t id, const char *text, bool is_stable);
	void (*on_final)(void *arg, uint32_t id, const struct stt_final *final);
	void (*on_error)(void *arg, uint32_t id, int err, const char *words);
	void *arg;
};

struct stt_params {
	uint32_t rate_hz;     /* 8000 or 16000: of all audio fed */
	const char *language; /* BCP 47, "en-US"; -TR_EUNSUPP when the engine has none */
	struct stt_callbacks cb;
};

/*
 * What is likely to be said next. An engine uses what it can: an embedded one the compiled grammar of that name, a cloud one
 * the phrases as boosts. An unknown name falls back to the engine's widest grammar.
 */
struct stt_context {
	const char *name;	    /* NULL: anything */
	const char *const *phrases; /* names, product words; may be NULL */
	size_t phrase_count;
};

struct stt_stream;
struct stt_port;

struct stt_ops {
	/* One stream a call. */
	int (*open)(struct stt_port *port, const struct stt_params *params, struct stt_stream **ret, struct port_fault *ret_fault);
	void (*close)(struct stt_stream *s);

	/* Holds from the next begin on. */
	int (*set_context)(struct stt_stream *s, const struct stt_context *context);
	/*
	 * Are partials that are not stable wanted: an engine may save the time they cost, which can be half of all. Holds from the
	 * next begin on; they are, until told otherwise. Optional (NULL).
	 */
	void (*set_partials)(struct stt_stream *s, bool are_wanted);

	/* Starts utterance id with the audio from before speech was detected (may be 0 samples). One at a time. */
	int (*begin)(struct stt_stream *s, uint32_t id, const int16_t *preroll, size_t n, struct port_fault *ret_fault);
	/* Any count of samples, usually 20 ms. Outside an utterance it is ignored. */
	void (*feed)(struct stt_stream *s, const int16_t *pcm, size_t n);
	/*
	 * The caller fell silent, the end of turn is not sure yet: an engine may prepare its final now, so that end() is
	 * quick; it reports that as a stable partial. Feeding goes on. Without resume, what is fed between pause and end is
	 * taken for silence. Optional (both NULL).
	 */
	void (*pause)(struct stt_stream *s);
	/* The caller went on speaking after pause: what was prepared is void. */
	void (*resume)(struct stt_stream *s);
	/* No more audio: on_final follows. */
	void (*end)(struct stt_stream *s);
	/* Forgets the utterance; nothing follows. Harmless when there is none. */
	void (*cancel)(struct stt_stream *s);
};

struct stt_port {
	const struct stt_ops *ops;
	const char *name; /* "embedded", for logs and metrics */
};

struct stt_stream {
	const struct stt_ops *ops;
};

/* ---- attention --------------------------------------------------------------------------------------------------------- */

/*
 * Another detector of speech than the media core's own (audio/vad.h). It runs on the agent thread on every frame of a call, so
 * it must be done within a fraction of a millisecond; its verdict takes the place of the frame's.
 */
struct vad_stream;
struct vad_port;

struct vad_ops {
	/* One stream a call. */
	int (*open)(struct vad_port *port, uint32_t rate_hz, struct vad_stream **ret, struct port_fault *ret_fault);
	void (*close)(struct vad_stream *s);
	/* Any count of samples, 20 ms as a rule. 0: surely no speech .. 255: surely speech. An error is for good. */
	int (*frame)(struct vad_stream *s, const int16_t *pcm, size_t n, uint8_t *ret_speech);
};

struct vad_port {
	const struct vad_ops *ops;
	const char *name;
};

struct vad_stream {
	const struct vad_ops *ops;
};

/* ---- mind ------------------------------------------------------------------------------------------------------------ */

enum llm_role { LLM_SYSTEM, LLM_USER, LLM_ASSISTANT, LLM_TOOL_CALL, LLM_TOOL_RESULT };

struct llm_message {
	enum llm_role role;
	const char *text;	  /* what was said; of a tool call the JSON arguments, of its result the JSON result */
	const char *tool, *call_id; /* for the two tool roles */
};

enum llm_cause {
	LLM_ON_START,	    /* the call begins: greet */
	LLM_ON_TEXT,	    /* the caller said text */
	LLM_ON_DTMF,	    /* the caller pressed digits (in text) */
	LLM_ON_SILENCE,	    /* the caller said nothing for the time the last listen hint gave */
	LLM_ON_TOOL_RESULT, /* the last message of the history is a tool's result */
};

struct llm_turn {
	enum llm_cause cause;
	const char *text; /* never NULL */
	float confidence; /* of the recogniser, 0..1; below the mind's threshold it is a no-match */
	bool is_interrupted; /* the caller spoke over our last reply */
	const char *heard;   /* the part of our last reply that was really played; NULL: all of it */
	/*
	 * The caller went on before our last reply had begun, or too soon after to have reacted to it: text holds the last turn's text and what followed it.
	 * A mind that keeps its own state goes back to where it was before that turn.
	 */
	bool is_continued;
	/*
	 * The conversation up to, not including, this turn, each reply cut to what was heard. The pipeline owns it, so that
	 * another mind can take over in the middle of a call. A mind that keeps its own state may ignore it.
	 */
	const struct llm_message *history;
	size_t history_count;
};

/* How to listen for the answer to this reply. */
struct llm_listen {
	const char *context;	       /* for stt set_context; NULL: anything */
	const char *const *phrases;    /* may be NULL */
	size_t phrase_count;
	uint32_t silence_ms; /* silence after our reply until LLM_ON_SILENCE; 0: the pipeline's default */
	bool is_number;	     /* a number, date or spelling is expected: pauses inside it are normal */
	bool is_sensitive;   /* a card number, a PIN: only the mind hears the answer, nobody keeps it */
	/* How keys answer: ended by one of key_ends (at most 16, not of the answer), by so many of them, or by so long without another. */
	const char *key_ends; /* NULL: "#" */
	uint32_t keys_most;   /* 0: the pipeline's most */
	uint32_t keys_ms;     /* 0: the pipeline's default */
};

/* What the words so far are worth as an answer, for endpointing. */
enum llm_fit {
	LLM_FIT_UNKNOWN,  /* no opinion: usual time-outs */
	LLM_FIT_COMPLETE, /* answers the question: endpoint early */
	LLM_FIT_OPEN,	  /* breaks off inside a date, a number, a phrase: wait longer */
};

struct llm_callbacks {
	/* Text to speak, in pieces of any size as they are made. */
	void (*on_delta)(void *arg, uint32_t id, const char *text);
	/*
	 * A tool to run, with JSON arguments. Tools of the call itself: "transfer" {"to"?, "reason"}, "hang_up" {"reason"};
	 * they are carried out once the reply's text has been spoken. call_id is echoed in the result's message.
	 */
	void (*on_tool)(void *arg, uint32_t id, const char *call_id, const char *name, const char *args_json);
	/* At most once a turn, any time before on_done. */
	void (*on_listen)(void *arg, uint32_t id, const struct llm_listen *listen);
	void (*on_done)(void *arg, uint32_t id);
	void (*on_error)(void *arg, uint32_t id, int err, const char *words);
	void *arg;
};

struct llm_params {
	const char *instructions; /* system prompt; may be "" */
	const char *greeting;	  /* said on LLM_ON_START; NULL: the mind's own */
	const char *language;	  /* BCP 47 */
	const char *tools_json;	  /* JSON array in the chat-completions form; NULL: only the call's own */
	struct flow *flow;	  /* for minds that follow one, else NULL. A session takes a reference */
	int64_t wall_ms;	  /* time of day at the start of the call (clock_wall_ms) and */
	int32_t utc_offset_s;	  /* the business' zone: what "tomorrow" means */
	struct llm_callbacks cb;
};

struct llm_session;
struct llm_port;

struct llm_ops {
	int (*open)(struct llm_port *port, const struct llm_params *params, struct llm_session **ret,
		struct port_fault *ret_fault);
	void (*close)(struct llm_session *s);
	/* One turn at a time; a new one needs on_done, on_error or cancel of the last. */
	int (*respond)(struct llm_session *s, uint32_t id, const struct llm_turn *turn, struct port_fault *ret_fault);
	void (*cancel)(struct llm_session *s);
	/* Quick and without side effects: called on each partial. Optional (NULL means LLM_FIT_UNKNOWN). */
	enum llm_fit (*judge)(struct llm_session *s, const char *text);
};

struct llm_port {
	const struct llm_ops *ops;
	const char *name;
};

struct llm_session {
	const struct llm_ops *ops;
};

/* ---- voice ----------------------------------------------------------------------------------------------------------- */

/* The word that ends at byte text_end of the request's text has been spoken once sample at has been played. */
struct tts_mark {
	uint32_t text_end;
	uint32_t at;
};

struct tts_callbacks {
	/* Audio in order, as fast as it is made (much faster than it plays): the receiver buffers or drops. */
	void (*on_audio)(void *arg, uint32_t id, const int16_t *pcm, size_t n);
	/* Where words end, ascending; may come in parts, before or after their audio, or never. May be NULL. */
	void (*on_marks)(void *arg, uint32_t id, const struct tts_mark *marks, size_t n);
	void (*on_done)(void *arg, uint32_t id);
	void (*on_error)(void *arg, uint32_t id, int err, const char *words);
	void *arg;
};

struct tts_params {
	uint32_t rate_hz;     /* 8000 or 16000: what on_audio delivers */
	const char *voice;    /* NULL: the engine's default; unknown: -TR_ENOTFOUND with the names in words */
	const char *language; /* BCP 47; NULL: the voice's */
	struct tts_callbacks cb;
};

struct tts_session;
struct tts_port;

struct tts_ops {
	int (*open)(struct tts_port *port, const struct tts_params *params, struct tts_session **ret,
		struct port_fault *ret_fault);
	void (*close)(struct tts_session *s);
	/*
	 * Text of up to LIMIT_TTS_TEXT_BYTES (a sentence or a few; -TR_ETOOBIG). Several may wait, LIMIT_TTS_QUEUE a
	 * session (then -TR_ELIMIT); they are served one after the other in the order asked.
	 */
	int (*speak)(struct tts_session *s, uint32_t id, const char *text, struct port_fault *ret_fault);
	/* All requests of the session that are not done. */
	void (*cancel)(struct tts_session *s);
};

struct tts_port {
	const struct tts_ops *ops;
	const char *name;
};

struct tts_session {
	const struct tts_ops *ops;
};
