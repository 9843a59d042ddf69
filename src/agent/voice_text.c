/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/voice_impl.h"

/* What is said: pieces to synthesise and recordings, and how much of the text has been heard. */

/* ---- heard --------------------------------------------------------------------------------------------------------------- */

/* The part of a piece that was heard when `frames` of the reply have been played. */
static size_t heard_of(const struct voice *v, const struct piece *p, uint32_t frames)
{
	struct heard h = {p->text, p->clip ? (uint32_t)p->clip_n : p->samples + p->lead, p->clip || p->state == PIECE_MADE,
		p->marks, p->mark_count};
	bool is_begun = p->samples > 0 && frames > p->from;

	if (p->state == PIECE_MADE && !p->samples)
		return 0; /* it failed or had nothing to say */

	return is_begun ? heard_bytes(&h, (frames - p->from) * v->frame_n + p->lead, v->rate_hz) : 0;
}

static char *join(const struct voice *v, bool is_heard_only)
{
	const char *held = v->held && !is_heard_only ? v->held : "";
	char *text = malloc(v->text_bytes + v->piece_count + strlen(held) + 2);
	uint32_t frames = voice_frames_played(v);
	size_t n = 0;

	if (!text)
		return NULL;

	for (uint32_t i = 0; i < v->piece_count; i++) {
		const struct piece *p = &v->pieces[i];
		size_t take = is_heard_only ? heard_of(v, p, frames) : strlen(p->text);

		if (p->is_filler || !take)
			continue;
		if (n)
			text[n++] = ' ';
		memcpy(text + n, p->text, take);
		n += take;
	}
	if (n && *held)
		text[n++] = ' ';
	memcpy(text + n, held, strlen(held) + 1);
	n += strlen(held);
	text[n] = '\0';

	return text;
}

char *voice_text(const struct voice *v)
{
	return join(v, false);
}

char *voice_heard(const struct voice *v)
{
	return join(v, true);
}

/* ---- said ---------------------------------------------------------------------------------------------------------------- */

static int add_piece(struct voice *v, struct span text, struct piece **ret)
{
	size_t n = text.n;

	if (v->state != VOICE_OPEN)
		return -TR_ESTATE;
	if (v->piece_count == LIMIT_AGENT_PIECES || v->text_bytes + n > LIMIT_AGENT_REPLY_BYTES)
		return -TR_ELIMIT;

	struct piece *p = &v->pieces[v->piece_count];

	*p = (struct piece){.text = span_dup(text)};
	if (!p->text)
		return -ENOMEM;
	v->text_bytes += n;
	v->piece_count++;
	*ret = p;

	return 0;
}

static int add_text(struct voice *v, struct span text)
{
	struct piece *p;

	text = span_trim(text);

	return text.n ? add_piece(v, text, &p) : 0;
}

/* Cuts what is held into recorded phrases and the text between them; what may still become a phrase stays, unless is_all. */
static int settle(struct voice *v, bool is_all)
{
	auto_free char *text = v->held;
	size_t at = 0;
	int err = 0;

	v->held = NULL;
	while (text && text[at] && !err) {
		struct prompt_hit hit = {0};
		enum prompts_match match = prompts_find(v->p.prompts, text + at, is_all, v->rate_hz, &hit);
		struct piece *p = NULL;

		if (match == PROMPTS_NONE)
			return add_text(v, span_z(text + at));
		err = add_text(v, span(text + at, hit.from));
		if (match == PROMPTS_MAYBE) {
			v->held = strdup(text + at + hit.from);
			return v->held ? err : -ENOMEM;
		}
		if (!err)
			err = add_piece(v, span(text + at + hit.from, hit.to - hit.from), &p);
		if (p) {
			p->clip = hit.pcm;
			p->clip_n = hit.n;
		}
		at += hit.to;
	}

	return err;
}

static int hold(struct voice *v, const char *text)
{
	char *more = NULL;

	if (v->text_bytes + (v->held ? strlen(v->held) : 0) + strlen(text) > LIMIT_AGENT_REPLY_BYTES)
		return -TR_ELIMIT;
	if (asprintf(&more, "%s%s%s", v->held ? v->held : "", v->held ? " " : "", text) < 0)
		return -ENOMEM;
	free(v->held);
	v->held = more;

	return settle(v, false);
}

int voice_say(struct voice *v, const char *text, bool is_filler)
{
	struct piece *p = NULL;
	int err = 0;

	if (v->state != VOICE_OPEN)
		return -TR_ESTATE;
	if (v->p.prompts && !is_filler)
		err = hold(v, text);
	else
		err = add_piece(v, span_z(text), &p);
	if (p)
		p->is_filler = is_filler;
	voice_pump(v);

	return err;
}

int voice_pause(struct voice *v, uint32_t ms)
{
	static const int16_t silence[VOICE_PAUSE_MS * 16];
	struct piece *p;
	int err = add_piece(v, span("", 0), &p);

	if (err)
		return err;
	p->clip = silence;
	p->clip_n = MIN(ms, VOICE_PAUSE_MS) * (v->rate_hz / 1000);
	voice_pump(v);

	return 0;
}

int voice_play(struct voice *v, const char *text, const int16_t *pcm, size_t n)
{
	struct piece *p;
	int err = v->piece_count ? -TR_ESTATE : add_piece(v, span_z(text), &p);

	if (err)
		return err;

	voice_play_piece(v, p, pcm, n);

	return 0;
}

void voice_end(struct voice *v)
{
	if (v->state != VOICE_OPEN)
		return;
	/* A reply longer than any should be ends where the limit is. */
	if (v->held)
		(void)!settle(v, true);
	v->state = VOICE_CLOSING;
	voice_pump(v);
}
