/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/acoustic.h"
#include <math.h>
#include "providers/embedded/slurp.h"

enum {
	GAUSSIANS = 128,
	TOP = 4, /* of a codebook that count; the others' share is lost in rounding */
	CONTEXTS = 4, /* place, phone, left, right: levels of the tree of triphones */
	SENONES_MAX = 20000,
	FILE_MAX_BYTES = 64 << 20,
	HEADER_MAX_BYTES = 1000,
};

#define VARIANCE_MIN 1e-4F
#define LOG_UNIT     0.10239488F /* mixture weights are stored as -log to the base 1.0001^1024 */

/* One phone's Gaussians in one stream, transposed so that the inner loops run over Gaussians. */
struct codebook {
	float mean[ACOUSTIC_CEPSTRA][GAUSSIANS];
	float scale[ACOUSTIC_CEPSTRA][GAUSSIANS]; /* 1 / (2 variance) */
	float height[GAUSSIANS];		  /* log density at the mean */
};

/* As in the file mdef. */
struct tree_node {
	int16_t context;
	int16_t child_count; /* 0: a leaf */
	int32_t at;	     /* its phone, or its first child */
};

struct phone_entry {
	int32_t sequence;
	int32_t transitions;
	uint8_t info[4]; /* of the plain phones: is it a filler */
};

struct acoustic {
	char *mdef; /* the file; what follows points into it */
	const char *names[ACOUSTIC_PHONES_MAX];
	const struct tree_node *tree;
	const struct phone_entry *phones;
	const uint16_t *sequences; /* of ACOUSTIC_STATES senones each */
	size_t phone_count, entry_count, tree_count, sequence_count, senone_count;
	uint8_t silence;

	float transitions[ACOUSTIC_PHONES_MAX][ACOUSTIC_STATES][2];
	struct codebook *codebooks; /* [phone][stream] */
	/* Senones are ordered by codebook: */
	uint16_t *place_of;		   /* a senone's place */
	uint32_t first[ACOUSTIC_PHONES_MAX + 1]; /* place of each phone's first */
	float *weights;			   /* [stream][Gaussian][place], linear */
};

static int fail(char *ret_why, size_t n, const char *file, const char *words)
{
	snprintf(ret_why, n, "%s: %s", file, words);

	return -TR_EPARSE;
}

/* ---- mdef: phones and their states ------------------------------------------------------------------------------------ */

/* Numbers of the head, in the file's order. */
enum { PHONES, ENTRIES, STATES, PLAIN_SENONES, SENONES, TRANSITIONS, SEQUENCES, CONTEXT, TREE, SILENCE, MDEF_NUMBERS };

static bool take_names(struct acoustic *a, struct slurp *in, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strnlen(in->rest, in->n);

		a->names[i] = in->rest;
		if (!slurp_skip(in, n + 1))
			return false;
		if (strcmp(a->names[i], "SIL") == 0)
			a->silence = (uint8_t)i;
	}

	return slurp_skip(in, (4 - (size_t)(in->rest - a->names[0]) % 4) % 4);
}

/* Everything that lookups will follow stays inside of its table. */
static bool is_sound(const struct acoustic *a)
{
	for (size_t i = 0; i < a->tree_count; i++) {
		const struct tree_node *node = &a->tree[i];
		int64_t end = (int64_t)node->at + MAX(node->child_count, 1);

		/* A leaf may say that there is no such phone: -1. */
		if (node->child_count < 0 || node->at < (node->child_count ? 0 : -1) ||
		    end > (int64_t)(node->child_count ? a->tree_count : a->entry_count))
			return false;
	}
	for (size_t i = 0; i < a->entry_count; i++)
		if (a->phones[i].sequence < 0 || (size_t)a->phones[i].sequence >= a->sequence_count)
			return false;
	for (size_t i = 0; i < a->sequence_count * ACOUSTIC_STATES; i++)
		if (a->sequences[i] >= a->senone_count)
			return false;

	return a->tree_count >= CONTEXTS;
}

