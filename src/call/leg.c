/* SPDX-License-Identifier: Apache-2.0 */
#include "call/media_map.h"
#include "call/private.h"

int leg_open_media(struct call *c, const struct addr *local)
{
	struct calls *cs = c->owner;
	struct media_stream_params p = {
		.bind = *local, .tag = c->handle, .rtp_timeout_ms = cs->p.rtp_timeout_ms};
	struct media_local got;
	int err = media_stream_open(cs->media, &p, &c->stream, &got);

	if (err)
		return err;

	struct addr said = got.rtp;

	c->has_stream = true;
	c->rec.local_rtp = got.rtp;
	const struct addr *announce = addr_is_set(&cs->p.announce) ? &cs->p.announce : &c->plan.announce;

	if (addr_is_set(announce) && announce->family == got.rtp.family) {
		said = *announce;
		addr_set_port(&said, addr_port(&got.rtp));
	}
	media_map_local(c->plan.codecs, &said, &c->local);
	sdp_oa_init(&c->oa, (uint64_t)c->rec.wall_ms << 16 | (c->handle & 0xffff));
	c->has_oa = true;

	return 0;
}

int leg_apply(struct call *c, const struct sdp_media_plan *plan)
{
	struct media_plan media;
	int err = media_map_plan(plan, &media);

	media.peer = c->rec.peer;
	if (c->plan.dtmf == CALL_DTMF_INBAND)
		media.dtmf_tx_pt = -1;
	if (!err)
		err = media_stream_update(c->owner->media, c->stream, &media);
	if (err)
		return err;

	const struct codec_info *info = codec_info(media.tx.id);

	c->media = media;
	c->has_media = true;
	buf_copy(c->rec.codec, sizeof(c->rec.codec), info->name);
	c->rec.rate_hz = (uint32_t)media_plan_rate_hz(&media);
	c->rec.remote_rtp = media.remote_rtp;
	doctor_new_media(c);

	/* Who was asked to be silent and is has not put us on hold. */
	bool is_held = !c->is_held_by_us && (plan->is_held_by_peer || plan->is_old_hold);

	if (is_held != c->rec.is_held) {
		c->rec.is_held = is_held;
		call_note(c, is_held ? "put on hold by the other side" : "taken off hold");
		brain_hold(c);
	}

	return 0;
}

int leg_answer(struct call *c, struct span offer, struct sdp_body *ret_body)
{
	struct sdp sdp;
	struct sdp_error why;
	struct sdp_media_plan plan;
	int err = sdp_parse(offer, &sdp, &why);

	if (err)
		log_warn("sdp.bad", LOG_STR("call", c->rec.id), LOG_INT("line", why.line), LOG_STR("why", why.what));
	if (!err)
		err = sdp_oa_answer(&c->oa, &sdp, &c->local, &plan, ret_body);

	return err ? err : leg_apply(c, &plan);
}

int leg_recv_answer(struct call *c, struct span answer)
{
	struct sdp sdp;
	struct sdp_error why;
	struct sdp_media_plan plan;
	int err = sdp_parse(answer, &sdp, &why);

	if (err)
		log_warn("sdp.bad", LOG_STR("call", c->rec.id), LOG_INT("line", why.line), LOG_STR("why", why.what));
	if (!err)
		err = sdp_oa_recv_answer(&c->oa, &sdp, &plan);

	return err ? err : leg_apply(c, &plan);
}

void leg_close_media(struct call *c)
{
	if (c->has_stream)
		media_stream_close(c->owner->media, c->stream);
}

/* ---- what the worker tells -------------------------------------------------------------------------------------------- */

void leg_on_digit(struct call *c, char digit, bool is_inband)
{
	struct call_line line = {.who = CALL_SAYS_CALLER, .at = calls_now(c->owner) - c->rec.began_at,
		.text = (char[]){digit, 0}, .is_digits = true, .confidence = 1};

	if (c->peer && !is_inband)
		bridge_digit(c, digit);
	/* An agent collects the digits and tells of them itself. */
	if (!c->has_agent)
		(void)call_record_say(&c->rec, &line);
	else if (agent_call_dtmf(c->owner->agent, c->handle, digit) != 0)
		log_warn("call.dtmf_dropped", LOG_STR("call", c->rec.id));
	call_changed(c, "dtmf");
}

static void on_timeout(struct call *c, const struct media_event *ev)
{
	char why[160];

	if (!c->session || c->rec.state == CALL_ENDING)
		return;
	const struct call_finding *worst = doctor_worst(c);

	snprintf(why, sizeof(why), "no audio came from the other side for %u seconds", ev->silent_ms / 1000);
	call_record_end(&c->rec, CALL_END_NETWORK, 0, "%s%s%s", why, worst ? ": " : "", worst ? worst->text : "");
	buf_copy(c->rec.remedy, sizeof(c->rec.remedy), worst ? worst->remedy : "");
	call_hangup(c, CALL_END_NETWORK, why);
}

static void on_record(struct call *c, const struct media_event *ev)
{
	c->is_recording = false;
	c->rec.is_recorded = ev->type == MEDIA_EV_RECORD_DONE;
	if (ev->type == MEDIA_EV_RECORD_FAILED)
		call_note(c, "the recording failed: %s", err_text(ev->record.err));
	call_retire_if_done(c);
}

static void on_quality(struct call *c, const struct media_event *ev)
{
	c->rec.quality = ev->quality;
	c->rec.has_quality = true;
	if (ev->type == MEDIA_EV_CLOSED) {
		c->has_stream = false;
		media_engine_reap(c->owner->media);
		call_retire_if_done(c);
	} else {
		call_changed(c, "quality");
	}
}

void leg_on_media(struct calls *cs, const struct media_event *ev)
{
	struct call *c = call_by_handle(cs, ev->tag);

	if (!c)
		return;
	doctor_on_media(c, ev);

	switch (ev->type) {
	case MEDIA_EV_FIRST_PACKET:
	case MEDIA_EV_SOURCE_CHANGED:
		c->rec.remote_rtp = ev->source;
		call_changed(c, "media");
		break;
	case MEDIA_EV_DTMF:
		leg_on_digit(c, ev->dtmf.digit, ev->dtmf.how == MEDIA_DTMF_INBAND);
		break;
	case MEDIA_EV_RTP_TIMEOUT:
		on_timeout(c, ev);
		break;
	case MEDIA_EV_RTP_RESUMED:
		call_note(c, "audio from the other side is back after %u ms", ev->silent_ms);
		break;
	case MEDIA_EV_ANSWER:
		answered_on_media(c, &ev->answer);
		break;
	case MEDIA_EV_QUALITY:
	case MEDIA_EV_CLOSED:
		on_quality(c, ev);
		break;
	case MEDIA_EV_PLAY_DONE:
		if (c->wants_hangup_after_play)
			call_hangup(c, CALL_END_US, "the recording was played to its end");
		break;
	case MEDIA_EV_RECORD_DONE:
	case MEDIA_EV_RECORD_FAILED:
		on_record(c, ev);
		break;
	default:
		break;
	}
}
