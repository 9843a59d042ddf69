/* SPDX-License-Identifier: Apache-2.0 */
#include "line/checkup.h"

/*
 * Messages of both directions, split at NUL; the first byte of each says which. Whatever the other side writes, the facts stay in their
 * bounds and every finding that is made of them has a sentence.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct checkup_facts f;
	static struct checkup_finding found[CHECKUP_FINDINGS];
	static const struct line_config line = {.name = "l", .server = "192.0.2.1", .extension = "1001", .does_register = true};
	struct span rest = span((const char *)data, size);
	struct addr local = {0};
	size_t n;

	f = (struct checkup_facts){.line = &line, .name.is_literal = true, .reg = CHECKUP_REG_FAILED, .reg_status = size ? 400 + data[0] : 0};
	assert(addr_parse_ip(SPAN_LIT("10.0.0.5"), 5060, &local));
	while (rest.p) {
		struct span one = span_cut(&rest, 0);

		if (one.n)
			witness_note(&f.seen, one.p[0] == '>', &local, true, span(one.p + 1, one.n - 1), 1764111600000);
	}
	assert(memchr(f.seen.via_changed, 0, sizeof(f.seen.via_changed)) && memchr(f.seen.call_id_changed, 0, sizeof(f.seen.call_id_changed)));
	assert(memchr(f.seen.contact_changed, 0, sizeof(f.seen.contact_changed)) && memchr(f.seen.codecs, 0, sizeof(f.seen.codecs)));
	assert(memchr(f.seen.realm, 0, sizeof(f.seen.realm)) && memchr(f.seen.server, 0, sizeof(f.seen.server)));
	n = checkup_line(&f, found);
	assert(n > 0 && n <= CHECKUP_FINDINGS);
	for (size_t i = 0; i < n; i++)
		assert(found[i].text[0] && found[i].id[0]);

	return 0;
}
