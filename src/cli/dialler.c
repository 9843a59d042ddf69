/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dialler.h"
#include "base/log.h"
#include "cli/cli.h"
#include <signal.h>

static void plan_for(struct dialler *d, const struct caller_part *part, struct call_plan *ret)
{
	*ret = (struct call_plan){.line = "caller", .agent_name = part->config.name, .brain = CALL_BRAIN_CALLER, .caller = &part->config,
		.account = d->account, .follows_refer = d->file->transferred.is_set};
}

static int route(void *ctx, const struct call_incoming *in, struct call_plan *ret_plan, char *ret_why, size_t cap)
{
	struct dialler *d = ctx;

	if (!d->file->answers.is_set) {
		snprintf(ret_why, cap, "the script answers no calls");
		return 480;
	}
	snprintf(ret_why, cap, "the script answers");
	plan_for(d, &d->file->answers, ret_plan);
	d->calls_answered++;

	return 0;
}

static bool refer(void *ctx, const struct call_record *by, const char *target, struct call_plan *ret_plan)
{
	struct dialler *d = ctx;

	if (!d->file->transferred.is_set)
		return false;
	buf_copy(d->transferred_to, sizeof(d->transferred_to), target);
	plan_for(d, &d->file->transferred, ret_plan);

	return true;
}

bool dialler_is_first(const struct dialler *d, const struct call_record *r)
{
	return !strcmp(r->sip_call_id, d->sip_call_id);
}

static void note(struct dialler *d, const struct call_record *r, const char *what)
{
	bool is_first = dialler_is_first(d, r);

	if (is_first && !strcmp(what, "up"))
		d->was_answered = true;
	if (!is_first && r->is_outgoing && !strcmp(what, "up"))
		d->reached_another = true;
	if (!is_first || strcmp(what, "ended") != 0)
		return;
	buf_copy(d->cause, sizeof(d->cause), r->cause);
	d->ended_by = r->ended_by;
}

static void changed(void *ctx, const struct call_record *r, const char *what)
{
	struct dialler *d = ctx;
	const struct call_line *last = r->line_count ? &r->lines[r->line_count - 1] : NULL;

	note(d, r, what);
	if (d->changed)
		d->changed(d, r, what);
	if (d->said && last && !strcmp(what, "said") && last->who != CALL_SAYS_SYSTEM)
		d->said(d, r, last);
}

static void on_limit(uv_timer_t *timer)
{
	struct dialler *d = timer->data;
	msec_t now = clock_ms();

	if (!d->began_at)
		d->began_at = now;
	if (calls_count(d->phone->calls) == 0 && (!d->waits || d->was_stopped_by_user)) {
		uv_stop(&d->phone->loop);
	} else if (d->most_ms && now - d->began_at > d->most_ms) {
		calls_hangup_all(d->phone->calls, "the script took too long");
		d->began_at += 5000;
	}
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct dialler *d = handle->data;

	d->was_stopped_by_user = true;
	calls_hangup_all(d->phone->calls, "the caller was stopped");
}

int dialler_open(struct dialler *d, const char *who)
{
	struct ua_listen listen = {.transport = SIP_UDP, .addr = d->listen};
	struct phone_params p = {.listens = &listen, .listen_count = 1, .user_agent = "Tipring-caller/" TIPRING_VERSION, .max_calls = 64,
		.media = {.workers = 1, .max_streams = 128, .port_min = d->rtp_port_min ? d->rtp_port_min : 30000,
			.port_max = d->rtp_port_max ? d->rtp_port_max : 30399},
		.rtp_timeout_ms = 20000, .hooks = {.route = route, .refer = refer, .changed = changed, .ctx = d}};
	char why[300];
	int err = phone_new(&d->phone, &p, why, sizeof(why));

	if (err) {
		fprintf(stderr, "%s: %s\n", who, why);
		return CLI_FAILED;
	}
	err = phone_account(d->phone, d->file->calls.config.name, SIP_UDP, &d->listen, &d->account);
	if (err)
		fprintf(stderr, "%s: %s\n", who, err_text(err));

	return err ? CLI_FAILED : CLI_OK;
}

int dialler_dial(struct dialler *d, const char *who, const char *target)
{
	struct call_dial cd = {.target = target, .local = &d->listen, .ring_timeout_s = 30};
	struct call *call;

	plan_for(d, &d->file->calls, &cd.plan);

	int err = calls_dial(d->phone->calls, &cd, &call);

	if (err)
		fprintf(stderr, "%s: %s cannot be called: %s\n", who, target, err_text(err));
	else
		buf_copy(d->sip_call_id, sizeof(d->sip_call_id), call_record_of(call)->sip_call_id);

	return err ? CLI_FAILED : CLI_OK;
}

void dialler_run(struct dialler *d)
{
	static const int signals[] = {SIGINT, SIGTERM};

	uv_timer_init(&d->phone->loop, &d->limit);
	d->limit.data = d;
	uv_timer_start(&d->limit, on_limit, 200, 100);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		uv_signal_init(&d->phone->loop, &d->stop[i]);
		d->stop[i].data = d;
		uv_signal_start(&d->stop[i], on_signal, signals[i]);
	}
	phone_run(d->phone);
	uv_close((uv_handle_t *)&d->limit, NULL);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		uv_close((uv_handle_t *)&d->stop[i], NULL);
}

void dialler_close(struct dialler *d)
{
	sip_account_unref(d->account);
	d->phone = phone_free(d->phone);
	d->account = NULL;
}
