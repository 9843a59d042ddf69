/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "sip/msg.h"

/*
 * A stream. It is cut the same way whether it comes at once or in pieces (the first byte tells how long they are), but for
 * pings, which may come as two line ends. A message that was cut out parses as that many bytes, or is refused.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct cut {
	size_t at;	/* where cutting ended */
	size_t messages;
	uint64_t sum;	/* of the messages' places and lengths */
	int end;	/* the last result */
};

static void note(struct cut *c, const char *p, int kind, size_t n)
{
	static struct sip_msg msg;

	if (kind == SIP_FRAME_MESSAGE) {
		c->messages++;
		c->sum = (c->sum * 31 + c->at) * 31 + n;
		if (sip_msg_parse(&msg, p + c->at, n) == 0)
			assert(msg.content_length >= 0 && msg.text.p + msg.text.n == p + c->at + n);
	}
	c->at += n;
}

static struct cut cut(const char *p, size_t size, size_t piece)
{
	struct cut c = {0};

	for (size_t have = 0; have < size && c.end >= 0;) {
		size_t n = 0;

		have = size - have < piece ? size : have + piece;
		while ((c.end = sip_msg_frame(p + c.at, have - c.at, &n)) > SIP_FRAME_MORE) {
			assert(n > 0 && n <= have - c.at);
			assert((c.end == SIP_FRAME_PING && n == 4) || (c.end == SIP_FRAME_CRLF && n <= 2) ||
				c.end == SIP_FRAME_MESSAGE);
			note(&c, p, c.end, n);
		}
		assert(c.end == SIP_FRAME_MORE || c.end == -TR_EPARSE || c.end == -TR_ETOOBIG);
	}

	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cut whole, pieces;

	if (size == 0)
		return 0;
	whole = cut((const char *)data + 1, size - 1, size);
	pieces = cut((const char *)data + 1, size - 1, 1 + data[0] % 100);
	assert(whole.messages == pieces.messages && whole.sum == pieces.sum);
	assert(whole.end == pieces.end);

	return 0;
}
