/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/write.h"
#include "sip/lex.h"

static void poison(struct sip_writer *w, int err)
{
	if (w->err == 0)
		w->err = err;
}

/* Room for n more bytes, or NULL and the sticky error. */
static char *reserve(struct sip_writer *w, size_t n)
{
	char *at = w->buf + w->n;

	if (w->err)
		return NULL;
	if (n > w->cap - w->n) {
		poison(w, -TR_ETOOBIG);
		return NULL;
	}
	w->n += n;

	return at;
}

static void put_raw(struct sip_writer *w, const char *p, size_t n)
{
	char *at = reserve(w, n);

	if (at && n)
		memcpy(at, p, n);
}

#define PUT(w, literal) put_raw(w, literal, sizeof(literal) - 1)

void sip_writer_init(struct sip_writer *ret, char *buf, size_t cap)
{
	*ret = (struct sip_writer){.buf = buf, .cap = cap};
}

int sip_writer_finish(struct sip_writer *w, struct span *ret)
{
	if (w->err == 0)
		*ret = span(w->buf, w->n);

	return w->err;
}

/* ---- pieces ---- */

/* Almost no text has a control character, so one pass that the compiler vectorises looks for them first. */
static bool has_control(struct span text)
{
	unsigned hits = 0;

	for (size_t i = 0; i < text.n; i++)
		hits |= (unsigned char)text.p[i] < 0x20;

	return hits;
}

void sip_write_span(struct sip_writer *w, struct span text)
{
	char *at = reserve(w, text.n);

	if (!at || text.n == 0)
		return;
	memcpy(at, text.p, text.n);
	if (!has_control(text))
		return;

	for (size_t i = 0; i < text.n; i++)
		if (at[i] == '\r' || at[i] == '\n' || at[i] == 0)
			at[i] = ' ';
}

void sip_write_z(struct sip_writer *w, const char *text)
{
	sip_write_span(w, span_z(text));
}

void sip_write_char(struct sip_writer *w, char c)
{
	sip_write_span(w, span(&c, 1));
}

void sip_write_u32(struct sip_writer *w, uint32_t value)
{
	char digits[10];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	put_raw(w, digits + at, sizeof(digits) - at);
}

bool sip_text_is_safe(struct span text)
{
	return !has_control(text) && span_find(text, 0x7f) == text.n;
}

bool sip_text_is_token(struct span text)
{
	struct span rest = text;

	lex_class(&rest, CH_TOKEN);

	return text.n && rest.n == 0;
}

void sip_write_token(struct sip_writer *w, struct span token)
{
	if (!sip_text_is_token(token))
		poison(w, -TR_EPARSE);
	put_raw(w, token.p, token.n);
}

void sip_write_quoted(struct sip_writer *w, struct span text)
{
	PUT(w, "\"");
	while (text.n) {
		size_t n = 0;

		while (n < text.n && text.p[n] != '"' && text.p[n] != '\\')
			n++;
		sip_write_span(w, span(text.p, n));
		lex_skip(&text, n);
		if (text.n) {
			PUT(w, "\\");
			put_raw(w, text.p, 1);
			lex_skip(&text, 1);
		}
	}
	PUT(w, "\"");
}

/* A host from a configuration or a socket: no character that would end it. */
static void write_host_only(struct sip_writer *w, struct span host)
{
	struct span rest = host;
	bool is_ipv6 = span_find(host, ':') < host.n;

	lex_class(&rest, CH_HOST);
	if (host.n == 0 || (is_ipv6 ? !lex_is_ipv6(host) : rest.n != 0)) {
		poison(w, -TR_EPARSE);
		return;
	}
	if (is_ipv6)
		PUT(w, "[");
	put_raw(w, host.p, host.n);
	if (is_ipv6)
		PUT(w, "]");
}

void sip_write_host(struct sip_writer *w, struct span host, uint16_t port)
{
	write_host_only(w, host);
	if (port) {
		PUT(w, ":");
		sip_write_u32(w, port);
	}
}

/* ---- URIs ---- */

static void write_escaped(struct sip_writer *w, struct span text, const char *plain)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		char escape[3] = {'%', hex[c >> 4], hex[c & 15]};
		bool is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

		if (is_alnum || (c && strchr(plain, c)))
			put_raw(w, text.p + i, 1);
		else
			put_raw(w, escape, 3);
	}
}

/* RFC 3261 §25.1: mark and user-unreserved. ';' and '?' are legal too, but escaped they cannot be misread. */
void sip_write_user(struct sip_writer *w, struct span user)
{
	write_escaped(w, user, "-_.!~*'()&=+$,/");
}

void sip_write_uri_header(struct sip_writer *w, struct span text)
{
	write_escaped(w, text, "-_.!~*'()");
}

/* Refuses what could end a URI inside of <> or a start line. */
static void write_uri_text(struct sip_writer *w, struct span text)
{
	struct span rest = text;

	lex_class(&rest, CH_URI | CH_VALUE); /* all but quotes, <> and what is not visible */
	if (text.n == 0 || rest.n)
		poison(w, -TR_EPARSE);
	put_raw(w, text.p, text.n);
}

void sip_write_uri(struct sip_writer *w, const struct sip_uri *uri)
{
	if (uri->host.n == 0) {
		write_uri_text(w, uri->text);
		return;
	}

	if (uri->scheme == SIP_SCHEME_SIPS)
		PUT(w, "sips:");
	else
		PUT(w, "sip:");
	if (uri->user.p) {
		write_uri_text(w, uri->user);
		if (uri->password.p) {
			PUT(w, ":");
			if (uri->password.n)
				write_uri_text(w, uri->password);
		}
		PUT(w, "@");
	}
	sip_write_host(w, uri->host, uri->port);
	if (uri->params.n) {
		PUT(w, ";");
		write_uri_text(w, uri->params);
	}
	if (uri->headers.n) {
		PUT(w, "?");
		write_uri_text(w, uri->headers);
	}
}

