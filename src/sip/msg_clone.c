/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/msg.h"

/* A clone is one block: the message up to its last header, then the bytes. All spans move by the same distance. */

static void move(struct span *s, const char *from, const char *to)
{
	if (s->p)
		s->p = to + (s->p - from);
}

static void move_uri(struct sip_uri *uri, const char *from, const char *to)
{
	struct span *const spans[] = {&uri->text, &uri->scheme_text, &uri->user, &uri->password, &uri->host, &uri->params,
		&uri->headers, &uri->opaque};

	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		move(spans[i], from, to);
}

static void move_via(struct sip_via *via, const char *from, const char *to)
{
	struct span *const spans[] = {&via->transport_text, &via->host, &via->params, &via->branch, &via->received,
		&via->maddr, &via->text};

	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		move(spans[i], from, to);
}

struct sip_msg *sip_msg_clone(const struct sip_msg *msg)
{
	size_t head = offsetof(struct sip_msg, headers) + msg->header_count * sizeof(msg->headers[0]);
	char *block = malloc(head + msg->text.n);
	struct sip_msg *clone = (struct sip_msg *)(void *)block;
	const char *from = msg->text.p, *to = block + head;

	if (!block)
		return NULL;
	memcpy(block, msg, head);
	memcpy(block + head, msg->text.p, msg->text.n);

	struct span *const spans[] = {&clone->text, &clone->method_name, &clone->request_uri, &clone->reason, &clone->call_id,
		&clone->from, &clone->to, &clone->from_tag, &clone->to_tag, &clone->cseq.method_name, &clone->body};

	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		move(spans[i], from, to);
	move_uri(&clone->uri, from, to);
	move_via(&clone->via, from, to);
	for (unsigned i = 0; i < clone->header_count; i++) {
		move(&clone->headers[i].name, from, to);
		move(&clone->headers[i].value, from, to);
	}

	return clone;
}

struct sip_msg *sip_msg_free(struct sip_msg *clone)
{
	free(clone);

	return NULL;
}
