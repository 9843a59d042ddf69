/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include <time.h>

static double number_of(json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static void print_clock(double ms)
{
	printf("%02d:%06.3f", (int)(ms / 60000), ms / 1000 - 60 * (int)(ms / 60000));
}

void print_transcript_line(json_t *line)
{
	const char *who = cli_text(line, "who");
	bool is_system = !strcmp(who, "system");

	printf("  ");
	print_clock(number_of(line, "at_ms"));
	if (is_system)
		printf("  \u00b7 %s\n", cli_text(line, "text"));
	else if (json_is_true(json_object_get(line, "digits")))
		printf("  %-7s pressed %s\n", who, cli_text(line, "text"));
	else
		printf("  %-7s %s%s\n", who, cli_text(line, "text"),
			json_is_true(json_object_get(line, "interrupted")) ? " \u2014 (interrupted)" : "");
}

/* ---- the ladder -------------------------------------------------------------------------------------------------------- */

/* "INVITE" or "200 OK (INVITE)" and whether there is SDP. */
static void message_title(const char *text, char *ret, size_t cap)
{
	struct span rest = span_z(text), first = span_trim(span_cut(&rest, '\n'));
	const char *cseq = strcasestr(text, "\ncseq:"), *body = strstr(text, "\r\n\r\n");
	struct span method = {NULL, 0};

	if (cseq) {
		struct span value = span_z(cseq + 6);

		value = span_trim(span_cut(&value, '\n'));
		(void)span_cut(&value, ' ');
		method = span_trim(value);
	}

	const char *sdp = body && strstr(body, "v=0") ? "  [SDP]" : "";

	if (span_istarts(first, "SIP/2.0 "))
		snprintf(ret, cap, "%.*s (%.*s)%s", (int)first.n - 8, first.p + 8, SPAN_FMT(method), sdp);
	else
		snprintf(ret, cap, "%.*s%s", (int)span_find(first, ' '), first.p, sdp);
}

void print_ladder(json_t *trace)
{
	json_t *messages = json_object_get(trace, "messages"), *m;
	size_t i;
	json_t *first = json_array_get(messages, 0);
	double zero = number_of(first, "time_us");

	if (!first) {
		printf("  no SIP messages are kept of this call\n");
		return;
	}
	printf("  %10s  %-23s %32s %s\n", "", cli_text(first, "remote"), "", cli_text(first, "local"));
	json_array_foreach(messages, i, m)
	{
		bool is_out = !strcmp(cli_text(m, "direction"), "out");
		char title[120];

		message_title(cli_text(m, "message"), title, sizeof(title));
		printf("  %+9.1f ms  |%s %-46s %s|  %s\n", (number_of(m, "time_us") - zero) / 1000, is_out ? "<--" : "---", title,
			is_out ? "---" : "-->", cli_text(m, "transport"));
	}
}

/* ---- one call ------------------------------------------------------------------------------------------------------------ */

void print_turns(json_t *call)
{
	json_t *turns = json_object_get(call, "turns"), *t;
	size_t i;

	if (json_array_size(turns) == 0)
		return;
	printf("\nTurns: milliseconds after the caller stopped speaking (the greeting: after it was asked for)\n");
	printf("  %4s %-12s %9s %8s %9s %8s %9s %9s %9s %8s\n", "turn", "because", "endpoint", "text", "decision", "reply", "1st audio",
		"queued", "1st RTP", "our own");
	json_array_foreach(turns, i, t)
	{
		static const char *const keys[] = {"endpoint_ms", "final_ms", "decision_ms", "text_ms", "audio_ms", "queued_ms", "rtp_ms"};
		static const int widths[] = {9, 8, 9, 8, 9, 9, 9};

		printf("  %4d %-12s", (int)number_of(t, "turn"), cli_text(t, "reason"));
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			json_t *v = json_object_get(t, keys[k]);

			if (json_is_number(v))
				printf(" %*.1f", widths[k], json_number_value(v));
			else
				printf(" %*s", widths[k], "-");
		}
		printf(" %8.2f\n", number_of(t, "own_ms"));
	}

	json_t *list = json_object_get(call, "interruptions"), *x;

	json_array_foreach(list, i, x)
		printf("  interruption at %.1f s: silent %.0f ms after the voice began, verdict after %.0f ms: %s\n",
			number_of(x, "at_ms") / 1000, number_of(x, "silent_after_ms"), number_of(x, "verdict_after_ms"),
			json_is_true(json_object_get(x, "was_real")) ? "real" : "false alarm");
}

