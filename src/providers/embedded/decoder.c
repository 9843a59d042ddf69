/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/decoder.h"
#include <math.h>

/* In nats. */
#include "providers/embedded/tune.h"
#define BEAM TUNE("BEAM",110.0F) /* of states against the frame's best */
#define WORD_BEAM    TUNE("WBEAM",70.0F)  /* of ends of words */
#define SILENCE_COST TUNE("SC",-3.0F)
#define NOISE_COST TUNE("NC",-10.0F)
#define LOOP_COST TUNE("LC",-4.0F) /* of a sound in the background's loop */
#define NOWHERE	     (-1e30F)

#define NO_HISTORY UINT32_MAX

/* The path in a node's states. */
struct token {
	float score[ACOUSTIC_STATES];
	uint32_t history[ACOUSTIC_STATES];
	float in; /* on its way into the first */
	uint32_t in_history;
	bool is_active;
};

/* A word (or filler) that ended. */
struct ended {
	uint32_t previous;
	uint32_t word;
	uint32_t frame; /* behind its last */
	uint32_t state;
	float score;
};

/* The best path that waits for a slot's words. */
struct arrival {
	float score;
	uint32_t history;
};

struct decoder {
	const struct acoustic *acoustic;
	const struct network *net;
	uint32_t frame;

	struct token *tokens;
	uint32_t token_cap;
	uint32_t *active, *next_active;
	uint32_t active_count, next_count;

	struct ended *ended;
	uint32_t ended_count, ended_cap;
	uint32_t ended_before; /* count before this frame's */

	struct arrival *arrivals; /* of each slot */
	uint32_t *arrived;
	uint32_t arrival_cap, arrived_count;

	float loop[ACOUSTIC_PHONES_MAX][ACOUSTIC_STATES];
	struct acoustic_hmm plain[ACOUSTIC_PHONES_MAX];
	float loop_best;
	float *background; /* the loop's best score until each frame */
	uint32_t background_cap;
};

struct decoder *decoder_new(const struct acoustic *acoustic)
{
	struct decoder *d = mem_zalloc(sizeof(*d));

	d->acoustic = acoustic;
	for (size_t p = 0; p < acoustic_phone_count(acoustic); p++)
		d->plain[p] = acoustic_monophone(acoustic, (uint8_t)p);

	return d;
}

struct decoder *decoder_free(struct decoder *d)
{
	if (!d)
		return NULL;

	free(d->tokens);
	free(d->active);
	free(d->next_active);
	free(d->ended);
	free(d->arrivals);
	free(d->arrived);
	free(d->background);
	free(d);

	return NULL;
}

/* ---- steps ------------------------------------------------------------------------------------------------------------ */

static void enter(struct decoder *d, uint32_t node, float score, uint32_t history)
{
	struct token *t = &d->tokens[node];

	if (!t->is_active) {
		t->is_active = true;
		d->next_active[d->next_count++] = node;
	}
	if (score > t->in) {
		t->in = score;
		t->in_history = history;
	}
}

static void arrive_at(struct decoder *d, const struct network_group *group, uint64_t rights, struct arrival from)
{
	for (uint32_t i = group->from; i < group->from + group->count; i++) {
		struct arrival *a = &d->arrivals[i];

		if (!(rights >> d->net->slots[i].phone & 1) || from.score <= a->score)
			continue;
		if (a->score == NOWHERE)
			d->arrived[d->arrived_count++] = i;
		*a = from;
	}
}

/* Takes the path that ended in a state to the words that may follow, which begin with the next frame. */
static void arrive(struct decoder *d, uint32_t state, uint8_t left, uint64_t rights, struct arrival from)
{
	const struct network *net = d->net;
	const struct network_state *s = &net->states[state];

	if (rights >> net->silence & 1) {
		enter(d, s->fillers, from.score + SILENCE_COST, from.history);
		enter(d, s->fillers + 1, from.score + NOISE_COST, from.history);
	}
	for (uint32_t g = s->from; g < s->from + s->count; g++)
		if (net->groups[g].left == left)
			arrive_at(d, &net->groups[g], rights, from);
}

static void enter_words(struct decoder *d)
{
	for (uint32_t i = 0; i < d->arrived_count; i++) {
		const struct network_slot *slot = &d->net->slots[d->arrived[i]];
		struct arrival *a = &d->arrivals[d->arrived[i]];

		for (uint32_t e = slot->from; e < slot->from + slot->count; e++)
			enter(d, d->net->entries[e].node, a->score + d->net->entries[e].weight, a->history);
		a->score = NOWHERE;
	}
	d->arrived_count = 0;
}

