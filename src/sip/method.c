/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/method.h"
#include "sip/hdr_hash.h"

static const struct span methods[SIP_METHOD_COUNT] = {
#define X(id, word) [id] = {word, sizeof(word) - 1},
	SIP_METHODS(X)
#undef X
};

static const struct span headers[SIP_HDR_COUNT] = {
#define X(id, name, compact) [id] = {name, sizeof(name) - 1},
	SIP_HEADERS(X)
#undef X
};

/* Entries without a compact form all write [0], which no letter reads. */
#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
static const uint8_t compacts[128] = {
#define X(id, name, compact) [compact] = id,
	SIP_HEADERS(X)
#undef X
};
#pragma GCC diagnostic pop

static const struct span transports[SIP_TRANSPORT_COUNT] = {
	[SIP_UDP] = {"UDP", 3},
	[SIP_TCP] = {"TCP", 3},
	[SIP_TLS] = {"TLS", 3},
	[SIP_WS] = {"WS", 2},
	[SIP_WSS] = {"WSS", 3},
	[SIP_SCTP] = {"SCTP", 4},
};

enum sip_method sip_method_find(struct span word)
{
	for (int id = SIP_INVITE; id < SIP_METHOD_COUNT; id++)
		if (methods[id].n == word.n && memcmp(methods[id].p, word.p, word.n) == 0)
			return (enum sip_method)id;

	return SIP_METHOD_UNKNOWN;
}

struct span sip_method_word(enum sip_method method)
{
	return (unsigned)method < SIP_METHOD_COUNT ? methods[method] : (struct span){0};
}

/* For hashing: letters lose their case; other characters may fall together, which same_name sorts out. */
static unsigned fold(char c)
{
	return (unsigned char)c | 0x20u;
}

/*
 * Whether eight (four) characters equal those of the table but for the case of letters. Of the table's characters only
 * letters have bit 6, and case is bit 5: bit 6 shifted by one is the mask of what may differ.
 */
static bool same8(const char *p, const char *known)
{
	uint64_t a, b;

	memcpy(&a, p, sizeof(a));
	memcpy(&b, known, sizeof(b));

	return ((a ^ b) & ~((b & UINT64_C(0x4040404040404040)) >> 1)) == 0;
}

static bool same4(const char *p, const char *known)
{
	uint32_t a, b;

	memcpy(&a, p, sizeof(a));
	memcpy(&b, known, sizeof(b));

	return ((a ^ b) & ~((b & 0x40404040u) >> 1)) == 0;
}

static bool same1(char a, char known)
{
	return ((a ^ known) & ~((known & 0x40) >> 1)) == 0;
}

/* Of equal lengths. The last word overlaps the one before: this runs once for each header of each message. */
static bool same_name(struct span name, const char *known)
{
	size_t n = name.n;

	if (n < 4)
		return same1(name.p[0], known[0]) && same1(name.p[n / 2], known[n / 2]) && same1(name.p[n - 1], known[n - 1]);
	if (n < 8)
		return same4(name.p, known) && same4(name.p + n - 4, known + n - 4);

	for (size_t i = 0; i + 8 < n; i += 8)
		if (!same8(name.p + i, known + i))
			return false;

	return same8(name.p + n - 8, known + n - 8);
}

enum sip_hdr_id sip_hdr_find(struct span name)
{
	unsigned id;

	if (name.n == 0)
		return SIP_HDR_OTHER;
	if (name.n == 1)
		return fold(name.p[0]) < 128 ? (enum sip_hdr_id)compacts[fold(name.p[0])] : SIP_HDR_OTHER;

	id = hdr_hash[HDR_HASH((unsigned)name.n, fold(name.p[0]), fold(name.p[name.n - 1]), fold(name.p[name.n / 2]))];
	if (headers[id].n != name.n)
		return SIP_HDR_OTHER;

	return same_name(name, headers[id].p) ? (enum sip_hdr_id)id : SIP_HDR_OTHER;
}

struct span sip_hdr_name(enum sip_hdr_id id)
{
	return (unsigned)id < SIP_HDR_COUNT ? headers[id] : (struct span){0};
}

