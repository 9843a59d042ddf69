/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_impl.h"
#include <jansson.h>

/* From a question to the mind to the end of its reply, and what the reply wants done. */

enum { FILLER_AFTER_MS = 1500 };

/* ---- history ---------------------------------------------------------------------------------------------------------------- */

/* Memory that is out costs a line of history, not the call. */
static void remember(struct pipeline *p, enum llm_role role, const char *text, const struct mind_tool *tool)
{
	(void)!history_add(p->history, role, text, tool ? tool->name : NULL, tool ? tool->call_id : NULL);
}

/* What only the mind was to hear is not told again: a history may go to another mind. */
static void remember_said(struct pipeline *p, const char *text, bool is_hidden)
{
	remember(p, LLM_USER, is_hidden ? "(not kept)" : text, NULL);
}

static void remember_question(struct pipeline *p)
{
	if (p->question)
		remember_said(p, p->question, p->is_question_hidden);
	free(p->question);
	p->question = NULL;
	p->is_question_hidden = false;
}

/* ---- asking ---------------------------------------------------------------------------------------------------------------- */

static void ask_mind(struct pipeline *p, enum llm_cause cause, const char *text)
{
	struct llm_turn t = {
		.cause = cause,
		.text = text,
		.confidence = cause == LLM_ON_TEXT ? p->confidence : 1,
		.is_interrupted = p->was_interrupted,
		.heard = p->heard,
		.is_continued = p->is_continued,
	};

	mind_ask(p->mind, &t, p->history);
	free(p->asked_heard);
	p->asked_heard = p->heard;
	p->asked_interrupted = p->was_interrupted;
	p->heard = NULL;
	p->was_interrupted = p->is_continued = false;
}

static char *join(char *first, const char *second)
{
	char *both = NULL;

	if (!first || !*second)
		return first ? first : strdup(second);
	if (asprintf(&both, "%s %s", first, second) < 0)
		return first;
	free(first);

	return both;
}

static void begin_reply(struct pipeline *p)
{
	voice_begin(p->voice);
	p->is_reply_open = true;
	p->is_reply_told = false;
	p->rounds = 0;
}

void pipeline_ask(struct pipeline *p, enum llm_cause cause, const char *text)
{
	if (p->stage != STAGE_TALK)
		return;

	remember_question(p);
	if (cause == LLM_ON_TEXT) {
		p->is_continued = p->unanswered != NULL;
		p->question = join(p->unanswered, text);
	} else {
		if (p->unanswered)
			remember_said(p, p->unanswered, p->is_sensitive);
		free(p->unanswered);
		p->question = *text ? strdup(text) : NULL;
	}
	p->unanswered = NULL;
	p->cause = cause;
	p->is_question_hidden = p->is_sensitive;
	p->wants_sensitive = false;

	pipeline_listen_clear(p);
	begin_reply(p);
	pipeline_turn_begins(p, cause == LLM_ON_TEXT && p->m.endpoint_us && !p->m.rtp_us);
	ask_mind(p, cause, p->question ? p->question : "");
}

/* A text from outside, or one of ours, as a reply of its own. */
void pipeline_say_text(struct pipeline *p, const char *text)
{
	turn_think(&p->turn, pipeline_now(p));
	begin_reply(p);
	(void)!voice_say(p->voice, text, false);
	voice_end(p->voice);
}

/* ---- answers ---------------------------------------------------------------------------------------------------------------- */

void pipeline_on_piece(void *arg, const char *text)
{
	struct pipeline *p = arg;

	/* A reply longer than any should be is spoken as far as the limit goes. */
	if (voice_say(p->voice, text, false))
		return;

	auto_free char *all = voice_text(p->voice);

	if (all)
		pipeline_tell_agent_said(p, all, false, false);
}

static char *string_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? strdup(s) : NULL;
}

static bool is_leaving_tool(const struct mind_tool *tool)
{
	return strcmp(tool->name, "transfer") == 0 || strcmp(tool->name, "hang_up") == 0;
}

static void plan_leave(struct pipeline *p, const struct mind_tool *tool)
{
	/* A model may send anything; without arguments the configuration decides. */
	json_t *args = json_loads(tool->args_json, 0, NULL);

	if (p->leave.kind == LEAVE_NONE)
		p->leave = (struct leave){
			.kind = strcmp(tool->name, "transfer") == 0 ? LEAVE_TRANSFER : LEAVE_HANG_UP,
			.to = string_of(args, "to"),
			.reason = string_of(args, "reason"),
			.call_id = strdup(tool->call_id),
			.args = strdup(tool->args_json),
		};
	json_decref(args);
}

