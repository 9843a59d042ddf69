/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base.h"

/*
 * A file in memory, read from front to back; nothing is taken beyond its end. Blocking: for set-up and compute threads. The byte
 * behind the file is 0, and what is taken keeps the alignment that it has in the file.
 */
struct slurp {
	char *all;
	const char *rest;
	size_t n; /* of rest */
};

/* -errno; -TR_ETOOBIG beyond max bytes. */
nodiscard static inline int slurp_open(struct slurp *ret, const char *dir, const char *name, size_t max)
{
	auto_free char *path = mem_format("%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	*ret = (struct slurp){0};
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || (size_t)st.st_size > max) {
		close(fd);
		return -TR_ETOOBIG;
	}

	size_t want = (size_t)st.st_size, got = 0;

	ret->all = mem_zalloc(want + 1);
	while (got < want) {
		ssize_t n = read(fd, ret->all + got, want - got);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(fd);
	ret->rest = ret->all;
	ret->n = got;

	return 0;
}

static inline void slurp_close(struct slurp *in)
{
	free(in->all);
}

nodiscard static inline bool slurp_skip(struct slurp *in, size_t n)
{
	if (n > in->n)
		return false;
	in->rest += n;
	in->n -= n;

	return true;
}

/* NULL when there are not so many bytes. */
nodiscard static inline const void *slurp_take(struct slurp *in, size_t n)
{
	const char *at = in->rest;

	return slurp_skip(in, n) ? at : NULL;
}

/* Little-endian numbers, as this machine has them. */
nodiscard static inline bool slurp_i32(struct slurp *in, int32_t *ret, size_t count)
{
	const void *at = slurp_take(in, count * sizeof(*ret));

	if (at)
		memcpy(ret, at, count * sizeof(*ret));

	return at;
}