static int load_phones(struct acoustic *a, const char *dir, char *ret_why, size_t n)
{
	struct slurp in;
	int32_t magic, version, text_bytes, head[MDEF_NUMBERS], states;
	int err = slurp_open(&in, dir, "mdef", FILE_MAX_BYTES);

	if (err)
		return err;
	a->mdef = in.all;
	if (!slurp_i32(&in, &magic, 1) || magic != 0x46444d42 || !slurp_i32(&in, &version, 1) || version != 1 ||
	    !slurp_i32(&in, &text_bytes, 1) || text_bytes < 0 || !slurp_skip(&in, (size_t)text_bytes) ||
	    !slurp_i32(&in, head, MDEF_NUMBERS))
		return fail(ret_why, n, "mdef", "no binary model definition");
	for (int i = 0; i < MDEF_NUMBERS; i++)
		if (head[i] < 0 || head[i] > 10000000)
			return fail(ret_why, n, "mdef", "impossible numbers");
	if (head[STATES] != ACOUSTIC_STATES || head[PHONES] < 2 || head[PHONES] > ACOUSTIC_PHONES_MAX ||
	    head[SENONES] > SENONES_MAX || head[ENTRIES] < head[PHONES])
		return fail(ret_why, n, "mdef", "not of 3 states a phone and at most 64 phones");
	a->phone_count = (size_t)head[PHONES];
	a->entry_count = (size_t)head[ENTRIES];
	a->tree_count = (size_t)head[TREE];
	a->sequence_count = (size_t)head[SEQUENCES];
	a->senone_count = (size_t)head[SENONES];
	if (!take_names(a, &in, a->phone_count))
		return fail(ret_why, n, "mdef", "it ends in the names of phones");
	if ((size_t)(in.rest - in.all) % sizeof(int32_t))
		return fail(ret_why, n, "mdef", "its tables are not aligned");
	a->tree = slurp_take(&in, a->tree_count * sizeof(*a->tree));
	a->phones = slurp_take(&in, a->entry_count * sizeof(*a->phones));
	if (!slurp_i32(&in, &states, 1))
		return fail(ret_why, n, "mdef", "it ends too early");
	a->sequences = slurp_take(&in, a->sequence_count * ACOUSTIC_STATES * sizeof(*a->sequences));
	if (!a->tree || !a->phones || !a->sequences || !is_sound(a))
		return fail(ret_why, n, "mdef", "it ends too early, or points outside of itself");

	return 0;
}

/* Codebooks belong to phones: so senones are put in the order of theirs. */
static int order_senones(struct acoustic *a, char *ret_why, size_t n)
{
	auto_free uint8_t *phone_of = mem_zalloc(a->senone_count);
	uint32_t at[ACOUSTIC_PHONES_MAX];

	memset(phone_of, 0xff, a->senone_count);
	/* A triphone's entry names its plain phone behind its place. */
	for (size_t i = 0; i < a->entry_count; i++)
		for (int s = 0; s < ACOUSTIC_STATES; s++) {
			uint8_t phone = i < a->phone_count ? (uint8_t)i : a->phones[i].info[1];
			uint16_t senone = a->sequences[a->phones[i].sequence * ACOUSTIC_STATES + s];

			if (phone >= a->phone_count || (phone_of[senone] != 0xff && phone_of[senone] != phone))
				return fail(ret_why, n, "mdef", "states shared between phones");
			phone_of[senone] = phone;
		}
	for (size_t i = 0; i < a->senone_count; i++)
		a->first[(phone_of[i] == 0xff ? 0 : phone_of[i]) + 1]++;
	for (size_t p = 0; p < a->phone_count; p++)
		a->first[p + 1] += a->first[p];
	memcpy(at, a->first, sizeof(at));
	a->place_of = mem_zalloc(a->senone_count * sizeof(*a->place_of));
	for (size_t i = 0; i < a->senone_count; i++)
		a->place_of[i] = (uint16_t)at[phone_of[i] == 0xff ? 0 : phone_of[i]]++;

	return 0;
}

/* ---- means, variances, weights, transitions --------------------------------------------------------------------------- */

/* The text in front of Sphinx' binary tables, and its mark of byte order. */
static bool skip_head(struct slurp *in)
{
	static const char end[] = "endhdr\n";
	int32_t order;

	for (size_t i = 0; i + sizeof(end) < MIN(in->n, (size_t)HEADER_MAX_BYTES); i++)
		if (memcmp(in->rest + i, end, sizeof(end) - 1) == 0)
			return slurp_skip(in, i + sizeof(end) - 1) && slurp_i32(in, &order, 1) && order == 0x11223344;

	return false;
}

