/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include <string.h>

static const struct row {
	const char *name, *text;
	int sip, http;
} rows[] = {
#define X(code, name, sip, http, text) [code - TR_E_FIRST] = {name, text, sip, http},
	TR_ERRORS(X)
#undef X
};

static const struct row *row_of(int err)
{
	if (err < 0)
		err = -err;

	return err > TR_E_FIRST && err < TR_E_END ? &rows[err - TR_E_FIRST] : NULL;
}

const char *err_name(int err)
{
	const struct row *row = row_of(err);

	if (row)
		return row->name;

	const char *name = strerrorname_np(err < 0 ? -err : err);

	return err == 0 ? "ok" : name ? name : "unknown";
}

const char *err_text(int err)
{
	const struct row *row = row_of(err);

	if (row)
		return row->text;

	const char *text = strerrordesc_np(err < 0 ? -err : err);

	return text ? text : "unknown error";
}

int err_sip_status(int err)
{
	const struct row *row = row_of(err);

	return row ? row->sip : err ? 500 : 200;
}

int err_http_status(int err)
{
	const struct row *row = row_of(err);

	return row ? row->http : err ? 500 : 200;
}
