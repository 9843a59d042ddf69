/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sdp/describe.h"
#include "sdp/offer_answer.h"

/* What making an answer and reading one share; used by offer_answer.c and answer.c only. */

#define OA_PTIME_DEFAULT_MS 20
#define OA_EVENTS           0x1ffffu /* 0-16: DTMF and flash */

/* Replaces *oa by *next, which owns what it points to. */
void oa_commit(struct sdp_oa *oa, const struct sdp_oa *next);

/* A payload type of ours got its meaning, for the rest of the dialog (RFC 3264 §8.3.2). */
void oa_pt_bind(struct sdp_oa *oa, const struct sdp_format_use *f);

bool oa_local_is_valid(const struct sdp_local *l);
const struct sdp_local_codec *oa_local_find(const struct sdp_local *l, enum sdp_codec c);
bool oa_is_audio(enum sdp_codec c); /* neither events nor comfort noise */
bool oa_is_secure(enum sdp_proto proto);

/* A format of the peer, with its parameters. */
struct sdp_format_use plan_use(const struct sdp_format *f, enum sdp_codec c);

void plan_add_rx(struct sdp_media_plan *p, const struct sdp_format_use *f);
void plan_remote(struct sdp_media_plan *p, const struct sdp_media *m, bool is_rtcp_mux);
uint16_t plan_ptime(const struct sdp_media *m, const struct sdp_local *l, enum sdp_codec tx);

/* ours: what we want (struct sdp_local); after plan_remote. */
void plan_dir(struct sdp_media_plan *p, const struct sdp_media *m, enum sdp_dir ours);

/* Offers f for sending events; after plan.tx is known. */
void plan_tx_event(struct sdp_media_plan *p, const struct sdp_format_use *f);

/* ---- security (security.c) ---- */

/* How the m-line of an offer would be encrypted with what we have. -TR_ESECURITY: not as it and we want it. */
nodiscard int secure_choose(const struct sdp_oa *oa, const struct sdp *offer, unsigned i, const struct sdp_local *l,
	struct sdp_media_plan *ret);

/* The lines of our answer to it. */
void secure_answer(const struct sdp_oa *oa, const struct sdp_media_plan *p, struct sdp_desc *d);

/* Of our offer; sets next->offered_keying. */
void secure_offer(struct sdp_oa *next, const struct sdp_local *l, struct sdp_desc *d);

/* What the answer makes of our offer. */
nodiscard int secure_read(const struct sdp_oa *oa, const struct sdp *answer, const struct sdp_media *m, struct sdp_media_plan *p);

/* The m-line's name and whether it is bundled, from the peer's offer. */
void oa_take_mid(struct sdp_oa *next, const struct sdp *offer, const struct sdp_media *m);
void oa_agree(struct sdp_oa *oa, const struct sdp_media_plan *p);
