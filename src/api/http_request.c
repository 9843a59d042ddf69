/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_request.h"
#include "base/addr.h"
#include <libwebsockets.h>

bool http_is_from_here(struct lws *wsi, bool has_names)
{
	char origin[256] = "", host[256] = "";
	struct span name;
	struct addr a;

	if (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) > 0 && lws_hdr_copy(wsi, host, sizeof(host), WSI_TOKEN_HOST) < 0)
		return false;
	if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0) {
		const char *at = lws_hdr_copy(wsi, origin, sizeof(origin), WSI_TOKEN_ORIGIN) > 0 ? strstr(origin, "://") : NULL;

		if (!at || strcmp(at + 3, host) != 0)
			return false;
	}
	name = span_z(host);
	if (has_names || !host[0] || addr_parse(name, 80, &a))
		return true;
	name = span_cut(&name, ':');

	return span_ieq_z(name, "localhost");
}

bool http_read_args(struct lws *wsi, char *ret_args, size_t cap)
{
	size_t at = 0;

	ret_args[0] = 0;
	for (int i = 0;; i++) {
		int n = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);

		if (n <= 0)
			return true;
		if (at + (size_t)n + 2 > cap)
			return false;
		if (i)
			ret_args[at++] = '&';
		n = lws_hdr_copy_fragment(wsi, ret_args + at, (int)(cap - at), WSI_TOKEN_HTTP_URI_ARGS, i);
		if (n < 0)
			return false;
		at += (size_t)n;
	}
}

bool http_is_at(struct lws *wsi, const char *path)
{
	char got[64];

	return lws_hdr_copy(wsi, got, sizeof(got), WSI_TOKEN_GET_URI) > 0 && !strcmp(got, path);
}
