/* SPDX-License-Identifier: Apache-2.0 */
#include "ua/ua_priv.h"

/* What the network's errors mean, in a sentence each with its remedy. */

const char *ua_label(const char *host, const struct addr *addr, char ret[static UA_LABEL_BYTES])
{
	char text[ADDR_TEXT];
	struct addr ip;

	addr_text(addr, text);
	if (host && host[0] && !addr_parse_ip(span_z(host), 0, &ip))
		snprintf(ret, UA_LABEL_BYTES, "%.200s (%s)", host, text);
	else
		snprintf(ret, UA_LABEL_BYTES, "%s", text);

	return ret;
}

const char *ua_fault_text(int err, enum sip_transport transport, const char *label, char ret[static UA_WHY_BYTES])
{
	struct span word = sip_transport_word(transport);
	const char *text;

	switch (-err) {
	case ECONNREFUSED:
		text = "nothing listens there (connection refused): check address, port and transport";
		break;
	case ETIMEDOUT:
		text = "no answer: check address, port and firewall";
		break;
	case ENETUNREACH:
	case EHOSTUNREACH:
		text = "no route leads there: check the address and this machine's network";
		break;
	case ECONNRESET:
	case EPIPE:
		text = "the connection was closed by the other side";
		break;
	case TR_EPARSE:
		text = "what it sends is not SIP: check port and transport";
		break;
	case TR_ECONFIG:
		text = "TLS is not set up here";
		break;
	case TR_ETRANSPORT:
		text = "no socket of ours leads there: check sip.listen";
		break;
	default:
		text = err_text(err);
	}
	snprintf(ret, UA_WHY_BYTES, "%s over %.*s: %s", label, SPAN_FMT(word), text);

	return ret;
}

const char *ua_name_fault_text(int err, const char *host, char ret[static UA_WHY_BYTES])
{
	if (err == -TR_ENOTFOUND)
		snprintf(ret, UA_WHY_BYTES, "the name %.200s does not exist in the DNS: check its spelling", host);
	else
		snprintf(ret, UA_WHY_BYTES, "the name %.200s cannot be resolved: no DNS server answers; check this machine's network", host);

	return ret;
}
