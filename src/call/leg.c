/* SPDX-License-Identifier: Apache-2.0 */
#include "call/media_map.h"
#include "call/private.h"

void leg_secure(struct call *c)
{
	struct media_map_secure secure = {.srtp = c->plan.security.srtp, .prefers_dtls = c->plan.security.prefers_dtls,
		.is_secure_profile = c->wants_savp, .fingerprint = media_engine_fingerprint(c->owner->media)};

	media_map_security(&secure, &c->local);
}

/* ICE, DTLS or a STUN server: the stream needs more than its socket. */
static int open_path(struct call *c)
{
	const struct call_security *s = &c->plan.security;
	struct media_path_params p = s->path;

	if (s->srtp == SDP_SRTP_OFF && p.ice == MEDIA_ICE_OFF && p.stun_count == 0)
		return 0;
	/* What was learnt of our address by signalling is a guess for media; a STUN server knows. */
	p.announce = addr_is_set(&c->owner->p.announce) || p.stun_count ? c->owner->p.announce : c->plan.announce;
	if (addr_is_set(&p.announce) && p.announce.family != c->rec.local_rtp.family)
		p.announce = (struct addr){0};
	c->is_gathering = true;

	return media_path_open(c->owner->media, c->stream, &p);
}

/* The addresses that our description names, as far as they are known. */
static int take_local(struct call *c)
{
	struct media_path_local path;

	if (!media_path_local(c->owner->media, c->stream, &path))
		return 0;
	c->is_gathering = !path.is_gathered;
	if (addr_is_set(&path.public_rtp) && !addr_is_set(&c->owner->p.announce))
		c->local.rtp = path.public_rtp;
	if (!ice_description_is_set(&path.ice))
		return 0;
	if (!c->ice)
		c->ice = malloc(sizeof(*c->ice));
	if (!c->ice)
		return -ENOMEM;
	*c->ice = path.ice;
	c->local.ice = c->ice;

	return 0;
}

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
	leg_secure(c);
	sdp_oa_init(&c->oa, (uint64_t)c->rec.wall_ms << 16 | (c->handle & 0xffff));
	c->has_oa = true;
	err = open_path(c);

	return err ? err : take_local(c);
}

/* The suite of DTLS comes later, with MEDIA_EV_SECURED; a re-INVITE does not take it away. */
static void note_security(struct call *c, const struct sdp_media_plan *plan)
{
	char *text = c->rec.security;
	size_t cap = sizeof(c->rec.security);

	if (plan->keying == SDP_SDES)
		(void)!buf_format(text, cap, "SDES, %s", srtp_suite_info(plan->tx_key.suite)->name);
	else if (plan->keying == SDP_IN_CLEAR)
		buf_copy(text, cap, "");
	else if (!span_istarts(span_z(text), "DTLS"))
		buf_copy(text, cap, "DTLS");
}

static int apply(struct call *c, const struct sdp_media_plan *plan, bool is_offerer)
{
	struct media_transport transport;
	struct media_plan media;
	int err = media_map_plan(plan, &media);

	if (err)
		return err;
	media.peer = c->rec.peer;
	if (c->plan.dtmf == CALL_DTMF_INBAND)
		media.dtmf_tx_pt = -1;
	if (media_map_transport(plan, is_offerer, &transport))
		media.transport = &transport;
	err = media_stream_update(c->owner->media, c->stream, &media);
	if (err)
		return err;

	const struct codec_info *info = codec_info(media.tx.id);

	media.transport = NULL;
	c->media = media;
	c->has_media = true;
	buf_copy(c->rec.codec, sizeof(c->rec.codec), info->name);
	c->rec.rate_hz = (uint32_t)media_plan_rate_hz(&media);
	c->rec.remote_rtp = media.remote_rtp;
	doctor_new_media(c);
	note_security(c, plan);

	/* Who was asked to be silent and is has not put us on hold. */
	bool is_held = !c->is_held_by_us && (plan->is_held_by_peer || plan->is_old_hold);

	if (is_held != c->rec.is_held) {
		c->rec.is_held = is_held;
		call_note(c, is_held ? "put on hold by the other side" : "taken off hold");
		brain_hold(c);
	}

	return 0;
}

static int read_sdp(struct call *c, struct span text, struct sdp *ret)
{
	struct sdp_error why;
	int err = sdp_parse(text, ret, &why);

	if (err)
		log_warn("sdp.bad", LOG_STR("call", c->rec.id), LOG_INT("line", why.line), LOG_STR("why", why.what));

	return err;
}

/* A peer that restarts ICE brings new secrets, and has to get new ones (RFC 8839 §4.4.1). */
static int follow_restart(struct call *c, const struct sdp *offer)
{
	struct ice_description theirs;
	int at = MAX(c->oa.audio, 0);

	if (!c->ice || at >= offer->media_count || !sdp_ice_of(offer, at, &theirs))
		return 0;
	media_path_peer_ufrag(c->owner->media, c->stream, theirs.ufrag);

	return take_local(c);
}

