/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Source text of share/en/answering.gram, embedded at build time: what answers our calls. */
extern const char answering_grammar[];
