/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "audio/spot.h"

/*
 * What the network and machines say by tones: fax, special information tones, busy, ringing, dial tone, and the beep of an answering
 * machine. Tones are cut out of the frames (steady in frequency, bridged over lost packets), then judged by frequency, length and
 * cadence. Pure, embedded, no allocation; one stream each.
 *
 *	fax      2100 Hz for 500 ms (ITU-T T.30 CED, V.8 ANSam); 1100 Hz for half a second, twice (T.30 CNG), or once before any speech
 *	SIT      three rising tones, ITU-T E.180 and the North American four
 *	busy     equal bursts and pauses of 180 to 600 ms of 340 to 640 Hz, told when the third burst begins
 *	ringing  one or two bursts of 340 to 640 Hz, then a pause of a second: US 2/4 s, Europe 1/4 s, UK 0.4/0.2/0.4/2 s
 *	dial     340 to 450 Hz for 3 s
 *	beep     a sine of 380 to 2150 Hz for 60 ms to 2 s, steadier than a voice; whether it is one is known only from what came before it
 */
enum progress_kind {
	PROGRESS_NONE,
	PROGRESS_FAX,
	PROGRESS_SIT,
	PROGRESS_BUSY,
	PROGRESS_RINGING,
	PROGRESS_DIAL,
	PROGRESS_BEEP,
	PROGRESS_KIND_COUNT
};
const char *progress_kind_name(enum progress_kind k);

/* What a SIT means. */
enum progress_sit {
	PROGRESS_SIT_OTHER,
	PROGRESS_SIT_INTERCEPT, /* number changed or disconnected */
	PROGRESS_SIT_VACANT,	/* there is no such number */
	PROGRESS_SIT_REORDER,	/* the network is busy */
	PROGRESS_SIT_NO_CIRCUIT,
};
const char *progress_sit_words(enum progress_sit sit);

struct progress_tone {
	float hz[2];	      /* mean; hz[1] 0: a single one */
	uint32_t at, frames;  /* number of its first frame; how many */
	float level_db;	      /* loudest frame */
	float quiet_db;	      /* softest but for the two at the edges */
	float low_hz, high_hz; /* range of hz[0], the same */
	float purity;	      /* mean share of its energy that is in its sines */
};

#define PROGRESS_KEPT 4

struct progress {
	struct spot spot;
	uint32_t frame;		   /* number of the one that comes next */
	struct progress_tone tone; /* that is on; frames 0: none */
	float last_hz, last_db;	   /* of its newest frame, until that is known to be inside of it */
	bool is_fresh;
	uint32_t since_lost;	   /* frames since one was guessed */
	uint32_t misses;	   /* frames without it since */
	struct progress_tone kept[PROGRESS_KEPT]; /* that were on before, newest first */
	uint32_t n_kept;
	uint32_t told_at;	   /* frame + 1 of the tone that was told of; 0: none */
};

struct progress_out {
	enum progress_kind kind; /* became certain with this frame */
	enum progress_sit sit;
	uint16_t hz;		 /* of the tone told of */
	uint32_t began_ms;	 /* it began so long before the end of this frame, to about 20 ms */
	uint32_t length_ms;	 /* a beep's */
	uint32_t tone_ms;	 /* a tone is on and began so long before the end of this frame; 0: none */
	float level_db;		 /* of this frame */
};

void progress_init(struct progress *p, int rate_hz);

/* One frame of 20 ms. is_concealed: guessed, since its packet was lost. has_speech: somebody has spoken on this call. */
void progress_run(struct progress *p, const int16_t *pcm, int n, bool is_concealed, bool has_speech, struct progress_out *ret);
