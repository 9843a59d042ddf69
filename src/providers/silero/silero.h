/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"

/*
 * Silero's voice activity detector as a vad port named "silero": its model (v5 or v6) by ONNX Runtime. Neither is a package of
 * Debian's; scripts/install-silero fetches both. One run is about 70 us every 32 ms, on the agent thread.
 */
struct silero_params {
	const char *dir; /* holds libonnxruntime.so and silero_vad.onnx; NULL: $TIPRING_SILERO, or where install-silero puts them */
};

/* -TR_ENOTFOUND with the remedy in words when it is not installed. Copies params. */
nodiscard int silero_new(struct vad_port **ret, const struct silero_params *params, struct port_fault *ret_fault);
/* Every stream has been closed. */
struct vad_port *silero_free(struct vad_port *port);
