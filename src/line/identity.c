/* SPDX-License-Identifier: Apache-2.0 */
#include "line/identity.h"
#include "sip/write.h"

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static void copy(struct span s, char *ret, size_t cap)
{
	s.n = MIN(s.n, cap - 1);
	for (size_t i = 0; i < s.n; i++)
		ret[i] = s.p[i] >= 0 && s.p[i] < 0x20 ? ' ' : s.p[i];
	ret[s.n] = 0;
}

/* The user part, or the whole URI when it has none: "tel:+4930;phone-context=x" gives its number. */
static void copy_user(const struct sip_uri *uri, char *ret)
{
	char text[IDENTITY_TEXT];
	struct span user = uri->user.n ? uri->user : uri->text, plain = user;

	if (uri->user.n) {
		/* "alice;phone-context=x@host": parameters of the number within the user part, RFC 3261 §19.1.6 */
		plain = span_cut(&user, ';');
		if (sip_unescape(plain, text, sizeof(text), &plain) != 0)
			plain = span(NULL, 0);
	}
	copy(plain, ret, IDENTITY_TEXT);
}

static void copy_name(const struct sip_name_addr *a, char *ret)
{
	char text[IDENTITY_TEXT];
	struct span plain = span_trim(a->display);

	if (a->is_quoted && sip_unquote(a->display, text, sizeof(text), &plain) != 0)
		plain = span(NULL, 0);
	copy(plain, ret, IDENTITY_TEXT);
}

static bool is_anonymous(const struct sip_name_addr *a)
{
	return span_ieq_z(a->uri.user, "anonymous") || span_ieq_z(a->uri.host, "anonymous.invalid") ||
		span_ieq_z(a->uri.user, "restricted") || span_ieq_z(a->uri.user, "unavailable");
}

/* P-Asserted-Identity may come twice, a sip and a tel URI (RFC 3325 §9.1): the first with a user. */
static bool read_asserted(const struct sip_msg *m, enum sip_hdr_id id, struct line_identity *ret)
{
	struct sip_list it;
	struct span value, privacy;
	struct sip_name_addr a;

	sip_list_init(&it, m, id);
	while (sip_list_next(&it, &value)) {
		if (sip_name_addr_parse(&a, value) != 0 || !a.uri.user.n)
			continue;
		copy_user(&a.uri, ret->number);
		if (a.display.n)
			copy_name(&a, ret->name);
		ret->is_asserted = !is_anonymous(&a);
		if (id == SIP_HDR_REMOTE_PARTY_ID && sip_param_find(a.params, "privacy", &privacy) && !span_ieq_z(privacy, "off"))
			ret->is_private = true;
		return true;
	}

	return false;
}

/* RFC 3323 §4.2: "id", "user", "header" hide the caller; "none" says that nothing has to be hidden. */
static bool wants_privacy(const struct sip_msg *m)
{
	for (const struct sip_header *h = sip_msg_find(m, SIP_HDR_PRIVACY); h; h = sip_msg_find_next(m, h))
		for (struct span rest = h->value, word; rest.p;) {
			word = span_trim(span_cut(&rest, ';'));
			if (span_ieq_z(word, "id") || span_ieq_z(word, "user") || span_ieq_z(word, "header") || span_ieq_z(word, "full"))
				return true;
		}

	return false;
}

/* RFC 5806 §9: the topmost is the latest, the last one the number that was dialled first. */
static void read_diversion(const struct sip_msg *m, struct line_identity *ret)
{
	struct sip_list it;
	struct span value, reason;
	struct sip_name_addr a;

	sip_list_init(&it, m, SIP_HDR_DIVERSION);
	while (sip_list_next(&it, &value)) {
		if (sip_name_addr_parse(&a, value) != 0)
			continue;
		if (!ret->diversions++) {
			copy_user(&a.uri, ret->diverted_from);
			if (sip_param_find(a.params, "reason", &reason))
				copy(reason, ret->diverted_why, sizeof(ret->diverted_why));
		}
		copy_user(&a.uri, ret->dialled_first);
	}
}

