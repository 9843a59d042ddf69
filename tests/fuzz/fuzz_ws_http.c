/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ws_http.h"

/*
 * Opening handshakes of strangers, for a server and for a client. A head that is complete is read the same when it arrived byte by byte;
 * one that was refused early stays refused. Accepted requests can be answered, and a client of ours takes the answer.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct span s, const char *buf, size_t n)
{
	return !s.p || (s.p >= buf && s.p + s.n <= buf + n);
}

static void try_server(const char *buf, size_t n)
{
	struct ws_request rq, early;
	size_t used = 0, early_used = 0;
	int got = ws_request_read(buf, n, &rq, &used);

	for (size_t i = 0; i < n; i += 1 + i / 8) {
		int before = ws_request_read(buf, i, &early, &early_used);

		assert(before == 0 || before == got);
	}
	if (got != 1) {
		assert(got == 0 || (got <= -400 && got > -500));
		return;
	}

	char out[512];

	assert(used > 0 && used <= n && rq.key.n == 24 && rq.host.n);
	assert(is_inside(rq.target, buf, used) && is_inside(rq.origin, buf, used) && is_inside(rq.protocols, buf, used));
	assert(is_inside(ws_host_of(rq.origin), buf, used) && is_inside(ws_host_of(rq.host), buf, used));
	(void)ws_has_protocol(rq.protocols, "sip");

	size_t written = ws_accept_write(out, sizeof(out), rq.key, "sip");
	struct ws_response rsp;
	char key[WS_KEY_BYTES];

	assert(written > 0 && span_copy(rq.key, key, sizeof(key)));
	assert(ws_response_read(out, written, key, "sip", &rsp, &used) == 1 && used == written);
}

static void try_client(const char *buf, size_t n)
{
	struct ws_response rsp;
	size_t used = 0;
	int got = ws_response_read(buf, n, "dGhlIHNhbXBsZSBub25jZQ==", "sip", &rsp, &used);

	if (got == 1)
		assert(used > 0 && used <= n && rsp.status == 101 && is_inside(rsp.protocol, buf, used));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *buf = (const char *)data;

	try_server(buf, size);
	try_client(buf, size);

	return 0;
}
