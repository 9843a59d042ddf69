/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "api/control.h"
#include "store/reader.h"
#include "store/store.h"

/*
 * What the HTTP API says of calls on record. Runs on the API's own thread: reading a disk never holds up a call.
 *
 *	GET    /v1/records?from=&to=&line=&agent=&number=&direction=&limit=&before=   {"records": [...], "before": N or null}
 *	GET    /v1/records.csv?...      the same as a table (RFC 4180)
 *	GET    /v1/records/ID           the whole record
 *	DELETE /v1/records/ID           forgets it and its recording -> 202
 *
 * from and to: 2026-11-25, 2026-11-25T14:30:00 (UTC), or milliseconds since 1970. Pages: before of one answer is before of the next request.
 */
struct records_api {
	struct store *store; /* NULL: no records are kept */
	struct store_reader *reader;
};

/* The answer's text, which the caller frees; NULL: out of memory. *ret_type is a literal. */
char *records_handle(struct records_api *api, const struct control_request *rq, int *ret_status, const char **ret_type);