int leg_answer(struct call *c, struct span offer, struct sdp_body *ret_body)
{
	struct sdp sdp;
	struct sdp_media_plan plan;
	int err = read_sdp(c, offer, &sdp);

	if (!err)
		err = follow_restart(c, &sdp);
	if (!err)
		err = sdp_oa_answer(&c->oa, &sdp, &c->local, &plan, ret_body);

	return err ? err : apply(c, &plan, false);
}

int leg_recv_answer(struct call *c, struct span answer)
{
	struct sdp sdp;
	struct sdp_media_plan plan;
	int err = read_sdp(c, answer, &sdp);

	if (!err)
		err = sdp_oa_recv_answer(&c->oa, &sdp, &plan);

	return err ? err : apply(c, &plan, true);
}

/* RFC 8840 §9: candidates of a peer that did not wait for all of them. */
void leg_trickle(struct call *c, struct span body)
{
	struct ice_candidate found[LIMIT_ICE_CANDIDATES];
	bool is_complete = false;
	unsigned n = 0;

	while (body.p && c->has_stream) {
		struct span line = span_trim(span_cut(&body, '\n'));

		is_complete |= span_ieq_z(line, "a=end-of-candidates");
		if (n < ARRAY_LEN(found) && span_istarts(line, "a=candidate:") &&
			sdp_candidate_parse(span(line.p + 12, line.n - 12), &found[n]) == 0)
			n++;
	}
	if (c->has_stream)
		media_path_candidates(c->owner->media, c->stream, found, n, is_complete);
}

void leg_close_media(struct call *c)
{
	if (c->has_stream)
		media_stream_close(c->owner->media, c->stream);
}

/* ---- what the worker tells -------------------------------------------------------------------------------------------- */

void leg_on_digit(struct call *c, char digit, bool is_inband)
{
	char shown[] = {digit, 0};
	struct call_line line = {.who = CALL_SAYS_CALLER, .at = calls_now(c->owner) - c->rec.began_at,
		.text = shown, .is_digits = true, .confidence = 1};

	if (collect_takes(c, digit))
		return;
	sensitive_mask(c, shown);
	if (c->peer && !is_inband)
		bridge_digit(c, digit);
	/* An agent collects the digits and tells of them itself. */
	if (!c->has_agent || sensitive_hides_keys(c))
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

static void on_gathered(struct call *c)
{
	if (!c->is_gathering)
		return;
	if (take_local(c) != 0)
		call_hangup(c, CALL_END_US, "the process is out of memory");
	else
		call_gathered(c);
}

static void on_path(struct call *c, const struct media_event *ev)
{
	char to[ADDR_TEXT];

	c->rec.remote_rtp = ev->path.remote;
	(void)!buf_format(c->rec.path, sizeof(c->rec.path), "%s to %s", ice_type_name(ev->path.local), ice_type_name(ev->path.peer));
	call_note(c, "ICE has found a path to %s (%s)", addr_text(&ev->path.remote, to), c->rec.path);
	call_changed(c, "media");
}

static void on_secured(struct call *c, const struct media_event *ev)
{
	(void)!buf_format(c->rec.security, sizeof(c->rec.security), "DTLS, %s", srtp_suite_info(ev->suite)->name);
	call_changed(c, "media");
}

static void on_path_failed(struct call *c, const struct media_event *ev)
{
	if (!c->session || c->rec.state == CALL_ENDING)
		return;
	call_record_end(&c->rec, CALL_END_NETWORK, 0, "%s", ev->why);
	buf_copy(c->rec.remedy, sizeof(c->rec.remedy),
		"check that UDP gets through in both directions; where NATs or firewalls cannot be opened, set turn on this line");
	call_hangup(c, CALL_END_NETWORK, ev->why);
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
	case MEDIA_EV_GATHERED:
		on_gathered(c);
		break;
	case MEDIA_EV_PATH:
		on_path(c, ev);
		break;
	case MEDIA_EV_SECURED:
		on_secured(c, ev);
		break;
	case MEDIA_EV_PATH_FAILED:
		on_path_failed(c, ev);
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
		if (ev->play_id == CALL_PLAY_CONSENT)
			recording_prompt_said(c);
		else if (ev->play_id == CALL_PLAY_BRAIN && c->wants_hangup_after_play)
			call_hangup(c, CALL_END_US, "the recording was played to its end");
		break;
	case MEDIA_EV_RECORD_DONE:
	case MEDIA_EV_RECORD_RESUMED:
	case MEDIA_EV_RECORD_FAILED:
		recording_on_media(c, ev);
		break;
	default:
		break;
	}
}