/* RFC 4458 §2: causes of a retargeting, as RFC 5806 calls them. */
static const char *cause_name(struct span cause)
{
	static const struct {
		const char *cause, *name;
	} rows[] = {{"302", "unconditional"}, {"404", "unknown"}, {"408", "no-answer"}, {"480", "deflection"},
		{"486", "user-busy"}, {"487", "deflection"}, {"503", "unavailable"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (span_eq_z(cause, rows[i].cause))
			return rows[i].name;

	return "";
}

/*
 * RFC 7044: entries in the order of the targets; the last is the present one. Only an entry that says why it came (cause, or its
 * "mp" parameter) diverts: proxies list their own hops as well.
 */
static void read_history(const struct sip_msg *m, struct line_identity *ret)
{
	char before[IDENTITY_TEXT] = "", first[IDENTITY_TEXT] = "";
	struct sip_list it;
	struct span value, cause;
	struct sip_name_addr a;

	sip_list_init(&it, m, SIP_HDR_HISTORY_INFO);
	while (sip_list_next(&it, &value)) {
		if (sip_name_addr_parse(&a, value) != 0)
			continue;

		bool has_cause = sip_uri_param(&a.uri, "cause", &cause);

		if (before[0] && (has_cause || sip_param_find(a.params, "mp", NULL))) {
			ret->diversions++;
			buf_copy(ret->diverted_from, sizeof(ret->diverted_from), before);
			buf_copy(ret->diverted_why, sizeof(ret->diverted_why), has_cause ? cause_name(cause) : "");
		}
		copy_user(&a.uri, before);
		if (!first[0])
			buf_copy(first, sizeof(first), before);
	}
	if (ret->diversions)
		buf_copy(ret->dialled_first, sizeof(ret->dialled_first), first);
}

static void read_language(const struct sip_msg *m, struct line_identity *ret)
{
	struct span list = sip_msg_value(m, SIP_HDR_ACCEPT_LANGUAGE), first = span_cut(&list, ',');

	copy(span_trim(span_cut(&first, ';')), ret->language, sizeof(ret->language));
	if (!strcmp(ret->language, "*"))
		ret->language[0] = 0;
}

void identity_read(const struct sip_msg *m, bool is_trusted, struct line_identity *ret)
{
	struct sip_name_addr from;
	bool has_from = sip_name_addr_parse(&from, m->from) == 0;

	*ret = (struct line_identity){.is_private = wants_privacy(m)};
	if (has_from) {
		copy_user(&from.uri, ret->number);
		copy_name(&from, ret->name);
	}

	bool is_asserted = is_trusted && (read_asserted(m, SIP_HDR_P_ASSERTED_IDENTITY, ret) ||
		read_asserted(m, SIP_HDR_REMOTE_PARTY_ID, ret));

	ret->is_private |= has_from && is_anonymous(&from);
	if (ret->is_private && !is_asserted) {
		buf_copy(ret->number, sizeof(ret->number), "anonymous");
		ret->name[0] = 0;
	}
	read_diversion(m, ret);
	if (!ret->diversions)
		read_history(m, ret);
	read_language(m, ret);
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static void write_party(struct sip_writer *w, const struct identity_out *id, const char *user)
{
	char buf[400];
	struct sip_writer u;
	struct sip_addr_params p = {.display = span_z(id->name)};

	sip_writer_init(&u, buf, sizeof(buf));
	sip_write_z(&u, "sip:");
	if (user) {
		sip_write_user(&u, span_z(user));
		sip_write_char(&u, '@');
	}
	sip_write_z(&u, id->domain);
	if (sip_writer_finish(&u, &p.uri) != 0)
		w->err = u.err;
	else
		sip_write_name_addr(w, &p);
}

static void write_identity(struct sip_writer *w, enum sip_hdr_id hdr, const struct identity_out *id, const char *user)
{
	sip_write_hdr_begin(w, hdr);
	write_party(w, id, user);
	if (hdr == SIP_HDR_REMOTE_PARTY_ID)
		sip_write_z(w, id->is_private ? ";party=calling;privacy=full;screen=no" : ";party=calling;privacy=off;screen=no");
	sip_write_hdr_end(w);
}

static int finish(struct sip_writer *w, char *ret, size_t cap)
{
	struct span text;
	int err = sip_writer_finish(w, &text);

	ret[err ? 0 : text.n] = 0;

	return err;
}

int identity_write(const struct identity_out *id, char *ret_from, size_t from_cap, char *ret_headers, size_t headers_cap)
{
	static const struct {
		unsigned place;
		enum sip_hdr_id hdr;
	} rows[] = {{IDENTITY_PAI, SIP_HDR_P_ASSERTED_IDENTITY}, {IDENTITY_PPI, SIP_HDR_P_PREFERRED_IDENTITY},
		{IDENTITY_RPID, SIP_HDR_REMOTE_PARTY_ID}};
	bool has_number = id->number && id->number[0];
	const char *caller = has_number ? id->number : id->user;
	struct sip_writer w;

	if ((id->name && !sip_text_is_safe(span_z(id->name))) || (caller && !sip_text_is_safe(span_z(caller))))
		return -TR_EPARSE;
	sip_writer_init(&w, ret_from, from_cap - 1);
	if (id->is_private)
		sip_write_z(&w, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
	else if (id->name || (has_number && id->places & IDENTITY_FROM))
		write_party(&w, id, id->places & IDENTITY_FROM ? caller : id->user);

	int err = finish(&w, ret_from, from_cap);

	sip_writer_init(&w, ret_headers, headers_cap - 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (caller && id->places & rows[i].place)
			write_identity(&w, rows[i].hdr, id, caller);
	/* RFC 3325 §9.3 wants the identity asserted when it is to be hidden; a carrier that gets neither refuses the call. */
	if (id->is_private && caller && !(id->places & (IDENTITY_PAI | IDENTITY_PPI | IDENTITY_RPID)))
		write_identity(&w, SIP_HDR_P_PREFERRED_IDENTITY, id, caller);
	if (id->is_private)
		sip_write_hdr_z(&w, SIP_HDR_PRIVACY, "id");

	return err ? err : finish(&w, ret_headers, headers_cap);
}
