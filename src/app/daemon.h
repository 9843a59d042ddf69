/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `tipring serve`: reads the configuration, registers the lines, answers calls, serves the API. Returns the process' exit code when a
 * signal has ended it: 0 after SIGTERM or SIGINT, with calls hung up and lines unregistered; 1 when it could not start. SIGHUP
 * reads the configuration again.
 */
int daemon_run(const char *config_path);
