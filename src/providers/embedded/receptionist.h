/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "agent/ports.h"
#include "providers/embedded/parse_en.h"

/*
 * The embedded receptionist: books an appointment (day, time, name) over the telephone without any model.
 *
 * It asks for what is missing, reads everything back before it books, takes corrections in any state ("no, I said Wednesday"
 * changes only the day), answers what it knows, and hands over to a person when asked or when it does not understand:
 * misunderstood or silent once, it asks again; twice, it offers the keypad; three times, it transfers (or, for silence, ends).
 *
 * Pure: a turn and the state give a reply. receptionist_llm.h puts it behind the llm port.
 */
struct receptionist_params {
	const char *greeting; /* NULL: a general one */
	const char *hours, *prices, *address; /* answers; NULL: general ones */
	int32_t today;		 /* calendar_day of the call, in the business' zone */
	uint8_t open_days;	 /* bit 0 is Monday; 0: Monday to Friday */
	int32_t opens, closes;	 /* minutes of the day; both 0: 8:00 to 18:00 */
	bool has_book_tool;	 /* "book_appointment" exists and its result is waited for */
};

enum receptionist_state {
	RECEPTION_OPEN, /* "how can I help" */
	RECEPTION_DAY,
	RECEPTION_TIME,
	RECEPTION_NAME,
	RECEPTION_CONFIRM,	/* everything was read back */
	RECEPTION_CHANGE,	/* "what should I change" */
	RECEPTION_BOOKING,	/* the tool runs */
	RECEPTION_OFFER_HUMAN,	/* "shall I connect you" */
	RECEPTION_MORE,		/* "anything else" */
	RECEPTION_OVER,		/* transferred or hung up */
	RECEPTION_STATE_COUNT
};

enum receptionist_action { RECEPTION_NOTHING, RECEPTION_TRANSFER, RECEPTION_HANG_UP, RECEPTION_BOOK };

struct receptionist_reply {
	char text[1024];
	enum receptionist_action action;
	char args[320];	     /* JSON for the action's tool */
	const char *context; /* grammar to listen with */
	uint32_t silence_ms;
	bool is_number;
};

struct receptionist {
	struct receptionist_params params; /* strings borrowed */
	enum receptionist_state state;

	bool has_day, has_time, has_name, is_first_name_only;
	int32_t day, minute;
	enum parse_part part; /* of the day, as long as there is no time */
	char name[96];

	uint32_t no_match, no_input; /* in a row */
	char prompt[640];	     /* what "repeat" says again */
	char last[1024];	     /* the last reply as a whole */
	size_t read_back_end;	     /* of the last reply: where the read-back is complete */
};

void receptionist_init(struct receptionist *r, const struct receptionist_params *params);
void receptionist_turn(struct receptionist *r, const struct llm_turn *turn, struct receptionist_reply *ret);
/* For endpointing: is text, so far, an answer to what was asked. */
enum llm_fit receptionist_judge(const struct receptionist *r, const char *text);
