/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"
#include "net/tls_cert.h"
#include "sip/msg.h"
#include <time.h>
#include <unistd.h>

/*
 * Two things, by the first byte.
 *
 * Even: a stream of SIP goes through TLS in records and packets of odd sizes, and is cut into the same messages as the same stream in
 * the open. Odd: the bytes of a handshake are changed, left out and added to on their way: nothing breaks, whoever fails has a sentence,
 * and what is read on an open connection is what was written there.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_ctx *server_ctx, *client_ctx;

static void set_up(void)
{
	static const char *const names[] = {"pbx.example.com"};
	char dir[] = "/tmp/fuzz-tls-XXXXXX", pem[64], key[64], why[TLS_WHY_BYTES];
	struct tls_cert_params p = {.common_name = "x", .names = names, .name_count = 1, .begins_at = time(NULL) - 86400, .ends_at = time(NULL) + 8640000};
	struct tls_identity *id = NULL;
	bool is_fine = mkdtemp(dir) != NULL;

	snprintf(pem, sizeof(pem), "%s/a.pem", dir);
	snprintf(key, sizeof(key), "%s/a.key", dir);
	is_fine = is_fine && !tls_identity_new(&id, &p, NULL, why, sizeof(why)) && !tls_identity_save(id, pem, key, false, why, sizeof(why)) &&
		!tls_ctx_new(&server_ctx, &(struct tls_params){.is_server = true, .certificate = pem, .key = key}, why, sizeof(why)) &&
		!tls_ctx_new(&client_ctx, &(struct tls_params){.ca = pem}, why, sizeof(why));
	tls_identity_free(id);
	unlink(pem);
	unlink(key);
	rmdir(dir);
	if (!is_fine)
		abort();
}

struct ends {
	struct tls *client, *server;
};

static struct ends open_ends(void)
{
	struct ends e = {0};

	if (!server_ctx)
		set_up();
	if (tls_new(&e.client, client_ctx, &(struct tls_peer){.host = "pbx.example.com", .label = "server"}) ||
		tls_new(&e.server, server_ctx, &(struct tls_peer){.label = "client"}))
		abort();
	tls_feed(e.client, (struct span){0});

	return e;
}

static void check(const struct tls *t)
{
	assert((tls_state(t) == TLS_FAILED) == (tls_why(t)[0] != 0));
}

static bool carry(struct tls *from, struct tls *to, size_t most)
{
	struct span out = tls_out(from);
	size_t n = MIN(out.n, most);

	if (n == 0)
		return false;
	tls_feed(to, span(out.p, n));
	tls_sent(from, n);

	return true;
}

/* --- streams --- */

struct cut {
	char *buf;
	size_t have, at;
	uint64_t sum;
	int end;
};

static void cut_more(struct cut *c)
{
	size_t n = 0;

	while (c->end >= 0 && (c->end = sip_msg_frame(c->buf + c->at, c->have - c->at, &n)) > SIP_FRAME_MORE) {
		if (c->end == SIP_FRAME_MESSAGE)
			c->sum = (c->sum * 31 + c->at) * 31 + n;
		c->at += n;
	}
}

static void try_stream(const uint8_t *data, size_t size, uint8_t how)
{
	struct ends e = open_ends();
	struct cut direct = {.buf = malloc(size + 1), .have = size}, through = {.buf = malloc(size + 1)};
	size_t record = 1 + how % 61, packet = 1 + how / 2 * 7;

	assert(direct.buf && through.buf);
	memcpy(direct.buf, data, size);
	cut_more(&direct);
	for (unsigned i = 0; i < 20; i++) {
		carry(e.client, e.server, 5000);
		carry(e.server, e.client, 5000);
	}
	assert(tls_state(e.client) == TLS_OPEN && tls_state(e.server) == TLS_OPEN);
	for (size_t at = 0; at < size; at += record) {
		size_t n;

		assert(tls_write(e.client, span((const char *)data + at, MIN(record, size - at))));
		while (carry(e.client, e.server, packet))
			while ((n = tls_read(e.server, through.buf + through.have, size + 1 - through.have)))
				through.have += n;
		cut_more(&through);
		/* A ping that is cut counts as two line ends, so only the messages compare. */
	}
	assert(through.have == size && memcmp(through.buf, direct.buf, size) == 0);
	assert(through.sum == direct.sum && through.end == direct.end);
	tls_shutdown(e.client);
	carry(e.client, e.server, SIZE_MAX);
	assert(tls_read(e.server, through.buf, 1) == 0 && tls_state(e.server) == TLS_ENDED);
	tls_free(e.client);
	tls_free(e.server);
	free(direct.buf);
	free(through.buf);
}

/* --- handshakes --- */

/* Carries one flight with the next two bytes' change in it. */
static bool carry_changed(struct tls *from, struct tls *to, const uint8_t **data, size_t *left)
{
	struct span out = tls_out(from);
	char flight[20000];
	size_t n = MIN(out.n, sizeof(flight) - 256);

	if (n == 0)
		return false;
	memcpy(flight, out.p, n);
	tls_sent(from, n);
	if (*left >= 3) {
		uint8_t kind = (*data)[0] % 4;
		size_t at = ((size_t)(*data)[1] * n) >> 8;

		if (kind == 1)
			flight[at] = (char)((uint8_t)flight[at] ^ (*data)[2]);
		else if (kind == 2)
			n = at;
		else if (kind == 3)
			memset(flight + n, (*data)[2], (*data)[1]);
		n += kind == 3 ? (*data)[1] : 0;
		*data += 3;
		*left -= 3;
	}
	tls_feed(to, span(flight, n));

	return true;
}

static void try_handshake(const uint8_t *data, size_t size)
{
	struct ends e = open_ends();
	char buf[256];
	bool is_any = true;

	for (unsigned i = 0; i < 20 && is_any; i++) {
		is_any = carry_changed(e.client, e.server, &data, &size);
		is_any |= carry_changed(e.server, e.client, &data, &size);
	}
	check(e.client);
	check(e.server);
	if (tls_state(e.client) == TLS_OPEN && tls_state(e.server) == TLS_OPEN && tls_write(e.client, SPAN_LIT("hello"))) {
		size_t n;

		carry_changed(e.client, e.server, &data, &size);
		n = tls_read(e.server, buf, sizeof(buf));
		assert(n == 0 || (n == 5 && memcmp(buf, "hello", 5) == 0));
	}
	tls_lost(e.client, -ECONNRESET);
	tls_lost(e.server, -ETIMEDOUT);
	check(e.client);
	check(e.server);
	tls_free(e.client);
	tls_free(e.server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 60000)
		return 0;
	if (data[0] & 1)
		try_handshake(data + 1, size - 1);
	else
		try_stream(data + 1, size - 1, data[0]);

	return 0;
}
