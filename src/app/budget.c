/* SPDX-License-Identifier: Apache-2.0 */
#include "app/budget.h"
#include <jansson.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"

static struct toll_clock wall_clock(void)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	localtime_r(&now, &tm);

	return (struct toll_clock){.day = (int32_t)((now + tm.tm_gmtoff) / 86400), .minute = (uint32_t)(tm.tm_hour * 60 + tm.tm_min)};
}

void budget_open(struct budget *b, const struct config_toll *config, char *ret_why, size_t cap)
{
	json_error_t err;
	json_int_t day, seconds, micros;

	*b = (struct budget){.path = config->state_path};
	if (!b->path || access(b->path, F_OK) != 0)
		return;

	json_t *o = json_load_file(b->path, JSON_REJECT_DUPLICATES, &err);
	bool is_good = o && json_unpack(o, "{s:I, s:I, s:I}", "day", &day, "seconds", &seconds, "micros", &micros) == 0 && day >= 0 &&
		seconds >= 0 && micros >= 0;

	json_decref(o);
	if (!is_good) {
		b->toll.is_uncounted = true;
		snprintf(ret_why, cap, "%s cannot be read (%s): outside calls are refused until it is mended or removed", b->path,
			o ? "a count is missing" : err.text);
		return;
	}
	b->toll.day = (int32_t)day;
	b->toll.seconds = (uint64_t)seconds;
	b->toll.micros = (uint64_t)micros;
}

/* The old file or the new one, never half of it. */
static int save(const struct budget *b)
{
	auto_free char *fresh = mem_format("%s.new", b->path);
	json_t *o = json_pack("{s:i, s:I, s:I}", "day", (int)b->toll.day, "seconds", (json_int_t)b->toll.seconds, "micros",
		(json_int_t)b->toll.micros);
	int err = o ? json_dump_file(o, fresh, JSON_COMPACT) : -1;

	json_decref(o);
	if (!err && rename(fresh, b->path) != 0)
		err = -1;

	return err;
}

bool budget_may_call(struct budget *b, const struct config_toll *config, const char *target, char *ret_why, size_t cap)
{
	struct toll_clock clock = wall_clock();

	/* A disk that was full may have room again. */
	if (b->toll.is_uncounted && b->path && access(b->path, F_OK) != 0 && save(b) == 0)
		b->toll.is_uncounted = false;

	return toll_may_call(&b->toll, &config->rules, target, &clock, clock_ms(), ret_why, cap);
}

void budget_began(struct budget *b, const struct config_toll *config, const char *target)
{
	toll_began(&b->toll, &config->rules, target, clock_ms());
}

void budget_ended(struct budget *b, const struct config_toll *config, const char *target, uint32_t seconds)
{
	struct toll_clock clock = wall_clock();
	uint64_t before = b->toll.seconds;

	toll_ended(&b->toll, &config->rules, target, seconds, &clock);
	if (b->path && b->toll.seconds != before && save(b) != 0) {
		b->toll.is_uncounted = true;
		unlink(b->path);
		log_error("toll.uncounted", LOG_STR("file", b->path), LOG_ERR(-errno),
			LOG_STR("what", "the toll budget cannot be written: outside calls are refused until it can"));
	}
}
