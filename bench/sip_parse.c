/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "sip/digest.h"
#include "sip/msg.h"
#include "sip/write.h"

/* What parsing, checking and writing cost: the best of several rounds, nanoseconds a message. */

static const char sdp[] = "v=0\r\no=- 3915 3915 IN IP4 198.51.100.20\r\ns=Asterisk\r\nc=IN IP4 198.51.100.20\r\nt=0 0\r\n"
			  "m=audio 14002 RTP/AVP 0 8 3 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
			  "a=rtpmap:3 GSM/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
			  "a=maxptime:150\r\na=sendrecv\r\n";

/* As Asterisk writes it. */
static const char head[] =
	"INVITE sip:1001@198.51.100.30:5060 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 198.51.100.20:5060;rport;branch=z9hG4bKPj1c2d8f0e-3e1f-4b0f-9f2b-8a7d3f6c5b4a\r\n"
	"From: \"Front Desk\" <sip:200@198.51.100.20>;tag=5e0a4a8e-6c7a-4c9a-8a5c-0d8f4b1f2c3d\r\n"
	"To: <sip:1001@198.51.100.30>\r\n"
	"Contact: <sip:asterisk@198.51.100.20:5060>\r\n"
	"Call-ID: 7c1b0e52-5a4d-4e0e-9d6b-2f3c4d5e6f70\r\n"
	"CSeq: 29415 INVITE\r\n"
	"Allow: OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, REFER\r\n"
	"Supported: 100rel, timer, replaces, norefersub\r\n"
	"Session-Expires: 1800\r\n"
	"Min-SE: 90\r\n"
	"Max-Forwards: 70\r\n"
	"User-Agent: FPBX-16.0.40(20.5.0)\r\n"
	"Content-Type: application/sdp\r\n";

static char invite[2048];
static size_t invite_n;
static struct sip_msg msg;
static char out[2048];

static void parse(void)
{
	if (sip_msg_parse(&msg, invite, invite_n))
		abort();
}

static void parse_and_check(void)
{
	struct sip_parse_error error;

	parse();
	if (sip_msg_check(&msg, &error))
		abort();
}

static void frame(void)
{
	size_t n;

	if (sip_msg_frame(invite, invite_n, &n) != SIP_FRAME_MESSAGE)
		abort();
}

static void respond(void)
{
	struct sip_response_params params = {.status = 200, .to_tag = SPAN_LIT("abcdef"), .received = SPAN_LIT("198.51.100.20"),
		.rport = 5060};
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, out, sizeof(out));
	sip_write_response(&w, &msg, &params);
	sip_write_hdr_z(&w, SIP_HDR_CONTACT, "<sip:1001@198.51.100.30:5060>");
	sip_write_body(&w, SPAN_LIT("application/sdp"), span(sdp, sizeof(sdp) - 1));
	if (sip_writer_finish(&w, &text))
		abort();
}

static void clone(void)
{
	sip_msg_free(sip_msg_clone(&msg));
}

static void digest(enum sip_digest_alg alg)
{
	struct sip_challenge c = {.scheme = SPAN_LIT("Digest"), .realm = SPAN_LIT("asterisk"), .nonce = SPAN_LIT("1700000000/0123456789abcdef"),
		.algorithm = alg, .algorithm_text = SPAN_LIT("x"), .qop = SIP_QOP_AUTH, .has_qop = true};
	struct sip_login login = {SPAN_LIT("1001"), SPAN_LIT("secret1001")};
	struct sip_auth_request request = {SPAN_LIT("REGISTER"), SPAN_LIT("sip:198.51.100.20"), {0}};
	struct sip_auth auth;
	struct sip_writer w;

	sip_writer_init(&w, out, sizeof(out));
	if (sip_auth_init(&auth, &c, false, SPAN_LIT("0123456789abcdef")))
		abort();
	sip_auth_write(&auth, &w, &login, &request);
}

static void digest_md5(void)
{
	digest(SIP_DIGEST_MD5);
}

static void digest_sha256(void)
{
	digest(SIP_DIGEST_SHA256);
}

static void measure(const char *name, void (*fn)(void))
{
	int64_t best = INT64_MAX;

	for (int round = 0; round < 200; round++) {
		int64_t start = clock_us();

		for (int i = 0; i < 1000; i++)
			fn();
		best = MIN(best, clock_us() - start);
	}
	printf("%-24s %6" PRId64 " ns\n", name, best);
}

int main(void)
{
	struct sip_writer w;
	struct span text;

	sip_writer_init(&w, invite, sizeof(invite));
	memcpy(invite, head, sizeof(head) - 1);
	w.n = sizeof(head) - 1;
	sip_write_body(&w, (struct span){0}, span(sdp, sizeof(sdp) - 1));
	if (sip_writer_finish(&w, &text))
		return 1;
	invite_n = text.n;

	printf("INVITE of %zu bytes; struct sip_msg %zu bytes, a clone of this one %zu\n", invite_n, sizeof(struct sip_msg),
		(parse(), offsetof(struct sip_msg, headers) + msg.header_count * sizeof(struct sip_header) + invite_n));
	measure("parse", parse);
	measure("parse and check", parse_and_check);
	measure("frame", frame);
	measure("write 200 with SDP", respond);
	measure("clone and free", clone);
	measure("digest answer MD5", digest_md5);
	measure("digest answer SHA-256", digest_sha256);

	return 0;
}
