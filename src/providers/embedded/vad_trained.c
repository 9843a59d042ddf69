/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embedded/vad_trained.h"
#include "audio/vad_net.h"

struct stream {
	struct vad_stream base;
	struct vad_net net;
};

static int open_stream(struct vad_port *port, uint32_t rate_hz, struct vad_stream **ret, struct port_fault *ret_fault)
{
	if (rate_hz != 8000 && rate_hz != 16000)
		return port_fail(ret_fault, -TR_EUNSUPP, "the trained detector hears 8 and 16 kHz, not %u", rate_hz);

	struct stream *s = mem_zalloc(sizeof(*s));

	s->base.ops = port->ops;
	vad_net_init(&s->net, (int)rate_hz);
	*ret = &s->base;

	return 0;
}

static void close_stream(struct vad_stream *stream)
{
	free(container_of(stream, struct stream, base));
}

static int frame(struct vad_stream *stream, const int16_t *pcm, size_t n, uint8_t *ret_speech)
{
	*ret_speech = vad_net_run(&container_of(stream, struct stream, base)->net, pcm, (int)n);

	return 0;
}

static const struct vad_ops ops = {.open = open_stream, .close = close_stream, .frame = frame};

struct vad_port *vad_trained_new(void)
{
	struct vad_port *port = mem_zalloc(sizeof(*port));

	*port = (struct vad_port){.ops = &ops, .name = "trained"};

	return port;
}

struct vad_port *vad_trained_free(struct vad_port *port)
{
	free(port);

	return NULL;
}
