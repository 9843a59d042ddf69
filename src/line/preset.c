/* SPDX-License-Identifier: Apache-2.0 */
#include "line/preset.h"

/*
 * expires: FreePBX accepts 60 to 7200 s and drops a contact that misses its qualify, so a short registration heals sooner than it costs.
 * 3CX's own sample REGISTER asks for 120. Keep-alives: CRLF keeps a NAT mapping open for less than an OPTIONS would cost; a
 * PBX that qualifies us (Asterisk, each 60 s) does not do it often enough for mappings of 30 s.
 *
 * codecs: what the system has switched on after installation comes first in its order; where Opus or G.722 is an administrator's choice
 * it costs nothing to offer it. FRITZ!Box: G.722 within the house, G.711 to the world. Carriers: G.711 only, since what they transcode
 * sounds worse than what they pass.
 */
#define G711 {"pcmu", "pcma"}

/* Published at twilio.com/docs/sip-trunking (IP addresses, signalling) and developers.telnyx.com (failover and retries). */
static const char *const twilio_addresses[] = {"54.172.60.0/30", "54.244.51.0/30", "54.171.127.192/30", "35.156.191.128/30",
	"54.65.63.192/30", "54.169.127.128/30", "54.252.254.64/30", "177.71.206.192/30", NULL};
static const char *const telnyx_addresses[] = {"192.76.120.10", "64.16.250.10", "5.172.39.10", "5.172.39.25", "193.108.220.10",
	"193.108.220.25", "103.135.104.10", "103.135.104.25", NULL};