/* RFC 3261 §20.20: the name always in quotes, the address always in <>; nothing is left to be misread. */
void sip_write_name_addr(struct sip_writer *w, const struct sip_addr_params *params)
{
	if (params->display.n) {
		sip_write_quoted(w, params->display);
		PUT(w, " ");
	}
	PUT(w, "<");
	write_uri_text(w, params->uri);
	PUT(w, ">");
	if (params->tag.n) {
		PUT(w, ";tag=");
		sip_write_span(w, params->tag);
	}
	if (params->params.n) {
		PUT(w, ";");
		sip_write_span(w, params->params);
	}
}

/* ---- start lines ---- */

void sip_write_request_line(struct sip_writer *w, enum sip_method method, struct span request_uri)
{
	sip_write_token(w, sip_method_word(method));
	PUT(w, " ");
	write_uri_text(w, request_uri);
	PUT(w, " SIP/2.0\r\n");
}

void sip_write_status_line(struct sip_writer *w, uint16_t status, struct span reason)
{
	PUT(w, "SIP/2.0 ");
	if (status < 100 || status > 699)
		poison(w, -TR_EPARSE);
	sip_write_u32(w, status);
	PUT(w, " ");
	sip_write_span(w, reason.p ? reason : sip_reason_phrase(status));
	PUT(w, "\r\n");
}

/* ---- header fields ---- */

void sip_write_hdr_begin(struct sip_writer *w, enum sip_hdr_id id)
{
	struct span name = sip_hdr_name(id);

	if (name.n == 0)
		poison(w, -TR_EPARSE);
	put_raw(w, name.p, name.n);
	PUT(w, ": ");
}

void sip_write_hdr_end(struct sip_writer *w)
{
	PUT(w, "\r\n");
}

void sip_write_hdr(struct sip_writer *w, enum sip_hdr_id id, struct span value)
{
	if (value.p == NULL)
		return;
	sip_write_hdr_begin(w, id);
	sip_write_span(w, value);
	sip_write_hdr_end(w);
}

void sip_write_hdr_z(struct sip_writer *w, enum sip_hdr_id id, const char *value)
{
	sip_write_hdr(w, id, span_z(value));
}

void sip_write_hdr_u32(struct sip_writer *w, enum sip_hdr_id id, uint32_t value)
{
	sip_write_hdr_begin(w, id);
	sip_write_u32(w, value);
	sip_write_hdr_end(w);
}

void sip_write_hdr_named(struct sip_writer *w, struct span name, struct span value)
{
	sip_write_token(w, name);
	PUT(w, ": ");
	sip_write_span(w, value);
	sip_write_hdr_end(w);
}

void sip_write_copy(struct sip_writer *w, const struct sip_msg *msg, enum sip_hdr_id id)
{
	const struct sip_header *hdr = sip_msg_find(msg, id);

	for (; hdr; hdr = sip_msg_find_next(msg, hdr))
		sip_write_hdr(w, id, hdr->value);
}

void sip_write_cseq(struct sip_writer *w, uint32_t number, struct span method_name)
{
	PUT(w, "CSeq: ");
	sip_write_u32(w, number);
	PUT(w, " ");
	sip_write_token(w, method_name);
	sip_write_hdr_end(w);
}

void sip_write_rack(struct sip_writer *w, const struct sip_rack *rack)
{
	PUT(w, "RAck: ");
	sip_write_u32(w, rack->rseq);
	PUT(w, " ");
	sip_write_u32(w, rack->cseq);
	PUT(w, " ");
	sip_write_token(w, rack->method_name.p ? rack->method_name : sip_method_word(rack->method));
	sip_write_hdr_end(w);
}

void sip_write_session_expires(struct sip_writer *w, uint32_t interval, enum sip_refresher refresher)
{
	PUT(w, "Session-Expires: ");
	sip_write_u32(w, interval);
	if (refresher == SIP_REFRESHER_UAC)
		PUT(w, ";refresher=uac");
	else if (refresher == SIP_REFRESHER_UAS)
		PUT(w, ";refresher=uas");
	sip_write_hdr_end(w);
}

void sip_write_via(struct sip_writer *w, const struct sip_via_params *params)
{
	PUT(w, "Via: SIP/2.0/");
	sip_write_token(w, sip_transport_word(params->transport));
	PUT(w, " ");
	sip_write_host(w, params->host, params->port);
	PUT(w, ";branch=");
	sip_write_token(w, params->branch);
	if (params->has_rport)
		PUT(w, ";rport");
	if (params->has_alias)
		PUT(w, ";alias");
	sip_write_hdr_end(w);
}

void sip_write_addr(struct sip_writer *w, enum sip_hdr_id id, const struct sip_addr_params *params)
{
	sip_write_hdr_begin(w, id);
	sip_write_name_addr(w, params);
	sip_write_hdr_end(w);
}

/* ---- the end ---- */

void sip_write_body(struct sip_writer *w, struct span content_type, struct span body)
{
	if (body.n)
		sip_write_hdr(w, SIP_HDR_CONTENT_TYPE, content_type);
	if (body.n > UINT32_MAX) {
		poison(w, -TR_ETOOBIG);
		return;
	}
	PUT(w, "Content-Length: ");
	sip_write_u32(w, (uint32_t)body.n);
	PUT(w, "\r\n\r\n");
	put_raw(w, body.p, body.n);
}

void sip_write_end(struct sip_writer *w)
{
	sip_write_body(w, (struct span){0}, (struct span){0});
}
