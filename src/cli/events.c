/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include <curl/curl.h>

/* What came of a line so far. */
struct follower {
	char *line;
	size_t n;
	bool is_json;
};

static void print_event(const struct follower *f, const char *text)
{
	json_t *doc = f->is_json ? NULL : json_loads(text, 0, NULL), *data = json_object_get(doc, "data"), *said = json_object_get(data, "said");

	if (!doc)
		printf("%s\n", text);
	else
		printf("%-24s %-18s %s %s %s%s\n", cli_text_or(doc, "timestamp", ""), cli_text_or(doc, "type", ""),
			*cli_text_or(data, "id", "") ? cli_text_or(data, "id", "") : cli_text_or(data, "line", ""), said ? cli_text_or(said, "who", "") : cli_text_or(data, "state", ""),
			said ? cli_text_or(said, "text", "") : cli_text_or(data, "cause", ""), cli_text_or(data, "detail", ""));
	json_decref(doc);
	fflush(stdout);
}

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
	struct follower *f = ctx;

	for (size_t i = 0; i < n; i++) {
		if (data[i] != '\n') {
			f->line = mem_realloc(f->line, f->n + 2);
			f->line[f->n++] = data[i];
			f->line[f->n] = 0;
			continue;
		}
		if (f->n > 6 && !strncmp(f->line, "data: ", 6))
			print_event(f, f->line + 6);
		f->n = 0;
	}

	return n;
}

int cli_events(struct cli *cli)
{
	const char *types = cli->argc ? cli->argv[0] : NULL;
	auto_free char *escaped = client_escape(types ? types : "*"), *path = mem_format("/v1/events?types=%s", escaped);
	auto_free char *url = mem_format("%s%s", cli->api.base, path);
	struct follower f = {.is_json = cli->is_json};
	struct curl_slist *headers = cli->api.authorization[0] ? curl_slist_append(NULL, cli->api.authorization) : NULL;
	CURL *curl = curl_easy_init();
	long status = 0;
	json_t *doc;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &f);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (cli->api.ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, cli->api.ca);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);

	CURLcode code = curl_easy_perform(curl);

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	free(f.line);
	if (code == CURLE_OK && status == 200)
		return CLI_OK; /* the daemon stopped */
	if (status >= 400) /* once more for its words */
		return cli_ask(cli, "GET", path, NULL, &doc);
	fprintf(stderr, "tipring: %s at %s (%s)\n", status ? "the daemon has gone" : "no daemon", cli->api.base, curl_easy_strerror(code));

	return CLI_UNREACHABLE;
}
