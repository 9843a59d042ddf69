/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/sdp.h"

/* One walk over the lines. Session-level values precede the m-lines (RFC 8866 §5), so a new m-line
 * copies them and overrides. */
struct reader {
	struct sdp *sdp;
	struct sdp_error *error;
	unsigned line;
	bool has_version;
	bool has_conn;     /* of the level being read: the first c= counts */
	uint16_t ptime_ms; /* at session level, where it does not belong but is seen */
	uint16_t maxptime_ms;
};

static const char *const dir_names[] = {
	[SDP_INACTIVE] = "inactive",
	[SDP_SENDONLY] = "sendonly",
	[SDP_RECVONLY] = "recvonly",
	[SDP_SENDRECV] = "sendrecv",
};

static const char *const proto_names[] = {
	[SDP_RTP_AVP] = "RTP/AVP",
	[SDP_RTP_AVPF] = "RTP/AVPF",
	[SDP_RTP_SAVP] = "RTP/SAVP",
	[SDP_RTP_SAVPF] = "RTP/SAVPF",
	[SDP_DTLS_SAVP] = "UDP/TLS/RTP/SAVP",
	[SDP_DTLS_SAVPF] = "UDP/TLS/RTP/SAVPF",
	[SDP_OTHER_PROTO] = "other",
};

const char *sdp_dir_name(enum sdp_dir d)
{
	return dir_names[d & SDP_SENDRECV];
}

const char *sdp_proto_name(enum sdp_proto p)
{
	return p < SDP_OTHER_PROTO ? proto_names[p] : proto_names[SDP_OTHER_PROTO];
}

static int fail(struct reader *r, int err, const char *what)
{
	*r->error = (struct sdp_error){.line = r->line, .what = what};

	return err;
}

/* The next word of a line; several blanks count as one. */
static struct span word(struct span *rest)
{
	while (rest->n && rest->p[0] == ' ')
		*rest = span(rest->p + 1, rest->n - 1);

	return span_cut(rest, ' ');
}

/* The digits that s begins with: "20.0" and "20 " are 20. Capped, not refused: peers write nonsense
 * here. */
static uint16_t leading_u16(struct span s)
{
	uint32_t v = 0;

	s = span_trim(s);
	for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		v = MIN(v * 10 + (uint32_t)(s.p[i] - '0'), UINT16_MAX);

	return (uint16_t)v;
}

static struct sdp_media *current_media(struct reader *r)
{
	return r->sdp->media_count ? &r->sdp->media[r->sdp->media_count - 1] : NULL;
}

/* RFC 8866 §5.2. */
static void read_origin(struct reader *r, struct span v)
{
	struct sdp *sdp = r->sdp;

	sdp->origin_user = word(&v);
	sdp->origin_id = word(&v);
	sdp->origin_version = word(&v);
	word(&v);
	word(&v);
	sdp->origin_host = word(&v);
}

/* "IN IP4 224.2.1.1/127/3", RFC 8866 §5.7: the host without TTL and count; absent when the line
 * makes no sense. */
static struct sdp_conn parse_conn(struct span v)
{
	struct sdp_conn conn = {0};
	struct span net = word(&v), type = word(&v), host = word(&v);

	host = span_cut(&host, '/');
	if (!span_ieq_z(net, "IN") || !span_istarts(type, "IP") || host.n == 0)
		return conn;
	conn.host = host;
	addr_parse_ip(host, 0, &conn.ip);

	return conn;
}

static void read_conn(struct reader *r, struct span v)
{
	struct sdp_media *m = current_media(r);
	struct sdp_conn conn = parse_conn(v);

	if (!conn.host.p || r->has_conn) {
		r->sdp->ignored++;
		return;
	}
	r->has_conn = true;
	*(m ? &m->conn : &r->sdp->conn) = conn;
}

static enum sdp_media_kind kind_of(struct span s)
{
	static const char *const names[] = {"audio", "video", "image", "application"};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (span_ieq_z(s, names[i]))
			return (enum sdp_media_kind)i;

	return SDP_OTHER_MEDIA;
}

static enum sdp_proto proto_of(struct span s)
{
	for (unsigned i = 0; i < SDP_OTHER_PROTO; i++)
		if (span_ieq_z(s, proto_names[i]))
			return (enum sdp_proto)i;

	return SDP_OTHER_PROTO;
}

/* Words of an m-line are repeated in our own descriptions, so nothing may hide in them. */
static bool is_visible(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;

	return s.n > 0;
}

