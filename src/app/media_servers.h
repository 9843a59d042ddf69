/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "app/config.h"
#include "media/media.h"
#include <uv.h>

/*
 * The STUN and TURN servers that lines name, kept resolved, so that a call does not wait for DNS. Loop thread. What has not been
 * resolved yet is left out of a call, as if it were not configured.
 */
struct media_servers;

/* c outlives it: in a reload the new one is made before the old one is freed. */
nodiscard int media_servers_new(struct media_servers **ret, uv_loop_t *loop, const struct config *c);
struct media_servers *media_servers_free(struct media_servers *ms); /* the rest of it goes in later turns of the loop */

/* Asks DNS again: the network has changed. It does so by itself every five minutes. */
void media_servers_refresh(struct media_servers *ms);

/* The servers of a line (index in the configuration) into its calls' parameters. */
void media_servers_fill(const struct media_servers *ms, size_t line, struct media_path_params *ret);
