/* SPDX-License-Identifier: Apache-2.0 */
#include "api/problem.h"

json_t *problem(int *ret_status, int status, const char *fmt, ...)
{
	static const struct {
		int status;
		const char *title;
	} titles[] = {
		{400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"}, {409, "Conflict"},
		{410, "Gone"}, {413, "Content Too Large"}, {414, "URI Too Long"}, {422, "Unprocessable Content"}, {429, "Too Many Requests"}, {500, "Internal Server Error"},
		{501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"}, {504, "Gateway Timeout"},
	};
	const char *title = "Error";
	char detail[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (titles[i].status == status)
			title = titles[i].title;
	*ret_status = status;

	json_t *o = json_pack("{s:s, s:i, s:s}", "title", title, "status", status, "detail", detail);

	return o ? o : json_pack("{s:s, s:i}", "title", title, "status", status);
}
