/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/base.h"

/* The words of SIP: methods, header names, transports, reason phrases. Constant tables, any thread. */

/* X(constant, word). Methods are case-sensitive, RFC 3261 §7.1. */
#define SIP_METHODS(X)                                                                                       \
	X(SIP_INVITE, "INVITE")                                                                              \
	X(SIP_ACK, "ACK")                                                                                    \
	X(SIP_BYE, "BYE")                                                                                    \
	X(SIP_CANCEL, "CANCEL")                                                                              \
	X(SIP_OPTIONS, "OPTIONS")                                                                            \
	X(SIP_REGISTER, "REGISTER")                                                                          \
	X(SIP_PRACK, "PRACK")                                                                                \
	X(SIP_UPDATE, "UPDATE")                                                                              \
	X(SIP_REFER, "REFER")                                                                                \
	X(SIP_NOTIFY, "NOTIFY")                                                                              \
	X(SIP_SUBSCRIBE, "SUBSCRIBE")                                                                        \
	X(SIP_INFO, "INFO")                                                                                  \
	X(SIP_MESSAGE, "MESSAGE")                                                                            \
	X(SIP_PUBLISH, "PUBLISH")

enum sip_method {
	SIP_METHOD_UNKNOWN = 0, /* any other token: the message keeps its text */
#define X(id, word) id,
	SIP_METHODS(X)
#undef X
	SIP_METHOD_COUNT
};

enum sip_method sip_method_find(struct span word);
struct span sip_method_word(enum sip_method method); /* absent for UNKNOWN */

