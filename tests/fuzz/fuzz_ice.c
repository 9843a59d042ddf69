/* SPDX-License-Identifier: Apache-2.0 */
#include "nat/ice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/*
 * An agent whose peer knows the secrets and does what it likes: the input is a list of steps (a message, candidates, time). Messages
 * get the right credentials, else all would end at the first check.
 */
static struct ice_description ours;

static void swallow(void *ctx, unsigned base, const struct addr *to, const uint8_t *bytes, size_t n)
{
	struct stun_msg m;

	assert(stun_parse(bytes, n, &m) == 0 && m.fingerprint_at);
}

struct input {
	const uint8_t *p;
	size_t n;
};

static uint8_t byte(struct input *in)
{
	if (!in->n)
		return 0;
	in->n--;

	return *in->p++;
}

static struct addr address(struct input *in)
{
	struct addr a = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000200u | (byte(in) & 15))}};

	addr_set_port(&a, (uint16_t)(1000 + (byte(in) & 7)));

	return a;
}

static void message(struct ice *a, struct input *in, msec_t now)
{
	uint8_t bytes[400], kind = byte(in), flags = byte(in);
	struct addr from = address(in), mapped = address(in);
	char user[80];
	struct stun_writer w;
	struct stun_id id = {{0}};
	size_t n;

	for (size_t i = 0; i < sizeof(id.bytes); i++)
		id.bytes[i] = byte(in);
	(void)snprintf(user, sizeof(user), "%.16s:them", ours.ufrag);
	stun_begin(&w, bytes, sizeof(bytes), (enum stun_class)(kind & 3), STUN_BINDING, &id);
	stun_put_span(&w, STUN_USERNAME, span_z(user));
	stun_put_u32(&w, ICE_PRIORITY, (uint32_t)byte(in) << 16);
	stun_put_u64(&w, flags & 1 ? ICE_CONTROLLING : ICE_CONTROLLED, (uint64_t)byte(in) << 56);
	if (flags & 2)
		stun_put(&w, ICE_USE_CANDIDATE, NULL, 0);
	if (flags & 4)
		stun_put_addr(&w, STUN_XOR_MAPPED_ADDRESS, &mapped);
	if (flags & 8)
		stun_put_error(&w, flags & 16 ? 487 : 400, "x");
	if (flags & 32)
		stun_put_u32(&w, 0x7fff, 0);
	stun_put_integrity(&w, (kind & 3) == STUN_REQUEST ? span_z(ours.pwd) : SPAN_LIT("theirsecrettheirsecret"));
	if (stun_end(&w, &n) == 0)
		(void)ice_recv(a, kind >> 2 & 1, &from, bytes, n, now);
}

static void candidates(struct ice *a, struct input *in, msec_t now)
{
	struct ice_candidate c = {.type = (enum ice_type)(byte(in) & 3), .addr = address(in), .priority = 1u + byte(in)};

	(void)snprintf(c.foundation, sizeof(c.foundation), "%u", byte(in) & 3);
	ice_add_remote(a, &c, 1, now);
}

static void check(const struct ice *a)
{
	struct ice_path path;

	if (ice_path(a, &path))
		assert(addr_is_set(&path.remote) && path.base < 2);
	if (ice_state(a) == ICE_CONNECTED)
		assert(ice_path(a, &path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = {data, n};
	uint8_t mode = byte(&in);
	struct ice_params p = {.is_lite = mode & 1, .is_aggressive = mode & 2, .send = swallow};
	struct ice_description peer = {.ufrag = "them", .pwd = "theirsecrettheirsecret", .is_lite = mode & 4, .does_trickle = mode & 8};
	struct addr host = {0}, relayed = {0};
	msec_t now = 1000;
	struct ice *a;

	if (ice_new(&a, &p) != 0 || !addr_parse(SPAN_LIT("10.0.0.1:5000"), 0, &host) || !addr_parse(SPAN_LIT("192.0.2.99:5000"), 0, &relayed))
		return 0;
	if (ice_add_local(a, ICE_HOST, 0, &host, NULL) != 0 || ice_add_local(a, ICE_RELAY, 1, &relayed, NULL) != 0)
		abort();
	ice_describe(a, &ours);
	while (in.n) {
		switch (byte(&in) & 7) {
		case 0:
			ice_begin(a, &peer, mode & 16, now);
			break;
		case 1:
			candidates(a, &in, now);
			break;
		case 2:
			ice_remote_complete(a, now);
			break;
		case 3:
			now += byte(&in) * 10;
			break;
		case 4:
			(void)ice_recv(a, 0, &host, in.p, MIN(in.n, (size_t)40), now);
			break;
		default:
			message(a, &in, now);
			break;
		}
		assert(ice_tick(a, now) > now);
		check(a);
	}
	ice_free(a);

	return 0;
}
