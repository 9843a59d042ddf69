/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/automaton.h"
#include "providers/embedded/grammar_tree.h"

/*
 * Three classical steps: the tree becomes a non-deterministic automaton with empty arcs (Thompson), its sets of states the
 * states of a deterministic one (subset construction), and states that cannot be told apart become one (Moore's refinement).
 */

/* ---- non-deterministic ------------------------------------------------------------------------------------------------- */

#define NO_WORD UINT32_MAX
#define NO_STATE UINT32_MAX

/* Each state has at most one word arc, or at most two empty ones: what Thompson's construction yields. */
struct nstate {
	uint32_t word, to;
	uint32_t empty[2];
};

struct nfa {
	const struct grammar *g;
	struct nstate *states;
	size_t count, cap;
};

static uint32_t nstate_new(struct nfa *n)
{
	if (n->count == n->cap) {
		n->cap = n->cap ? 2 * n->cap : 1024;
		n->states = mem_realloc(n->states, n->cap * sizeof(*n->states));
	}
	n->states[n->count] = (struct nstate){NO_WORD, NO_STATE, {NO_STATE, NO_STATE}};

	return (uint32_t)n->count++;
}

/* A third empty arc goes through a new state, so that any number of alternatives fits. */
static void add_empty(struct nfa *n, uint32_t from, uint32_t to)
{
	while (n->states[from].empty[0] != NO_STATE) {
		if (n->states[from].empty[1] == NO_STATE) {
			uint32_t more = nstate_new(n);

			n->states[from].empty[1] = more;
		}
		from = n->states[from].empty[1];
	}
	n->states[from].empty[0] = to;
}

/* Adds the node between from and a state that it returns. */
static uint32_t build(struct nfa *n, uint32_t at, uint32_t from)
{
	const struct node *node = &n->g->nodes[at];
	uint32_t begin, end, to;

	switch (node->kind) {
	case WORD:
		begin = nstate_new(n);
		end = nstate_new(n);
		n->states[begin].word = node->value;
		n->states[begin].to = end;
		add_empty(n, from, begin);
		return end;
	case RULE:
		return build(n, n->g->rules.all[node->value]->body, from);
	case SEQUENCE:
		for (uint32_t child = node->child; child != NO_NODE; child = n->g->nodes[child].next)
			from = build(n, child, from);
		return from;
	case ALTERNATIVES:
		end = nstate_new(n);
		begin = from;
		for (uint32_t child = node->child; child != NO_NODE; child = n->g->nodes[child].next) {
			uint32_t fork = nstate_new(n), branch = nstate_new(n), rest = nstate_new(n);

			add_empty(n, begin, fork);
			n->states[fork].empty[0] = branch;
			n->states[fork].empty[1] = rest;
			to = build(n, child, branch);
			add_empty(n, to, end);
			begin = rest;
		}
		return end;
	case OPTIONAL:
	case ONCE_OR_MORE:
	case ANY_TIMES:
		begin = nstate_new(n);
		end = nstate_new(n);
		add_empty(n, from, begin);
		to = build(n, node->child, begin);
		add_empty(n, to, end);
		if (node->kind != ONCE_OR_MORE)
			add_empty(n, begin, end);
		if (node->kind != OPTIONAL)
			add_empty(n, end, begin);
		to = nstate_new(n);
		add_empty(n, end, to);
		return to;
	}

	return from;
}

/* ---- deterministic ----------------------------------------------------------------------------------------------------- */

/* A set of non-deterministic states that have a word arc or are the end; the others only lead there. */
struct dstate {
	struct hash_node hash;
	uint32_t *set; /* sorted */
	size_t count;
	uint32_t index;
	bool is_final;
};

struct dfa {
	struct nfa n;
	uint32_t end;
	struct hash_table table;
	struct dstate **states;
	size_t count;
	struct automaton_arc *arcs;
	size_t arc_count, arc_cap;
	uint32_t *seen; /* of each non-deterministic state: the closure that met it last */
	uint32_t round;
};

struct set {
	uint32_t *all;
	size_t count, cap;
};

