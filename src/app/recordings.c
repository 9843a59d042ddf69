/* SPDX-License-Identifier: Apache-2.0 */
#include "app/recordings.h"
#include "audio/wav_file.h"
#include "base/log.h"
#include <dirent.h>

/* "a.wav.part": the name it was meant to have; NULL: not one of ours. */
static char *meant(const char *dir, const char *name)
{
	static const char end[] = ".wav.part";
	size_t n = strlen(name), m = sizeof(end) - 1;

	return n > m && !strcmp(name + n - m, end) ? mem_format("%s/%.*s", dir, (int)(n - strlen(".part")), name) : NULL;
}

unsigned recordings_recover(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	if (!d)
		return 0;
	for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
		auto_free char *path = meant(dir, e->d_name);
		int err = path ? wav_rec_recover(path) : 0;

		if (path && !err)
			n++;
		/* Of another process that runs: not ours to touch. */
		if (err && err != -EBUSY)
			log_warn("recording.not_recovered", LOG_STR("file", path), LOG_ERR(err));
		else if (path && !err)
			log_info("recording.recovered", LOG_STR("file", path));
	}
	closedir(d);

	return n;
}

json_t *recordings_stats(const struct calls *calls)
{
	struct calls_recording r = calls_recording(calls);

	return json_pack("{s:I, s:I, s:I, s:i}", "done", (json_int_t)r.done, "failed", (json_int_t)r.failed, "lost_ms",
		(json_int_t)r.lost_frames * MEDIA_FRAME_MS, "failing", (int)r.failing);
}

void recordings_problems(const struct calls *calls, json_t *list)
{
	struct calls_recording r = calls_recording(calls);

	if (r.failing)
		json_array_append_new(list, json_sprintf("recordings of %u calls are not written: %s", r.failing, err_text(r.last_err)));
}
