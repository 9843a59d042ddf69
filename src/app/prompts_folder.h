/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/prompts.h"
#include "app/schema.h"

/*
 * A folder of recorded prompts: WAV files and index.yaml, a map of phrase to file name. Reads files, so for start and reload
 * only. NULL after every fault was noted with the folder's file and line, in line `line` of the configuration.
 */
struct prompts *prompts_folder_load(struct schema_reader *r, int line, const char *folder);
