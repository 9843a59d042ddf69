/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keys.h"
#include <fcntl.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int keys_load(struct api_keys *ret, const char *path, char *ret_why, size_t cap)
{
	static const char remedy[] = "correct it, or make keys anew with `tipring keys`";
	char text[LIMIT_API_KEYS_BYTES + 1];
	FILE *f = fopen(path, "re");
	int line = 0;

	if (!f && errno == ENOENT) {
		*ret = (struct api_keys){0};
		return 0;
	}
	if (!f) {
		int err = errno;

		snprintf(ret_why, cap, "%s: %s: the daemon's user must be able to read it", path, strerror(err));
		return -err;
	}

	size_t n = fread(text, 1, sizeof(text), f);
	bool is_bad = ferror(f);

	fclose(f);
	if (is_bad || n == sizeof(text)) {
		snprintf(ret_why, cap, "%s: %s: %s", path, is_bad ? "it cannot be read" : "too long for a file of keys", remedy);
		return is_bad ? -EIO : -TR_ETOOBIG;
	}
	if (keys_parse(ret, span(text, n), &line) == 0)
		return 0;
	snprintf(ret_why, cap, "%s:%d: wanted is NAME ROLE SHA256 MADE, each name once, at most %d keys: %s", path, line, LIMIT_API_KEYS, remedy);

	return -EINVAL;
}

static void write_key(FILE *f, const struct api_key *k)
{
	fprintf(f, "%s %s ", k->name, role_name(k->role));
	for (size_t i = 0; i < KEY_HASH; i++)
		fprintf(f, "%02x", k->hash[i]);
	fprintf(f, " %" PRId64 "\n", k->made_s);
}

/* Writes and closes fd. */
static int write_all(int fd, const struct api_keys *keys)
{
	FILE *f = fdopen(fd, "w");

	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	fputs("# Keys of Tipring's API, made and removed by `tipring keys`. NAME ROLE SHA256 MADE\n", f);
	for (size_t i = 0; i < keys->count; i++)
		write_key(f, &keys->list[i]);

	bool is_good = fflush(f) == 0 && !ferror(f) && fsync(fd) == 0;
	int err = is_good ? 0 : -errno;

	return fclose(f) == 0 || err ? err : -errno;
}

/* Of the file that is replaced, else the user's only. */
static int set_owner(int fd, const char *path)
{
	struct stat old;

	if (stat(path, &old) != 0)
		return fchmod(fd, 0600) == 0 ? 0 : -errno;

	return fchown(fd, old.st_uid, old.st_gid) == 0 && fchmod(fd, old.st_mode & 0777) == 0 ? 0 : -errno;
}

int keys_save(const struct api_keys *keys, const char *path, char *ret_why, size_t cap)
{
	auto_free char *fresh = mem_format("%s.XXXXXX", path);
	int fd = mkostemp(fresh, O_CLOEXEC), err = fd < 0 ? -errno : set_owner(fd, path);

	if (fd >= 0 && err)
		close(fd);
	if (!err)
		err = write_all(fd, keys);
	if (!err && rename(fresh, path) != 0)
		err = -errno;
	if (err && fd >= 0)
		unlink(fresh);
	if (err)
		snprintf(ret_why, cap, "%s cannot be written: %s", path, strerror(-err));

	return err;
}

int keys_lock(const char *path)
{
	auto_free char *copy = mem_strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
		int err = errno;

		close(fd);
		return -err;
	}

	return fd < 0 ? -errno : fd;
}