static void print_findings(json_t *call)
{
	json_t *f;
	size_t i;

	json_array_foreach(json_object_get(call, "findings"), i, f)
		printf("\nFound at %.1f s%s: %s.\n  Evidence: %s\n  Remedy: %s\n", number_of(f, "from_ms") / 1000,
			json_is_true(json_object_get(f, "over")) ? " (over)" : "", cli_text(f, "text"), cli_text(f, "evidence"),
			cli_text(f, "remedy"));
}

void print_quality(json_t *call)
{
	json_t *q = json_object_get(call, "quality");

	if (!json_is_object(q))
		return;
	printf("\nAudio: %s at %d Hz, %d packets in, %d out, lost %d, late %d, jitter %d ms (most %d), buffer %d ms", cli_text(call, "codec"),
		(int)number_of(call, "media_rate_hz"), (int)number_of(q, "rx_packets"), (int)number_of(q, "tx_packets"),
		(int)number_of(q, "lost"), (int)number_of(q, "late"), (int)number_of(q, "jitter_ms"), (int)number_of(q, "max_jitter_ms"),
		(int)number_of(q, "buffer_ms"));
	if (json_is_number(json_object_get(q, "rtt_ms")))
		printf(", round trip %d ms", (int)number_of(q, "rtt_ms"));
	printf(", MOS %.2f (worst %.2f)\n", number_of(q, "mos"), number_of(q, "mos_min"));

	const char *security = cli_text(call, "security");

	printf("Media: %s", *security == '-' ? "not encrypted" : "encrypted, ");
	if (*security != '-')
		printf("%s, %d packets refused that were not the peer's, %d replayed", security,
			(int)number_of(q, "unauthentic_packets"), (int)number_of(q, "replayed_packets"));
	printf("\n");
}

static void print_who(json_t *call)
{
	json_t *w = json_object_get(call, "answered_by"), *beep = json_object_get(w, "beep");

	if (!json_is_object(w))
		return;
	printf("  Answered by: %s", cli_text(w, "who"));
	if (number_of(w, "confidence_percent") > 0)
		printf(", %.0f %% sure, %.0f ms after the answer (%.0f ms after the first sound)%s", number_of(w, "confidence_percent"),
			number_of(w, "at_ms"), number_of(w, "speech_ms"), json_is_true(json_object_get(w, "revised")) ? ", revised" : "");
	if (json_is_object(beep))
		printf(", beep at %.0f ms", number_of(beep, "at_ms"));
	if (json_is_string(json_object_get(w, "words")))
		printf(", words \"%s\"", cli_text(w, "words"));
	if (json_is_string(json_object_get(w, "did")))
		printf(": %s", cli_text(w, "did"));
	printf("\n");
}

static void print_started(json_t *call)
{
	time_t t = (time_t)(number_of(call, "started_at_ms") / 1000);
	struct tm tm;
	char text[40];

	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s", text);
}

void print_call(json_t *call)
{
	json_t *lines = json_object_get(call, "transcript"), *line, *file;
	size_t i;

	printf("Call %s: %s, %s", cli_text(call, "id"), cli_text(call, "direction"), cli_text(call, "state"));
	printf("\n  %s -> %s, line %s, agent %s, began ", cli_text(call, "from"), cli_text(call, "to"), cli_text(call, "line"),
		cli_text(call, "agent"));
	print_started(call);
	if (json_is_integer(json_object_get(call, "answered_after_ms")))
		printf(", answered after %.0f ms, lasted %.1f s", number_of(call, "answered_after_ms"), number_of(call, "duration_ms") / 1000);
	printf("\n");
	print_who(call);
	if (json_is_string(json_object_get(call, "route")))
		printf("  %s\n", cli_text(call, "route"));
	if (json_is_string(json_object_get(call, "cause")))
		printf("  Ended: %s.\n", cli_text(call, "cause"));
	if (json_is_string(json_object_get(call, "remedy")))
		printf("  Remedy: %s.\n", cli_text(call, "remedy"));
	if (json_array_size(lines))
		printf("\nConversation\n");
	json_array_foreach(lines, i, line)
		print_transcript_line(line);
	print_turns(call);
	print_quality(call);
	print_findings(call);
	json_array_foreach(json_object_get(call, "recordings"), i, file)
		printf("%s (left: the caller, right: us): %s%s\n", i ? "         " : "Recording", cli_text(file, "file"),
			json_is_true(json_object_get(file, "complete")) ? "" : " (not complete)");
}
