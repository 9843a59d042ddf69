/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"

/*
 * STUN messages, RFC 8489, with the attributes of ICE (RFC 8445 §16.1), TURN (RFC 8656 §18) and NAT discovery (RFC 5780 §7).
 * Reading is zero-copy: spans and pointers point into the datagram. Pure; any thread.
 */
#define STUN_HEADER_BYTES 20
#define STUN_COOKIE	  0x2112a442u
#define STUN_ID_BYTES	  12

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

enum stun_method {
	STUN_BINDING = 1,
	TURN_ALLOCATE = 3,
	TURN_REFRESH = 4,
	TURN_SEND = 6,
	TURN_DATA = 7,
	TURN_CREATE_PERMISSION = 8,
	TURN_CHANNEL_BIND = 9,
};

enum stun_attr {
	STUN_MAPPED_ADDRESS = 0x0001,
	STUN_CHANGE_REQUEST = 0x0003,
	STUN_USERNAME = 0x0006,
	STUN_MESSAGE_INTEGRITY = 0x0008,
	STUN_ERROR_CODE = 0x0009,
	STUN_UNKNOWN_ATTRIBUTES = 0x000a,
	TURN_CHANNEL_NUMBER = 0x000c,
	TURN_LIFETIME = 0x000d,
	TURN_XOR_PEER_ADDRESS = 0x0012,
	TURN_DATA_ATTR = 0x0013,
	STUN_REALM = 0x0014,
	STUN_NONCE = 0x0015,
	TURN_XOR_RELAYED_ADDRESS = 0x0016,
	TURN_REQUESTED_ADDRESS_FAMILY = 0x0017,
	TURN_EVEN_PORT = 0x0018,
	TURN_REQUESTED_TRANSPORT = 0x0019,
	TURN_DONT_FRAGMENT = 0x001a,
	STUN_MESSAGE_INTEGRITY_SHA256 = 0x001c,
	STUN_PASSWORD_ALGORITHM = 0x001d,
	STUN_USERHASH = 0x001e,
	STUN_XOR_MAPPED_ADDRESS = 0x0020,
	TURN_RESERVATION_TOKEN = 0x0022,
	ICE_PRIORITY = 0x0024,
	ICE_USE_CANDIDATE = 0x0025,
	STUN_PADDING = 0x0026,
	STUN_RESPONSE_PORT = 0x0027,
	STUN_PASSWORD_ALGORITHMS = 0x8002,
	STUN_SOFTWARE = 0x8022,
	STUN_ALTERNATE_SERVER = 0x8023,
	STUN_FINGERPRINT = 0x8028,
	ICE_CONTROLLED = 0x8029,
	ICE_CONTROLLING = 0x802a,
	STUN_RESPONSE_ORIGIN = 0x802b,
	STUN_OTHER_ADDRESS = 0x802c,
};

enum stun_algorithm { STUN_MD5 = 1, STUN_SHA256 = 2 }; /* PASSWORD-ALGORITHM, RFC 8489 §18.5 */

struct stun_id {
	uint8_t bytes[STUN_ID_BYTES];
};

struct stun_msg {
	const uint8_t *bytes;
	size_t n;
	enum stun_class cls;
	uint16_t method;
	struct stun_id id;
	/* Absent attributes: unset, absent, false or 0. Of attributes that come twice the first counts (§14). */
	struct addr mapped;	 /* XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS */
	struct addr relayed, peer, other, origin, alternate; /* XOR-RELAYED, XOR-PEER, OTHER, RESPONSE-ORIGIN, ALTERNATE-SERVER */
	struct span username, realm, nonce, software, data, token;
	uint16_t error;		 /* 300..699 */
	struct span reason;
	bool has_priority, has_controlling, has_controlled, uses_candidate, has_lifetime, has_algorithms;
	uint32_t priority, lifetime_s;
	uint64_t tie_breaker;	 /* of ICE-CONTROLLING or ICE-CONTROLLED */
	uint16_t channel;
	uint32_t change;	 /* CHANGE-REQUEST: 4 the IP, 2 the port */
	uint8_t algorithm;	 /* PASSWORD-ALGORITHM, or the best we know of PASSWORD-ALGORITHMS */
	struct span algorithms;	 /* PASSWORD-ALGORITHMS as it came: a client sends it back (§9.2.4) */
	uint16_t transport;	 /* REQUESTED-TRANSPORT's protocol: 17 is UDP */
	uint16_t integrity_at, integrity256_at, fingerprint_at; /* where those attributes begin; 0: absent */
	uint8_t integrity256_n;
	uint8_t unknown_count;	 /* comprehension-required attributes that we do not know (§6.3.1): 420 */
	uint16_t unknown[LIMIT_STUN_UNKNOWN];
};

/* Has it the shape of a STUN message (two zero bits, cookie, length)? Enough to tell it from media. */
bool stun_is(const uint8_t *bytes, size_t n);

/* -TR_EPARSE for what contradicts itself, a wrong FINGERPRINT among it. */
nodiscard int stun_parse(const uint8_t *bytes, size_t n, struct stun_msg *ret);

/* MESSAGE-INTEGRITY and -SHA256 under a key; false when the attribute is absent too. */
bool stun_is_authentic(const struct stun_msg *m, struct span key);
bool stun_is_authentic256(const struct stun_msg *m, struct span key);

/* Key of long-term credentials, §9.2.2 (§18.5.1: MD5 or SHA-256): 16 or 32 bytes; its length. */
size_t stun_long_term_key(enum stun_algorithm alg, struct span user, struct span realm, struct span password, uint8_t ret[static 32]);

bool stun_id_eq(const struct stun_id *a, const struct stun_id *b);

/* ---- writing ------------------------------------------------------------------------------------------------------------------ */

struct stun_writer {
	uint8_t *bytes;
	size_t n, cap;
	bool is_full; /* something did not fit: stun_end says so */
};

void stun_begin(struct stun_writer *w, uint8_t *bytes, size_t cap, enum stun_class cls, uint16_t method, const struct stun_id *id);
void stun_put(struct stun_writer *w, uint16_t type, const void *value, size_t n);
void stun_put_span(struct stun_writer *w, uint16_t type, struct span value);
void stun_put_u32(struct stun_writer *w, uint16_t type, uint32_t value);
void stun_put_u64(struct stun_writer *w, uint16_t type, uint64_t value);
void stun_put_addr(struct stun_writer *w, uint16_t type, const struct addr *a); /* XORed where the type is */
void stun_put_error(struct stun_writer *w, uint16_t code, const char *reason);
/* In this order, behind all others. */
void stun_put_integrity(struct stun_writer *w, struct span key);
void stun_put_integrity256(struct stun_writer *w, struct span key);
void stun_put_fingerprint(struct stun_writer *w);
nodiscard int stun_end(struct stun_writer *w, size_t *ret_n); /* -TR_ETOOBIG */
