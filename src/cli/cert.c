/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "net/tls.h"
#include "net/tls_cert.h"
#include <sys/stat.h>
#include <unistd.h>

/*
 * tipring cert DIR: a CA of one's own (ca.pem, ca.key), and a certificate signed by it (server.pem, server.key). A CA that is in DIR
 * already signs; nothing is overwritten unless told so.
 */

#define DAY_S	    86400
#define CA_DAYS	    3650
#define SERVER_DAYS 820 /* browsers and phones refuse more than 825 */

struct files {
	char ca[512], ca_key[512], server[512], server_key[512];
};

static int name_files(const char *dir, struct files *ret)
{
	return buf_format(ret->ca, sizeof(ret->ca), "%s/ca.pem", dir) | buf_format(ret->ca_key, sizeof(ret->ca_key), "%s/ca.key", dir) |
	       buf_format(ret->server, sizeof(ret->server), "%s/server.pem", dir) |
	       buf_format(ret->server_key, sizeof(ret->server_key), "%s/server.key", dir);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static int get_ca(const struct files *f, struct tls_identity **ret, char *why, size_t cap)
{
	int64_t now = clock_wall_ms() / 1000;
	char host[256] = "localhost", name[300];
	struct tls_cert_params p = {.common_name = name, .begins_at = now - DAY_S, .ends_at = now + CA_DAYS * (int64_t)DAY_S, .is_ca = true};

	if (is_there(f->ca) || is_there(f->ca_key)) {
		int err = tls_identity_load(ret, f->ca, f->ca_key, why, cap);

		if (!err)
			printf("the CA in %s signs\n", f->ca);
		return err;
	}
	gethostname(host, sizeof(host) - 1);
	/* 64 characters are the most that a common name may have. */
	snprintf(name, sizeof(name), "Tipring CA of %.40s", host);

	int err = tls_identity_new(ret, &p, NULL, why, cap);

	if (!err)
		err = tls_identity_save(*ret, f->ca, f->ca_key, false, why, cap);
	if (!err)
		printf("%s: the CA's certificate: give it to phones, PBX and browsers that are to trust this machine\n"
		       "%s: its key: keep it to yourself\n", f->ca, f->ca_key);

	return err;
}

static int make_server(const struct cli *cli, const struct files *f, const struct tls_identity *ca, char *why, size_t cap)
{
	static const char *const local[] = {"localhost", "127.0.0.1", "::1"};
	const char *names[CLI_NAMES + 4];
	int64_t now = clock_wall_ms() / 1000;
	char host[256] = "localhost", common[65];
	struct tls_cert_params p = {
		.common_name = common, .names = names, .begins_at = now - DAY_S, .ends_at = now + SERVER_DAYS * (int64_t)DAY_S};
	struct tls_identity *id = NULL;

	gethostname(host, sizeof(host) - 1);
	for (unsigned i = 0; i < cli->name_count; i++)
		names[p.name_count++] = cli->names[i];
	if (!cli->name_count && strcmp(host, "localhost") != 0)
		names[p.name_count++] = host;
	for (unsigned i = 0; i < ARRAY_LEN(local); i++)
		names[p.name_count++] = local[i];
	buf_copy(common, sizeof(common), names[0]);

	int err = tls_identity_new(&id, &p, ca, why, cap);

	if (!err)
		err = tls_identity_save(id, f->server, f->server_key, cli->is_forced, why, cap);
	tls_identity_free(id);
	if (err)
		return err;
	printf("%s, %s: for", f->server, f->server_key);
	for (unsigned i = 0; i < p.name_count; i++)
		printf("%s %s", i ? "," : "", names[i]);
	printf("; %d days\n\nsip:\n  listen: [ \"udp:0.0.0.0:5060\", \"tcp:0.0.0.0:5060\", \"tls:0.0.0.0:5061\" ]\n"
	       "  tls: { certificate: %s, key: %s }\n", SERVER_DAYS, f->server, f->server_key);

	return 0;
}

int cli_cert(struct cli *cli)
{
	struct tls_identity *ca = NULL;
	struct files f;
	char why[TLS_WHY_BYTES] = "";

	if (cli->argc != 1) {
		fprintf(stderr, "usage: tipring cert DIR [--name HOST]... [--force]\n");
		return CLI_USAGE;
	}
	if (name_files(cli->argv[0], &f)) {
		fprintf(stderr, "tipring: the name of the folder is too long\n");
		return CLI_FAILED;
	}
	if (mkdir(cli->argv[0], 0755) && errno != EEXIST) {
		fprintf(stderr, "tipring: %s: %s\n", cli->argv[0], strerror(errno));
		return CLI_FAILED;
	}
	/* Before a CA is made for nothing. */
	if (!cli->is_forced && (is_there(f.server) || is_there(f.server_key))) {
		fprintf(stderr, "tipring: %s is there already: --force overwrites it\n", is_there(f.server) ? f.server : f.server_key);
		return CLI_FAILED;
	}

	int err = get_ca(&f, &ca, why, sizeof(why));

	if (!err)
		err = make_server(cli, &f, ca, why, sizeof(why));
	tls_identity_free(ca);
	if (err)
		fprintf(stderr, "tipring: %s\n", why[0] ? why : err_text(err));

	return err ? CLI_FAILED : CLI_OK;
}
