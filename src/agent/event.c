/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/event.h"

const char *agent_event_name(enum agent_event_kind kind)
{
	static const char *const names[] = {
		"agent.started", "agent.transcript", "agent.turn", "agent.interrupt", "agent.transfer", "agent.sensitive", "agent.hang_up",
		"agent.failed", "agent.words", "agent.left", "agent.heard", "agent.stopped",
	};

	return (unsigned)kind < ARRAY_LEN(names) ? names[kind] : "?";
}
