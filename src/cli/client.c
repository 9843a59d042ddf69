/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"
#include <curl/curl.h>

struct buffer {
	char *p;
	size_t n;
};

void client_init(struct client *c, const char *url, const char *key)
{
	const char *env = getenv("TIPRING_API");

	if (!key)
		key = getenv("TIPRING_API_KEY");
	c->ca = getenv("TIPRING_API_CA");
	c->authorization[0] = 0;
	if (key && key[0] && buf_format(c->authorization, sizeof(c->authorization), "Authorization: Bearer %s", key) != 0)
		c->authorization[0] = 0; /* longer than any key */

	buf_copy(c->base, sizeof(c->base), url ? url : env ? env : "http://127.0.0.1:8060");
}

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
	struct buffer *b = ctx;

	b->p = mem_realloc(b->p, b->n + n + 1);
	memcpy(b->p + b->n, data, n);
	b->n += n;
	b->p[b->n] = 0;

	return n;
}

int client_ask_text(struct client *c, const char *method, const char *path, const char *body, char **ret_text, char *ret_why, size_t cap)
{
	auto_free char *url = mem_format("%s%s", c->base, path);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	struct buffer got = {0};
	long status = 0;
	CURL *curl = curl_easy_init();

	if (c->authorization[0])
		headers = curl_slist_append(headers, c->authorization);

	*ret_text = NULL;
	if (!curl) {
		curl_slist_free_all(headers);
		return -ENOMEM;
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 10000L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (c->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);

	CURLcode code = curl_easy_perform(curl);

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	if (code != CURLE_OK) {
		free(got.p);
		snprintf(ret_why, cap, code == CURLE_PEER_FAILED_VERIFICATION ?
			"%s is not trusted (%s): name its CA's file in TIPRING_API_CA, and the host as its certificate has it" :
			"no daemon at %s (%s): start one with `tipring serve`, or name it with --api", c->base, curl_easy_strerror(code));
		return -TR_ETRANSPORT;
	}

	*ret_text = got.p;

	return (int)status;
}

int client_ask(struct client *c, const char *method, const char *path, const char *body, json_t **ret_doc, char *ret_why, size_t cap)
{
	auto_free char *text = NULL;
	int status = client_ask_text(c, method, path, body, &text, ret_why, cap);

	*ret_doc = text ? json_loads(text, 0, NULL) : NULL;

	return status;
}

char *client_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0), *copy = mem_strdup(escaped ? escaped : "");

	curl_free(escaped);

	return copy;
}