const struct line_preset line_presets[] = {
	{.name = "freepbx", .title = "FreePBX 16/17 (and other PBXes made of it)", .does_register = true, .expires_s = 300,
		.keepalive_s = 25, .codecs = {"opus", "g722", "pcmu", "pcma"}, .server_is = "address of the PBX",
		.extension_is = "User Extension", .password_is = "Secret",
		.note = "Extensions > Add > SIP [chan_pjsip]: extension number and Secret of that extension"},
	{.name = "asterisk", .title = "Asterisk with its own pjsip.conf", .does_register = true, .expires_s = 300, .keepalive_s = 25,
		.codecs = {"opus", "g722", "pcmu", "pcma"}, .server_is = "address of the Asterisk", .extension_is = "name of the endpoint",
		.auth_is = "username of its type=auth section", .password_is = "password of its type=auth section",
		.note = "pjsip.conf: the auth section's username is auth_id, its password is password"},
	{.name = "yeastar", .title = "Yeastar P-Series", .does_register = true, .expires_s = 300, .keepalive_s = 25,
		.codecs = {"opus", "g722", "pcmu", "pcma"}, .server_is = "address of the PBX", .extension_is = "Extension Number",
		.auth_is = "Registration Name", .password_is = "Registration Password",
		.note = "Extension > Security: if User Agent Registration Authorization is on, set user_agent to begin with its value"},
	{.name = "3cx", .title = "3CX v18/v20", .does_register = true, .auth = PRESET_AUTH_DIFFERS, .expires_s = 120, .keepalive_s = 25,
		.no_100rel = true, .codecs = {"opus", "g722", "pcmu", "pcma"}, .server_is = "FQDN or address of the 3CX",
		.extension_is = "Extension Number", .auth_is = "Authentication ID", .password_is = "Authentication Password",
		.note = "Users > IP Phone: auth_id is the Authentication ID, not the extension"},
	{.name = "fritzbox", .title = "FRITZ!Box", .does_register = true, .expires_s = 300, .keepalive_s = 25, .no_100rel = true,
		.codecs = {"g722", "pcma", "pcmu"}, .default_server = "fritz.box", .server_is = "address of the FRITZ!Box (fritz.box)",
		.extension_is = "User name of the telephony device", .password_is = "Password of the telephony device",
		.note = "Telephony > Telephony Devices: user name and password of a LAN/WLAN (IP telephone) device"},
	{.name = "generic", .title = "Another PBX that registers SIP phones", .does_register = true, .expires_s = 300, .keepalive_s = 25,
		.server_is = "address of the PBX", .extension_is = "extension or user name", .auth_is = "authentication name",
		.password_is = "password", .note = ""},
	{.name = "twilio", .title = "Twilio Elastic SIP Trunking", .kind = LINE_TRUNK, .keepalive_s = 0, .health_s = 30, .codecs = G711,
		.out = NUMBER_E164, .caller_id_in = IDENTITY_FROM, .full_status = 503, .allow = twilio_addresses, .expires_s = 300,
		.server_is = "Termination SIP URI (NAME.pstn.twilio.com)", .extension_is = "your number (+14155550100)",
		.auth_is = "user name in its Credential List (empty: by IP Access Control List)", .password_is = "its password",
		.note = "Elastic SIP Trunking > Trunks: Termination for calls out, Origination (sip:YOUR-ADDRESS) for calls in"},
	{.name = "telnyx", .title = "Telnyx SIP connection", .kind = LINE_TRUNK, .does_register = true, .expires_s = 300, .keepalive_s = 25,
		.health_s = 30, .codecs = G711, .out = NUMBER_E164, .caller_id_in = IDENTITY_FROM, .full_status = 503,
		.default_server = "sip.telnyx.com", .allow = telnyx_addresses, .server_is = "SIP region (sip.telnyx.com)",
		.extension_is = "user name of the connection's credentials", .password_is = "password of the connection's credentials",
		.note = "Voice > SIP Trunking: Authentication type Credentials registers; type IP needs register: no"},
	{.name = "generic-trunk", .title = "A carrier that knows us by our address", .kind = LINE_TRUNK, .auth = PRESET_AUTH_NONE,
		.expires_s = 300, .health_s = 30, .codecs = {"pcma", "pcmu"}, .out = NUMBER_E164,
		.caller_id_in = IDENTITY_FROM | IDENTITY_PAI, .full_status = 503, .server_is = "the carrier's SIP server or domain",
		.extension_is = "main number of the trunk", .auth_is = "user name, if its calls out want one", .password_is = "password, if any",
		.note = "its signalling addresses belong under allow; ours have to be named to the carrier"},
	{.name = "registering-trunk", .title = "A carrier's trunk that registers", .kind = LINE_TRUNK, .does_register = true,
		.expires_s = 600, .keepalive_s = 25, .health_s = 30, .codecs = {"pcma", "pcmu"}, .out = NUMBER_E164,
		.caller_id_in = IDENTITY_PPI, .full_status = 503, .server_is = "the carrier's registrar or domain",
		.extension_is = "user name or main number", .auth_is = "authentication name, where it differs", .password_is = "password",
		.note = "caller ids other than the main number go into P-Preferred-Identity: the carrier checks them"},
	{0},
};

