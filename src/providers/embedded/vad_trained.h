/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"

/* The trained voice detector (audio/vad_net.h) as a vad port named "trained": about 5 us every 20 ms, on the agent thread. */
struct vad_port *vad_trained_new(void);
/* Every stream has been closed. */
struct vad_port *vad_trained_free(struct vad_port *port);
