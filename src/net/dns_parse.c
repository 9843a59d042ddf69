/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_parse.h"

static int err_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		return -TR_ENOTFOUND;
	default:
		return -TR_EDNS;
	}
}

void dns_answer_done(struct dns_answer *a)
{
	for (unsigned i = 0; i < a->count; i++) {
		if (a->type == DNS_SRV) {
			free(a->srvs[i].target);
		} else if (a->type == DNS_NAPTR) {
			free(a->naptrs[i].flags);
			free(a->naptrs[i].service);
			free(a->naptrs[i].replacement);
		}
	}
	free(a->addrs); /* the three pointers share their place */
	*a = (struct dns_answer){.type = a->type, .err = -TR_EDNS};
}

/* The least TTL of the answer section, which c-ares' parsers of 2021 do not tell. RFC 1035 §4.1. */
static void least_ttl(const uint8_t *p, int n, uint32_t *ret)
{
	int at = 12;
	unsigned questions, answers;

	if (n < 12)
		return;
	questions = (unsigned)(p[4] << 8 | p[5]);
	answers = (unsigned)(p[6] << 8 | p[7]);
	for (unsigned i = 0; i < questions + answers; i++) {
		while (at < n && p[at] && p[at] < 0xc0)
			at += 1 + p[at];
		at += at < n && p[at] >= 0xc0 ? 2 : 1;
		at += 4;
		if (i < questions)
			continue;
		if (at + 6 > n)
			return;
		*ret = MIN(*ret, (uint32_t)p[at] << 24 | (uint32_t)p[at + 1] << 16 |
					 (uint32_t)p[at + 2] << 8 | p[at + 3]);
		at += 6 + (p[at + 4] << 8 | p[at + 5]);
	}
}

/* A count of zero or memory that is out become errors. */
static bool alloc_records(struct dns_answer *a, unsigned count, size_t size)
{
	if (a->err)
		return false;
	if (count == 0) {
		a->err = -TR_ENOTFOUND;
		return false;
	}
	a->addrs = calloc(count, size);
	if (!a->addrs)
		a->err = -ENOMEM;

	return !a->err;
}

static void take_family(
	const struct ares_addrinfo *info, int family, struct dns_answer *a, uint32_t *ttl_s)
{
	for (const struct ares_addrinfo_node *n = info->nodes; n && a->count < LIMIT_DNS_RECORDS;
		n = n->ai_next) {
		if (n->ai_family != family || !addr_from_sockaddr(n->ai_addr, &a->addrs[a->count]))
			continue;
		addr_set_port(&a->addrs[a->count++], 0);
		*ttl_s = MIN(*ttl_s, (uint32_t)MAX(n->ai_ttl, 0));
	}
}

void dns_answer_addrs(
	int status, const struct ares_addrinfo *info, struct dns_answer *ret, uint32_t *ret_ttl_s)
{
	struct dns_answer a = {.err = err_of(status), .type = DNS_ADDR};
	uint32_t ttl_s = UINT32_MAX;

	if (info && alloc_records(&a, LIMIT_DNS_RECORDS, sizeof(struct addr))) {
		take_family(info, AF_INET, &a, &ttl_s);
		take_family(info, AF_INET6, &a, &ttl_s);
		if (a.count == 0) {
			dns_answer_done(&a);
			a.err = -TR_ENOTFOUND;
		} else {
			*ret_ttl_s = ttl_s;
		}
	} else if (!a.err) {
		a.err = -TR_EDNS;
	}
	*ret = a;
}

void dns_answer_srvs(
	int status, const uint8_t *reply, int n, struct dns_answer *ret, uint32_t *ret_ttl_s)
{
	struct dns_answer a = {.err = err_of(status), .type = DNS_SRV};
	struct ares_srv_reply *list = NULL;
	unsigned count = 0;

	if (!a.err)
		a.err = err_of(ares_parse_srv_reply(reply, n, &list));
	for (const struct ares_srv_reply *r = list; r && count < LIMIT_DNS_RECORDS; r = r->next)
		count++;
	if (alloc_records(&a, count, sizeof(struct dns_srv))) {
		for (const struct ares_srv_reply *r = list; r && a.count < count; r = r->next) {
			if (!r->host[0] || strcmp(r->host, ".") == 0)
				continue; /* RFC 2782: the service is decidedly not available */
			a.srvs[a.count] = (struct dns_srv){
				.priority = r->priority, .weight = r->weight, .port = r->port};
			a.srvs[a.count].target = mem_strdup(r->host);
			a.count++;
		}
		if (a.count == 0) {
			dns_answer_done(&a);
			a.err = -TR_ENOTFOUND;
		}
		least_ttl(reply, n, ret_ttl_s);
	}
	ares_free_data(list);
	*ret = a;
}

void dns_answer_naptrs(
	int status, const uint8_t *reply, int n, struct dns_answer *ret, uint32_t *ret_ttl_s)
{
	struct dns_answer a = {.err = err_of(status), .type = DNS_NAPTR};
	struct ares_naptr_reply *list = NULL;
	unsigned count = 0;

	if (!a.err)
		a.err = err_of(ares_parse_naptr_reply(reply, n, &list));
	for (const struct ares_naptr_reply *r = list; r && count < LIMIT_DNS_RECORDS; r = r->next)
		count++;
	if (alloc_records(&a, count, sizeof(struct dns_naptr))) {
		for (const struct ares_naptr_reply *r = list; r && a.count < count; r = r->next) {
			a.naptrs[a.count++] = (struct dns_naptr){
				.order = r->order,
				.preference = r->preference,
				.flags = mem_strdup((const char *)r->flags),
				.service = mem_strdup((const char *)r->service),
				.replacement = mem_strdup(r->replacement),
			};
		}
		least_ttl(reply, n, ret_ttl_s);
	}
	ares_free_data(list);
	*ret = a;
}
