/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/addr.h"
#include "base/base.h"
#include <uv.h>

/* Tells when an address of this host came or went (rtnetlink). Thread: the loop's. */
struct netwatch;

/* fn is called NETWATCH_SETTLE_MS after the last of a burst of changes. -errno when the kernel has
 * no rtnetlink for us. */
#define NETWATCH_SETTLE_MS 300
nodiscard int netwatch_new(
	uv_loop_t *loop, void (*fn)(void *ctx), void *ctx, struct netwatch **ret);

/* fn is not called any more; the memory goes in a later turn of the loop. NULL is fine; returns
 * NULL. */
struct netwatch *netwatch_close(struct netwatch *w);

/*
 * The address the kernel would send from to reach peer; port 0. No packet is sent. -errno
 * (ENETUNREACH) leaves *ret untouched. Two system calls: keep the answer where it is hot.
 */
nodiscard int net_local_addr(const struct addr *peer, struct addr *ret);
