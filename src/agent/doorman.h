/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/agent.h"
#include "agent/brain.h"

/*
 * The brain of a call that we placed, until it is known who has answered: silent, it may listen for words that only machines say, it
 * leaves a message when told so, and hands the call over to the pipeline when a person is there.
 *
 *	listening ── begin ──▶ the pipeline
 *	    │  ▲                  │
 *	    │  └──── hush ────────┤ (it was a machine after all)
 *	    └── leave ─▶ speaking ◀┘ ── AGENT_LEFT ─▶ listening
 *
 * words_stt: name of the stt that knows machines' words (turn/answer_words.h), or NULL. A missing or broken one costs the words only.
 * config is borrowed and outlives the brain. -ENOMEM only.
 */
nodiscard int doorman_new(struct brain **ret, const struct brain_env *env, const struct agent_config *config, const char *words_stt);