/* X(constant, name as we write it, compact form or 0). RFC 3261 §20 unless said otherwise. */
#define SIP_HEADERS(X)                                                                                       \
	X(SIP_HDR_VIA, "Via", 'v')                                                                           \
	X(SIP_HDR_MAX_FORWARDS, "Max-Forwards", 0)                                                           \
	X(SIP_HDR_ROUTE, "Route", 0)                                                                         \
	X(SIP_HDR_RECORD_ROUTE, "Record-Route", 0)                                                           \
	X(SIP_HDR_FROM, "From", 'f')                                                                         \
	X(SIP_HDR_TO, "To", 't')                                                                             \
	X(SIP_HDR_CALL_ID, "Call-ID", 'i')                                                                   \
	X(SIP_HDR_CSEQ, "CSeq", 0)                                                                           \
	X(SIP_HDR_CONTACT, "Contact", 'm')                                                                   \
	X(SIP_HDR_CONTENT_LENGTH, "Content-Length", 'l')                                                     \
	X(SIP_HDR_CONTENT_TYPE, "Content-Type", 'c')                                                         \
	X(SIP_HDR_CONTENT_ENCODING, "Content-Encoding", 'e')                                                 \
	X(SIP_HDR_CONTENT_DISPOSITION, "Content-Disposition", 0)                                             \
	X(SIP_HDR_CONTENT_LANGUAGE, "Content-Language", 0)                                                   \
	X(SIP_HDR_CONTENT_ID, "Content-ID", 0) /* RFC 8262 */                                                \
	X(SIP_HDR_MIME_VERSION, "MIME-Version", 0)                                                           \
	X(SIP_HDR_EXPIRES, "Expires", 0)                                                                     \
	X(SIP_HDR_MIN_EXPIRES, "Min-Expires", 0)                                                             \
	X(SIP_HDR_ACCEPT, "Accept", 0)                                                                       \
	X(SIP_HDR_ACCEPT_CONTACT, "Accept-Contact", 'a')     /* RFC 3841 */                                  \
	X(SIP_HDR_REJECT_CONTACT, "Reject-Contact", 'j')     /* RFC 3841 */                                  \
	X(SIP_HDR_REQUEST_DISPOSITION, "Request-Disposition", 'd') /* RFC 3841 */                            \
	X(SIP_HDR_ACCEPT_ENCODING, "Accept-Encoding", 0)                                                     \
	X(SIP_HDR_ACCEPT_LANGUAGE, "Accept-Language", 0)                                                     \
	X(SIP_HDR_ALERT_INFO, "Alert-Info", 0)                                                               \
	X(SIP_HDR_ALLOW, "Allow", 0)                                                                         \
	X(SIP_HDR_ALLOW_EVENTS, "Allow-Events", 'u')         /* RFC 6665 */                                  \
	X(SIP_HDR_AUTHORIZATION, "Authorization", 0)                                                         \
	X(SIP_HDR_AUTHENTICATION_INFO, "Authentication-Info", 0)                                             \
	X(SIP_HDR_PROXY_AUTHENTICATE, "Proxy-Authenticate", 0)                                               \
	X(SIP_HDR_PROXY_AUTHORIZATION, "Proxy-Authorization", 0)                                             \
	X(SIP_HDR_WWW_AUTHENTICATE, "WWW-Authenticate", 0)                                                   \
	X(SIP_HDR_PROXY_REQUIRE, "Proxy-Require", 0)                                                         \
	X(SIP_HDR_REQUIRE, "Require", 0)                                                                     \
	X(SIP_HDR_SUPPORTED, "Supported", 'k')                                                               \
	X(SIP_HDR_UNSUPPORTED, "Unsupported", 0)                                                             \
	X(SIP_HDR_CALL_INFO, "Call-Info", 0)                                                                 \
	X(SIP_HDR_DATE, "Date", 0)                                                                           \
	X(SIP_HDR_ERROR_INFO, "Error-Info", 0)                                                               \
	X(SIP_HDR_IN_REPLY_TO, "In-Reply-To", 0)                                                             \
	X(SIP_HDR_ORGANIZATION, "Organization", 0)                                                           \
	X(SIP_HDR_PRIORITY, "Priority", 0)                                                                   \
	X(SIP_HDR_REPLY_TO, "Reply-To", 0)                                                                   \
	X(SIP_HDR_RETRY_AFTER, "Retry-After", 0)                                                             \
	X(SIP_HDR_SERVER, "Server", 0)                                                                       \
	X(SIP_HDR_SUBJECT, "Subject", 's')                                                                   \
	X(SIP_HDR_TIMESTAMP, "Timestamp", 0)                                                                 \
	X(SIP_HDR_USER_AGENT, "User-Agent", 0)                                                               \
	X(SIP_HDR_WARNING, "Warning", 0)                                                                     \
	X(SIP_HDR_RACK, "RAck", 0)                           /* RFC 3262 */                                  \
	X(SIP_HDR_RSEQ, "RSeq", 0)                           /* RFC 3262 */                                  \
	X(SIP_HDR_PRIVACY, "Privacy", 0)                     /* RFC 3323 */                                  \
	X(SIP_HDR_P_ASSERTED_IDENTITY, "P-Asserted-Identity", 0)   /* RFC 3325 */                            \
	X(SIP_HDR_P_PREFERRED_IDENTITY, "P-Preferred-Identity", 0) /* RFC 3325 */                            \
	X(SIP_HDR_REMOTE_PARTY_ID, "Remote-Party-ID", 0)     /* draft-ietf-sip-privacy, Asterisk writes it */ \
	X(SIP_HDR_REASON, "Reason", 0)                       /* RFC 3326 */                                  \
	X(SIP_HDR_PATH, "Path", 0)                           /* RFC 3327 */                                  \
	X(SIP_HDR_SERVICE_ROUTE, "Service-Route", 0)         /* RFC 3608 */                                  \
	X(SIP_HDR_P_ASSOCIATED_URI, "P-Associated-URI", 0)   /* RFC 7315 */                                  \
	X(SIP_HDR_P_CALLED_PARTY_ID, "P-Called-Party-ID", 0) /* RFC 7315 */                                  \
	X(SIP_HDR_P_EARLY_MEDIA, "P-Early-Media", 0)         /* RFC 5009 */                                  \
	X(SIP_HDR_REFER_TO, "Refer-To", 'r')                 /* RFC 3515 */                                  \
	X(SIP_HDR_REFER_SUB, "Refer-Sub", 0)                 /* RFC 4488 */                                  \
	X(SIP_HDR_REFERRED_BY, "Referred-By", 'b')           /* RFC 3892 */                                  \
	X(SIP_HDR_REPLACES, "Replaces", 0)                   /* RFC 3891 */                                  \
	X(SIP_HDR_TARGET_DIALOG, "Target-Dialog", 0)         /* RFC 4538 */                                  \
	X(SIP_HDR_JOIN, "Join", 0)                           /* RFC 3911 */                                  \
	X(SIP_HDR_SESSION_EXPIRES, "Session-Expires", 'x')   /* RFC 4028 */                                  \
	X(SIP_HDR_MIN_SE, "Min-SE", 0)                       /* RFC 4028 */                                  \
	X(SIP_HDR_EVENT, "Event", 'o')                       /* RFC 6665 */                                  \
	X(SIP_HDR_SUBSCRIPTION_STATE, "Subscription-State", 0) /* RFC 6665 */                                \
	X(SIP_HDR_SIP_ETAG, "SIP-ETag", 0)                   /* RFC 3903 */                                  \
	X(SIP_HDR_SIP_IF_MATCH, "SIP-If-Match", 0)           /* RFC 3903 */                                  \
	X(SIP_HDR_DIVERSION, "Diversion", 0)                 /* RFC 5806 */                                  \
	X(SIP_HDR_HISTORY_INFO, "History-Info", 0)           /* RFC 7044 */                                  \
	X(SIP_HDR_FLOW_TIMER, "Flow-Timer", 0)               /* RFC 5626 */                                  \
	X(SIP_HDR_IDENTITY, "Identity", 'y')                 /* RFC 8224 */                                  \
	X(SIP_HDR_RECV_INFO, "Recv-Info", 0)                 /* RFC 6086 */                                  \
	X(SIP_HDR_INFO_PACKAGE, "Info-Package", 0)           /* RFC 6086 */                                  \
	X(SIP_HDR_USER_TO_USER, "User-to-User", 0)           /* RFC 7433 */                                  \
	X(SIP_HDR_ANSWER_MODE, "Answer-Mode", 0)             /* RFC 5373 */

enum sip_hdr_id {
	SIP_HDR_OTHER = 0, /* a name that is not in the table: the header keeps its text */
#define X(id, name, compact) id,
	SIP_HEADERS(X)
#undef X
	SIP_HDR_COUNT
};

/* Long or compact form, any case. */
enum sip_hdr_id sip_hdr_find(struct span name);
struct span sip_hdr_name(enum sip_hdr_id id); /* the long form; absent for OTHER */

/* RFC 3261 §7.3.1: may fields of this name be joined by commas? (Authorization and its kin may not.) */
bool sip_hdr_is_list(enum sip_hdr_id id);

enum sip_transport {
	SIP_TRANSPORT_UNKNOWN = 0,
	SIP_UDP,
	SIP_TCP,
	SIP_TLS,
	SIP_WS,	 /* RFC 7118 */
	SIP_WSS, /* RFC 7118 */
	SIP_SCTP,
	SIP_TRANSPORT_COUNT
};

enum sip_transport sip_transport_find(struct span word); /* any case */
struct span sip_transport_word(enum sip_transport t);	 /* upper case, as Via has it; absent for UNKNOWN */
bool sip_transport_is_reliable(enum sip_transport t);

/* The standard phrase (RFC 3261 §21 and the IANA table); for an unknown code its class' ("Client Error"). Never absent. */
struct span sip_reason_phrase(uint16_t status);
