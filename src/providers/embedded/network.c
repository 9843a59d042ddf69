/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/network.h"
#include <math.h>

/*
 * Each way on from a state is as likely as the others. Found with scripts/speech on the test set: greater word costs lose short
 * answers, smaller ones hear short words in the hiss around a sentence.
 */
#include "providers/embedded/tune.h"
#define BRANCH_WEIGHT TUNE("BW",1.0F)
#define WORD_COST     TUNE("WC",-3.0F)

/* Sets of sounds on both sides of each state. */
struct sides {
	uint64_t lefts, rights;
};

/* An entry of a word, before entries are ordered by state, left and phone. */
struct entry {
	uint32_t state, node;
	float weight;
	uint8_t left, phone;
};

/* Arcs with the same word to the same state: they differ in where they come from, and share all sounds but the first. */
struct bundle {
	const struct automaton_arc *const *arcs;
	size_t count;
};

struct build {
	struct network *net;
	const struct automaton *automaton;
	const struct lexicon *lexicon;
	const struct acoustic *acoustic;
	struct sides *sides;
	uint32_t *ways; /* on from each state, the end included */
	struct entry *entries;
	size_t entry_count, entry_cap;
	size_t node_cap, link_count, link_cap;
	bool is_full;
};

static uint32_t add_node(struct build *b, struct acoustic_hmm hmm, uint32_t word)
{
	struct network *net = b->net;

	if (net->node_count == LIMIT_NETWORK_NODES) {
		b->is_full = true;
		return 0;
	}
	if (net->node_count == b->node_cap) {
		b->node_cap = b->node_cap ? 2 * b->node_cap : 1024;
		net->nodes = mem_realloc(net->nodes, b->node_cap * sizeof(*net->nodes));
	}
	net->nodes[net->node_count] = (struct network_node){.hmm = hmm, .word = word};

	return net->node_count++;
}

static void add_link(struct build *b, uint32_t to)
{
	if (b->link_count == b->link_cap) {
		b->link_cap = b->link_cap ? 2 * b->link_cap : 1024;
		b->net->links = mem_realloc(b->net->links, b->link_cap * sizeof(*b->net->links));
	}
	b->net->links[b->link_count++] = to;
}

static float weight_of(const struct build *b, const struct automaton_arc *arc)
{
	return BRANCH_WEIGHT * -logf((float)b->ways[arc->from]) + WORD_COST;
}

static void add_entry(struct build *b, const struct automaton_arc *arc, uint8_t left, uint8_t phone, uint32_t node)
{
	if (b->entry_count == b->entry_cap) {
		b->entry_cap = b->entry_cap ? 2 * b->entry_cap : 1024;
		b->entries = mem_realloc(b->entries, b->entry_cap * sizeof(*b->entries));
	}
	b->entries[b->entry_count++] = (struct entry){arc->from, node, weight_of(b, arc), left, phone};
}

/* The node among those from `from` on with that model, or a new one. */
static uint32_t same_node(struct build *b, uint32_t from, struct acoustic_hmm hmm, uint32_t word)
{
	for (uint32_t i = from; i < b->net->node_count; i++)
		if (memcmp(b->net->nodes[i].hmm.senones, hmm.senones, sizeof(hmm.senones)) == 0)
			return i;

	return add_node(b, hmm, word);
}

static void make_last(struct build *b, uint32_t node, const struct automaton_arc *arc, uint8_t left, uint8_t right)
{
	struct network_node *n = &b->net->nodes[node];

	n->is_last = true;
	n->to = arc->to;
	n->left = left;
	n->rights |= UINT64_C(1) << right;
}

/* Every sound that may come before any of the arcs. */
static uint64_t lefts_of(const struct build *b, const struct bundle *bundle)
{
	uint64_t lefts = 0;

	for (size_t i = 0; i < bundle->count; i++)
		lefts |= b->sides[bundle->arcs[i]->from].lefts;

	return lefts;
}

/* The nodes [from, end) begin the word behind that sound. */
static void add_entries(struct build *b, const struct bundle *bundle, uint8_t left, uint8_t phone, uint32_t from, uint32_t end)
{
	for (size_t i = 0; i < bundle->count; i++)
		for (uint32_t node = from; node < end && b->sides[bundle->arcs[i]->from].lefts >> left & 1; node++)
			add_entry(b, bundle->arcs[i], left, phone, node);
}