static void add_format(struct reader *r, struct sdp_media *m, struct span text)
{
	struct sdp *sdp = r->sdp;
	uint32_t pt;

	if (m->format_count == LIMIT_SDP_FORMATS || sdp->format_count == LIMIT_SDP_FORMATS_ALL ||
		!is_visible(text)) {
		sdp->ignored++;
		return;
	}

	sdp->formats[sdp->format_count++] = (struct sdp_format){
		.text = text,
		.channels = 1,
		.pt = span_u32(text, &pt) && pt < 128 ? (uint8_t)pt : SDP_NO_PT,
	};
	m->format_count++;
}

/* "audio 49170/2 RTP/AVP 0 8 97", RFC 8866 §5.14. A removed stream may come without formats. */
static int read_media(struct reader *r, struct span v)
{
	struct sdp *sdp = r->sdp;
	struct span kind = word(&v), port = word(&v), proto = word(&v);
	struct span number = span_cut(&port, '/');
	uint32_t n, count = 1;

	if (sdp->media_count == LIMIT_SDP_MEDIA)
		return fail(r, -TR_ETOOBIG, "more m= lines than the limit");
	if (!span_u32(number, &n) || n > UINT16_MAX)
		return fail(r, -TR_EPARSE, "m= without a port number");
	if (!is_visible(kind) || !is_visible(proto))
		return fail(r, -TR_EPARSE, "m= without a media type or protocol");
	if (port.p && (!span_u32(port, &count) || count > UINT16_MAX))
		count = 1;

	struct sdp_media *m = &sdp->media[sdp->media_count++];

	*m = (struct sdp_media){
		.kind_text = kind,
		.proto_text = proto,
		.kind = kind_of(kind),
		.proto = proto_of(proto),
		.port = (uint16_t)n,
		.port_count = (uint16_t)count,
		.conn = sdp->conn,
		.dir = sdp->dir,
		.ptime_ms = r->ptime_ms,
		.maxptime_ms = r->maxptime_ms,
		.first_format = sdp->format_count,
		.line = (uint16_t)r->line,
	};
	r->has_conn = false;
	for (struct span f = word(&v); f.n; f = word(&v))
		add_format(r, m, f);
	if (m->format_count == 0 && m->port)
		return fail(r, -TR_EPARSE, "m= without a format");

	return 0;
}

static struct sdp_format *format_find(struct sdp *sdp, struct sdp_media *m, struct span text)
{
	for (unsigned i = 0; i < m->format_count; i++)
		if (span_eq(sdp->formats[m->first_format + i].text, text))
			return &sdp->formats[m->first_format + i];

	return NULL;
}

/* "97 opus/48000/2", RFC 8866 §6.6; "31 LPC" is seen and must not cost the call. */
static void read_rtpmap(struct sdp *sdp, struct sdp_media *m, struct span v)
{
	struct sdp_format *f = format_find(sdp, m, word(&v));
	struct span map = word(&v);
	struct span name = span_cut(&map, '/');
	struct span clock = span_cut(&map, '/');
	uint32_t n;

	if (!f || f->encoding.p || name.n == 0) {
		sdp->ignored++;
		return;
	}
	f->encoding = name;
	f->clock_hz = span_u32(clock, &n) && n <= 1000000 ? n : 0;
	f->channels = span_u32(map, &n) && n > 0 && n <= 255 ? (uint8_t)n : 1;
}

static void read_fmtp(struct sdp *sdp, struct sdp_media *m, struct span v)
{
	struct sdp_format *f = format_find(sdp, m, word(&v));

	if (!f || f->fmtp.p) {
		sdp->ignored++;
		return;
	}
	f->fmtp = span_trim(v);
	if (!f->fmtp.p)
		f->fmtp = SPAN_LIT("");
}

/* "53020" or "53020 IN IP6 2001:db8::1", RFC 3605 §2.1. */
static void read_rtcp(struct sdp_media *m, struct span v)
{
	uint32_t port;
	struct span number = word(&v);

	if (!span_u32(number, &port) || port == 0 || port > UINT16_MAX)
		return;

	m->rtcp = v.n ? parse_conn(v).ip : (struct addr){0};
	addr_set_port(&m->rtcp, (uint16_t)port);
}

static bool read_dir(struct span name, enum sdp_dir *ret)
{
	for (unsigned d = 0; d < ARRAY_LEN(dir_names); d++) {
		if (span_ieq_z(name, dir_names[d])) {
			*ret = (enum sdp_dir)d;
			return true;
		}
	}

	return false;
}

