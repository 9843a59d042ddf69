/* SPDX-License-Identifier: Apache-2.0 */
#include "media/inband.h"
#include "audio/dtmf_inband.h"

struct inband {
	bool is_detecting;
	struct dtmf_rx rx;
	struct dtmf_tx tx;
};

struct inband *inband_new(int rate_hz, bool is_detecting)
{
	struct inband *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;

	i->is_detecting = is_detecting;
	dtmf_rx_init(&i->rx, rate_hz);
	dtmf_tx_init(&i->tx, rate_hz, 0, 0);

	return i;
}

struct inband *inband_free(struct inband *i)
{
	free(i);

	return NULL;
}

bool inband_is_detecting(const struct inband *i)
{
	return i->is_detecting;
}

void inband_set_detecting(struct inband *i, bool is_detecting)
{
	i->is_detecting = is_detecting;
}

int inband_detect(struct inband *i, const int16_t *pcm, int n, char ret_digits[4])
{
	struct dtmf_event events[4];
	int digits = 0;

	if (!i->is_detecting)
		return 0;

	int got = dtmf_rx_run(&i->rx, pcm, n, events, 4);

	for (int k = 0; k < got; k++)
		if (!events[k].is_end)
			ret_digits[digits++] = events[k].digit;

	return digits;
}

int inband_send(struct inband *i, char digit)
{
	return dtmf_tx_put(&i->tx, span(&digit, 1));
}

bool inband_run(struct inband *i, int16_t *ret_pcm, int n)
{
	return dtmf_tx_run(&i->tx, ret_pcm, n);
}
