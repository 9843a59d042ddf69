/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

/* Levenshtein distance of short words. */
static unsigned distance(const char *a, const char *b)
{
	enum { MAX_WORD = 40 };
	unsigned row[MAX_WORD + 1], n = (unsigned)strlen(b);

	if (n > MAX_WORD || strlen(a) > MAX_WORD)
		return MAX_WORD;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned sub = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(sub, MIN(row[j], row[j - 1]) + 1);
		}
	}

	return row[n];
}

const char *nearest_word(const char *word, const char *const *candidates, size_t n)
{
	const char *best = NULL;
	unsigned best_distance = MAX(2u, (unsigned)strlen(word) / 3) + 1;

	for (size_t i = 0; i < n && candidates[i]; i++) {
		unsigned d = distance(word, candidates[i]);

		if (d < best_distance) {
			best_distance = d;
			best = candidates[i];
		}
	}

	return best;
}
