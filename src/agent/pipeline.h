/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/agent.h"
#include "agent/brain.h"

/*
 * The brain made of ears (stt), a mind (llm) and a voice (tts), conducted by the turn machine.
 *
 *	caller's frames ─▶ turn ─decisions─▶ ears ─final─▶ mind ─pieces─▶ voice ─▶ frames to the caller
 *	                    ▲                                               │
 *	                    └────────────── what is playing ────────────────┘
 *
 * A provider that fails is tried once more; then the caller hears an apology by the means that are left (a phrase recorded
 * before, the voice, another voice, a tone) and is transferred to the human of the configuration, or the call ends.
 *
 * config is borrowed and outlives the pipeline. -ENOMEM only: ports that cannot be opened are told to the caller and to the
 * owner by event.
 */
nodiscard int pipeline_new(struct brain **ret, const struct brain_env *env, const struct agent_config *config);
