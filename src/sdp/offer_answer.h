/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "sdp/codec.h"
#include "sdp/crypto.h"
#include "sdp/sdp.h"
#include "sdp/transport.h"

/*
 * Offer and answer, RFC 3264: one audio stream of ours among whatever the peer describes.
 *
 * struct sdp_oa keeps what must be stable over a dialog: o=, the m-lines and their order, the
 * meaning of every payload type. Of each new description the caller gives what it can and wants now
 * (struct sdp_local), so hold, resume, another port or another codec list are all the same call:
 * sdp_oa_offer with a changed struct sdp_local. The version of o= grows only when the description
 * changed.
 *
 * Pure; any thread, one at a time.
 */

struct sdp_local_codec {
	enum sdp_codec codec; /* an audio codec; events and comfort noise have their own switches */
	uint8_t pt; /* wanted when we offer; ignored for codecs with a static one; 0: chosen */
	struct sdp_opus opus;
};

enum sdp_srtp {
	SDP_SRTP_OFF,	   /* RTP in clear only */
	SDP_SRTP_OPTIONAL, /* encrypted when the peer can */
	SDP_SRTP_REQUIRED, /* encrypted or not at all */
};

enum sdp_keying { SDP_IN_CLEAR, SDP_SDES, SDP_DTLS };

/* What we can do to encrypt. Keys are per dialog: the same ones in each of its descriptions, unless they are to change. */
struct sdp_security {
	enum sdp_srtp srtp;
	bool prefers_dtls; /* our first offer: keys by DTLS; otherwise by SDES. An answer follows the offer */
	struct sdp_fingerprint fingerprint; /* of our certificate; without one there is no DTLS */
	struct srtp_key keys[LIMIT_SDP_CRYPTOS]; /* SDES, one a suite, most wanted first */
	uint8_t key_count;
};

struct sdp_local {
	struct addr rtp;  /* address and port where we receive */
	struct addr rtcp; /* unset: the next port (or rtp's with mux) */
	bool is_rtcp_mux; /* offer it; accept it when offered */
	enum sdp_dir dir; /* what we want: sendrecv; sendonly or inactive to hold */
	uint32_t protos;  /* bits (1u << enum sdp_proto) that we can do */
	enum sdp_proto offer_proto;
	struct sdp_local_codec codecs[LIMIT_SDP_LOCAL_CODECS]; /* most wanted first */
	uint8_t codec_count;
	bool has_events;   /* telephone-event at each clock of the codecs */
	bool has_cn;       /* comfort noise, 8000 Hz */
	bool is_own_order; /* answer in our order of preference instead of the offerer's (RFC 3264
			      §6.1) */
	bool is_one_codec; /* answer with one audio codec only, so that the peer cannot switch */
	uint16_t ptime_ms; /* what we want; 0: 20 */
	uint16_t maxptime_ms;    /* 0: not said */
	struct sdp_security security;
	const struct ice_description *ice; /* ours; NULL: no ICE. Borrowed for the operation only */
};

struct sdp_format_use {
	enum sdp_codec codec;
	uint8_t pt;
	uint32_t clock_hz;
	struct sdp_opus opus; /* of the receiver; only for Opus */
	uint32_t events;      /* RFC 4733 events the receiver takes; only for telephone-event */
};

/* What the media layer has to do after an answer was made or read. A plain value. */
struct sdp_media_plan {
	bool has_media; /* false: the stream is refused or removed (port 0); all else is void */
	uint8_t mline;  /* index of our m-line in both descriptions */
	enum sdp_proto proto;
	enum sdp_keying keying;
	struct srtp_key tx_key, rx_key;	    /* SDP_SDES */
	uint32_t crypto_tag;		    /* SDP_SDES, answers: of the line that was taken */
	struct sdp_fingerprint fingerprint; /* SDP_DTLS: of the peer's certificate */
	bool is_dtls_client;		    /* SDP_DTLS: we begin the handshake */
	struct ice_description ice;	    /* of the peer; not set: no ICE */
	struct addr remote_rtp;  /* unset: the peer gave a name instead of an address: learn it from
				    its packets */
	struct addr remote_rtcp; /* equal to remote_rtp with mux */
	bool is_remote_private;  /* RFC 1918 and relatives: behind a NAT, or a neighbour */
	bool is_rtcp_mux;
	enum sdp_dir dir;     /* ours: bit 0 we send, bit 1 we receive */
	bool is_held_by_peer; /* it does not want to hear us (sendonly, inactive or c=0.0.0.0) */
	bool is_held_by_us;   /* we asked it to be silent (sendonly, inactive) */
	bool is_old_hold;     /* c=0.0.0.0, RFC 3264 §8.4: send neither RTP nor RTCP */
	struct sdp_format_use tx; /* what we send */
	struct sdp_format_use
		tx_event; /* codec NONE: the peer takes none; its clock is tx's when possible */
	struct sdp_format_use tx_cn;                    /* codec NONE: never */
	struct sdp_format_use rx[LIMIT_SDP_RX_FORMATS]; /* all that may arrive, events and comfort
							   noise among them */
	uint8_t rx_count;
	uint16_t ptime_ms;    /* of the packets we send */
	uint16_t maxptime_ms; /* most the peer takes in a packet; 0: not said */
};

