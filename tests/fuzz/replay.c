/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Runs a fuzz target over each file of the folders given, without libFuzzer: what was found once stays mended. */
static unsigned replay(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned count = 0;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		char path[1024];

		if (e->d_name[0] == '.' || buf_format(path, sizeof(path), "%s/%s", folder, e->d_name) != 0)
			continue;

		FILE *f = fopen(path, "re");
		uint8_t *data = malloc(1 << 20);
		size_t n = f && data ? fread(data, 1, 1 << 20, f) : 0;

		if (f)
			fclose(f);
		/* The exact size, so that a sanitizer sees a read beyond it. */
		uint8_t *exact = malloc(n ? n : 1);

		if (exact && n)
			memcpy(exact, data, n);
		free(data);
		if (exact)
			LLVMFuzzerTestOneInput(exact, n);
		free(exact);
		count++;
	}
	if (dir)
		closedir(dir);

	return count;
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++)
		count += replay(argv[i]);
	printf("%u inputs replayed\n", count);

	return count == 0;
}