static void refuse_tool(struct pipeline *p, const struct mind_tool *tool)
{
	remember(p, LLM_TOOL_CALL, tool->args_json, tool);
	remember(p, LLM_TOOL_RESULT, "{\"error\":\"there is no such tool\"}", tool);
}

void pipeline_on_done(void *arg, const struct mind_tool *tools, uint32_t tool_count)
{
	struct pipeline *p = arg;
	bool has_results = false;

	for (uint32_t i = 0; i < tool_count; i++) {
		if (is_leaving_tool(&tools[i])) {
			plan_leave(p, &tools[i]);
			continue;
		}
		remember_question(p);
		refuse_tool(p, &tools[i]);
		has_results = true;
	}
	if (has_results && p->leave.kind == LEAVE_NONE && ++p->rounds <= LIMIT_AGENT_ROUNDS)
		ask_mind(p, LLM_ON_TOOL_RESULT, "");
	else
		voice_end(p->voice);
}

/* ---- the end of a reply --------------------------------------------------------------------------------------------------- */

static void reply_is_over(struct pipeline *p)
{
	auto_free char *text = voice_text(p->voice);

	p->is_reply_open = false;
	pipeline_turn_metrics_tick(p);
	p->is_m_open = false;
	if (text && *text)
		pipeline_tell_agent_said(p, text, true, false);
	if (p->stage == STAGE_SORRY) {
		pipeline_sorry_done(p);
		return;
	}

	remember_question(p);
	if (text)
		remember(p, LLM_ASSISTANT, text, NULL);
	pipeline_listen_now(p);
	pipeline_be_sensitive(p);
	turn_reply_end(&p->turn, pipeline_now(p));
	pipeline_decide(p);
	if (p->leave.kind != LEAVE_NONE)
		pipeline_leave_now(p);
}

/* Did the caller, in beginning to speak, know that we had answered? */
static bool is_reaction(const struct pipeline *p, const struct turn_out *out)
{
	int64_t rtp_us = voice_times(p->voice).rtp_us;

	return !out || !out->speech_at || (rtp_us && out->speech_at * 1000 >= rtp_us + PIPELINE_REACTION_US);
}

/* The caller took the floor (or, without out, a provider failed): the reply ends here. */
void pipeline_cut(struct pipeline *p, const struct turn_out *out)
{
	char *heard = p->is_reply_open ? voice_heard(p->voice) : NULL;

	pipeline_turn_metrics_tick(p);
	voice_stop(p->voice);
	mind_cancel(p->mind);
	if (!p->is_on_hold)
		media_port_resume(p->env.port);
	pipeline_leave_clear(p);
	p->is_reply_open = false;
	p->is_m_open = false;

	free(p->heard);
	p->heard = NULL;
	p->was_interrupted = out && out->is_barge_in;
	if (heard && *heard)
		pipeline_tell_agent_said(p, heard, true, true);

	bool is_answered = heard && *heard && is_reaction(p, out);

	if (is_answered) {
		pipeline_listen_now(p);
		remember_question(p);
		remember(p, LLM_ASSISTANT, heard, NULL);
	} else if (p->question && *p->question && p->cause == LLM_ON_TEXT) {
		/* What comes now continues the question, and what that one interrupted is still what was interrupted. */
		p->unanswered = p->question;
		p->question = NULL;
		p->was_interrupted = p->asked_interrupted;
		p->heard = p->asked_heard;
		p->asked_heard = NULL;
	}
	pipeline_listen_clear(p);
	if (p->was_interrupted && !p->heard) {
		p->heard = heard;
		heard = NULL;
	}
	free(heard);
}

/* ---- leaving --------------------------------------------------------------------------------------------------------------- */

void pipeline_leave_clear(struct pipeline *p)
{
	free(p->leave.to);
	free(p->leave.reason);
	free(p->leave.call_id);
	free(p->leave.args);
	p->leave = (struct leave){0};
}

