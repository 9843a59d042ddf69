/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "net/tls_cert.h"
#include <dirent.h>
#include <time.h>
#include <unistd.h>

/* Certificates for tests, in a folder of their own: ca, and server certificates with various faults. NAME.pem and NAME.key of each. */

static char testcert_dir[64];

static inline const char *testcert_path(const char *file)
{
	static char paths[8][128];
	static unsigned at;
	char *p = paths[at++ % 8];

	assert_int_equal(buf_format(p, sizeof(paths[0]), "%s/%s", testcert_dir, file), 0);

	return p;
}

static inline void testcert_save(const struct tls_identity *id, const char *name)
{
	char why[200], pem[64], key[64];

	snprintf(pem, sizeof(pem), "%s.pem", name);
	snprintf(key, sizeof(key), "%s.key", name);
	assert_int_equal(tls_identity_save(id, testcert_path(pem), testcert_path(key), true, why, sizeof(why)), 0);
}

static inline struct tls_identity *testcert_make(
	const char *name, const struct tls_identity *issuer, const char *const *names, unsigned count, int begin_days, int end_days)
{
	struct tls_identity *id = NULL;
	struct tls_cert_params p = {.common_name = count || !names ? name : names[0],
		.names = names,
		.name_count = count,
		.begins_at = time(NULL) + begin_days * 86400,
		.ends_at = time(NULL) + end_days * 86400,
		.is_ca = !names};
	char why[200] = "";

	if (tls_identity_new(&id, &p, issuer, why, sizeof(why)))
		fail_msg("%s: %s", name, why);
	testcert_save(id, name);

	return id;
}

/* ca, other (another CA), good, expired, future, wrong (name), self (signed), common (name only), client. */
static inline void testcert_begin(void)
{
	static const char *const local[] = {"pbx.example.com", "localhost", "127.0.0.1", "*.wild.example.com"},
				 *const wrong[] = {"mail.example.org", "192.0.2.7"}, *const common[] = {"pbx.example.com"},
				 *const client[] = {"phone.example.com"};

	buf_copy(testcert_dir, sizeof(testcert_dir), "/tmp/tipring-cert-XXXXXX");
	assert_non_null(mkdtemp(testcert_dir));

	struct tls_identity *ca = testcert_make("ca", NULL, NULL, 0, -1, 100), *other = testcert_make("other", NULL, NULL, 0, -1, 100);

	tls_identity_free(testcert_make("good", ca, local, 4, -1, 100));
	tls_identity_free(testcert_make("second", ca, local, 4, -1, 100));
	tls_identity_free(testcert_make("expired", ca, local, 4, -10, -2));
	tls_identity_free(testcert_make("future", ca, local, 4, 2, 10));
	tls_identity_free(testcert_make("wrong", ca, wrong, 2, -1, 100));
	tls_identity_free(testcert_make("self", NULL, local, 4, -1, 100));
	tls_identity_free(testcert_make("common", ca, common, 0, -1, 100));
	tls_identity_free(testcert_make("client", ca, client, 1, -1, 100));
	tls_identity_free(testcert_make("stranger", other, local, 4, -1, 100));
	tls_identity_free(ca);
	tls_identity_free(other);
}

static inline void testcert_end(void)
{
	DIR *dir = opendir(testcert_dir);

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			unlink(testcert_path(e->d_name));
	if (dir)
		closedir(dir);
	rmdir(testcert_dir);
}
