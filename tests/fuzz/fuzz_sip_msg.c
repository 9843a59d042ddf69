/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "sip/msg.h"
#include "sip/write.h"

/*
 * Any bytes as a datagram. Spans lie inside of the input; a clone equals its original; what was read, written again and read
 * again is the same; a refusal can always be written.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *begin, *end;

static void inside(struct span s)
{
	assert(s.p == NULL ? s.n == 0 : s.p >= begin && s.p <= end && s.n <= (size_t)(end - s.p));
}

static void check_spans(const struct sip_msg *msg)
{
	const struct span spans[] = {msg->text, msg->method_name, msg->request_uri, msg->reason, msg->call_id, msg->from, msg->to,
		msg->from_tag, msg->to_tag, msg->body, msg->cseq.method_name, msg->uri.text, msg->uri.user, msg->uri.host,
		msg->uri.params, msg->uri.headers, msg->via.text, msg->via.host, msg->via.branch, msg->via.params,
		msg->via.received};
	size_t listed = 0;

	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		inside(spans[i]);
	assert(msg->header_count <= LIMIT_SIP_HEADERS);
	for (unsigned i = 0; i < msg->header_count; i++) {
		inside(msg->headers[i].name);
		inside(msg->headers[i].value);
		assert(msg->headers[i].name.n > 0);
		assert(sip_hdr_find(msg->headers[i].name) == msg->headers[i].id);
	}
	for (int id = SIP_HDR_OTHER; id < SIP_HDR_COUNT; id++) {
		const struct sip_header *hdr = sip_msg_find(msg, (enum sip_hdr_id)id);

		for (; hdr; hdr = sip_msg_find_next(msg, hdr), listed++)
			assert(hdr->id == (enum sip_hdr_id)id);
	}
	assert(listed == msg->header_count);
}

static void walk_lists(const struct sip_msg *msg)
{
	for (int id = SIP_HDR_OTHER + 1; id < SIP_HDR_COUNT; id++) {
		struct sip_list it;
		struct span value;

		sip_list_init(&it, msg, (enum sip_hdr_id)id);
		while (sip_list_next(&it, &value)) {
			inside(value);
			assert(value.n > 0);
		}
	}
}

static void check_clone(const struct sip_msg *msg)
{
	struct sip_msg *clone = sip_msg_clone(msg);

	assert(clone);
	begin = clone->text.p;
	end = begin + clone->text.n;
	assert(span_eq(clone->text, msg->text) && span_eq(clone->via.branch, msg->via.branch));
	assert(span_eq(clone->uri.host, msg->uri.host) && span_eq(clone->body, msg->body));
	check_spans(clone);
	sip_msg_free(clone);
}

static void check_refusal(const struct sip_msg *msg, uint16_t status)
{
	static char buf[2 * LIMIT_SIP_MSG_BYTES];
	static struct sip_msg answer;
	struct sip_response_params params = {.status = status, .to_tag = SPAN_LIT("t"), .received = SPAN_LIT("192.0.2.1"), .rport = 9};
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, buf, sizeof(buf));
	sip_write_response(&w, msg, &params);
	sip_write_end(&w);
	assert(sip_writer_finish(&w, &text) == 0);
	if (text.n > LIMIT_SIP_MSG_BYTES)
		return;
	(void)!sip_msg_parse(&answer, text.p, text.n);
	assert(!answer.is_request && answer.status == status);
	assert(span_eq(answer.via.host, msg->via.host) && span_eq(answer.via.branch, msg->via.branch));
	assert(span_eq_z(answer.via.received, "192.0.2.1"));
}

/* Reads what it wrote. */
static void check_round_trip(const struct sip_msg *msg)
{
	static char buf[2 * LIMIT_SIP_MSG_BYTES];
	static struct sip_msg again;
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, buf, sizeof(buf));
	if (msg->is_request) {
		sip_write_span(&w, msg->method_name);
		sip_write_z(&w, " ");
		sip_write_uri(&w, &(struct sip_uri){.text = msg->request_uri});
		sip_write_z(&w, " SIP/2.0");
		sip_write_hdr_end(&w);
	} else {
		sip_write_status_line(&w, msg->status, msg->reason.p ? msg->reason : SPAN_LIT(""));
	}
	for (unsigned i = 0; i < msg->header_count; i++)
		if (msg->headers[i].id != SIP_HDR_CONTENT_LENGTH)
			sip_write_hdr_named(&w, msg->headers[i].name, msg->headers[i].value);
	sip_write_body(&w, (struct span){0}, msg->body);
	assert(sip_writer_finish(&w, &text) == 0);
	if (text.n > LIMIT_SIP_MSG_BYTES)
		return;

	if (sip_msg_parse(&again, text.p, text.n)) {
		assert(msg->header_count == LIMIT_SIP_HEADERS); /* no room for Content-Length */
		return;
	}
	assert(again.is_request == msg->is_request && again.method == msg->method && again.status == msg->status);
	assert(span_eq(again.call_id, msg->call_id) && again.cseq.number == msg->cseq.number);
	assert(span_eq(again.from_tag, msg->from_tag) && span_eq(again.to_tag, msg->to_tag));
	assert(span_eq(again.via.branch, msg->via.branch) && again.via.port == msg->via.port);
	assert(span_eq(again.body, msg->body) && again.max_forwards == msg->max_forwards);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_msg msg;
	struct sip_parse_error error = {0};
	int err;

	begin = (const char *)data;
	end = begin + size;
	err = sip_msg_parse(&msg, begin, size);
	assert(err == 0 || err == -TR_EPARSE || err == -TR_ETOOBIG);
	assert((err == 0) == (msg.error.text == NULL));
	if (err && msg.error.status == 0)
		return 0;

	assert(err == 0 || (msg.is_request && msg.method != SIP_ACK && msg.via.host.n));
	check_spans(&msg);
	walk_lists(&msg);
	if (err) {
		check_refusal(&msg, msg.error.status);
		return 0;
	}
	if (sip_msg_check(&msg, &error))
		assert(error.status >= 400 && error.text);
	check_round_trip(&msg);
	check_clone(&msg);

	return 0;
}
