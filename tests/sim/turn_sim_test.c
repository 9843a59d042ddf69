/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_world.h"
#include <math.h>

/*
 * Hundreds of callers of chance in virtual time. A mind asks four questions (yes or no, a telephone number, a date, a read-back);
 * callers answer as people do: with pauses inside, in two parts, too early, by keys, nodding and coughing over us, with a radio
 * behind them, on loudspeakers that send us back. Engines take their time, sometimes seconds.
 *
 * What counts is the outcome: every answer arrives once and whole, nothing that nobody said becomes a turn, and the budgets hold.
 * TIPRING_SHOW=SEED prints that call.
 */
enum { CALLS = 400, WORDS = 400, MOST_MS = 240000, QUESTIONS = 4, SAMPLES = 20000 };

static uint64_t dice_state;
static bool is_shown;

static uint32_t dice(uint32_t from, uint32_t to)
{
	return from + prng_u32(&dice_state) % (to - from + 1);
}

static bool chance(uint32_t percent)
{
	return prng_u32(&dice_state) % 100 < percent;
}

/* ---- what is measured ----------------------------------------------------------------------------------------------------------- */

struct measure {
	const char *name;
	float ms[SAMPLES];
	int n;
};
static struct measure endpoint = {.name = "endpoint, words of which nothing is known"}, complete = {.name = "endpoint, words that answer"},
		      open_end = {.name = "endpoint, inside a number or date"}, own = {.name = "own share, decision to RTP"},
		      hush = {.name = "silent after the decision to be"}, barge = {.name = "silent after a voice over ours began"};

