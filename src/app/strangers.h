/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/config.h"
#include "line/registry.h"
#include "ua/ua.h"

/*
 * Who may hear from us. A request from an address that belongs to no line gets silence and counts as an offence, so that a scanner
 * learns nothing and is soon not heard at all; and the log says so, now and then, since it may also be a PBX whose address is missing
 * from the configuration. Programs of this host always get an answer. Signalling thread.
 */
struct strangers {
	struct ua *ua;
	msec_t logged_at; /* 0: never */
	uint64_t since;	  /* requests since then */
};

/* line_sender.shows, of a connection of the ua. */
struct certified_conn {
	struct ua *ua;
	uint32_t conn;
};
bool certified_conn_shows(void *peer, const char *name);

struct strangers_view {
	const struct config *config;
	struct lines *lines;
};

/* sip_stack_params.is_welcome. */
bool strangers_is_welcome(struct strangers *s, const struct strangers_view *view, const struct sip_packet *pkt,
	const struct sip_msg *msg);
