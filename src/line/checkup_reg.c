/* SPDX-License-Identifier: Apache-2.0 */
#include "line/checkup_priv.h"

/* Registration: which credential is wrong, as far as the answers tell. Most systems give one answer for all of them on purpose. */

static const char *user_of(const struct line_config *c)
{
	return c->auth_id ? c->auth_id : c->extension ? c->extension : "";
}

static bool has_other_id(const struct line_config *c)
{
	return c->auth_id && c->extension && strcmp(c->auth_id, c->extension) != 0;
}

/* The domain that the other side knows us by: the host of server without its port, unless domain says otherwise. */
static void domain_of(const struct line_config *c, char *ret, size_t cap)
{
	struct span rest = span_z(c->domain ? c->domain : c->server);

	if (!span_copy(span_cut(&rest, ':'), ret, cap))
		ret[0] = 0;
}

/* A realm that is the name of a domain, and not ours: such systems look users up by it. */
static bool is_foreign_realm(const struct checkup_facts *f, const char *domain)
{
	const char *realm = f->seen.realm;

	return strchr(realm, '.') && !strchr(realm, ' ') && strcasecmp(realm, domain) != 0;
}

static void evidence(const struct checkup_facts *f, struct checkup_finding *x)
{
	checkup_evidence(x, "%d to REGISTER of \"%s\" as user \"%s\", realm \"%s\"%s%s%s", f->reg_status, f->line->extension ? f->line->extension : "",
		user_of(f->line), f->seen.realm, f->seen.server[0] ? ", " : "", f->seen.server,
		f->retry == CHECKUP_RETRY_FINE	     ? "; with the extension as authentication id it was accepted" :
		f->retry == CHECKUP_RETRY_REFUSED ? "; with the extension as authentication id it was refused as well" :
						    "");
}

static void judge_credentials(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct line_config *c = f->line;
	struct checkup_finding *x;
	char domain[256];

	domain_of(c, domain, sizeof(domain));
	if (f->retry == CHECKUP_RETRY_FINE) {
		x = checkup_add(l, "wrong_auth_id", CHECKUP_FAULT,
			"the authentication id \"%s\" is wrong: with \"%s\" instead the same password is accepted", c->auth_id, c->extension);
		checkup_remedy(x, "take auth_id out of the line, or set it to \"%s\"", c->extension);
	} else if (is_foreign_realm(f, domain)) {
		x = checkup_add(l, "wrong_realm", CHECKUP_FAULT,
			"the system refuses the credentials, and asks for those of the realm \"%s\", while the line says \"%s\"", f->seen.realm,
			domain);
		checkup_remedy(x, "set \"domain: %s\" on the line if the account belongs to that domain; else check the password", f->seen.realm);
	} else if (has_other_id(c)) {
		x = checkup_add(l, "wrong_password", CHECKUP_FAULT,
			"the system refuses the credentials: the password or the authentication id \"%s\" is wrong; it does not say which", c->auth_id);
		checkup_remedy(x, "copy both anew from the system's page of extension %s; the extension's own number is not the authentication id "
				  "there", c->extension);
	} else {
		x = checkup_add(l, "wrong_password", CHECKUP_FAULT,
			"the system refuses the credentials of \"%s\": most likely the password is wrong", user_of(c));
		checkup_remedy(x, "copy the password anew from the system's page of this extension; some systems (3CX, Yeastar) want an "
				  "authentication id besides: set auth_id");
	}
	evidence(f, x);
}

static void judge_forbidden(const struct checkup_facts *f, struct checkup_list *l)
{
	struct checkup_finding *x;

	if (!f->seen.has_answered)
		x = checkup_add(l, "not_allowed", CHECKUP_FAULT,
			"the system forbids the registration before it has asked for a password: we are not allowed from this address");
	else
		x = checkup_add(l, "not_allowed", CHECKUP_FAULT,
			"the system forbids the registration after it has seen the credentials: password wrong, or this extension may not register from "
			"here");
	checkup_remedy(x, "%s",
		f->seen.has_answered ?
			"check the password; then the extension's allowed addresses and User-Agent prefix, and whether it is enabled" :
			"add our address to those the system allows (ACL, permitted IPs); after many failures it may have banned us (fail2ban)");
	evidence(f, x);
}

static void judge_failure(const struct checkup_facts *f, struct checkup_list *l)
{
	struct checkup_finding *x;

	switch (f->reg_status) {
	case 401:
	case 407:
		judge_credentials(f, l);
		break;
	case 403:
		judge_forbidden(f, l);
		break;
	case 404:
	case 410:
	case 484:
	case 604:
		x = checkup_add(l, "unknown_user", CHECKUP_FAULT, "the system does not know the extension \"%s\"%s%s%s",
			f->line->extension ? f->line->extension : "", has_other_id(f->line) ? " or the authentication id \"" : "",
			has_other_id(f->line) ? f->line->auth_id : "", has_other_id(f->line) ? "\"" : "");
		checkup_remedy(x, "compare extension, auth_id and domain with the system's page");
		evidence(f, x);
		break;
	case 0:
	case 408:
		x = checkup_add(l, "no_answer", CHECKUP_FAULT, "nothing answers REGISTER");
		checkup_evidence(x, "%s", f->reg_text);
		checkup_remedy(x, "check the address, the port, the transport and every firewall between");
		break;
	default:
		x = checkup_add(l, "registration", CHECKUP_FAULT, "the system refuses the registration with %d: %s", f->reg_status, f->reg_text);
		checkup_remedy(x, "%s", f->reg_status >= 500 ? "the fault is on its side: look at its log" : "look at the system's log for the reason");
		evidence(f, x);
	}
}

void checkup_judge_registration(const struct checkup_facts *f, struct checkup_list *l)
{
	const struct checkup_reach *r = &f->reach[f->line->transport];

	switch (f->reg) {
	case CHECKUP_REG_NONE:
	case CHECKUP_REG_UNTRIED:
		break;
	case CHECKUP_REG_BY_DAEMON:
		checkup_add(l, "registration", CHECKUP_OK, "registered by the running daemon; left alone, since some systems keep one place only");
		break;
	case CHECKUP_REG_FINE:
		checkup_evidence(checkup_add(l, "registration", CHECKUP_OK, "registered as \"%s\" for %u s", f->line->extension ? f->line->extension : "",
					 f->reg_expires_s),
			"realm \"%s\"%s%s", f->seen.realm, f->seen.server[0] ? ", " : "", f->seen.server);
		break;
	case CHECKUP_REG_FAILED:
		/* What the transport has said already is not said twice. */
		if (!(r->is_tried && !r->status && (f->reg_status == 0 || f->reg_status == 408 || f->reg_status == 503)))
			judge_failure(f, l);
		break;
	}
}