static int load_gaussians(const struct acoustic *a, const char *dir, const char *name, float **ret_values)
{
	const int32_t want[] = {(int32_t)a->phone_count, ACOUSTIC_STREAMS, GAUSSIANS, ACOUSTIC_CEPSTRA, ACOUSTIC_CEPSTRA,
		ACOUSTIC_CEPSTRA, (int32_t)a->phone_count * GAUSSIANS * ACOUSTIC_FEATURES};
	int32_t got[ARRAY_LEN(want)];
	size_t bytes = (size_t)want[6] * sizeof(float);
	struct slurp in;
	int err = slurp_open(&in, dir, name, FILE_MAX_BYTES);

	if (err)
		return err;

	const void *values = NULL;

	if (skip_head(&in) && slurp_i32(&in, got, ARRAY_LEN(got)) && memcmp(got, want, sizeof(want)) == 0)
		values = slurp_take(&in, bytes);
	if (values) {
		*ret_values = mem_zalloc(bytes);
		memcpy(*ret_values, values, bytes);
	}
	slurp_close(&in);

	return values ? 0 : -TR_EPARSE;
}

static void fill_codebook(struct codebook *book, const float *means, const float *variances)
{
	for (int k = 0; k < GAUSSIANS; k++) {
		double height = 0;

		for (int d = 0; d < ACOUSTIC_CEPSTRA; d++) {
			float variance = variances[k * ACOUSTIC_CEPSTRA + d];

			variance = variance > VARIANCE_MIN ? variance : VARIANCE_MIN;
			book->mean[d][k] = means[k * ACOUSTIC_CEPSTRA + d];
			book->scale[d][k] = 1 / (2 * variance);
			height -= 0.5 * log(2 * M_PI * (double)variance);
		}
		book->height[k] = (float)height;
	}
}

static int load_codebooks(struct acoustic *a, const char *dir, char *ret_why, size_t n)
{
	auto_free float *means = NULL;
	auto_free float *variances = NULL;
	int err = load_gaussians(a, dir, "means", &means);

	if (!err)
		err = load_gaussians(a, dir, "variances", &variances);
	if (err)
		return err == -TR_EPARSE ? fail(ret_why, n, "means and variances",
						   "not a table of 128 Gaussians of 13 dimensions a phone and stream")
					 : err;

	size_t count = a->phone_count * ACOUSTIC_STREAMS, step = (size_t)GAUSSIANS * ACOUSTIC_CEPSTRA;

	a->codebooks = mem_zalloc(count * sizeof(*a->codebooks));
	for (size_t i = 0; i < count; i++)
		fill_codebook(&a->codebooks[i], means + i * step, variances + i * step);

	return 0;
}

static bool skip_strings(struct slurp *in)
{
	int32_t n;

	while (slurp_i32(in, &n, 1)) {
		if (n == 0)
			return true;
		if (n < 0 || n > HEADER_MAX_BYTES || !slurp_skip(in, (size_t)n))
			return false;
	}

	return false;
}

static int load_weights(struct acoustic *a, const char *dir, char *ret_why, size_t n)
{
	int32_t size[2];
	float linear[256];
	struct slurp in;
	int err = slurp_open(&in, dir, "sendump", FILE_MAX_BYTES);

	if (err)
		return err;

	const uint8_t *stored = NULL;
	size_t rows = (size_t)ACOUSTIC_STREAMS * GAUSSIANS;

	if (skip_strings(&in) && slurp_i32(&in, size, 2) && size[0] == GAUSSIANS && (size_t)size[1] == a->senone_count)
		stored = slurp_take(&in, rows * a->senone_count);
	if (!stored) {
		slurp_close(&in);
		return fail(ret_why, n, "sendump", "not a table of 8-bit weights of 128 Gaussians for every state");
	}
	for (int i = 0; i < 256; i++)
		linear[i] = expf((float)-i * LOG_UNIT);
	a->weights = mem_zalloc(rows * a->senone_count * sizeof(*a->weights));
	for (size_t row = 0; row < rows; row++)
		for (size_t s = 0; s < a->senone_count; s++)
			a->weights[row * a->senone_count + a->place_of[s]] = linear[stored[row * a->senone_count + s]];
	slurp_close(&in);

	return 0;
}

