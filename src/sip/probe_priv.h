/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sip/probe.h"

void sip_probe_destroy_all(struct sip_stack *stack);
