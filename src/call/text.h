/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* Words of people and minds on their way into SIP messages. Pure. */

/*
 * A destination as a URI: "200", "*98#", "200@host" and "sip:..." are fine; domain is for numbers (NULL: localhost). -TR_EPARSE when
 * no URI comes of it, -TR_ETOOBIG; *ret is undefined then.
 */
nodiscard int text_target_uri(const char *target, const char *domain, char *ret, size_t cap);

/* How many bytes of text, at most so many, may stand in a quoted string as they are. Never cuts a character of UTF-8. */
size_t text_quotable(const char *text, size_t most);