static void note(struct measure *m, double ms)
{
	if (m->n < SAMPLES)
		m->ms[m->n++] = (float)ms;
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static float part_of(struct measure *m, double part)
{
	qsort(m->ms, (size_t)m->n, sizeof(m->ms[0]), by_size);

	return m->n ? m->ms[(int)((m->n - 1) * part)] : 0;
}

static void print_measure(struct measure *m)
{
	print_message("%-44s %6d times: median %4.0f, 95 %% %4.0f, most %4.0f ms\n", m->name, m->n, part_of(m, 0.5), part_of(m, 0.95),
		part_of(m, 1));
}

static struct {
	int done, wrong, unfinished, reprompts, ghosts, self_interruptions, lost_yes;
} sum;

/* ---- the mind -------------------------------------------------------------------------------------------------------------------- */

static const char *const questions[QUESTIONS] = {
	"Is this about an appointment?",
	"Please tell me your telephone number.",
	"What day would suit you best?",
	"So that is the fifth of november. Is that right?",
};

static struct form {
	struct llm_session session;
	struct llm_port port;
	struct llm_callbacks cb;
	int at, before;		 /* question; before the last turn */
	uint32_t prompts;	 /* questions asked, again ones too */
	char answers[QUESTIONS][128];
	bool is_busy;
	uint32_t id, delay_ms;
	int64_t due_us;
	char reply[256];
	bool is_over;
	uint32_t silences;
	uint32_t begun;		 /* utterances when it was asked */
	bool is_number, was_number; /* expected now; when the last turn was taken */
} form;

static int count_digits(const char *text)
{
	int n = 0;

	for (const char *p = text; *p; p++)
		n += strchr("0123456789", *p) != NULL;

	return n;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static enum llm_fit fit_of(int question, const char *text)
{
	bool is_agreement = strstr(text, "yes") || strstr(text, "no") || strstr(text, "right");

	if (question == 0 || question == 3)
		return is_agreement ? LLM_FIT_COMPLETE : LLM_FIT_UNKNOWN;
	if (question == 1)
		return count_digits(text) == 7 ? LLM_FIT_COMPLETE : count_digits(text) > 0 ? LLM_FIT_OPEN : LLM_FIT_UNKNOWN;

	return strstr(text, "november") ? LLM_FIT_COMPLETE : strstr(text, "fifth") || begins(text, "on") ? LLM_FIT_OPEN : LLM_FIT_UNKNOWN;
}

static void ask(const char *lead)
{
	form.prompts++;
	snprintf(form.reply, sizeof(form.reply), "%s%s", lead,
		form.at < QUESTIONS ? questions[form.at] : "Thank you very much for calling us. Goodbye.");
	form.is_over = form.at == QUESTIONS;
}

static void answer_text(const struct llm_turn *t)
{
	/* Said over our last question before that could be known: it belongs to the one before. */
	if (t->is_continued)
		form.at = form.before;
	form.before = form.at;
	if (form.at < QUESTIONS && fit_of(form.at, t->text) == LLM_FIT_COMPLETE) {
		buf_copy(form.answers[form.at], sizeof(form.answers[0]), t->text);
		form.at++;
		ask(form.at == QUESTIONS ? "" : "Thank you. ");
		return;
	}
	if (!*t->text)
		sum.ghosts += w.log_n >= 0 && t->confidence == 0;
	sum.reprompts++;
	ask("Sorry, I did not get that. ");
}

static int form_open(struct llm_port *port, const struct llm_params *p, struct llm_session **ret, struct port_fault *ret_fault)
{
	form.cb = p->cb;
	*ret = &form.session;

	return 0;
}

static void form_cancel(struct llm_session *s)
{
	form.is_busy = false;
}

static int form_respond(struct llm_session *s, uint32_t id, const struct llm_turn *t, struct port_fault *ret_fault)
{
	assert_false(form.is_busy);
	if (is_shown)
		print_message("%7.2f  mind: cause %d \"%s\"%s%s\n", (double)w.now_us / 1e6, t->cause, t->text, t->is_continued ? " continued" : "",
			t->is_interrupted ? " interrupted" : "");
	if (t->cause == LLM_ON_SILENCE) {
		form.silences++;
		ask("Are you still there? ");
	} else if (t->cause == LLM_ON_START) {
		ask("Hello, this is the office speaking. ");
	} else {
		answer_text(t);
	}
	form.begun = stt.begun;
	form.was_number = form.is_number;
	form.id = id;
	form.is_busy = true;
	form.due_us = w.now_us + form.delay_ms * 1000;

	return 0;
}

static enum llm_fit form_judge(struct llm_session *s, const char *text)
{
	return fit_of(form.at, text);
}

static void form_run(void)
{
	uint32_t id = form.id;

	if (!form.is_busy || w.now_us < form.due_us)
		return;
	form.is_number = form.at == 1;
	form.cb.on_listen(form.cb.arg, id, &(struct llm_listen){.context = "form", .is_number = form.is_number});
	form.cb.on_delta(form.cb.arg, id, form.reply);
	if (form.is_over)
		form.cb.on_tool(form.cb.arg, id, "c", "hang_up", "{}");
	form.is_busy = false;
	form.cb.on_done(form.cb.arg, id);
}

static void form_close(struct llm_session *s)
{
	form.is_busy = false;
}

static const struct llm_ops form_ops = {form_open, form_close, form_respond, form_cancel, form_judge};

/* ---- the caller ------------------------------------------------------------------------------------------------------------------ */

struct word {
	int64_t from_us, to_us;
	const char *text; /* "": a cough */
};

static struct talker {
	struct word words[WORDS];
	int word_n;
	int64_t busy_until_us; /* what is planned ends */
	uint32_t answered, heard; /* prompts */
	uint32_t reaction_ms;
	int64_t nod_at_us, barge_at_us; /* into the prompt that begins now; NEVER */
	int64_t prompt_us;     /* our voice began */
	bool was_ours;

	/* habits */
	bool pauses, nods, coughs, barges, presses, has_radio, is_slow, splits;
	float echo_gain;
	uint32_t echo_frames;
	int16_t past[64][FRAME_N];
	uint32_t past_n;

	/* the recogniser that hears her */
	uint32_t begun;
	int64_t heard_from_us, live_at_us;
	char text[512];
	char keys[16];
	int64_t key_at_us;
	int64_t decided_us, voice_us; /* an interruption whose silence is awaited */
} t;

static void say(const char *text, uint32_t ms)
{
	int64_t from = MAX(w.now_us, t.busy_until_us);

	assert_true(t.word_n < WORDS);
	t.words[t.word_n++] = (struct word){from, from + (int64_t)ms * 1000, text};
	t.busy_until_us = from + (int64_t)ms * 1000;
}

static void pause_for(uint32_t ms)
{
	t.busy_until_us = MAX(w.now_us, t.busy_until_us) + (int64_t)ms * 1000;
}

static void say_number(void)
{
	static const char *const digits[] = {"5", "5", "5", "1", "2", "3", "4"};

	for (int i = 0; i < 7; i++) {
		say(digits[i], dice(180, 320));
		if (i == 2)
			pause_for(t.pauses ? dice(250, 850) : dice(0, 200));
		else if (t.pauses && chance(15))
			pause_for(dice(200, 600));
	}
}

static void say_date(void)
{
	static const char *const words[] = {"on", "the", "fifth", "of", "november"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		say(words[i], dice(160, 380));
		if (t.pauses && i < 4 && chance(25))
			pause_for(dice(200, i ? 1000 : 350));
	}
}

static void say_yes(void)
{
	say("yes", dice(180, 320));
	if (t.splits) {
		pause_for(dice(200, 1500));
		say("that", dice(150, 250));
		say("is", dice(120, 200));
		say("right", dice(200, 350));
	}
}

static void give_answer(void)
{
	t.answered = form.prompts;
	if (form.at == 1 && t.presses) {
		buf_copy(t.keys, sizeof(t.keys), "5551234");
		t.key_at_us = w.now_us;
	} else if (form.at == 1) {
		say_number();
	} else if (form.at == 2) {
		say_date();
	} else if (form.at < QUESTIONS) {
		say_yes();
	}
}

/* Decides what to do next, as a person who listens to us. */
static void live(void)
{
	bool is_ours = w.now_us - w.audible_us < 100000;
	bool is_new = is_ours && !t.was_ours;
	bool is_free = w.now_us >= t.busy_until_us;

	t.was_ours = is_ours;
	if (is_new)
		t.heard = form.prompts;
	if (is_new && form.prompts != t.answered) {
		t.nod_at_us = t.nods && chance(60) ? w.now_us + dice(300, 1800) * 1000 : NEVER;
		t.barge_at_us = t.barges && chance(50) ? w.now_us + dice(900, 2500) * 1000 : NEVER;
		t.reaction_ms = t.is_slow ? dice(800, 2500) : dice(350, 1200);
	}
	if (is_ours && is_free && w.now_us >= t.nod_at_us) {
		static const char *const nods[] = {"mhm", "okay", "right", "hello"};

		t.nod_at_us = NEVER;
		say(t.coughs && chance(40) ? "" : nods[dice(0, 3)], dice(200, 420));
	} else if (is_ours && is_free && w.now_us >= t.barge_at_us && form.at > 0) {
		t.barge_at_us = NEVER;
		give_answer();
	}
	if (!is_ours && is_free && t.heard == form.prompts && t.heard != t.answered &&
		w.now_us - w.audible_us >= (int64_t)t.reaction_ms * 1000)
		give_answer();
}

static void press_keys(void)
{
	if (!t.keys[0] || w.now_us < t.key_at_us)
		return;
	w.brain->ops->dtmf(w.brain, t.keys[0]);
	memmove(t.keys, t.keys + 1, strlen(t.keys));
	t.key_at_us = w.now_us + dice(150, 600) * 1000;
}

static bool is_speaking(void)
{
	for (int i = t.word_n - 1; i >= 0 && i >= t.word_n - 12; i--)
		if (w.now_us > t.words[i].from_us && w.now_us <= t.words[i].to_us)
			return true;

	return false;
}

/* What a recogniser makes of the audio it was given: the words that lie in it. */
static void hear_words(void)
{
	size_t n = 0;

	if (t.begun != stt.begun) {
		t.begun = stt.begun;
		t.heard_from_us = w.now_us - (int64_t)stt.preroll * 1000 / 8;
		t.live_at_us = w.now_us + 240000;
		stt.delay_ms = chance(5) ? dice(800, 2500) : dice(10, 180);
	}
	if (!stt.is_hearing)
		return;
	t.text[0] = '\0';
	for (int i = 0; i < t.word_n; i++) {
		const struct word *word = &t.words[i];
		int64_t middle = (word->from_us + word->to_us) / 2;

		if (middle < t.heard_from_us || word->to_us > w.now_us || !word->text[0])
			continue;
		n += (size_t)snprintf(t.text + n, sizeof(t.text) - n, "%s%s", n ? " " : "", word->text);
	}
	w.words = t.text;
	if (w.now_us >= t.live_at_us && stt.is_hearing) {
		t.live_at_us = w.now_us + 240000;
		stt.cb.on_partial(stt.cb.arg, stt.id, t.text, false);
	}
}

/* The frame that comes up the line: her voice or what is behind her, and our own coming back. */
static void line(int16_t *pcm, uint8_t *speech)
{
	bool is_voice = is_speaking();
	double echo = 0;
	uint32_t at = t.past_n % 64;

	memcpy(t.past[at], w.sent, sizeof(w.sent));
	t.past_n++;
	for (int i = 0; i < FRAME_N; i++) {
		int noise = (int)dice(0, 60) - 30, voice = is_voice ? (int)dice(0, 8000) - 4000 : 0;
		int back = t.past_n > t.echo_frames ? (int)(t.past[(t.past_n - 1 - t.echo_frames) % 64][i] * t.echo_gain) : 0;

		pcm[i] = (int16_t)(noise + voice * 2 + back);
		echo += (double)back * back;
	}
	echo = sqrt(echo / FRAME_N);
	if (is_voice)
		*speech = (uint8_t)(chance(4) ? dice(40, 120) : dice(190, 255));
	else if (echo > 60)
		*speech = (uint8_t)dice(170, 250);
	else
		*speech = (uint8_t)(t.has_radio ? dice(0, 130) : dice(0, 40));

	live();
	press_keys();
	hear_words();
}

/* ---- a call ---------------------------------------------------------------------------------------------------------------------- */

static void note_turn(const struct agent_turn_metrics *m)
{
	double wait = (double)(m->endpoint_us - m->speech_end_us) / 1000;

	if (m->endpoint_us && m->reason == TURN_BY_ENDPOINT && !form.was_number)
		note(&endpoint, wait);
	else if (m->endpoint_us && (m->reason == TURN_BY_COMPLETE || m->reason == TURN_BY_LIKELY))
		note(&complete, wait);
	else if (m->endpoint_us)
		note(&open_end, wait);
	if (is_shown)
		print_message("%7.2f  turn: %s after %.0f ms, own %.1f, rtp %.1f\n", (double)w.now_us / 1e6, turn_reason_name(m->reason), wait,
			(double)m->own_us / 1000, (double)(m->rtp_us - m->queued_us) / 1000);
	/* Who speaks meanwhile makes us wait. */
	if (form.begun == stt.begun)
		note(&own, (double)(m->own_us + m->rtp_us - m->queued_us) / 1000);
}

static void note_interruption(const struct agent_interrupt_metrics *i)
{
	bool was_said = false;

	for (int k = 0; k < t.word_n; k++)
		was_said = was_said || (t.words[k].from_us < w.now_us && t.words[k].to_us > i->voice_us - 400000);
	sum.self_interruptions += !was_said && i->voice_us;
	if (is_shown && !was_said)
		print_message("%7.2f  for nobody\n", (double)w.now_us / 1e6);
	if (!i->was_real || !i->voice_us)
		return;
	t.decided_us = i->pause_us ? i->pause_us : i->verdict_us;
	t.voice_us = i->voice_us;
}

static void read_log(void)
{
	for (int i = 0; i < w.log_n; i++) {
		const struct logged *l = &w.log[i];

		if (l->kind == AGENT_TURN)
			note_turn(&l->ev.turn);
		if (l->kind == AGENT_INTERRUPT)
			note_interruption(&l->ev.interrupt);
		if (is_shown && l->kind == AGENT_TRANSCRIPT && l->ev.transcript.is_final)
			print_message("%7.2f  %s%s: %s\n", (double)w.now_us / 1e6, l->ev.transcript.who == AGENT_WHO_AGENT ? "agent" : "caller",
				l->ev.transcript.is_interrupted ? " (cut)" : "", l->text);
		if (is_shown && l->kind == AGENT_INTERRUPT)
			print_message("%7.2f  %s by %s, %u ms of voice\n", (double)w.now_us / 1e6, l->ev.interrupt.was_real ? "flush" : "resume",
				turn_reason_name(l->ev.interrupt.reason), l->ev.interrupt.voiced_ms);
	}
	w.log_n = 0;
	/* Within 200 ms of the decision our voice is gone, or it never will be. */
	if (t.decided_us && w.now_us - t.decided_us > 200000) {
		bool is_later = w.audible_us > t.decided_us + 200000;

		note(&hush, is_later ? 999 : (double)MAX(w.audible_us - t.decided_us, 0) / 1000);
		note(&barge, (double)(MAX(w.audible_us, t.decided_us) - t.voice_us) / 1000);
		t.decided_us = 0;
	}
}

static bool are_answers_right(void)
{
	return (strstr(form.answers[0], "yes") || strstr(form.answers[0], "right")) && count_digits(form.answers[1]) == 7 && strstr(form.answers[2], "fifth of november") &&
		(strstr(form.answers[3], "yes") || strstr(form.answers[3], "right"));
}

static void begin_world(uint64_t seed)
{
	dice_state = seed * UINT64_C(2654435761) + 99;
	for (int i = 0; i < 10; i++)
		(void)prng_u32(&dice_state);
	set_up(NULL);
	form = (struct form){.session = {&form_ops}, .port = {&form_ops, "form"}, .delay_ms = chance(20) ? dice(300, 1200) : dice(0, 60)};
	assert_int_equal(agent_providers_add_llm(&w.providers, &form.port), 0);
	tts.delay_ms = dice(5, 80);
	w.config.llm = "form";
	w.config.transfer_to = NULL;
	w.line = line;
	t = (struct talker){.nod_at_us = NEVER, .barge_at_us = NEVER, .pauses = chance(50), .nods = chance(40), .coughs = chance(30),
		.barges = chance(25), .presses = chance(20), .has_radio = chance(25), .is_slow = chance(15), .splits = chance(50)};
	if (chance(30)) {
		t.echo_gain = (float)dice(4, 25) / 100;
		t.echo_frames = dice(2, 30);
	}
}

static void call(uint64_t seed)
{
	begin_world(seed);
	if (is_shown)
		print_message("pauses %d nods %d coughs %d barges %d presses %d radio %d slow %d splits %d echo %.2f after %u ms\n", t.pauses, t.nods,
			t.coughs, t.barges, t.presses, t.has_radio, t.is_slow, t.splits, (double)t.echo_gain, t.echo_frames * 20);
	begin_call();
	for (int ms = 0; ms < MOST_MS && !w.hang_ups; ms++) {
		run(1);
		form_run();
		read_log();
	}
	if (!w.hang_ups) {
		sum.unfinished++;
		print_message("seed %" PRIu64 ": not finished, at question %d\n", seed, form.at);
	} else if (!are_answers_right()) {
		sum.wrong++;
		print_message("seed %" PRIu64 ": answers \"%s\" \"%s\" \"%s\" \"%s\"\n", seed, form.answers[0], form.answers[1], form.answers[2],
			form.answers[3]);
	} else {
		sum.done++;
	}
	tear_down(NULL);
}

static void callers_of_chance_are_understood_and_served_in_time(void **state)
{
	const char *show = getenv("TIPRING_SHOW");

	is_shown = show != NULL;
	for (uint64_t seed = 1; seed <= CALLS; seed++)
		if (!show || strtoull(show, NULL, 10) == seed)
			call(seed);
	print_message("%d of %d calls: every answer once and whole; %d questions asked again, %d turns of nobody, %d pauses for nobody\n",
		sum.done, CALLS, sum.reprompts, sum.ghosts, sum.self_interruptions);
	print_measure(&endpoint);
	print_measure(&complete);
	print_measure(&open_end);
	print_measure(&own);
	print_measure(&hush);
	print_measure(&barge);
	if (show)
		return;
	assert_int_equal(sum.unfinished, 0);
	assert_true(sum.wrong * 100 <= CALLS);
	assert_int_equal(sum.ghosts, 0);
	assert_true(sum.self_interruptions * 20 <= CALLS);
	assert_true(part_of(&endpoint, 1) <= 600);
	assert_true(part_of(&own, 1) <= 21); /* a step of the simulation is a millisecond */
	assert_true(part_of(&hush, 1) <= 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(callers_of_chance_are_understood_and_served_in_time)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
