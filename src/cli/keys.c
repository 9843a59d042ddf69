/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keys.h"
#include "app/config.h"
#include "cli/cli.h"
#include <time.h>
#include <unistd.h>

/*
 * Works on the file itself, not through the API: who may write it needs no key, and the first key must come from somewhere. A running
 * daemon takes up what has changed within a second.
 */
static char *find_file(struct cli *cli)
{
	static struct config_errors errors;
	struct config *config = config_load(cli->config_path, &errors);
	char *path = config ? mem_strdup(config->api.keys_file) : NULL;

	if (!config)
		config_errors_print(&errors, cli->config_path, stderr);
	config_free(config);

	return path;
}

static int fail(const char *why)
{
	fprintf(stderr, "tipring: %s\n", why);

	return CLI_FAILED;
}

static int add(struct cli *cli, struct api_keys *keys, const char *path)
{
	enum api_role role;
	char key[KEY_TEXT], why[300];

	if (!cli->role || !role_parse(span_z(cli->role), &role)) {
		fprintf(stderr, "tipring: --role read (look), operate (and act on calls) or admin (and delete records, reload)\n");
		return CLI_USAGE;
	}

	int err = keys_add(keys, cli->argv[1], role, clock_wall_ms() / 1000, key);

	if (err == -EEXIST)
		return fail("there is a key of this name: take another, or remove it first");
	if (err == -EINVAL)
		return fail("a name is 1 to 32 letters, digits, - _ .");
	if (err)
		return fail("there is no room for more keys: remove those that nobody uses");
	if (keys_save(keys, path, why, sizeof(why)) != 0)
		return fail(why);
	if (cli->is_json)
		return cli_print_json(json_pack("{s:s, s:s, s:s}", "name", cli->argv[1], "role", role_name(role), "key", key));
	printf("%s\n", key);
	fprintf(stderr, "This is the only time it is shown. Keep it where only its user can read it%s\n",
		keys->count == 1 ? "; from now on the API wants a key." : ".");

	return CLI_OK;
}

static int drop(struct cli *cli, struct api_keys *keys, const char *path)
{
	char why[300];

	if (keys_remove(keys, cli->argv[1]) != 0) {
		fprintf(stderr, "tipring: there is no key %s: `tipring keys list` names them\n", cli->argv[1]);
		return CLI_NOT_FOUND;
	}
	if (keys_save(keys, path, why, sizeof(why)) != 0)
		return fail(why);
	if (!keys->count)
		fprintf(stderr, "That was the last one: everybody on this machine may use the API now.\n");

	return CLI_OK;
}

static int list(struct cli *cli, const struct api_keys *keys)
{
	json_t *array = json_array();

	if (!cli->is_json && keys->count)
		printf("%-32s %-8s %s\n", "NAME", "ROLE", "MADE");
	for (size_t i = 0; i < keys->count; i++) {
		const struct api_key *k = &keys->list[i];
		char made[CLOCK_TEXT];

		clock_text(k->made_s * 1000, made);
		if (!cli->is_json)
			printf("%-32s %-8s %.10s\n", k->name, role_name(k->role), made);
		json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "name", k->name, "role", role_name(k->role), "made", made));
	}
	if (cli->is_json)
		return cli_print_json(json_pack("{s:o}", "keys", array));
	json_decref(array);
	if (!keys->count)
		printf("No keys: everybody on this machine may use the API.\n");

	return CLI_OK;
}

/* Reads, changes and writes, alone. */
static int change(struct cli *cli, const char *path, int (*how)(struct cli *cli, struct api_keys *keys, const char *path))
{
	struct api_keys keys;
	char why[300];
	int code, lock = keys_lock(path);

	if (lock < 0) {
		fprintf(stderr, "tipring: the folder of %s: %s\n", path, strerror(-lock));
		return CLI_FAILED;
	}
	code = keys_load(&keys, path, why, sizeof(why)) ? fail(why) : how(cli, &keys, path);
	close(lock);

	return code;
}

int cli_keys(struct cli *cli)
{
	const char *what = cli->argc ? cli->argv[0] : "list";
	bool is_add = !strcmp(what, "add") && cli->argc == 2, is_remove = !strcmp(what, "remove") && cli->argc == 2;
	struct api_keys keys;
	char why[300];

	if (!is_add && !is_remove && (strcmp(what, "list") != 0 || cli->argc > 1)) {
		fprintf(stderr, "usage: tipring keys add NAME --role read|operate|admin | list | remove NAME\n");
		return CLI_USAGE;
	}

	auto_free char *path = find_file(cli);

	if (!path)
		return CLI_FAILED;
	if (is_add || is_remove)
		return change(cli, path, is_add ? add : drop);

	return keys_load(&keys, path, why, sizeof(why)) ? fail(why) : list(cli, &keys);
}