const struct line_preset *line_preset_find(const char *name)
{
	for (const struct line_preset *p = line_presets; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;

	return NULL;
}

const char *const *line_preset_names(void)
{
	static const char *names[ARRAY_LEN(line_presets)];

	for (size_t i = 0; i < ARRAY_LEN(line_presets); i++)
		names[i] = line_presets[i].name;

	return names;
}

void line_preset_apply(const struct line_preset *p, struct line_config *ret)
{
	*ret = (struct line_config){.preset = p->name, .kind = p->kind, .does_register = p->does_register, .expires_s = p->expires_s,
		.keepalive_s = p->keepalive_s, .keepalive_options = p->keepalive_options, .health_s = p->health_s,
		.no_100rel = p->no_100rel, .no_session_timer = p->no_session_timer, .caller_id_in = p->caller_id_in,
		.full_status = p->full_status ? p->full_status : 486, .trusts_identity = true, .failover_ms = 1500, .tls = {.verify = true}};
	ret->numbers.out = p->out;
	memcpy(ret->codecs, p->codecs, sizeof(ret->codecs));
	if (p->default_server) {
		ret->servers[0] = ret->server = p->default_server;
		ret->server_count = 1;
	}
}

/* ---- advice -------------------------------------------------------------------------------------------------------------- */

struct advice {
	char (*texts)[PRESET_ADVICE_TEXT];
	size_t cap, count;
};

static void say(struct advice *a, const char *fmt, ...) printf_like(2, 3);

static void say(struct advice *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (a->count < a->cap)
		vsnprintf(a->texts[a->count], PRESET_ADVICE_TEXT, fmt, ap);
	va_end(ap);
	a->count++;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = text ? strlen(text) : 0, k = strlen(end);

	return n >= k && strcasecmp(text + n - k, end) == 0;
}

static bool is_port(const char *server, const char *port)
{
	const char *colon = server ? strrchr(server, ':') : NULL;

	return colon && strcmp(colon + 1, port) == 0;
}

static void advise_3cx(struct advice *a, const struct line_config *l)
{
	if (!l->auth_id)
		say(a, "3CX: auth_id is missing. The Authentication ID of Users > IP Phone is not the extension; without it 3CX answers 404");
	else if (l->extension && !strcmp(l->auth_id, l->extension))
		say(a, "3CX: auth_id is the extension itself; 3CX makes its own Authentication ID (Users > IP Phone)");
	if (!l->no_100rel)
		say(a, "3CX: reliable: yes is of no use: its Allow has no PRACK");
}

static void advise_twilio(struct advice *a, const struct line_config *l)
{
	if (l->does_register)
		say(a, "Twilio: Elastic SIP Trunking takes no registrations: remove register (calls in come by the Origination URI)");
	if (l->server && !ends_with(l->server, ".twilio.com"))
		say(a, "Twilio: server %.80s is no Termination SIP URI (NAME.pstn.twilio.com)", l->server);
	if (l->caller_id && l->caller_id[0] != '+')
		say(a, "Twilio: caller_id %.40s is not E.164 with its plus: Twilio refuses such calls", l->caller_id);
	else if (!l->caller_id && (!l->extension || l->extension[0] != '+'))
		say(a, "Twilio: caller_id is missing: calls out need one of your Twilio numbers or verified caller ids");
}

static void advise_trunk(struct advice *a, const struct line_config *l)
{
	if (!l->does_register && !l->allow_count && l->server && l->password)
		say(a, "its calls are taken from the addresses of %.80s only: name the carrier's signalling addresses under allow", l->server);
	if (!l->numbers.country)
		say(a, "numbers: { country: ... } is missing: numbers are passed as they come, and routes see them in whatever form the carrier uses");
}

size_t line_preset_advise(const struct line_config *l, char ret[][PRESET_ADVICE_TEXT], size_t cap)
{
	struct advice a = {.texts = ret, .cap = cap};
	const char *p = l->preset ? l->preset : "";

	if (!strcmp(p, "3cx"))
		advise_3cx(&a, l);
	if (!strcmp(p, "twilio"))
		advise_twilio(&a, l);
	if (!strcmp(p, "telnyx") && l->does_register && l->extension && l->extension[0] == '+')
		say(&a, "Telnyx: extension is the user name of the connection's credentials, not the number; the number goes into caller_id");
	if (!strcmp(p, "freepbx") && is_port(l->server, "5160"))
		say(&a, "FreePBX: port 5160 is chan_sip, which FreePBX 17 no longer has: make the extension a chan_pjsip one and drop the port");
	if (!strcmp(p, "fritzbox") && l->extension && strspn(l->extension, "0123456789*") == strlen(l->extension))
		say(&a, "FRITZ!Box: extension is the device's user name (letters), not its internal number such as **620");
	if (!strcmp(p, "fritzbox") && l->transport != LINE_UDP)
		say(&a, "FRITZ!Box: its registrar for telephony devices is reached over udp");
	if (!strcmp(p, "yeastar") && l->caller_id && l->caller_id_in & IDENTITY_FROM)
		say(&a, "Yeastar: a From other than the extension is answered with 404: leave caller_id_in without \"from\"");
	if (l->kind == LINE_TRUNK)
		advise_trunk(&a, l);

	return a.count;
}
