/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

/* What is done to a call that runs. */

int cli_record(struct cli *cli)
{
	static const char *const words[] = {"start", "recording:", "stop", "no longer recording:", "pause", "paused the recording of", "resume",
		"recording again:"};
	auto_free char *path = mem_format("/v1/calls/%s/recording", cli->argc ? cli->argv[0] : "");

	for (size_t i = 0; cli->argc == 2 && i < ARRAY_LEN(words); i += 2)
		if (!strcmp(cli->argv[1], words[i]))
			return cli_act(cli, "POST", path, json_pack("{s:s}", "action", cli->argv[1]), words[i + 1]);

	return cli_usage("tipring record CALL|last start|stop|pause|resume");
}