/* RFC 3261 §7.3.1: values of these hold commas of their own, or may stand only once. */
bool sip_hdr_is_list(enum sip_hdr_id id)
{
	switch (id) {
	case SIP_HDR_OTHER:
	case SIP_HDR_MAX_FORWARDS:
	case SIP_HDR_FROM:
	case SIP_HDR_TO:
	case SIP_HDR_CALL_ID:
	case SIP_HDR_CSEQ:
	case SIP_HDR_CONTENT_LENGTH:
	case SIP_HDR_CONTENT_TYPE:
	case SIP_HDR_CONTENT_DISPOSITION:
	case SIP_HDR_CONTENT_ID:
	case SIP_HDR_MIME_VERSION:
	case SIP_HDR_EXPIRES:
	case SIP_HDR_MIN_EXPIRES:
	case SIP_HDR_AUTHORIZATION:
	case SIP_HDR_AUTHENTICATION_INFO:
	case SIP_HDR_PROXY_AUTHENTICATE:
	case SIP_HDR_PROXY_AUTHORIZATION:
	case SIP_HDR_WWW_AUTHENTICATE:
	case SIP_HDR_DATE:
	case SIP_HDR_ORGANIZATION:
	case SIP_HDR_PRIORITY:
	case SIP_HDR_REPLY_TO:
	case SIP_HDR_RETRY_AFTER:
	case SIP_HDR_SERVER:
	case SIP_HDR_SUBJECT:
	case SIP_HDR_TIMESTAMP:
	case SIP_HDR_USER_AGENT:
	case SIP_HDR_RACK:
	case SIP_HDR_RSEQ:
	case SIP_HDR_P_CALLED_PARTY_ID:
	case SIP_HDR_REFER_TO:
	case SIP_HDR_REFER_SUB:
	case SIP_HDR_REFERRED_BY:
	case SIP_HDR_REPLACES:
	case SIP_HDR_TARGET_DIALOG:
	case SIP_HDR_JOIN:
	case SIP_HDR_SESSION_EXPIRES:
	case SIP_HDR_MIN_SE:
	case SIP_HDR_EVENT:
	case SIP_HDR_SUBSCRIPTION_STATE:
	case SIP_HDR_SIP_ETAG:
	case SIP_HDR_SIP_IF_MATCH:
	case SIP_HDR_FLOW_TIMER:
	case SIP_HDR_IDENTITY:
	case SIP_HDR_INFO_PACKAGE:
	case SIP_HDR_ANSWER_MODE:
		return false;
	default:
		return true;
	}
}

enum sip_transport sip_transport_find(struct span word)
{
	for (int t = SIP_UDP; t < SIP_TRANSPORT_COUNT; t++)
		if (span_ieq(word, transports[t]))
			return (enum sip_transport)t;

	return SIP_TRANSPORT_UNKNOWN;
}

struct span sip_transport_word(enum sip_transport t)
{
	return (unsigned)t < SIP_TRANSPORT_COUNT ? transports[t] : (struct span){0};
}

bool sip_transport_is_reliable(enum sip_transport t)
{
	return t != SIP_UDP && t != SIP_TRANSPORT_UNKNOWN;
}

/* RFC 3261 §21 and the codes that later RFCs registered; ascending. */
static const struct reason {
	uint16_t status;
	const char *text;
} reasons[] = {
	{100, "Trying"},
	{180, "Ringing"},
	{181, "Call Is Being Forwarded"},
	{182, "Queued"},
	{183, "Session Progress"},
	{199, "Early Dialog Terminated"},
	{200, "OK"},
	{202, "Accepted"},
	{204, "No Notification"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Moved Temporarily"},
	{305, "Use Proxy"},
	{380, "Alternative Service"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{402, "Payment Required"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{407, "Proxy Authentication Required"},
	{408, "Request Timeout"},
	{410, "Gone"},
	{412, "Conditional Request Failed"},
	{413, "Request Entity Too Large"},
	{414, "Request-URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Unsupported URI Scheme"},
	{417, "Unknown Resource-Priority"},
	{420, "Bad Extension"},
	{421, "Extension Required"},
	{422, "Session Interval Too Small"},
	{423, "Interval Too Brief"},
	{428, "Use Identity Header"},
	{429, "Provide Referrer Identity"},
	{430, "Flow Failed"},
	{433, "Anonymity Disallowed"},
	{436, "Bad Identity Info"},
	{437, "Unsupported Credential"},
	{438, "Invalid Identity Header"},
	{439, "First Hop Lacks Outbound Support"},
	{440, "Max-Breadth Exceeded"},
	{469, "Bad Info Package"},
	{470, "Consent Needed"},
	{480, "Temporarily Unavailable"},
	{481, "Call/Transaction Does Not Exist"},
	{482, "Loop Detected"},
	{483, "Too Many Hops"},
	{484, "Address Incomplete"},
	{485, "Ambiguous"},
	{486, "Busy Here"},
	{487, "Request Terminated"},
	{488, "Not Acceptable Here"},
	{489, "Bad Event"},
	{491, "Request Pending"},
	{493, "Undecipherable"},
	{494, "Security Agreement Required"},
	{500, "Server Internal Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Server Time-out"},
	{505, "Version Not Supported"},
	{513, "Message Too Large"},
	{555, "Push Notification Service Not Supported"},
	{580, "Precondition Failure"},
	{600, "Busy Everywhere"},
	{603, "Decline"},
	{604, "Does Not Exist Anywhere"},
	{606, "Not Acceptable"},
	{607, "Unwanted"},
	{608, "Rejected"},
};

struct span sip_reason_phrase(uint16_t status)
{
	static const char *const classes[] = {"Unknown", "Progress", "Success", "Redirection", "Client Error",
		"Server Error", "Global Failure"};
	size_t low = 0, high = ARRAY_LEN(reasons);

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (reasons[mid].status == status)
			return span_z(reasons[mid].text);
		if (reasons[mid].status < status)
			low = mid + 1;
		else
			high = mid;
	}

	return span_z(classes[status >= 100 && status < 700 ? status / 100 : 0]);
}