static int load_transitions(struct acoustic *a, const char *dir, char *ret_why, size_t n)
{
	int32_t size[4];
	const char *counts = NULL;
	struct slurp in;
	int err = slurp_open(&in, dir, "transition_matrices", FILE_MAX_BYTES);

	if (err)
		return err;
	if (skip_head(&in) && slurp_i32(&in, size, 4) && (size_t)size[0] == a->phone_count && size[1] == ACOUSTIC_STATES &&
	    size[2] == ACOUSTIC_STATES + 1)
		counts = slurp_take(&in, a->phone_count * ACOUSTIC_STATES * (ACOUSTIC_STATES + 1) * sizeof(float));
	for (size_t p = 0; counts && p < a->phone_count; p++)
		for (size_t s = 0; s < ACOUSTIC_STATES; s++) {
			float row[ACOUSTIC_STATES + 1];

			memcpy(row, counts + (p * ACOUSTIC_STATES + s) * sizeof(row), sizeof(row));

			float stay = fmaxf(row[s], 1e-4F), go = fmaxf(row[s + 1], 1e-4F);

			a->transitions[p][s][0] = logf(stay / (stay + go));
			a->transitions[p][s][1] = logf(go / (stay + go));
		}
	slurp_close(&in);

	return counts ? 0 : fail(ret_why, n, "transition_matrices", "not a table of 3 states a phone");
}

static int load_all(struct acoustic *a, const char *dir, char *ret_why, size_t n)
{
	int err = load_phones(a, dir, ret_why, n);

	if (!err)
		err = order_senones(a, ret_why, n);
	if (!err)
		err = load_codebooks(a, dir, ret_why, n);
	if (!err)
		err = load_weights(a, dir, ret_why, n);

	return err ? err : load_transitions(a, dir, ret_why, n);
}

int acoustic_load(struct acoustic **ret, const char *dir, char *ret_why, size_t why_n)
{
	struct acoustic *a = mem_zalloc(sizeof(*a));

	ret_why[0] = 0;

	int err = load_all(a, dir, ret_why, why_n);

	if (err) {
		if (!ret_why[0])
			snprintf(ret_why, why_n, "%s", err_text(err));
		acoustic_free(a);
		return err;
	}
	*ret = a;

	return 0;
}

struct acoustic *acoustic_free(struct acoustic *a)
{
	if (!a)
		return NULL;

	free(a->mdef);
	free(a->codebooks);
	free(a->place_of);
	free(a->weights);
	free(a);

	return NULL;
}

/* ---- phones ----------------------------------------------------------------------------------------------------------- */

size_t acoustic_phone_count(const struct acoustic *a)
{
	return a->phone_count;
}

const char *acoustic_phone_name(const struct acoustic *a, size_t phone)
{
	return a->names[phone];
}

bool acoustic_phone_find(const struct acoustic *a, struct span name, uint8_t *ret)
{
	for (size_t i = 0; i < a->phone_count; i++)
		if (span_eq_z(name, a->names[i])) {
			*ret = (uint8_t)i;
			return true;
		}

	return false;
}

uint8_t acoustic_silence(const struct acoustic *a)
{
	return a->silence;
}

bool acoustic_is_filler(const struct acoustic *a, uint8_t phone)
{
	return a->phones[phone].info[0] != 0;
}

/* The entry of a triphone, or -1. */
static int32_t find_entry(const struct acoustic *a, const int contexts[CONTEXTS])
{
	const struct tree_node *node = a->tree;
	int count = CONTEXTS; /* places that there are */

	for (int level = 0; level < CONTEXTS; level++) {
		int i = 0;

		while (i < count && node[i].context != contexts[level])
			i++;
		if (i == count)
			return -1;
		if (!node[i].child_count)
			return node[i].at;
		count = node[i].child_count;
		node = a->tree + node[i].at;
	}

	return -1;
}

static struct acoustic_hmm hmm_of(const struct acoustic *a, size_t entry, uint8_t phone)
{
	struct acoustic_hmm hmm = {.phone = phone};

	for (int s = 0; s < ACOUSTIC_STATES; s++)
		hmm.senones[s] = a->place_of[a->sequences[a->phones[entry].sequence * ACOUSTIC_STATES + s]];

	return hmm;
}

struct acoustic_hmm acoustic_monophone(const struct acoustic *a, uint8_t phone)
{
	return hmm_of(a, phone, phone);
}

