/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/testing.h"
#include "sip/msg.h"

/* Reading the message files of the conformance tests, and what became of a message. */

enum outcome {
	ACCEPTED,	/* parsed and checked */
	ANSWERED,	/* refused with a status */
	DROPPED,	/* refused without an answer */
};

struct message_file {
	char buf[LIMIT_SIP_MSG_BYTES + 1];
	size_t n;
	struct sip_msg msg;
	struct sip_parse_error error;
	enum outcome outcome;
};

static inline void message_read(struct message_file *f, const char *folder, const char *name)
{
	char path[1024];
	FILE *file;

	assert_int_equal(buf_format(path, sizeof(path), "%s/%s/%s.dat", CONFORMANCE_DIR, folder, name), 0);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("%s cannot be read", path);
	f->n = fread(f->buf, 1, sizeof(f->buf), file);
	fclose(file);
}

/* As a server core does it: parse, and check what parses. */
static inline void message_judge(struct message_file *f)
{
	memset(&f->error, 0, sizeof(f->error));
	f->outcome = ACCEPTED;
	if (sip_msg_parse(&f->msg, f->buf, f->n)) {
		f->error = f->msg.error;
		f->outcome = f->error.status ? ANSWERED : DROPPED;
		assert_non_null(f->error.text);
	} else if (sip_msg_check(&f->msg, &f->error)) {
		f->outcome = f->msg.is_request ? ANSWERED : DROPPED;
		assert_non_null(f->error.text);
	}
}