static void grow(struct decoder *d, const struct network *net)
{
	if (net->node_count > d->token_cap) {
		d->token_cap = net->node_count;
		d->tokens = mem_realloc(d->tokens, d->token_cap * sizeof(*d->tokens));
		d->active = mem_realloc(d->active, d->token_cap * sizeof(*d->active));
		d->next_active = mem_realloc(d->next_active, d->token_cap * sizeof(*d->next_active));
	}
	if (net->slot_count > d->arrival_cap) {
		d->arrival_cap = net->slot_count;
		d->arrivals = mem_realloc(d->arrivals, d->arrival_cap * sizeof(*d->arrivals));
		d->arrived = mem_realloc(d->arrived, d->arrival_cap * sizeof(*d->arrived));
	}
}

static const struct token empty = {.score = {NOWHERE, NOWHERE, NOWHERE}, .in = NOWHERE};

void decoder_begin(struct decoder *d, const struct network *net)
{
	grow(d, net);
	d->net = net;
	d->frame = 0;
	d->active_count = d->next_count = d->ended_count = d->ended_before = d->arrived_count = 0;
	for (uint32_t i = 0; i < net->node_count; i++)
		d->tokens[i] = empty;
	for (uint32_t i = 0; i < net->slot_count; i++)
		d->arrivals[i].score = NOWHERE;
	for (size_t p = 0; p < ACOUSTIC_PHONES_MAX; p++)
		for (int s = 0; s < ACOUSTIC_STATES; s++)
			d->loop[p][s] = NOWHERE;
	d->loop_best = 0;
	arrive(d, 0, net->silence, UINT64_MAX, (struct arrival){0, NO_HISTORY});
	enter_words(d);
}

/* One frame in one node; returns its best score. */
static float step_node(struct decoder *d, struct token *t, const struct acoustic_hmm *hmm, const float *scores)
{
	const float(*go)[2] = acoustic_transitions(d->acoustic, hmm->phone);
	float best = NOWHERE;

	for (int s = ACOUSTIC_STATES - 1; s >= 0; s--) {
		float stay = t->score[s] + go[s][0];
		float come = s ? t->score[s - 1] + go[s - 1][1] : t->in;

		if (come > stay) {
			stay = come;
			t->history[s] = s ? t->history[s - 1] : t->in_history;
		}
		t->score[s] = stay + scores[hmm->senones[s]];
		best = t->score[s] > best ? t->score[s] : best;
	}
	t->in = NOWHERE;

	return best;
}

static void step_loop(struct decoder *d, const float *scores)
{
	float in = d->loop_best + LOOP_COST, best = NOWHERE;

	for (size_t p = 0; p < acoustic_phone_count(d->acoustic); p++) {
		const float(*go)[2] = acoustic_transitions(d->acoustic, (uint8_t)p);
		float *loop = d->loop[p];

		for (int s = ACOUSTIC_STATES - 1; s >= 0; s--) {
			float stay = loop[s] + go[s][0], come = s ? loop[s - 1] + go[s - 1][1] : in;

			loop[s] = (come > stay ? come : stay) + scores[d->plain[p].senones[s]];
			best = loop[s] > best ? loop[s] : best;
		}
	}
	if (d->frame + 1 >= d->background_cap) {
		d->background_cap = MAX(2 * d->background_cap, 1024U);
		d->background = mem_realloc(d->background, d->background_cap * sizeof(*d->background));
	}
	if (d->frame == 0)
		d->background[0] = 0;
	d->background[d->frame + 1] = best;
	d->loop_best = best;
}

static void end_word(struct decoder *d, const struct network_node *node, const struct token *t, float score)
{
	if (d->ended_count == LIMIT_DECODER_HISTORY)
		return;
	if (d->ended_count == d->ended_cap) {
		d->ended_cap = MAX(2 * d->ended_cap, 4096U);
		d->ended = mem_realloc(d->ended, d->ended_cap * sizeof(*d->ended));
	}
	d->ended[d->ended_count] =
		(struct ended){t->history[ACOUSTIC_STATES - 1], node->word, d->frame + 1, node->to, score};
	arrive(d, node->to, node->left, node->rights, (struct arrival){score, d->ended_count});
	d->ended_count++;
}