struct acoustic_hmm acoustic_triphone(const struct acoustic *a, uint8_t phone, uint8_t left, uint8_t right,
	enum acoustic_place place)
{
	/* Where the very place in a word is not known, others are nearer than no context at all. */
	static const enum acoustic_place instead[4][3] = {
		[ACOUSTIC_INTERNAL] = {ACOUSTIC_BEGIN, ACOUSTIC_END, ACOUSTIC_SINGLE},
		[ACOUSTIC_BEGIN] = {ACOUSTIC_INTERNAL, ACOUSTIC_SINGLE, ACOUSTIC_END},
		[ACOUSTIC_END] = {ACOUSTIC_INTERNAL, ACOUSTIC_SINGLE, ACOUSTIC_BEGIN},
		[ACOUSTIC_SINGLE] = {ACOUSTIC_BEGIN, ACOUSTIC_END, ACOUSTIC_INTERNAL},
	};
	int contexts[CONTEXTS] = {(int)place, phone, acoustic_is_filler(a, left) ? a->silence : left,
		acoustic_is_filler(a, right) ? a->silence : right};
	int32_t entry = find_entry(a, contexts);

	for (int i = 0; entry < 0 && i < 3; i++) {
		contexts[0] = (int)instead[place][i];
		entry = find_entry(a, contexts);
	}

	return hmm_of(a, entry < 0 ? phone : (size_t)entry, phone);
}

const float (*acoustic_transitions(const struct acoustic *a, uint8_t phone))[2]
{
	return a->transitions[phone];
}

size_t acoustic_senone_count(const struct acoustic *a)
{
	return a->senone_count;
}

/* ---- scores ----------------------------------------------------------------------------------------------------------- */

struct top {
	int at[TOP];
	float value[TOP];
};

static void densities(const struct codebook *book, const float *x, float *ret)
{
	memcpy(ret, book->height, sizeof(book->height));
	for (int d = 0; d < ACOUSTIC_CEPSTRA; d++)
		for (int k = 0; k < GAUSSIANS; k++) {
			float off = x[d] - book->mean[d][k];

			ret[k] -= off * off * book->scale[d][k];
		}
}

static void pick_top(const float *density, struct top *ret)
{
	for (int i = 0; i < TOP; i++) {
		ret->at[i] = 0;
		ret->value[i] = -INFINITY;
	}
	for (int k = 0; k < GAUSSIANS; k++) {
		if (density[k] <= ret->value[TOP - 1])
			continue;

		int i = TOP - 1;

		for (; i > 0 && ret->value[i - 1] < density[k]; i--) {
			ret->value[i] = ret->value[i - 1];
			ret->at[i] = ret->at[i - 1];
		}
		ret->value[i] = density[k];
		ret->at[i] = k;
	}
}

/* Good to a thousandth: a mantissa's logarithm by a cubic, in a form that compilers turn into vector code. */
static float log_near(float x)
{
	union {
		float f;
		int32_t i;
	} bits = {x};
	float exponent = (float)((bits.i >> 23) - 127);

	bits.i = (bits.i & 0x7fffff) | 0x3f800000;

	float m = bits.f;

	return 0.6931472F * (exponent + ((0.15391848F * m - 1.02952195F) * m + 3.01078397F) * m - 2.13384771F);
}

void acoustic_score(const struct acoustic *a, const float features[ACOUSTIC_FEATURES], float *ret)
{
	float density[GAUSSIANS], mixed[SENONES_MAX], best = -INFINITY;

	for (size_t p = 0; p < a->phone_count; p++) {
		size_t from = a->first[p], n = a->first[p + 1] - from;
		float *out = ret + from, base = 0;

		for (size_t s = 0; s < ACOUSTIC_STREAMS; s++) {
			const float *w[TOP];
			float share[TOP];
			struct top top;

			densities(&a->codebooks[p * ACOUSTIC_STREAMS + s], features + s * ACOUSTIC_CEPSTRA, density);
			pick_top(density, &top);
			base += top.value[0];
			for (int k = 0; k < TOP; k++) {
				share[k] = expf(top.value[k] - top.value[0]);
				w[k] = a->weights + (s * GAUSSIANS + (size_t)top.at[k]) * a->senone_count + from;
			}
			for (size_t i = 0; i < n; i++) {
				float sum = share[0] * w[0][i] + share[1] * w[1][i] + share[2] * w[2][i] + share[3] * w[3][i];

				mixed[i] = s ? mixed[i] * sum : sum;
			}
		}
		for (size_t i = 0; i < n; i++) {
			out[i] = base + log_near(mixed[i]);
			best = best > out[i] ? best : out[i];
		}
	}
	for (size_t i = 0; i < a->senone_count; i++)
		ret[i] -= best;
}
