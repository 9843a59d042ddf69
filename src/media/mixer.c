/* SPDX-License-Identifier: Apache-2.0 */
#include "media/internal.h"

void mixer_command(struct worker *w, const struct command *cmd)
{
}

void mixers_tick(struct worker *w, unsigned phase, int64_t now_us)
{
}

void mixers_stop(struct worker *w)
{
}
