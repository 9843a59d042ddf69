/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/openai/chat.h"
#include "web/sse.h"

/*
 * A model's answer as any bytes, in pieces whose size the first byte gives: events are bounded, tool calls too, and the same bytes in one piece give the same.
 */
struct outcome {
	char text[4096];
	size_t text_n;
	int err;
	struct chat_answer answer;
};

static bool on_event(void *arg, const char *event, const char *data, size_t n)
{
	struct outcome *o = arg;
	char *text, words[100];

	o->err = chat_take(&o->answer, data, n, &text, words, sizeof(words));
	if (text) {
		size_t more = MIN(strlen(text), sizeof(o->text) - o->text_n);

		memcpy(o->text + o->text_n, text, more);
		o->text_n += more;
	}
	free(text);
	if (o->answer.tool_count > LIMIT_AGENT_TOOLS)
		abort();
	for (uint32_t i = 0; i < o->answer.tool_count; i++)
		if (o->answer.tools[i].args && strlen(o->answer.tools[i].args) != o->answer.tools[i].args_n)
			abort();

	return o->err == 0;
}

static void read_all(struct outcome *o, const uint8_t *data, size_t size, size_t piece)
{
	struct sse s;
	bool goes_on = true;

	*o = (struct outcome){0};
	sse_init(&s);
	for (size_t at = 0; at < size && goes_on; at += piece)
		goes_on = sse_feed(&s, (const char *)data + at, MIN(piece, size - at), on_event, o);
	if (goes_on)
		sse_end(&s, on_event, o);
	sse_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, pieces;

	if (size < 2)
		return 0;
	read_all(&whole, data + 1, size - 1, size);
	read_all(&pieces, data + 1, size - 1, 1 + data[0] % 64);
	if (whole.text_n != pieces.text_n || memcmp(whole.text, pieces.text, whole.text_n) != 0 || whole.err != pieces.err ||
		whole.answer.tool_count != pieces.answer.tool_count)
		abort();
	chat_done(&whole.answer);
	chat_done(&pieces.answer);

	return 0;
}
