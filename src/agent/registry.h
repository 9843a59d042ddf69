/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"

/*
 * The ports that configuration can name ("embedded"). Filled by the application before the agent thread starts, read-only from
 * then on. The ports are borrowed and outlive it.
 */
struct agent_providers {
	struct stt_port *stt[LIMIT_AGENT_PORTS];
	struct llm_port *llm[LIMIT_AGENT_PORTS];
	struct tts_port *tts[LIMIT_AGENT_PORTS];
	struct vad_port *vad[LIMIT_AGENT_PORTS];
	uint32_t stt_count, llm_count, tts_count, vad_count;
};

/* -EEXIST when the name is taken, -TR_ELIMIT when the table is full. */
nodiscard int agent_providers_add_stt(struct agent_providers *p, struct stt_port *port);
nodiscard int agent_providers_add_llm(struct agent_providers *p, struct llm_port *port);
nodiscard int agent_providers_add_tts(struct agent_providers *p, struct tts_port *port);
nodiscard int agent_providers_add_vad(struct agent_providers *p, struct vad_port *port);

/* NULL when there is none of that name. */
struct stt_port *agent_providers_stt(const struct agent_providers *p, const char *name);
struct llm_port *agent_providers_llm(const struct agent_providers *p, const char *name);
struct tts_port *agent_providers_tts(const struct agent_providers *p, const char *name);
struct vad_port *agent_providers_vad(const struct agent_providers *p, const char *name);
