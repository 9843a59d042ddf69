/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/*
 * WebSocket messages on a stream of bytes, RFC 6455 §5, for either end. Pure: no socket, no clock. The opening handshake is in
 * ws_http.h.
 *
 * No extension is ever negotiated (permessage-deflate neither: a compressed message of a stranger is memory of his choice), so
 * reserved bits are an error.
 */

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

/* §7.4.1, those that are sent on purpose. */
enum ws_status {
	WS_NORMAL = 1000,
	WS_GOING_AWAY = 1001,
	WS_PROTOCOL = 1002,
	WS_UNSUPPORTED = 1003, /* a kind of data that is not wanted */
	WS_NO_STATUS = 1005,   /* never sent: the peer's close had none */
	WS_BAD_TEXT = 1007,    /* text that is not UTF-8 */
	WS_POLICY = 1008,
	WS_TOO_BIG = 1009,
	WS_INTERNAL = 1011,
	WS_TRY_LATER = 1013,
};

#define WS_HEAD_BYTES	 14  /* the longest: 2, 8 of length, 4 of mask */
#define WS_CONTROL_BYTES 125 /* payload of a control frame, §5.5 */

/* What reads one end of a connection. All fields are the module's own. */
struct ws_reader {
	bool is_client;	     /* we are the client: the server's frames must not be masked, §5.1 */
	size_t most;	     /* bytes of one message, all its fragments together */
	enum ws_opcode kind; /* of the message that is under way in fragments; WS_CONTINUATION: none is */
	char *parts;	     /* its bytes so far */
	size_t parts_n, parts_cap;
	bool has_parts;	     /* the last event's bytes are in parts: they go with the next call */
};

void ws_reader_init(struct ws_reader *r, bool is_client, size_t most);
void ws_reader_done(struct ws_reader *r);

struct ws_event {
	enum ws_opcode kind; /* TEXT, BINARY: a whole message; CLOSE, PING, PONG */
	struct span bytes;   /* of the message; of a PING: what its PONG has to bring back; of a CLOSE: its reason */
	uint16_t status;     /* CLOSE; WS_NO_STATUS when it has none */
};

/*
 * Looks at what has arrived: 1: *ret is the next event, 0: more bytes are needed, -status of enum ws_status: the peer broke the
 * protocol or a limit; close with it. *ret_used bytes at the front are done with, in any case but an error; call again with the
 * rest. Payloads are unmasked in place, so buf is written to; ret->bytes lies in buf or in the reader, until the next call.
 *
 * A frame has to arrive whole before it counts; one that could not fit is refused at its head. The caller's buffer needs room for
 * most + WS_HEAD_BYTES. Text is checked to be UTF-8 (§8.1).
 */
nodiscard int ws_read(struct ws_reader *r, char *buf, size_t n, struct ws_event *ret, size_t *ret_used);

/*
 * Writes one frame with the whole of payload (FIN set): bytes written, 0 when cap is too small or a control frame's payload too long.
 * mask: four random bytes for a client's frames (§5.3: from the kernel, so that nobody chooses bytes on the wire), NULL for a server's.
 */
nodiscard size_t ws_write(char *ret_buf, size_t cap, enum ws_opcode kind, struct span payload, const uint8_t *mask);

/* A CLOSE with status (WS_NO_STATUS: without) and a reason for people, cut to what fits. */
nodiscard size_t ws_write_close(char *ret_buf, size_t cap, uint16_t status, const char *reason, const uint8_t *mask);

/* Whether a peer may say this status, §7.4. */
bool ws_status_is_valid(uint16_t status);

/* RFC 3629. */
bool utf8_is_valid(struct span s);
