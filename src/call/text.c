/* SPDX-License-Identifier: Apache-2.0 */
#include "call/text.h"
#include "sip/uri.h"
#include "sip/write.h"

/* "#" of a feature code must be escaped, RFC 3261 §25.1. */
static int write_number(const char *number, const char *domain, char *ret, size_t cap)
{
	struct sip_writer w;
	struct span text;

	if (cap == 0)
		return -TR_ETOOBIG;
	sip_writer_init(&w, ret, cap - 1);
	sip_write_z(&w, "sip:");
	sip_write_user(&w, span_z(number));
	sip_write_char(&w, '@');
	sip_write_z(&w, domain ? domain : "localhost");

	int err = sip_writer_finish(&w, &text);

	if (!err)
		ret[text.n] = 0;

	return err;
}

int text_target_uri(const char *target, const char *domain, char *ret, size_t cap)
{
	bool is_uri = strchr(target, ':') != NULL, has_host = strchr(target, '@') != NULL;
	struct sip_uri uri;
	int err = is_uri || has_host ? buf_format(ret, cap, "%s%s", is_uri ? "" : "sip:", target) :
				       write_number(target, domain, ret, cap);

	if (err)
		return err;
	if (!target[0] || sip_uri_parse(&uri, span_z(ret)) != 0)
		return -TR_EPARSE;

	/* What would end the name-addr that it is written into, and what leads nowhere. */
	bool is_safe = sip_text_is_safe(span_z(ret)) && !strpbrk(ret, "<>\" ");

	return is_safe && uri.scheme != SIP_SCHEME_OTHER ? 0 : -TR_EPARSE;
}

size_t text_quotable(const char *text, size_t most)
{
	size_t n = 0;

	while (n < most && (unsigned char)text[n] >= 0x20 && text[n] != 0x7f && text[n] != '"' && text[n] != '\\')
		n++;
	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;

	return n;
}
