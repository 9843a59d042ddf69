/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pipeline_impl.h"
#include "media/port.h"

/*
 * The detector of speech that the configuration names, in the place of the media core's. Where it is missing or breaks, the call
 * goes on with the core's verdicts, which are always there, and the failure is told.
 */

static void fail(struct pipeline *p, int err, const struct port_fault *fault)
{
	port_fail(&p->vad_fault, err, "%s", fault->words);
}

void pipeline_vad_open(struct pipeline *p)
{
	struct port_fault fault = {-TR_ENOTFOUND, "no such vad port"};
	struct vad_port *port;
	int err;

	if (!p->config->vad)
		return;

	port = agent_providers_vad(p->env.providers, p->config->vad);
	err = port ? port->ops->open(port, (uint32_t)media_port_rate_hz(p->env.port), &p->vad, &fault) : fault.err;
	if (err)
		fail(p, err, &fault);
}

void pipeline_vad_close(struct pipeline *p)
{
	if (p->vad)
		p->vad->ops->close(p->vad);
	p->vad = NULL;
}

uint8_t pipeline_vad_judge(struct pipeline *p, const struct media_up_frame *f)
{
	struct port_fault fault = {0, "the detector broke; the call goes on with the built-in one"};
	uint8_t speech = f->speech;
	int err;

	if (f->flags & MEDIA_UP_IDLE)
		return 0;
	if (!p->vad)
		return speech;

	err = p->vad->ops->frame(p->vad, f->pcm, f->n, &speech);
	if (err) {
		fail(p, err, &fault);
		pipeline_vad_close(p);
	}

	return speech;
}

void pipeline_vad_tell_fault(struct pipeline *p)
{
	struct port_fault fault = p->vad_fault;

	if (!fault.err)
		return;
	p->vad_fault.err = 0;
	pipeline_emit(p, (struct agent_event){.kind = AGENT_FAILED, .failure = {"vad", p->config->vad, fault.err, fault.words, false}});
}
