/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/reg_priv.h"

/* What keeps a registration reachable: NAT bindings kept open (RFC 5626 §4.4), and the address that the registrar sees. */

#define ANSWER_MS 10000 /* RFC 5626 §4.4.1: a pong within ten seconds */
#define NAT_S	  9	/* cheap routers forget a UDP binding after ten seconds, whatever RFC 4787 §4.3 wants of them */

/* ---- keep-alives ---- */

static msec_t interval(const struct sip_reg *reg)
{
	bool is_stream = sip_transport_is_reliable(reg->account->transport);
	uint32_t s = reg->keepalive_s ? reg->keepalive_s : is_stream ? 95 : 25;

	if (reg->is_behind_nat && !is_stream)
		s = MIN(s, (uint32_t)NAT_S);

	uint32_t ms = s * 1000;

	/* RFC 5626 §4.4: between 80 and 100 %, so that many lines do not beat in time. */
	return sip_rand_range(&reg->stack->rand, ms / 5 * 4, ms);
}

void sip_reg_alive_start(struct sip_reg *reg, const struct sip_msg *rsp)
{
	uint32_t flow;

	if (sip_msg_number(rsp, SIP_HDR_FLOW_TIMER, &flow) && flow >= 5 && flow < 3600)
		reg->keepalive_s = flow;
	/* One that is under way when the registration is renewed would be forgotten, and outlive us (found by fuzzing). */
	sip_ctrans_detach(reg->ping);
	reg->ping = NULL;
	reg->is_pinging = false;
	if (reg->keepalive != SIP_KA_NONE)
		timer_start(&reg->stack->wheel, &reg->alive, reg->stack->now + interval(reg));
}

void sip_reg_alive_stop(struct sip_reg *reg)
{
	timer_stop(&reg->stack->wheel, &reg->alive);
	sip_ctrans_detach(reg->ping);
	reg->ping = NULL;
	reg->is_pinging = false;
}

static void reconnect(struct sip_reg *reg)
{
	if (reg->state != SIP_REG_WAITING || !reg->is_registered)
		return;
	reg->conn = 0;
	reg->state = SIP_REG_TRYING;
	sip_reg_send(reg, reg->expires_s);
}

static void on_ping_answer(void *owner, struct sip_ctrans *ct, int status, const struct sip_msg *rsp)
{
	struct sip_reg *reg = owner;

	if (status < 200)
		return;
	reg->ping = NULL;
	reg->is_pinging = false;
	timer_start(&reg->stack->wheel, &reg->alive, reg->stack->now + interval(reg));
	/* Any answer is a sign of life, also 401 and 404; none means that the registrar is away or has restarted. */
	if (!rsp)
		reconnect(reg);
}

static int send_options(struct sip_reg *reg, const struct sip_dest *dest)
{
	char from[LIMIT_SIP_URI_BYTES], to[LIMIT_SIP_URI_BYTES], call_id[25];
	struct sip_ctrans_params params = {.fn = on_ping_answer, .owner = reg, .dest = *dest};
	struct sip_addr_params us = {.uri = sip_bytes_span(&reg->account->aor), .tag = span_z(reg->tag)};
	struct sip_addr_params them = {.uri = sip_bytes_span(&reg->registrar)};
	struct sip_request r = {
		.method = SIP_OPTIONS,
		.uri = sip_bytes_span(&reg->registrar),
		.call_id = sip_stack_token(reg->stack, call_id, 24),
		.cseq = 1,
		.routes = sip_bytes_span(&reg->account->routes),
		.contact = sip_bytes_span(&reg->contact),
		.sent_by = sip_bytes_span(&reg->account->sent_by),
		.transport = dest->transport,
		.account = reg->account,
	};
	struct sip_writer w;

	sip_writer_init(&w, from, sizeof(from));
	sip_write_name_addr(&w, &us);

	int err = sip_writer_finish(&w, &r.from);

	sip_writer_init(&w, to, sizeof(to));
	sip_write_name_addr(&w, &them);
	if (err == 0)
		err = sip_writer_finish(&w, &r.to);

	return err < 0 ? err : sip_request_send(reg->stack, &r, &params, &reg->ping);
}

static void ping(struct sip_reg *reg)
{
	struct sip_dest dest;
	msec_t next = interval(reg);

	if (sip_reg_dest(reg, &dest) < 0)
		return;
	if (reg->keepalive == SIP_KA_OPTIONS) {
		reg->is_pinging = send_options(reg, &dest) == 0;
		next = reg->is_pinging ? ANSWER_MS : next;
	} else {
		sip_stack_send(reg->stack, SPAN_LIT("\r\n\r\n"), &dest, 0);
		/* Many servers take pings and never answer: only one that has answered before is expected to. */
		reg->is_pinging = dest.conn && reg->has_pong;
		next = reg->is_pinging ? ANSWER_MS : next;
	}
	timer_start(&reg->stack->wheel, &reg->alive, reg->stack->now + next);
}

void sip_reg_on_alive(struct timer *t, msec_t now)
{
	struct sip_reg *reg = container_of(t, struct sip_reg, alive);

	if (!reg->is_pinging) {
		ping(reg);
		return;
	}
	sip_reg_alive_stop(reg);
	reconnect(reg);
}

void sip_reg_pong(struct sip_stack *stack, uint32_t conn)
{
	list_each(&stack->regs, struct sip_reg, link, reg) {
		if (reg->conn != conn || reg->keepalive != SIP_KA_CRLF)
			continue;
		reg->has_pong = true;
		if (!reg->is_pinging)
			continue;
		reg->is_pinging = false;
		timer_start(&stack->wheel, &reg->alive, stack->now + interval(reg));
	}
}

void sip_reg_conn_lost(struct sip_stack *stack, uint32_t conn)
{
	list_each(&stack->regs, struct sip_reg, link, reg) {
		if (!conn || reg->conn != conn)
			continue;
		reg->conn = 0;
		reg->has_pong = false;
		/* Soon, but not all lines of one connection in the same millisecond. */
		if (reg->state == SIP_REG_WAITING && reg->is_registered)
			timer_start(&stack->wheel, &reg->timer,
				    stack->now + sip_rand_range(&stack->rand, 50, 1000));
	}
}

/* ---- our address as they see it ---- */

bool sip_reg_learn(struct sip_reg *reg, const struct sip_msg *rsp)
{
	struct sip_stack_event ev = {.type = SIP_EV_PUBLIC_ADDR, .reg = reg, .msg = rsp};
	struct addr said, seen;
	char text[ADDR_TEXT];
	bool is_udp = rsp->via.transport == SIP_UDP;

	if (!rsp->via.received.n && !rsp->via.rport)
		return false;
	if (!addr_parse(sip_bytes_span(&reg->account->sent_by), 5060, &said))
		return false;
	seen = said;
	if (rsp->via.received.n && !addr_parse_ip(rsp->via.received, addr_port(&said), &seen))
		return false;
	/* The port of an outgoing stream is nobody's address. */
	if (is_udp && rsp->via.rport)
		addr_set_port(&seen, rsp->via.rport);
	if (addr_eq(&seen, &reg->public_addr))
		return false;
	reg->public_addr = seen;
	if (addr_eq(&seen, &said))
		return false;

	reg->is_behind_nat = true;

	bool is_taken = reg->learn_public && is_udp &&
		sip_account_set_sent_by(reg->account, span_z(addr_text(&seen, text))) == 0;

	ev.public_addr = seen;
	sip_stack_emit(reg->stack, &ev);

	return is_taken && !reg->account->contact.n;
}
