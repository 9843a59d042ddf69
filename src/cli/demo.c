/* SPDX-License-Identifier: Apache-2.0 */
#include "app/phone.h"
#include "base/log.h"
#include "cli/cli.h"
#include "ua/ua.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/*
 * `tipring demo`: a customer with a voice of her own calls the daemon by SIP and RTP, asks for an appointment, corrects herself,
 * interrupts, and asks for a person, to whom the daemon transfers her. She and the person are this process; the daemon is another. What
 * the terminal shows comes from the daemon's API.
 */
#define DEMO_PORT	5070
#define DEMO_MOST_MS	150000

static const struct agent_caller_line customer_lines[] = {
	{.text = "Hello, I would like to make an appointment."},
	{.text = "On Wednesday, please."},
	{.text = "At ten o'clock in the morning."},
	{.text = "Mary Johnson."},
	{.text = "No, I said Thursday.", .interrupt_ms = 1500},
	{.text = "Yes, that is right."},
	{.text = "Can I talk to a person, please?"},
};

static const struct agent_caller_config customer = {.name = "customer", .voice = "slt", .tts = "embedded", .lines = customer_lines,
	.line_count = ARRAY_LEN(customer_lines), .linger_ms = 20000};

static const struct agent_caller_line to_person_lines[] = {
	{.text = "Hello Sam. Is there a place to park in front of the house?"},
	{.text = "Thank you very much. Goodbye."},
};
static const struct agent_caller_config customer_to_person = {.name = "customer", .voice = "slt", .tts = "embedded",
	.lines = to_person_lines, .line_count = ARRAY_LEN(to_person_lines), .linger_ms = 1500};

static const struct agent_caller_line person_lines[] = {
	{.text = "Front desk, this is Sam speaking.", .wait_ms = 300},
	{.text = "Yes, behind the house there are four places. See you on Thursday."},
	{.text = "Goodbye."},
};
static const struct agent_caller_config person = {.name = "person", .voice = "rms", .tts = "embedded", .lines = person_lines,
	.line_count = ARRAY_LEN(person_lines), .linger_ms = 4000};

struct demo {
	struct cli *cli;
	struct phone *phone;
	struct sip_account *account;
	uv_timer_t limit;
	uv_signal_t interrupt;
	char sip_call_id[LIMIT_CALLID_BYTES];
	char cause[240];
	_Atomic bool is_over;
	bool reached_person, was_answered, was_interrupted_by_user;
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

