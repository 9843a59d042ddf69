/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cli/cli.h"
#include "cli/dialler.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/*
 * `tipring demo`: a customer with a voice of her own calls the daemon by SIP and RTP, asks for an appointment, corrects herself,
 * interrupts, and asks for a person, to whom the daemon transfers her. She and the person are this process and a script
 * (share/tipring/demo-caller.yaml); the daemon is another process. What the terminal shows comes from the daemon's API.
 */
#define DEMO_PORT	5070
#define DEMO_MOST_MS	150000

extern const char demo_caller_script[]; /* the file's text, made by the build */

struct demo {
	struct dialler dialler;
	struct cli *cli;
	_Atomic bool is_over;
	pthread_t watcher;
	json_t *call; /* the daemon's record, when the call is over */
};

/* ---- what the daemon knows, shown as it happens ------------------------------------------------------------------------- */

static json_t *get(struct demo *d, const char *path)
{
	char why[200];
	json_t *doc = NULL;

	if (client_ask(&d->cli->api, "GET", path, NULL, &doc, why, sizeof(why)) == 200)
		return doc;
	json_decref(doc);

	return NULL;
}

/* The daemon's id of our call: the one with our Call-ID. */
static bool find_call(struct demo *d, char *ret_path, size_t cap)
{
	json_t *doc = get(d, "/v1/calls?limit=20"), *c;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(doc, "calls"), i, c)
	{
		char path[80];

		snprintf(path, sizeof(path), "/v1/calls/%s", json_string_value(json_object_get(c, "id")));

		json_t *full = found ? NULL : get(d, path);
		const char *id = json_string_value(json_object_get(full, "sip_call_id"));

		if (id && !strcmp(id, d->dialler.sip_call_id)) {
			buf_copy(ret_path, cap, path);
			found = true;
		}
		json_decref(full);
	}
	json_decref(doc);

	return found;
}

static size_t show_news(json_t *call, size_t shown)
{
	json_t *lines = json_object_get(call, "transcript");
	size_t n = json_array_size(lines);

	for (; shown < n; shown++)
		print_transcript_line(json_array_get(lines, shown));
	fflush(stdout);

	return n;
}

static void nap_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void *watch(void *arg)
{
	struct demo *d = arg;
	char path[80] = "";
	size_t shown = 0;

	/* After the end a little longer: the recording and the last report are still on their way. */
	for (int after = 0; after < 10;) {
		nap_ms(150);
		after += atomic_load(&d->is_over);
		if (!path[0] && !find_call(d, path, sizeof(path)))
			continue;

		json_t *call = get(d, path);

		if (!call)
			continue;
		shown = show_news(call, shown);
		json_decref(d->call);
		d->call = call;

		const char *state = json_string_value(json_object_get(call, "state"));
		bool is_recorded = json_is_string(json_object_get(call, "recording"));

		if (state && !strcmp(state, "ended") && is_recorded && json_is_object(json_object_get(call, "quality")) && after > 1)
			break;
	}

	return NULL;
}

/* ---- the customer and the person ----------------------------------------------------------------------------------------------- */

/* The daemon's transcript has the first call; what the two say to each other after the transfer is known here only. */
static void said(struct dialler *d, const struct call_record *r, const struct call_line *line)
{
	if (!dialler_is_first(d, r))
		printf("             (at the front desk) %s: %s\n", r->agent, line->text);
}

static void talk(struct demo *d)
{
	pthread_create(&d->watcher, NULL, watch, d);
	dialler_run(&d->dialler);
	atomic_store(&d->is_over, true);
	pthread_join(d->watcher, NULL);
}

static int report(struct demo *d)
{
	if (d->call) {
		auto_free char *path = mem_format("/v1/calls/%s/trace", json_string_value(json_object_get(d->call, "id")));
		json_t *trace = get(d, path);

		printf("\nSIP, as the daemon saw it (left: the customer, right: the daemon)\n");
		if (trace)
			print_ladder(trace);
		json_decref(trace);
		print_turns(d->call);
		print_quality(d->call);
		if (json_is_string(json_object_get(d->call, "recording")))
			printf("Recording (left: the customer, right: the agent): %s\n",
				json_string_value(json_object_get(d->call, "recording")));
	}
	printf("\n%s\n", d->dialler.reached_another ? "The demo call went through: the customer was understood and reached a person." :
		d->dialler.was_answered ? "The call was answered, but the customer never reached the person." :
						"The call was not answered.");
	if (!d->dialler.reached_another)
		printf("It ended so: %s\n", d->dialler.cause[0] ? d->dialler.cause : "unknown");

	return d->dialler.reached_another ? CLI_OK : CLI_FAILED;
}

int cli_demo(struct cli *cli)
{
	static struct config_errors errors;
	struct demo d = {.cli = cli, .dialler = {.most_ms = DEMO_MOST_MS, .said = said}};
	const char *target = cli->target ? cli->target : "sip:reception@127.0.0.1:5060";
	json_t *health = get(&d, "/v1/health");
	struct caller_file *script = caller_file_parse("demo-caller.yaml", span_z(demo_caller_script), &errors);
	int code = CLI_FAILED;

	if (!health) {
		fprintf(stderr, "tipring demo: no daemon at %s: start one with `tipring serve`\n", cli->api.base);
		caller_file_free(script);
		return CLI_UNREACHABLE;
	}
	json_decref(health);
	assert(script);
	d.dialler.file = script;
	if (!addr_parse(span_z(cli->listen ? cli->listen : "127.0.0.1"), DEMO_PORT, &d.dialler.listen))
		fprintf(stderr, "tipring demo: --listen %s is not IP:PORT\n", cli->listen);
	else if (log_set_level(LOG_ERROR), dialler_open(&d.dialler, "tipring demo") == CLI_OK) {
		printf("A customer calls %s\n\n", target);
		if (dialler_dial(&d.dialler, "tipring demo", target) == CLI_OK) {
			talk(&d);
			code = report(&d);
		}
	}
	json_decref(d.call);
	if (d.dialler.phone)
		dialler_close(&d.dialler);
	caller_file_free(script);

	return code;
}
