/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "sip/digest.h"

/*
 * The input is a challenge, and after the first line end credentials. A challenge that we answer gives credentials that parse
 * and hold what was challenged; foreign credentials are never taken, since nobody here has the key of the nonce.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int find_user(void *arg, struct span user, enum sip_digest_alg alg, struct sip_digest_hex *ret)
{
	return sip_digest_ha1(ret, alg, user, SPAN_LIT("r"), SPAN_LIT("password"));
}

static void check_answer(const struct sip_challenge *challenge)
{
	struct sip_login login = {SPAN_LIT("al\"ice"), SPAN_LIT("password")};
	struct sip_auth_request request = {SPAN_LIT("REGISTER"), SPAN_LIT("sip:h"), SPAN_LIT("body")};
	struct sip_credentials cred;
	struct sip_auth auth;
	struct sip_writer w;
	struct span text;
	char buf[4096];

	if (sip_auth_init(&auth, challenge, false, SPAN_LIT("c0ffee")))
		return;
	sip_writer_init(&w, buf, sizeof(buf));
	sip_auth_write(&auth, &w, &login, &request);
	assert(sip_writer_finish(&w, &text) == 0);
	for (size_t i = 0; i + 2 < text.n; i++)
		assert(text.p[i] != '\n' && text.p[i] != '\r');
	assert(sip_credentials_parse(&cred, span(text.p + 15, text.n - 15)) == 0);
	assert(cred.realm.n == challenge->realm.n && cred.nonce.n == challenge->nonce.n);
	assert(cred.algorithm == challenge->algorithm && cred.response.n >= 32);
	assert(cred.qop == 0 || cred.nc == 1);
}

static void check_credentials(struct span value)
{
	static struct sip_msg msg;
	static char buf[LIMIT_SIP_MSG_BYTES];
	struct sip_auth_server server = {.key = SPAN_LIT("a key that nobody knows"), .realm = SPAN_LIT("r"), .nonce_ttl_ms = 1000};
	struct sip_auth_check check = {.request = &msg, .id = SIP_HDR_AUTHORIZATION, .ha1 = find_user};
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, buf, sizeof(buf));
	sip_write_request_line(&w, SIP_REGISTER, SPAN_LIT("sip:h"));
	sip_write_hdr_z(&w, SIP_HDR_VIA, "SIP/2.0/UDP h;branch=z9hG4bKx");
	sip_write_hdr_z(&w, SIP_HDR_FROM, "<sip:a@h>;tag=1");
	sip_write_hdr_z(&w, SIP_HDR_TO, "<sip:a@h>");
	sip_write_hdr_z(&w, SIP_HDR_CALL_ID, "c");
	sip_write_cseq(&w, 1, SPAN_LIT("REGISTER"));
	sip_write_hdr(&w, SIP_HDR_AUTHORIZATION, value);
	sip_write_end(&w);
	if (sip_writer_finish(&w, &text))
		return;
	assert(sip_msg_parse(&msg, text.p, text.n) == 0);
	assert(sip_auth_verify(&server, &check, 5000) != SIP_AUTH_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span((const char *)data, size), first = span_cut(&rest, '\n');
	struct sip_challenge challenge;

	if (sip_challenge_parse(&challenge, first) == 0)
		check_answer(&challenge);
	check_credentials(rest);

	return 0;
}