static void read_media_attr(struct sdp *sdp, struct sdp_media *m, const struct sdp_attr *a)
{
	if (span_ieq_z(a->name, "rtpmap"))
		read_rtpmap(sdp, m, a->value);
	else if (span_ieq_z(a->name, "fmtp"))
		read_fmtp(sdp, m, a->value);
	else if (span_ieq_z(a->name, "ptime"))
		m->ptime_ms = leading_u16(a->value);
	else if (span_ieq_z(a->name, "maxptime"))
		m->maxptime_ms = leading_u16(a->value);
	else if (span_ieq_z(a->name, "rtcp"))
		read_rtcp(m, a->value);
	else if (span_ieq_z(a->name, "rtcp-mux"))
		m->is_rtcp_mux = true;
	else
		read_dir(a->name, &m->dir);
}

/* RFC 8866 §5.13. Understood ones are kept as well, so that the list is complete. */
static void read_attr(struct reader *r, struct span v)
{
	struct sdp *sdp = r->sdp;
	struct sdp_media *m = current_media(r);
	struct sdp_attr a = {.media = (int16_t)(sdp->media_count - 1)};

	a.name = span_trim(span_cut(&v, ':'));
	a.value = v;
	if (sdp->attr_count < LIMIT_SDP_ATTRS)
		sdp->attrs[sdp->attr_count++] = a;
	else
		sdp->ignored++;

	if (m)
		read_media_attr(sdp, m, &a);
	else if (span_ieq_z(a.name, "ptime"))
		r->ptime_ms = leading_u16(a.value);
	else if (span_ieq_z(a.name, "maxptime"))
		r->maxptime_ms = leading_u16(a.value);
	else
		read_dir(a.name, &sdp->dir);
}

static int read_line(struct reader *r, struct span line)
{
	struct sdp *sdp = r->sdp;

	while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
		line.n--;
	if (line.n == 0)
		return 0;
	if (line.n < 2 || line.p[1] != '=') {
		sdp->ignored++;
		return 0;
	}

	struct span v = span(line.p + 2, line.n - 2);

	switch (line.p[0]) {
	case 'v':
		r->has_version = true;
		break;
	case 'o':
		read_origin(r, v);
		break;
	case 's':
		sdp->session_name = v;
		break;
	case 'c':
		read_conn(r, v);
		break;
	case 'm':
		return read_media(r, v);
	case 'a':
		read_attr(r, v);
		break;
	case 't':
	case 'b':
	case 'i':
	case 'k':
	case 'r':
	case 'z':
	case 'u':
	case 'e':
	case 'p':
		break;
	default:
		sdp->ignored++;
	}

	return 0;
}

/* a=rtcp with a port only means the media's own address, and c= may have come after it. */
static void finish_rtcp(struct sdp_media *m)
{
	uint16_t port = addr_port(&m->rtcp);

	if (port == 0 || addr_is_set(&m->rtcp))
		return;
	m->rtcp = m->conn.ip;
	if (addr_is_set(&m->rtcp))
		addr_set_port(&m->rtcp, port);
	else
		m->rtcp = (struct addr){0};
}

static void reset(struct sdp *sdp)
{
	/* The three arrays are filled as far as they are counted; clearing 26 KB would cost more
	 * than the parse. */
	memset(sdp, 0, offsetof(struct sdp, media));
	sdp->dir = SDP_SENDRECV;
}

int sdp_parse(struct span text, struct sdp *ret, struct sdp_error *ret_error)
{
	struct reader r = {.sdp = ret, .error = ret_error};

	*ret_error = (struct sdp_error){0};
	if (text.n > LIMIT_SDP_BYTES)
		return fail(&r, -TR_ETOOBIG, "longer than the limit");
	reset(ret);

	while (text.n) {
		struct span line = span_cut(&text, '\n');

		r.line++;

		int err = read_line(&r, line);

		if (err)
			return err;
	}
	if (!r.has_version) {
		r.line = 0;
		return fail(&r, -TR_EPARSE, "no v= line: not a session description");
	}
	for (unsigned i = 0; i < ret->media_count; i++)
		finish_rtcp(&ret->media[i]);

	return 0;
}

static const struct sdp_attr *find_from(
	const struct sdp *sdp, unsigned i, int media, struct span name)
{
	for (; i < sdp->attr_count; i++)
		if (sdp->attrs[i].media == media && span_ieq(sdp->attrs[i].name, name))
			return &sdp->attrs[i];

	return NULL;
}

const struct sdp_attr *sdp_attr_find(const struct sdp *sdp, int media, const char *name)
{
	return find_from(sdp, 0, media, span_z(name));
}

const struct sdp_attr *sdp_attr_next(const struct sdp *sdp, const struct sdp_attr *attr)
{
	return find_from(sdp, (unsigned)(attr - sdp->attrs) + 1, attr->media, attr->name);
}
