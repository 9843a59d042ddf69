/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trial_phone.h"
#include "audio/tone.h"
#include "audio/wav_file.h"
#include <dirent.h>
#include <math.h>
#include <unistd.h>

#define TONE_HZ 1000
#define RATE_HZ 8000

float trial_phone_heard(const char *path)
{
	static int16_t pcm[48000];
	struct wav_info info;
	FILE *f = fopen(path, "re");

	if (!f)
		return 0;

	auto_free uint8_t *bytes = mem_zalloc(1 << 20);
	size_t n = fread(bytes, 1, 1 << 20, f);

	fclose(f);
	if (wav_parse(bytes, n, &info, NULL) != 0)
		return 0;
	n = MIN(info.frames / 2, ARRAY_LEN(pcm));

	int frames = wav_read(&info, bytes, info.frames / 3, 0, pcm, (int)n);

	return frames > 400 ? tone_share(pcm, frames, info.rate_hz, TONE_HZ) : 0;
}

static int write_tone(const char *path)
{
	static int16_t pcm[RATE_HZ * 20];

	for (size_t i = 0; i < ARRAY_LEN(pcm); i++)
		pcm[i] = (int16_t)lrint(8000 * sin(2 * M_PI * TONE_HZ * (double)i / RATE_HZ));

	return wav_clip_save(path, pcm, ARRAY_LEN(pcm), RATE_HZ);
}

/* The tone and the recordings of the calls. */
static void remove_folder(const struct trial_phone *t)
{
	DIR *dir = t->dir[0] ? opendir(t->dir) : NULL;

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	if (t->dir[0])
		rmdir(t->dir);
}

static struct config *make_config(struct trial_phone *t, const struct trial_phone_params *p, char *ret_why, size_t cap)
{
	static struct config_errors errors;
	auto_free char *text = mem_format(
		"sip: %s\nmedia: { workers: 1, record_dir: %s, %s }\n"
		"agents:\n  - { name: trial-tone, brain: { kind: play, file: %s }, record: true }\n"
		"  - { name: trial-echo, brain: { kind: echo } }\nroutes:\n%s%s%s",
		p->sip, t->dir, p->media, t->tone, p->routes, p->lines ? "lines:\n" : "", p->lines ? p->lines : "");

	errors.count = 0;

	struct config *c = config_parse("the line", span_z(text), &errors);

	if (!c) {
		snprintf(ret_why, cap, "%s", errors.list[0].text);
		return NULL;
	}
	if (p->line) {
		t->lines[0] = t->lines[1] = *p->line;
		t->lines[0].does_register = t->lines[1].does_register = p->does_register;
		c->lines = t->lines;
		c->line_count = ARRAY_LEN(t->lines);
	}

	return c;
}

static int open_phone(struct trial_phone *t, const struct trial_phone_params *params, char *ret_why, size_t cap)
{
	const struct config *c = t->config;
	struct ua_listen listens[CONFIG_LISTEN];
	struct phone_params p = {.listens = listens, .listen_count = (unsigned)c->sip.listen_count,
		.user_agent = "Tipring/" TIPRING_VERSION, .max_calls = 8, .dns_servers = params->dns, .announce = params->announce,
		.media = {.workers = 1, .max_streams = 16, .port_min = (uint16_t)c->media.port_min, .port_max = (uint16_t)c->media.port_max},
		.rtp_timeout_ms = 30000,
		.hooks = {.route = exchange_route, .hop_done = exchange_hop_done, .ended = exchange_ended, .release = exchange_release,
			.ctx = &t->x},
		.on_sip = params->on_sip, .on_message = params->on_message, .ctx = params->ctx};
	int err = secure_new(&t->x.secure, c, true, ret_why, cap);

	for (size_t i = 0; i < c->sip.listen_count; i++)
		listens[i] = (struct ua_listen){c->sip.listen[i].transport, c->sip.listen[i].addr};
	if (!err)
		err = phone_new(&t->phone, &p, ret_why, cap);
	t->x.phone = t->phone;
	if (!err)
		err = secure_apply(t->x.secure, t->phone->ua);

	return err;
}

int trial_phone_open(struct trial_phone *t, const struct trial_phone_params *params, char *ret_why, size_t cap)
{
	struct snapshot *snap = NULL;
	int err;

	*t = (struct trial_phone){.dir = "/tmp/tipring-trial-XXXXXX"};
	if (!mkdtemp(t->dir)) {
		t->dir[0] = 0;
		snprintf(ret_why, cap, "no temporary folder: %s", strerror(errno));
		return -TR_ECONFIG;
	}
	snprintf(t->tone, sizeof(t->tone), "%s/tone.wav", t->dir);
	t->config = write_tone(t->tone) == 0 ? make_config(t, params, ret_why, cap) : NULL;
	if (!t->config)
		return -TR_ECONFIG;
	err = snapshot_new(&snap, t->config, ret_why, cap);
	if (err)
		return err;
	exchange_init(&t->x, snap);
	err = open_phone(t, params, ret_why, cap);
	/* The second one is for later. */
	if (params->line)
		t->config->line_count = 1;

	return err ? err : exchange_start(&t->x);
}

void trial_phone_close(struct trial_phone *t)
{
	t->x.lines = lines_free(t->x.lines);
	t->x.servers = media_servers_free(t->x.servers);
	t->phone = phone_free(t->phone);
	t->x.secure = secure_free(t->x.secure);
	if (t->x.snap)
		exchange_done(&t->x);
	remove_folder(t);
}