/* The format of a received payload type; NULL: not negotiated. */
const struct sdp_format_use *sdp_plan_rx(const struct sdp_media_plan *plan, uint8_t pt);

/* A description to send: content type application/sdp. */
struct sdp_body {
	size_t n;
	char text[LIMIT_SDP_OWN_BYTES];
};

static inline struct span sdp_body_span(const struct sdp_body *b)
{
	return span(b->text, b->n);
}

struct sdp_oa {
	uint64_t session_id, version; /* of our o= */
	uint64_t sent_hash;           /* of our last description without its o= line */
	char origin_ip[ADDR_TEXT];    /* o= keeps it though the media address may change */
	struct sdp_local offered;     /* of the offer that waits for its answer */
	bool is_pending;              /* our offer has no answer yet */
	bool is_stable;               /* at least one exchange is complete */
	enum sdp_keying offered_keying;
	bool is_ice_offered;
	struct {
		enum sdp_proto proto;
		enum sdp_keying keying;
		enum srtp_suite suite;
		bool is_dtls_client;
	} agreed;                     /* later offers of ours begin from there */
	char mid[LIMIT_SDP_MID_BYTES]; /* of our m-line; "": it has none */
	bool is_bundled;
	int8_t audio;                 /* index of our m-line; -1 before it is known */
	uint8_t media_count;          /* m-lines of the dialog: we never shrink it (RFC 3264 §8) */
	int8_t agreed_audio;          /* both as they were before the pending offer */
	uint8_t agreed_media_count;
	char *refused[LIMIT_SDP_MEDIA]; /* the other m-lines as we write them, "video 0 RTP/AVP 31";
					   owned */
	uint8_t pts[128]; /* enum sdp_codec that a payload type of ours means for good (§8.3.2) */
	uint8_t pt_khz[128]; /* and its clock: telephone-event has several */
};

/* session_id: any number below 2^62, unique among ours (a random or an NTP time). */
void sdp_oa_init(struct sdp_oa *oa, uint64_t session_id);
void sdp_oa_done(struct sdp_oa *oa);

/* For the second early dialog of a forked INVITE: an independent copy that waits for its own
 * answer. -ENOMEM leaves *ret untouched. */
nodiscard int sdp_oa_copy(const struct sdp_oa *oa, struct sdp_oa *ret);

/* The first offer or a new one (RFC 3264 §5, §8). -TR_ESTATE: one is pending; -TR_ECONFIG: local
 * has no codec or address. */
nodiscard int sdp_oa_offer(
	struct sdp_oa *oa, const struct sdp_local *local, struct sdp_body *ret_body);

/*
 * Reads the answer to our offer (§7). -TR_ESTATE: no offer waits; -TR_ENOCODEC: it accepts nothing
 * of ours; -TR_ESECURITY: not encrypted as it has to be; -TR_EPARSE: it is no answer to this offer (our m-line is missing). After an error the
 * offer counts as refused. A port 0 in the answer to a later offer is no error: the plan is without
 * media.
 */
nodiscard int sdp_oa_recv_answer(
	struct sdp_oa *oa, const struct sdp *answer, struct sdp_media_plan *ret_plan);

/*
 * Our offer was refused (488, 491 ...): the last agreement stands. Harmless when none is
 * pending.
 */
void sdp_oa_offer_refused(struct sdp_oa *oa);

/*
 * Answers an offer (§6). -TR_ENOCODEC, -TR_ESECURITY: answer 488; -TR_ESTATE: our own offer is pending: 491. After
 * an error nothing has changed. The first audio m-line that suits is taken (secure before plain),
 * all others are refused by port 0.
 */
nodiscard int sdp_oa_answer(struct sdp_oa *oa, const struct sdp *offer,
	const struct sdp_local *local, struct sdp_media_plan *ret_plan, struct sdp_body *ret_body);
