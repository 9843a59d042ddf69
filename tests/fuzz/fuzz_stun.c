/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A STUN message from anybody: read, checked under a key, written again; and given to a TURN client, which has to live with it. */

static unsigned sum; /* so that nothing read is optimised away */

static void touch(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
}

static void read_all(const struct stun_msg *m)
{
	const struct span spans[] = {m->username, m->realm, m->nonce, m->software, m->data, m->token, m->reason, m->algorithms};

	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		touch(spans[i]);
	assert(m->unknown_count <= LIMIT_STUN_UNKNOWN);
	(void)stun_is_authentic(m, SPAN_LIT("key"));
	(void)stun_is_authentic256(m, SPAN_LIT("key"));
}

/* What is written of it says the same when it is read. */
static void write_again(const struct stun_msg *m)
{
	uint8_t bytes[LIMIT_STUN_BYTES];
	struct stun_writer w;
	struct stun_msg again;
	size_t n;

	stun_begin(&w, bytes, sizeof(bytes), m->cls, m->method, &m->id);
	stun_put_span(&w, STUN_USERNAME, m->username);
	if (addr_is_set(&m->mapped))
		stun_put_addr(&w, STUN_XOR_MAPPED_ADDRESS, &m->mapped);
	stun_put_integrity(&w, SPAN_LIT("key"));
	stun_put_fingerprint(&w);
	if (stun_end(&w, &n) != 0)
		return;
	assert(stun_parse(bytes, n, &again) == 0);
	assert(again.method == m->method && again.cls == m->cls && span_eq(again.username, m->username));
	assert(stun_is_authentic(&again, SPAN_LIT("key")));
	if (addr_is_set(&m->mapped))
		assert(addr_eq(&again.mapped, &m->mapped));
}

static void drop(void *ctx, const struct addr *to, const uint8_t *bytes, size_t n)
{
	struct stun_msg m;

	/* Whatever it was made to say is STUN or ChannelData. */
	assert(bytes[0] >= 0x40 || stun_parse(bytes, n, &m) == 0);
}

static void to_client(const uint8_t *data, size_t n)
{
	struct relay_params p = {.user = SPAN_LIT("u"), .password = SPAN_LIT("p"), .send = drop};
	struct relay_data got;
	struct relay *r;

	if (!addr_parse(SPAN_LIT("192.0.2.1:3478"), 0, &p.server) || relay_new(&r, &p) != 0)
		return;
	relay_start(r, 0);
	/* Answers have to carry the id of our request, which the seed makes the same each time: the input can learn it. */
	(void)relay_recv(r, &p.server, data, n, 1, &got);
	if (got.bytes)
		touch(span((const char *)got.bytes, got.n));
	(void)relay_tick(r, 1500);
	(void)relay_tick(r, 300000);
	relay_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stun_msg m;

	if (stun_parse(data, n, &m) == 0) {
		read_all(&m);
		write_again(&m);
	}
	to_client(data, n);

	return 0;
}
