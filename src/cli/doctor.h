/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/config.h"
#include "line/checkup.h"
#include "net/dns.h"
#include <uv.h>

/* `tipring doctor`: the trying of a line; what is made of it stands in line/checkup.h. */

enum { DOCTOR_STUN = 2 };

struct doctor_wish {
	const struct config *config;
	size_t line;
	bool is_registered;  /* the running daemon holds this line's registration: it is left alone */
	bool uses_own_ports; /* the configured ones are taken */
	const char *number;  /* to call, an echo at best; NULL: no call */
	const char *stun[DOCTOR_STUN]; /* besides the line's own; NULL: none */
	bool is_long;	     /* measures the life of NAT mappings too */
};

/* Tries the line; blocks for some ten seconds, two minutes more when long. False: not even that was possible, ret_why says why. */
bool doctor_try_line(const struct doctor_wish *w, struct checkup_facts *ret, char *ret_why, size_t cap);

/* --- doctor_nat.c: STUN --- */
struct doctor_nat;

struct doctor_nat_params {
	uv_loop_t *loop;
	struct dns *dns;
	const char *servers[DOCTOR_STUN]; /* host[:port]; the first has to be there */
	bool is_long;
	/* The address that packets to peer leave from; its port does not count. */
	bool (*local_for)(void *ctx, const struct addr *peer, struct addr *ret);
	void *ctx;
};
struct doctor_nat *doctor_nat_new(const struct doctor_nat_params *params);
/* Each 50 ms or so; true: everything that can be known is in *ret. */
bool doctor_nat_tick(struct doctor_nat *d, struct checkup_nat *ret, msec_t now);
struct doctor_nat *doctor_nat_free(struct doctor_nat *d); /* the rest of it goes in later turns of the loop */
