/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "media/media.h"
#include "sdp/offer_answer.h"

/* Between the words of SDP and those of the media engine. Pure. */

/*
 * Our side of a description: codecs by name (NULL-terminated, most wanted first; NULL: Opus, G.722, PCMU, PCMA), with
 * telephone-event, at rtp. Names that are not ours are skipped.
 */
void media_map_local(const char *const *codecs, const struct addr *rtp, struct sdp_local *ret);

/* What the engine has to do for an agreed description. -TR_ENOCODEC when there is no audio in it. */
nodiscard int media_map_plan(const struct sdp_media_plan *plan, struct media_plan *ret);