void pipeline_leave_now(struct pipeline *p)
{
	const char *reason = p->leave.reason ? p->leave.reason : "";
	const char *to = p->leave.to && *p->leave.to ? p->leave.to : p->config->transfer_to;

	if (p->leave.kind == LEAVE_TRANSFER && (!to || !*to) && p->stage == STAGE_TALK) {
		p->stage = STAGE_LEAVING;
		turn_hold(&p->turn, pipeline_now(p));
		pipeline_decide(p);
		pipeline_transfer_failed(&p->brain, "nobody is configured to take it");
		return;
	}
	p->stage = STAGE_LEAVING;
	turn_hold(&p->turn, pipeline_now(p));
	pipeline_decide(p);
	if (p->leave.kind == LEAVE_TRANSFER)
		pipeline_emit(p, (struct agent_event){
			.kind = AGENT_TRANSFER,
			.transfer = {.to = to, .reason = reason, .is_failure = p->leave.is_failure},
		});
	else
		pipeline_emit(p, (struct agent_event){.kind = AGENT_HANG_UP, .reason = reason});
}

/* The mind learns it as the result of its tool, so that it can offer something else. */
static void tell_mind_of_failed_transfer(struct pipeline *p, const char *reason)
{
	char name[] = "transfer", empty[] = "{}", none[] = "";
	struct mind_tool tool = {p->leave.call_id ? p->leave.call_id : none, name, p->leave.args ? p->leave.args : empty};
	json_t *result = json_pack("{s:s, s:s}", "error", "the transfer failed", "reason", reason);
	char *text = result ? json_dumps(result, JSON_COMPACT) : NULL;

	remember(p, LLM_TOOL_CALL, tool.args_json, &tool);
	remember(p, LLM_TOOL_RESULT, text ? text : "{\"error\":\"the transfer failed\"}", &tool);
	free(text);
	json_decref(result);
	pipeline_leave_clear(p);

	turn_think(&p->turn, pipeline_now(p));
	begin_reply(p);
	p->cause = LLM_ON_TOOL_RESULT;
	pipeline_turn_begins(p, false);
	ask_mind(p, LLM_ON_TOOL_RESULT, "");
}

void pipeline_transfer_failed(struct brain *b, const char *reason)
{
	struct pipeline *p = container_of(b, struct pipeline, brain);

	if (p->stage != STAGE_LEAVING || p->leave.kind != LEAVE_TRANSFER)
		return;
	if (p->leave.is_failure) {
		p->leave.kind = LEAVE_HANG_UP;
		pipeline_leave_now(p);
		return;
	}

	p->stage = STAGE_TALK;
	if (!p->is_on_hold)
		turn_go(&p->turn, TURN_FLOOR_FREE, pipeline_now(p));
	if (p->config->transfer_failed) {
		pipeline_leave_clear(p);
		pipeline_say_text(p, p->config->transfer_failed);
	} else {
		tell_mind_of_failed_transfer(p, reason);
	}
}

/* ---- every 20 ms ------------------------------------------------------------------------------------------------------------ */

static void say_filler(struct pipeline *p)
{
	uint32_t after_ms = p->config->filler_after_ms ? p->config->filler_after_ms : FILLER_AFTER_MS;

	if (!p->config->filler || p->m.had_filler || !p->is_m_open || p->turn.state != TURN_THINK ||
		mind_silent_ms(p->mind) < after_ms)
		return;
	p->m.had_filler = true;
	(void)!voice_say(p->voice, p->config->filler, true);
}

/* What waited for a free floor. */
static void use_free_floor(struct pipeline *p)
{
	if (p->stage != STAGE_TALK || p->turn.state != TURN_IDLE || p->is_reply_open)
		return;

	if (p->unanswered) {
		turn_think(&p->turn, pipeline_now(p));
		pipeline_ask(p, LLM_ON_TEXT, "");
	} else if (p->say_count) {
		char *text = p->says[0];

		memmove(p->says, p->says + 1, --p->say_count * sizeof(p->says[0]));
		pipeline_say_text(p, text);
		free(text);
	}
}

void pipeline_reply_tick(struct pipeline *p)
{
	if (!p->is_on_hold && p->stage == STAGE_TALK) {
		mind_tick(p->mind);
		say_filler(p);
	}
	voice_tick(p->voice);
	pipeline_turn_metrics_tick(p);
	pipeline_listen_tick(p);

	if (p->is_reply_open && !p->is_reply_told && voice_times(p->voice).queued_us) {
		p->is_reply_told = true;
		turn_reply(&p->turn, pipeline_now(p));
	}
	if (p->is_reply_open && !voice_is_active(p->voice) && !mind_is_busy(p->mind))
		reply_is_over(p);
	use_free_floor(p);
	pipeline_decide(p);
}
