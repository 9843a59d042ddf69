/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/registry.h"

/* Four tables of the same shape; the ports differ in their type only. */
#define REGISTRY(kind)                                                                                           \
	struct kind##_port *agent_providers_##kind(const struct agent_providers *p, const char *name)            \
	{                                                                                                        \
		for (uint32_t i = 0; i < p->kind##_count; i++)                                                   \
			if (strcmp(p->kind[i]->name, name) == 0)                                                 \
				return p->kind[i];                                                               \
                                                                                                                 \
		return NULL;                                                                                     \
	}                                                                                                        \
                                                                                                                 \
	int agent_providers_add_##kind(struct agent_providers *p, struct kind##_port *port)                      \
	{                                                                                                        \
		if (agent_providers_##kind(p, port->name))                                                       \
			return -EEXIST;                                                                          \
		if (p->kind##_count == LIMIT_AGENT_PORTS)                                                        \
			return -TR_ELIMIT;                                                                       \
                                                                                                                 \
		p->kind[p->kind##_count++] = port;                                                               \
                                                                                                                 \
		return 0;                                                                                        \
	}

REGISTRY(stt)
REGISTRY(llm)
REGISTRY(tts)
REGISTRY(vad)