/* A word of one sound has variants for both sides at once. */
static void add_short_word(struct build *b, const struct bundle *bundle, uint8_t phone)
{
	const struct automaton_arc *arc = bundle->arcs[0];
	uint64_t lefts = lefts_of(b, bundle);

	for (uint8_t left = 0; left < ACOUSTIC_PHONES_MAX; left++) {
		uint32_t from = b->net->node_count;

		if (!(lefts >> left & 1))
			continue;
		for (uint8_t right = 0; right < ACOUSTIC_PHONES_MAX; right++)
			if (b->sides[arc->to].rights >> right & 1)
				make_last(b,
					same_node(b, from, acoustic_triphone(b->acoustic, phone, left, right, ACOUSTIC_SINGLE),
						arc->word),
					arc, phone, right);
		add_entries(b, bundle, left, phone, from, b->net->node_count);
	}
}

static void link_range(struct build *b, uint32_t node, uint32_t from, uint32_t end)
{
	b->net->nodes[node].from = (uint32_t)b->link_count;
	b->net->nodes[node].count = end - from;
	for (uint32_t to = from; to < end; to++)
		add_link(b, to);
}

/* All sounds of the word but the first; returns the range of nodes that follow it. */
static void add_tail(struct build *b, const struct automaton_arc *arc, const struct lexicon_entry *entry, uint32_t *ret_from,
	uint32_t *ret_end)
{
	const uint8_t *phones = entry->phones;
	size_t n = entry->phone_count;
	uint32_t from = b->net->node_count;

	/* From the end to the beginning, so that links know where they go. */
	for (uint8_t right = 0; right < ACOUSTIC_PHONES_MAX; right++)
		if (b->sides[arc->to].rights >> right & 1)
			make_last(b,
				same_node(b, from, acoustic_triphone(b->acoustic, phones[n - 1], phones[n - 2], right, ACOUSTIC_END),
					arc->word),
				arc, phones[n - 1], right);

	uint32_t end = b->net->node_count;

	for (size_t i = n - 2; i > 0; i--) {
		uint32_t node = add_node(b,
			acoustic_triphone(b->acoustic, phones[i], phones[i - 1], phones[i + 1], ACOUSTIC_INTERNAL), arc->word);

		link_range(b, node, from, end);
		from = node;
		end = node + 1;
	}
	*ret_from = from;
	*ret_end = end;
}

static void add_word(struct build *b, const struct bundle *bundle, const struct lexicon_entry *entry)
{
	uint64_t lefts = lefts_of(b, bundle);
	uint32_t from, end;

	if (entry->phone_count == 1) {
		add_short_word(b, bundle, entry->phones[0]);
		return;
	}
	add_tail(b, bundle->arcs[0], entry, &from, &end);

	uint32_t firsts = b->net->node_count;

	for (uint8_t left = 0; left < ACOUSTIC_PHONES_MAX && !b->is_full; left++) {
		if (!(lefts >> left & 1))
			continue;

		uint32_t node = same_node(b, firsts,
			acoustic_triphone(b->acoustic, entry->phones[0], left, entry->phones[1], ACOUSTIC_BEGIN),
			bundle->arcs[0]->word);

		add_entries(b, bundle, left, entry->phones[0], node, node + 1);
	}
	for (uint32_t node = firsts; node < b->net->node_count && !b->is_full; node++)
		link_range(b, node, from, end);
}

static int by_word_and_end(const void *a, const void *b)
{
	const struct automaton_arc *x = *(const struct automaton_arc *const *)a, *y = *(const struct automaton_arc *const *)b;

	if (x->word != y->word)
		return x->word < y->word ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;

	return (x > y) - (x < y);
}

static void add_words(struct build *b)
{
	size_t count = b->automaton->arc_count;
	auto_free const struct automaton_arc **arcs = mem_zalloc((count + 1) * sizeof(*arcs));

	for (size_t i = 0; i < count; i++)
		arcs[i] = &b->automaton->arcs[i];
	qsort(arcs, count, sizeof(*arcs), by_word_and_end);
	for (size_t i = 0, n; i < count && !b->is_full; i += n) {
		for (n = 1; i + n < count && arcs[i + n]->word == arcs[i]->word && arcs[i + n]->to == arcs[i]->to; n++)
			;

		struct bundle bundle = {arcs + i, n};

		for (uint32_t e = b->lexicon->first[arcs[i]->word]; e < b->lexicon->first[arcs[i]->word + 1] && !b->is_full; e++)
			add_word(b, &bundle, &b->lexicon->entries[e]);
	}
}

static void find_sides(struct build *b)
{
	uint64_t silence = UINT64_C(1) << b->net->silence;

	for (uint32_t s = 0; s < b->net->state_count; s++)
		b->sides[s] = (struct sides){silence, silence};
	for (size_t i = 0; i < b->automaton->arc_count; i++) {
		const struct automaton_arc *arc = &b->automaton->arcs[i];

		for (uint32_t e = b->lexicon->first[arc->word]; e < b->lexicon->first[arc->word + 1]; e++) {
			const struct lexicon_entry *entry = &b->lexicon->entries[e];

			b->sides[arc->from].rights |= UINT64_C(1) << entry->phones[0];
			b->sides[arc->to].lefts |= UINT64_C(1) << entry->phones[entry->phone_count - 1];
		}
	}
}

