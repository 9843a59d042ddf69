/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "sip/uri.h"
#include "sip/write.h"

/*
 * Two URIs, split at the first line end. Each one that parses lies inside of the input, is written back and read to the same,
 * and equals itself; equality is symmetric.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sip_uri *uri)
{
	const struct span spans[] = {uri->scheme_text, uri->user, uri->password, uri->host, uri->params, uri->headers, uri->opaque};
	static char buf[2 * LIMIT_SIP_URI_BYTES], plain[LIMIT_SIP_URI_BYTES];
	struct span text, name, value, rest = uri->headers, out;
	struct sip_uri again;
	struct sip_writer w;

	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		assert(spans[i].p == NULL || (spans[i].p >= uri->text.p && spans[i].p + spans[i].n <= uri->text.p + uri->text.n));
	while (sip_uri_header_next(&rest, &name, &value))
		assert(name.n + value.n <= uri->headers.n);
	assert(sip_unescape(uri->text, plain, sizeof(plain), &out) == 0 && out.n <= uri->text.n);
	assert(sip_uri_port(uri) > 0 && sip_uri_ttl(uri) <= 255);
	(void)sip_uri_transport(uri);
	(void)sip_uri_maddr(uri);

	sip_writer_init(&w, buf, sizeof(buf));
	sip_write_uri(&w, uri);
	assert(sip_writer_finish(&w, &text) == 0);
	assert(sip_uri_parse(&again, text) == 0);
	assert(again.scheme == uri->scheme && again.port == uri->port && span_eq(again.user, uri->user));
	assert(span_eq(again.host, uri->host) && span_eq(again.params, uri->params) && span_eq(again.headers, uri->headers));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span((const char *)data, size), first = span_cut(&rest, '\n');
	struct sip_uri a, b;
	bool has_a = sip_uri_parse(&a, first) == 0, has_b = sip_uri_parse(&b, rest) == 0;

	if (has_a)
		check(&a);
	if (has_b)
		check(&b);
	if (has_a && has_b)
		assert(sip_uri_equal(&a, &b) == sip_uri_equal(&b, &a));

	return 0;
}