		if (id && !strcmp(id, d->sip_call_id)) {
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

/* ---- the customer's and the person's phone --------------------------------------------------------------------------------- */

static void plan_for(struct demo *d, const struct agent_caller_config *who, struct call_plan *ret)
{
	*ret = (struct call_plan){.line = "demo", .agent_name = who->name, .brain = CALL_BRAIN_CALLER, .caller = who,
		.account = d->account, .follows_refer = true};
}

/* Calls to us are for the person. */
static int route(void *ctx, const struct call_incoming *in, struct call_plan *ret_plan, char *ret_why, size_t cap)
{
	snprintf(ret_why, cap, "the person's phone");
	plan_for(ctx, &person, ret_plan);

	return 0;
}

static bool refer(void *ctx, const struct call_record *by, const char *target, struct call_plan *ret_plan)
{
	plan_for(ctx, &customer_to_person, ret_plan);

	return true;
}

static void changed(void *ctx, const struct call_record *r, const char *what)
{
	struct demo *d = ctx;
	bool is_first_call = !strcmp(r->sip_call_id, d->sip_call_id);

	if (is_first_call && !strcmp(what, "up"))
		d->was_answered = true;
	if (!is_first_call && r->is_outgoing && !strcmp(what, "up"))
		d->reached_person = true;
	if (is_first_call && !strcmp(what, "ended"))
		buf_copy(d->cause, sizeof(d->cause), r->cause);
	if (!is_first_call && r->line_count && !strcmp(what, "said") && r->lines[r->line_count - 1].who != CALL_SAYS_SYSTEM &&
		r->is_outgoing)
		printf("             (at the front desk) customer: %s\n", r->lines[r->line_count - 1].text);
	if (!is_first_call && r->line_count && !strcmp(what, "said") && r->lines[r->line_count - 1].who != CALL_SAYS_SYSTEM &&
		!r->is_outgoing)
		printf("             (at the front desk) Sam: %s\n", r->lines[r->line_count - 1].text);
}

static void on_limit(uv_timer_t *timer)
{
	struct demo *d = timer->data;
	static msec_t began;

	if (!began)
		began = clock_ms();
	if (calls_count(d->phone->calls) == 0) {
		uv_stop(&d->phone->loop);
	} else if (clock_ms() - began > DEMO_MOST_MS) {
		calls_hangup_all(d->phone->calls, "the demo took too long");
		began += 5000;
	}
}

static void on_interrupt(uv_signal_t *handle, int number)
{
	struct demo *d = handle->data;

	d->was_interrupted_by_user = true;
	calls_hangup_all(d->phone->calls, "the demo was stopped");
}

static int open_phone(struct demo *d)
{
	struct ua_listen listen = {.transport = SIP_UDP};
	struct phone_params p = {.listens = &listen, .listen_count = 1, .user_agent = "Tipring-demo/" TIPRING_VERSION, .max_calls = 8,
		.media = {.workers = 1, .max_streams = 16, .port_min = 30000, .port_max = 30100}, .rtp_timeout_ms = 20000,
		.hooks = {.route = route, .refer = refer, .changed = changed, .ctx = d}};
	char why[300];

	(void)!addr_parse(SPAN_LIT("127.0.0.1"), DEMO_PORT, &listen.addr);

	int err = phone_new(&d->phone, &p, why, sizeof(why));

	if (err)
		fprintf(stderr, "tipring demo: %s\n", why);

	return err;
}

static int dial(struct demo *d, const char *target)
{
	struct addr local;
	struct call_dial cd = {.target = target, .local = &local, .ring_timeout_s = 20};
	struct call *call;

	(void)!addr_parse_ip(SPAN_LIT("127.0.0.1"), DEMO_PORT, &local);
	plan_for(d, &customer, &cd.plan);

	int err = phone_account(d->phone, "customer", SIP_UDP, &local, &d->account);

	cd.plan.account = d->account;
	if (!err)
		err = calls_dial(d->phone->calls, &cd, &call);
	if (err)
		fprintf(stderr, "tipring demo: %s cannot be called: %s\n", target, err_text(err));
	else
		buf_copy(d->sip_call_id, sizeof(d->sip_call_id), call_record_of(call)->sip_call_id);

	return err;
}

static void talk(struct demo *d)
{
	uv_timer_init(&d->phone->loop, &d->limit);
	uv_signal_init(&d->phone->loop, &d->interrupt);
	d->limit.data = d->interrupt.data = d;
	uv_timer_start(&d->limit, on_limit, 200, 100);
	uv_signal_start(&d->interrupt, on_interrupt, SIGINT);
	pthread_create(&d->watcher, NULL, watch, d);
	phone_run(d->phone);
	atomic_store(&d->is_over, true);
	pthread_join(d->watcher, NULL);
	uv_close((uv_handle_t *)&d->limit, NULL);
	uv_close((uv_handle_t *)&d->interrupt, NULL);
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
	printf("\n%s\n", d->reached_person ? "The demo call went through: the customer was understood and reached a person." :
		d->was_answered		      ? "The call was answered, but the customer never reached the person." :
						"The call was not answered.");
	if (!d->reached_person)
		printf("It ended so: %s\n", d->cause[0] ? d->cause : "unknown");

	return d->reached_person ? CLI_OK : CLI_FAILED;
}

int cli_demo(struct cli *cli)
{
	struct demo d = {.cli = cli};
	const char *target = cli->target ? cli->target : "sip:reception@127.0.0.1:5060";
	json_t *health = get(&d, "/v1/health");

	if (!health) {
		fprintf(stderr, "tipring demo: no daemon at %s: start one with `tipring serve`\n", cli->api.base);
		return CLI_UNREACHABLE;
	}
	json_decref(health);
	log_set_level(LOG_ERROR);
	if (open_phone(&d) != 0)
		return CLI_FAILED;
	printf("A customer calls %s\n\n", target);

	int code = CLI_FAILED;

	if (dial(&d, target) == 0) {
		talk(&d);
		code = report(&d);
	}
	json_decref(d.call);
	sip_account_unref(d.account);
	phone_free(d.phone);

	return code;
}
