/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* The candidate nearest to word, if it is near enough to be a slip of the keyboard; else NULL. A NULL candidate ends the list early. */
const char *nearest_word(const char *word, const char *const *candidates, size_t n);