static void add_filler(struct build *b, uint32_t state, uint8_t phone)
{
	uint32_t node = add_node(b, acoustic_monophone(b->acoustic, phone), NETWORK_NO_WORD);
	struct network_node *n = &b->net->nodes[node];

	n->is_last = true;
	n->to = state;
	n->left = b->net->silence;
	n->rights = UINT64_MAX;
}

static void add_states(struct build *b)
{
	const struct automaton *a = b->automaton;
	uint8_t noise = b->net->silence;

	acoustic_phone_find(b->acoustic, SPAN_LIT("+NSN+"), &noise);
	for (uint32_t s = 0; s < b->net->state_count; s++) {
		struct network_state *state = &b->net->states[s];

		state->is_final = a->is_final[s];
		state->end_weight = BRANCH_WEIGHT * -logf((float)MAX(b->ways[s], 1U));
		state->fillers = b->net->node_count;
		add_filler(b, s, b->net->silence);
		add_filler(b, s, noise);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->left != y->left)
		return x->left < y->left ? -1 : 1;
	if (x->phone != y->phone)
		return x->phone < y->phone ? -1 : 1;

	return (x->node > y->node) - (x->node < y->node);
}

/* Orders the entries into states, groups and slots. */
static void index_entries(struct build *b)
{
	struct network *net = b->net;
	uint32_t groups = 0;
	const struct entry *last = NULL;

	qsort(b->entries, b->entry_count, sizeof(*b->entries), by_place);
	net->entries = mem_zalloc((b->entry_count + 1) * sizeof(*net->entries));
	net->slots = mem_zalloc((b->entry_count + 1) * sizeof(*net->slots));
	net->groups = mem_zalloc((b->entry_count + 1) * sizeof(*net->groups));
	for (size_t i = 0; i < b->entry_count; i++) {
		const struct entry *e = &b->entries[i];
		bool is_state = !last || e->state != last->state;
		bool is_group = is_state || e->left != last->left;

		if (is_state)
			net->states[e->state].from = groups;
		if (is_group) {
			net->groups[groups++] = (struct network_group){.left = e->left, .from = net->slot_count};
			net->states[e->state].count++;
		}
		if (is_group || e->phone != last->phone) {
			net->slots[net->slot_count++] = (struct network_slot){.phone = e->phone, .from = (uint32_t)i};
			net->groups[groups - 1].count++;
		}
		net->slots[net->slot_count - 1].count++;
		net->entries[i] = (struct network_entry){e->node, e->weight};
		last = e;
	}
}

int network_new(struct network **ret, const struct automaton *automaton, const struct lexicon *lexicon,
	const struct acoustic *acoustic)
{
	struct build b = {.automaton = automaton, .lexicon = lexicon, .acoustic = acoustic};

	b.net = mem_zalloc(sizeof(*b.net));
	b.net->state_count = automaton->state_count;
	b.net->states = mem_zalloc(automaton->state_count * sizeof(*b.net->states));
	b.net->silence = acoustic_silence(acoustic);
	b.sides = mem_zalloc(automaton->state_count * sizeof(*b.sides));
	b.ways = mem_zalloc(automaton->state_count * sizeof(*b.ways));
	for (uint32_t s = 0; s < automaton->state_count; s++)
		b.ways[s] = automaton->is_final[s];
	for (size_t i = 0; i < automaton->arc_count; i++)
		b.ways[automaton->arcs[i].from]++;
	find_sides(&b);
	add_words(&b);
	add_states(&b);
	index_entries(&b);
	free(b.sides);
	free(b.ways);
	free(b.entries);
	if (b.is_full) {
		network_free(b.net);
		return -TR_ETOOBIG;
	}
	*ret = b.net;

	return 0;
}

float network_weight(const struct network *n, uint32_t state, uint32_t word)
{
	const struct network_state *s = &n->states[state];

	for (uint32_t g = s->from; g < s->from + s->count; g++)
		for (uint32_t i = n->groups[g].from; i < n->groups[g].from + n->groups[g].count; i++)
			for (uint32_t e = n->slots[i].from; e < n->slots[i].from + n->slots[i].count; e++)
				if (n->nodes[n->entries[e].node].word == word)
					return n->entries[e].weight;

	return 0;
}

struct network *network_free(struct network *n)
{
	if (!n)
		return NULL;

	free(n->nodes);
	free(n->links);
	free(n->entries);
	free(n->slots);
	free(n->groups);
	free(n->states);
	free(n);

	return NULL;
}