/* From a node that lives on to those behind it. */
static void leave(struct decoder *d, uint32_t at, float best)
{
	const struct network_node *node = &d->net->nodes[at];
	const struct token *t = &d->tokens[at];
	float score = t->score[ACOUSTIC_STATES - 1] +
		      acoustic_transitions(d->acoustic, node->hmm.phone)[ACOUSTIC_STATES - 1][1];

	if (node->is_last) {
		if (score >= best - WORD_BEAM)
			end_word(d, node, t, score);
		return;
	}
	if (score < best - BEAM)
		return;
	for (uint32_t i = node->from; i < node->from + node->count; i++)
		enter(d, d->net->links[i], score, t->history[ACOUSTIC_STATES - 1]);
}

void decoder_step(struct decoder *d, const float *scores)
{
	float best = NOWHERE, node_best;
	uint32_t *swap = d->active, count = d->next_count, kept = 0;

	d->active = d->next_active;
	d->next_active = swap;
	d->next_count = 0;
	d->ended_before = d->ended_count;
	step_loop(d, scores);
	for (uint32_t i = 0; i < count; i++) {
		struct token *t = &d->tokens[d->active[i]];

		node_best = step_node(d, t, &d->net->nodes[d->active[i]].hmm, scores);
		best = node_best > best ? node_best : best;
	}
	/* Those that stay come first in the next frame's list, which others join. */
	for (uint32_t i = 0; i < count; i++) {
		struct token *t = &d->tokens[d->active[i]];
		const float *s = t->score;

		if (fmaxf(fmaxf(s[0], s[1]), s[2]) >= best - BEAM) {
			d->next_active[d->next_count++] = d->active[i];
			d->active[kept++] = d->active[i];
		} else {
			*t = empty;
		}
	}
	for (uint32_t i = 0; i < kept; i++)
		leave(d, d->active[i], best);
	enter_words(d);
	d->frame++;
}

/* ---- results ---------------------------------------------------------------------------------------------------------- */

/* The best end in a final state with the last frame. */
static uint32_t best_end(const struct decoder *d)
{
	uint32_t found = NO_HISTORY;
	float best = NOWHERE;

	for (uint32_t i = d->ended_before; i < d->ended_count; i++) {
		const struct ended *e = &d->ended[i];
		float score = e->score + d->net->states[e->state].end_weight;

		if (d->net->states[e->state].is_final && score > best) {
			best = score;
			found = i;
		}
	}

	return found;
}

static uint32_t best_so_far(const struct decoder *d)
{
	uint32_t found = NO_HISTORY;
	float best = NOWHERE;

	for (uint32_t i = 0; i < d->next_count; i++) {
		const struct token *t = &d->tokens[d->next_active[i]];

		for (int s = 0; s < ACOUSTIC_STATES; s++)
			if (t->score[s] > best) {
				best = t->score[s];
				found = t->history[s];
			}
	}

	return found;
}

static float gap_of(const struct decoder *d, const struct ended *e, const struct ended *before, uint32_t from)
{
	float score = e->score - (before ? before->score : 0) - network_weight(d->net, before ? before->state : 0, e->word);

	return (score - (d->background[e->frame] - d->background[from])) / (float)MAX(e->frame - from, 1U);
}

bool decoder_result(struct decoder *d, bool is_partial, struct decoder_word *ret_words, size_t max, size_t *ret_count)
{
	uint32_t end = is_partial ? NO_HISTORY : best_end(d), count = 0, at;
	bool is_final = end != NO_HISTORY;

	if (!is_final)
		end = best_so_far(d);
	for (at = end; at != NO_HISTORY; at = d->ended[at].previous)
		count += d->ended[at].word != NETWORK_NO_WORD;
	*ret_count = MIN(count, max);
	for (at = end; at != NO_HISTORY; at = d->ended[at].previous) {
		const struct ended *e = &d->ended[at];
		const struct ended *before = e->previous == NO_HISTORY ? NULL : &d->ended[e->previous];
		uint32_t from = before ? before->frame : 0;

		if (e->word == NETWORK_NO_WORD || --count >= max)
			continue;
		ret_words[count] = (struct decoder_word){e->word, from, e->frame, gap_of(d, e, before, from)};
	}

	return is_final;
}
