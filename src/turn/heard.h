/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * What the caller really heard of one piece of speech when it was interrupted: the text up to the last word that was spoken to
 * its end. Pure.
 */
struct heard_mark {
	uint32_t text_end; /* the word that ends before this byte... */
	uint32_t at;	   /* ...has been spoken once sample at has been played */
};

struct heard {
	const char *text;
	uint32_t samples;		 /* length of its audio as far as it is known */
	bool is_whole;			 /* samples is final */
	const struct heard_mark *marks;	 /* ascending; may be empty: then time is spread over the text by its letters */
	uint32_t mark_count;
};

/*
 * Bytes of the text that were heard when `played` samples have been. Never cuts a word or a UTF-8 sequence; without marks and
 * without the final length a usual speaking rate is assumed.
 */
size_t heard_bytes(const struct heard *h, uint32_t played, uint32_t rate_hz);