static void set_add(struct set *s, uint32_t value)
{
	if (s->count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->all = mem_realloc(s->all, s->cap * sizeof(*s->all));
	}
	s->all[s->count++] = value;
}

/* Adds what empty arcs lead to. The stack is explicit, since chains are long. */
static void close_over(struct dfa *d, uint32_t from, struct set *stack, struct set *ret)
{
	set_add(stack, from);
	while (stack->count) {
		uint32_t at = stack->all[--stack->count];
		const struct nstate *state = &d->n.states[at];

		if (d->seen[at] == d->round)
			continue;
		d->seen[at] = d->round;
		if (state->word != NO_WORD || at == d->end)
			set_add(ret, at);
		for (int i = 0; i < 2; i++)
			if (state->empty[i] != NO_STATE)
				set_add(stack, state->empty[i]);
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The state of that set, which is made when it is new. Takes the set's memory. */
static uint32_t dstate_get(struct dfa *d, struct set set)
{
	qsort(set.all, set.count, sizeof(*set.all), by_value);

	struct span key = span((const char *)set.all, set.count * sizeof(*set.all));

	for (struct hash_node *node = hash_find(&d->table, span_hash(key)); node; node = hash_find_next(node)) {
		struct dstate *state = container_of(node, struct dstate, hash);

		if (state->count == set.count && (!set.count || memcmp(state->set, set.all, key.n) == 0)) {
			free(set.all);
			return state->index;
		}
	}

	struct dstate *state = mem_zalloc(sizeof(*state));

	state->set = set.all;
	state->count = set.count;
	state->index = (uint32_t)d->count;
	for (size_t i = 0; i < set.count; i++)
		state->is_final |= set.all[i] == d->end;
	if ((d->count & (d->count - 1)) == 0)
		d->states = mem_realloc(d->states, (d->count ? 2 * d->count : 1) * sizeof(struct dstate *));
	d->states[d->count++] = state;
	hash_add(&d->table, &state->hash, span_hash(key));

	return state->index;
}

static void add_arc(struct dfa *d, uint32_t from, uint32_t to, uint32_t word)
{
	if (d->arc_count == d->arc_cap) {
		d->arc_cap = d->arc_cap ? 2 * d->arc_cap : 1024;
		d->arcs = mem_realloc(d->arcs, d->arc_cap * sizeof(*d->arcs));
	}
	d->arcs[d->arc_count++] = (struct automaton_arc){from, to, word};
}

struct step {
	uint32_t word, to;
};

static int by_word(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	return (x->word > y->word) - (x->word < y->word);
}

/* All arcs out of one deterministic state. */
static void expand(struct dfa *d, const struct dstate *state)
{
	auto_free struct step *steps = mem_zalloc((state->count + 1) * sizeof(*steps));
	size_t count = 0;
	struct set stack = {0};

	for (size_t i = 0; i < state->count; i++) {
		const struct nstate *n = &d->n.states[state->set[i]];

		if (n->word != NO_WORD)
			steps[count++] = (struct step){n->word, n->to};
	}
	qsort(steps, count, sizeof(*steps), by_word);
	for (size_t i = 0; i < count;) {
		uint32_t word = steps[i].word;
		struct set set = {0};

		d->round++;
		for (; i < count && steps[i].word == word; i++)
			close_over(d, steps[i].to, &stack, &set);
		add_arc(d, state->index, dstate_get(d, set), word);
	}
	free(stack.all);
}

static int determinise(struct dfa *d, uint32_t start)
{
	struct set set = {0}, stack = {0};

	d->seen = mem_zalloc(d->n.count * sizeof(*d->seen));
	d->round = 1;
	close_over(d, start, &stack, &set);
	free(stack.all);
	dstate_get(d, set);
	for (size_t i = 0; i < d->count; i++) {
		if (d->count > LIMIT_AUTOMATON_STATES)
			return -TR_ETOOBIG;
		expand(d, d->states[i]);
	}

	return 0;
}

/* ---- smallest ---------------------------------------------------------------------------------------------------------- */

/* What tells a state from others: its class so far and where each word leads, in classes. */
static uint64_t signature(const struct dfa *d, const uint32_t *class, size_t state, const size_t *first)
{
	uint64_t h = (UINT64_C(0xcbf29ce484222325) ^ class[state]) * UINT64_C(0x9e3779b97f4a7c15);

	/* Before the first word comes in: else another class makes up for another word. */
	h ^= h >> 32;
	for (size_t i = first[state]; i < first[state + 1]; i++) {
		h = (h ^ d->arcs[i].word) * UINT64_C(0x100000001b3);
		h ^= h >> 29;
		h = (h ^ class[d->arcs[i].to]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}

	return h;
}

struct signed_state {
	uint64_t signature;
	uint32_t state;
};

static int by_signature(const void *a, const void *b)
{
	const struct signed_state *x = a, *y = b;

	if (x->signature != y->signature)
		return x->signature < y->signature ? -1 : 1;

	return (x->state > y->state) - (x->state < y->state);
}

/* Splits classes until nothing changes; returns their number. 64-bit signatures stand for the lists they are made of. */
static uint32_t refine(const struct dfa *d, const size_t *first, uint32_t *class)
{
	auto_free struct signed_state *all = mem_zalloc(d->count * sizeof(*all));
	uint32_t classes = 0, before;

	for (size_t i = 0; i < d->count; i++)
		class[i] = d->states[i]->is_final;
	do {
		before = classes;
		for (size_t i = 0; i < d->count; i++)
			all[i] = (struct signed_state){signature(d, class, i, first), (uint32_t)i};
		qsort(all, d->count, sizeof(*all), by_signature);
		classes = 0;
		for (size_t i = 0; i < d->count; i++) {
			classes += i == 0 || all[i].signature != all[i - 1].signature;
			class[all[i].state] = classes - 1;
		}
	} while (classes != before);

	return classes;
}

/* The start keeps number 0. */
static void start_first(const struct dfa *d, uint32_t *class)
{
	uint32_t start = class[0];

	for (size_t i = 0; i < d->count; i++)
		class[i] = class[i] == start ? 0 : class[i] == 0 ? start : class[i];
}

static struct automaton *minimise(struct dfa *d)
{
	auto_free size_t *first = mem_zalloc((d->count + 1) * sizeof(*first));
	auto_free uint32_t *class = mem_zalloc(d->count * sizeof(*class));
	struct automaton *a = mem_zalloc(sizeof(*a));

	/* Arcs were added state by state. */
	for (size_t i = 0, arc = 0; i <= d->count; i++) {
		while (arc < d->arc_count && d->arcs[arc].from < i)
			arc++;
		first[i] = arc;
	}
	a->state_count = refine(d, first, class);
	start_first(d, class);

	auto_free uint32_t *member = mem_zalloc(a->state_count * sizeof(*member));

	a->is_final = mem_zalloc(a->state_count * sizeof(*a->is_final));
	for (size_t i = d->count; i-- > 0;)
		member[class[i]] = (uint32_t)i;
	a->arcs = mem_zalloc(d->arc_count * sizeof(*a->arcs));
	for (uint32_t c = 0; c < a->state_count; c++) {
		a->is_final[c] = d->states[member[c]]->is_final;
		for (size_t i = first[member[c]]; i < first[member[c] + 1]; i++)
			a->arcs[a->arc_count++] = (struct automaton_arc){c, class[d->arcs[i].to], d->arcs[i].word};
	}

	return a;
}

static void dfa_done(struct dfa *d)
{
	for (size_t i = 0; i < d->count; i++) {
		free(d->states[i]->set);
		free(d->states[i]);
	}
	hash_done(&d->table);
	free(d->states);
	free(d->arcs);
	free(d->seen);
	free(d->n.states);
}

int automaton_new(struct automaton **ret, const struct grammar *g, size_t context)
{
	struct dfa d = {.n.g = g};
	uint32_t start = nstate_new(&d.n);

	hash_init(&d.table);
	d.end = build(&d.n, g->contexts.all[context]->body, start);

	int err = determinise(&d, start);

	if (!err)
		*ret = minimise(&d);
	dfa_done(&d);

	return err;
}

struct automaton *automaton_free(struct automaton *a)
{
	if (!a)
		return NULL;

	free(a->is_final);
	free(a->arcs);
	free(a);

	return NULL;
}
