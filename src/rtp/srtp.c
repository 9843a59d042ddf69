/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/srtp.h"
#include "rtp/packet.h"
#include "rtp/srtp_priv.h"
#include <nettle/gcm.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>

#define WINDOW_BITS   128
#define RTCP_HEAD     8	  /* in clear: header and SSRC of the sender */
#define RTCP_TRAILER  4	  /* E bit and index */
#define RTCP_HMAC_TAG 10
#define ENCRYPTED     0x80000000u

/* The last 128 packets up to the highest, RFC 3711 §3.3.2. Bit 0 of word 0 is the highest. */
struct window {
	bool is_begun;
	uint64_t highest;
	uint64_t bits[WINDOW_BITS / 64];
};

struct source {
	uint32_t ssrc;
	bool is_used;
	struct window rtp;
	uint64_t used_at; /* count of packets, for who goes first */
	uint64_t hint;	  /* highest index under the key before; 0: none */
	struct window rtcp;
};

/* Keys of RTP or RTCP. */
struct side {
	uint8_t tag_bytes;
	uint8_t salt[SRTP_SALT_BYTES];
	uint32_t inner[5], outer[5]; /* SHA-1's state after HMAC's two key blocks */
	struct srtp_cipher cipher;
	struct gcm_key *hash; /* NULL: made for each packet */
};

/* In the order of use: what an RTP packet needs lies in the first lines of the cache. */
struct srtp {
	enum srtp_suite suite;
	bool is_gcm, is_sender;
	uint8_t mki_n;
	uint8_t mki[SRTP_MKI_BYTES];
	uint8_t latest; /* index of the source that was found last */
	uint64_t packets;
	struct side rtp;
	struct source sources[LIMIT_SRTP_SOURCES];
	struct side rtcp;
};

/* ---- set-up ---------------------------------------------------------------------------------------------------------------- */

/* SHA-1's state after one block that is the key, each byte changed. */
static void hmac_half(const uint8_t *key, uint8_t change, uint32_t ret[static 5])
{
	uint8_t block[SHA1_BLOCK_SIZE];
	struct sha1_ctx sha;

	memset(block, change, sizeof(block));
	for (size_t i = 0; i < SRTP_AUTH_BYTES; i++)
		block[i] ^= key[i];
	sha1_init(&sha);
	sha1_update(&sha, sizeof(block), block);
	memcpy(ret, sha.state, sizeof(sha.state));
	explicit_bzero(block, sizeof(block));
	explicit_bzero(&sha, sizeof(sha));
}

static void side_init(struct side *side, const struct srtp_session_keys *keys, const struct srtp_suite_info *info, uint8_t tag_bytes)
{
	side->tag_bytes = tag_bytes;
	memcpy(side->salt, keys->salt, sizeof(side->salt));
	srtp_cipher_init(&side->cipher, keys->cipher, info->key_bytes == 32);
	hmac_half(keys->auth, 0x36, side->inner);
	hmac_half(keys->auth, 0x5c, side->outer);
	if (side->hash)
		gcm_set_key(side->hash, &side->cipher.key, srtp_cipher_block(&side->cipher));
}

static size_t size_of(bool is_gcm)
{
	return (sizeof(struct srtp) + (is_gcm ? sizeof(struct gcm_key) : 0) + 63) & ~(size_t)63;
}

int srtp_new_from(struct srtp **ret, const struct srtp_key *key, bool is_sender, const struct srtp_session_keys *rtp,
	const struct srtp_session_keys *rtcp)
{
	const struct srtp_suite_info *info = srtp_suite_info(key->suite);
	struct srtp *s = aligned_alloc(64, size_of(info->is_gcm));

	if (!s)
		return -ENOMEM;

	*s = (struct srtp){.suite = key->suite, .mki_n = MIN(key->mki_n, SRTP_MKI_BYTES), .is_gcm = info->is_gcm, .is_sender = is_sender};
	memcpy(s->mki, key->mki, sizeof(s->mki));
	/* 4 KB, too much for RTCP's few packets. */
	if (info->is_gcm)
		s->rtp.hash = (struct gcm_key *)(s + 1);
	side_init(&s->rtp, rtp, info, info->tag_bytes);
	side_init(&s->rtcp, rtcp, info, info->is_gcm ? info->tag_bytes : RTCP_HMAC_TAG);
	*ret = s;

	return 0;
}

int srtp_new(struct srtp **ret, const struct srtp_key *key, bool is_sender)
{
	struct srtp_session_keys rtp, rtcp;

	if (key->suite == SRTP_NONE || key->suite >= SRTP_SUITE_COUNT)
		return -TR_EUNSUPP;

	srtp_derive(key, SRTP_LABEL_RTP, &rtp);
	srtp_derive(key, SRTP_LABEL_RTCP, &rtcp);

	int err = srtp_new_from(ret, key, is_sender, &rtp, &rtcp);

	explicit_bzero(&rtp, sizeof(rtp));
	explicit_bzero(&rtcp, sizeof(rtcp));

	return err;
}

struct srtp *srtp_free(struct srtp *s)
{
	if (s) {
		explicit_bzero(s, size_of(s->is_gcm));
		free(s);
	}

	return NULL;
}

/* ---- sources and their windows ---------------------------------------------------------------------------------------------- */

static struct source *find(struct srtp *s, uint32_t ssrc)
{
	struct source *latest = &s->sources[s->latest];

	if (latest->is_used && latest->ssrc == ssrc)
		return latest;
	for (size_t i = 0; i < ARRAY_LEN(s->sources); i++) {
		if (!s->sources[i].is_used || s->sources[i].ssrc != ssrc)
			continue;
		s->latest = (uint8_t)i;
		return &s->sources[i];
	}

	return NULL;
}

/* A place for a source that has proven to be the peer's. */
static struct source *make(struct srtp *s, uint32_t ssrc)
{
	struct source *oldest = &s->sources[0];

	for (size_t i = 0; i < ARRAY_LEN(s->sources); i++) {
		struct source *src = &s->sources[i];

		if (!src->is_used) {
			oldest = src;
			break;
		}
		if (src->used_at < oldest->used_at)
			oldest = src;
	}
	*oldest = (struct source){.ssrc = ssrc, .is_used = true};

	return oldest;
}

static bool is_replay(const struct window *w, uint64_t index)
{
	if (!w->is_begun || index > w->highest)
		return false;

	uint64_t age = w->highest - index;

	return age >= WINDOW_BITS || (w->bits[age / 64] >> (age % 64) & 1);
}

static void note(struct window *w, uint64_t index)
{
	if (w->is_begun && index <= w->highest) {
		uint64_t age = w->highest - index;

		w->bits[age / 64] |= UINT64_C(1) << (age % 64);
		return;
	}

	uint64_t step = w->is_begun ? index - w->highest : WINDOW_BITS;

	if (step >= WINDOW_BITS) {
		w->bits[0] = w->bits[1] = 0;
	} else if (step >= 64) {
		w->bits[1] = w->bits[0] << (step - 64);
		w->bits[0] = 0;
	} else {
		w->bits[1] = w->bits[1] << step | w->bits[0] >> (64 - step);
		w->bits[0] <<= step;
	}
	w->bits[0] |= 1;
	w->highest = index;
	w->is_begun = true;
}

/* The 48-bit index of a sequence number, nearest to the highest so far: RFC 3711 §3.3.1 and appendix A. */
static uint64_t guess_index(const struct window *w, uint16_t seq)
{
	if (!w->is_begun)
		return seq;

	uint64_t roc = w->highest >> 16;
	uint16_t last = (uint16_t)w->highest;

	if (last < 0x8000 && seq - last > 0x8000 && roc > 0)
		roc--;
	else if (last >= 0x8000 && last - 0x8000 > seq)
		roc++;

	return roc << 16 | seq;
}

/* ---- transforms ------------------------------------------------------------------------------------------------------------- */

/* What is encrypted, in place. */
struct text {
	uint8_t *p;
	size_t n;
};

/* §4.1.1; index has 48 bits for RTP, 31 for RTCP. */
static void counter_mode(const struct side *side, uint32_t ssrc, uint64_t index, struct text text)
{
	uint8_t iv[AES_BLOCK_SIZE] = {0};

	memcpy(iv, side->salt, SRTP_SALT_BYTES);
	for (int i = 0; i < 4; i++)
		iv[4 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (int i = 0; i < 6; i++)
		iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
	srtp_cipher_stream(&side->cipher, iv, text.p, text.n);
}

/* As it was after its first block. */
static struct sha1_ctx resume(const uint32_t state[static 5])
{
	struct sha1_ctx sha;

	memcpy(sha.state, state, sizeof(sha.state));
	sha.count = 1;
	sha.index = 0;

	return sha;
}

/* §4.2.1: HMAC-SHA1 of the packet, for RTP with the roll-over counter behind it. */
static void hmac(const struct side *side, const uint8_t *bytes, size_t n, const uint32_t *roc, uint8_t ret[static SHA1_DIGEST_SIZE])
{
	struct sha1_ctx sha = resume(side->inner);
	uint8_t inner[SHA1_DIGEST_SIZE], word[4];

	sha1_update(&sha, n, bytes);
	if (roc) {
		rtp_put32(word, *roc);
		sha1_update(&sha, sizeof(word), word);
	}
	sha1_digest(&sha, sizeof(inner), inner);
	sha = resume(side->outer);
	sha1_update(&sha, sizeof(inner), inner);
	sha1_digest(&sha, SHA1_DIGEST_SIZE, ret);
}

/* RFC 7714 §8.1, §9.1: 48 bits of index for RTP, 31 for RTCP. */
static void gcm_iv(const struct side *side, uint32_t ssrc, uint64_t index, uint8_t ret[static GCM_IV_SIZE])
{
	memset(ret, 0, GCM_IV_SIZE);
	rtp_put32(ret + 2, ssrc);
	for (int i = 0; i < 6; i++)
		ret[6 + i] = (uint8_t)(index >> (40 - 8 * i));
	for (int i = 0; i < GCM_IV_SIZE; i++)
		ret[i] ^= side->salt[i];
}

struct gcm_job {
	uint32_t ssrc;
	uint64_t index;
	const uint8_t *aad; /* what is authenticated besides the text */
	size_t aad_n;
	uint8_t *text;
	size_t n;
	uint8_t *tag;
};

/* True when sealed, or when opened and the tag is right. */
static bool gcm(const struct side *side, const struct gcm_job *j, bool is_sender)
{
	nettle_cipher_func *block = srtp_cipher_block(&side->cipher);
	const void *key = &side->cipher.key;
	uint8_t iv[GCM_IV_SIZE], tag[GCM_DIGEST_SIZE];
	const struct gcm_key *hash = side->hash;
	struct gcm_key own;
	struct gcm_ctx c;

	if (!hash) {
		gcm_set_key(&own, key, block);
		hash = &own;
	}
	gcm_iv(side, j->ssrc, j->index, iv);
	gcm_set_iv(&c, hash, sizeof(iv), iv);
	gcm_update(&c, hash, j->aad_n, j->aad);
	if (is_sender)
		gcm_encrypt(&c, hash, key, block, j->n, j->text, j->text);
	else
		gcm_decrypt(&c, hash, key, block, j->n, j->text, j->text);
	gcm_digest(&c, hash, key, block, side->tag_bytes, is_sender ? j->tag : tag);

	return is_sender || memeql_sec(tag, j->tag, side->tag_bytes);
}

/* ---- RTP -------------------------------------------------------------------------------------------------------------------- */

/* Length of header, CSRCs and extension: what stays in clear. 0: no RTP. */
static size_t head_bytes(const uint8_t *bytes, size_t n)
{
	if (n < RTP_HEADER_BYTES || bytes[0] >> 6 != 2)
		return 0;

	size_t head = RTP_HEADER_BYTES + 4 * (size_t)(bytes[0] & 15);

	if (bytes[0] & 0x10) {
		if (head + 4 > n)
			return 0;
		head += 4 + 4 * (size_t)rtp_get16(bytes + head + 2);
	}

	return head <= n ? head : 0;
}

static size_t put_mki(const struct srtp *s, uint8_t *at)
{
	memcpy(at, s->mki, s->mki_n);

	return s->mki_n;
}

static bool has_mki(const struct srtp *s, const uint8_t *at)
{
	return memcmp(at, s->mki, s->mki_n) == 0;
}

int srtp_seal(struct srtp *s, uint8_t *bytes, size_t n, size_t *ret_n)
{
	size_t head = head_bytes(bytes, n);

	if (!head)
		return -TR_EPARSE;

	uint32_t ssrc = rtp_get32(bytes + 8);
	struct source *src = find(s, ssrc);

	if (!src)
		src = make(s, ssrc);

	uint64_t index = guess_index(&src->rtp, rtp_get16(bytes + 2));
	uint32_t roc = (uint32_t)(index >> 16);

	if (index >> 48)
		return -TR_ELIMIT;
	if (s->is_gcm) {
		struct gcm_job job = {.ssrc = ssrc, .index = index, .aad = bytes, .aad_n = head, .text = bytes + head, .n = n - head,
			.tag = bytes + n};

		(void)gcm(&s->rtp, &job, true);
		n += s->rtp.tag_bytes;
		n += put_mki(s, bytes + n);
	} else {
		uint8_t tag[SHA1_DIGEST_SIZE];

		counter_mode(&s->rtp, ssrc, index, (struct text){bytes + head, n - head});
		hmac(&s->rtp, bytes, n, &roc, tag);
		n += put_mki(s, bytes + n);
		memcpy(bytes + n, tag, s->rtp.tag_bytes);
		n += s->rtp.tag_bytes;
	}
	note(&src->rtp, index);
	src->used_at = ++s->packets;
	*ret_n = n;

	return 0;
}

/* The packet is the peer's: its source has a place from now on. */
static void believe(struct srtp *s, uint32_t ssrc, bool is_rtcp, uint64_t index)
{
	struct source *src = find(s, ssrc);

	if (!src)
		src = make(s, ssrc);
	note(is_rtcp ? &src->rtcp : &src->rtp, index);
	src->used_at = ++s->packets;
}

void srtp_follow(struct srtp *s, const struct srtp *before)
{
	for (size_t i = 0; i < ARRAY_LEN(s->sources); i++) {
		const struct source *old = &before->sources[i];

		if (old->is_used && old->rtp.is_begun)
			make(s, old->ssrc)->hint = old->rtp.highest;
	}
}

/* A packet that is to be opened: text lies between head and end. */
struct sealed {
	uint8_t *bytes;
	size_t head, end;
};

/* As packet number index: authenticated and decrypted, or not the peer's. */
static bool open_as(const struct srtp *s, const struct sealed *p, uint64_t index)
{
	uint32_t ssrc = rtp_get32(p->bytes + 8), roc = (uint32_t)(index >> 16);
	uint8_t tag[SHA1_DIGEST_SIZE], *end = p->bytes + p->end;
	struct text text = {p->bytes + p->head, p->end - p->head};

	if (s->is_gcm) {
		struct gcm_job job = {.ssrc = ssrc, .index = index, .aad = p->bytes, .aad_n = p->head, .text = text.p, .n = text.n, .tag = end};

		return has_mki(s, end + s->rtp.tag_bytes) && gcm(&s->rtp, &job, false);
	}
	hmac(&s->rtp, p->bytes, p->end, &roc, tag);

	if (!has_mki(s, end) || !memeql_sec(tag, end + s->mki_n, s->rtp.tag_bytes))
		return false;
	counter_mode(&s->rtp, ssrc, index, text);

	return true;
}

/* A source's first packet after its key has changed; index becomes the right one of two. */
static bool open_first(const struct srtp *s, const struct sealed *p, uint64_t hint, uint64_t *index)
{
	struct window before = {.is_begun = true, .highest = hint};
	uint8_t copy[LIMIT_RTP_PACKET_BYTES];

	if (p->end > sizeof(copy))
		return false;
	memcpy(copy, p->bytes, p->end); /* GCM spoils what does not authenticate */
	if (open_as(s, p, *index))
		return true;
	memcpy(p->bytes, copy, p->end);
	*index = guess_index(&before, rtp_get16(p->bytes + 2));

	return open_as(s, p, *index);
}

int srtp_open(struct srtp *s, uint8_t *bytes, size_t n, size_t *ret_n)
{
	static const struct window fresh;
	size_t trailer = (size_t)s->rtp.tag_bytes + s->mki_n;
	struct sealed p = {.bytes = bytes, .head = head_bytes(bytes, n), .end = n - trailer};

	if (!p.head || n < p.head + trailer)
		return -TR_EPARSE;

	uint32_t ssrc = rtp_get32(bytes + 8);
	const struct source *src = find(s, ssrc);
	const struct window *w = src ? &src->rtp : &fresh;
	uint64_t index = guess_index(w, rtp_get16(bytes + 2));

	if (is_replay(w, index))
		return -TR_ESTATE;
	if (src && src->hint && !w->is_begun ? !open_first(s, &p, src->hint, &index) : !open_as(s, &p, index))
		return -TR_EAUTH;
	believe(s, ssrc, false, index);
	*ret_n = p.end;

	return 0;
}

/* ---- RTCP, §3.4: text, E bit and index, MKI, tag; with GCM (RFC 7714 §9.2) the tag comes before the index --------------------------- */

static bool is_rtcp(const uint8_t *bytes, size_t n)
{
	return n >= RTCP_HEAD && bytes[0] >> 6 == 2;
}

/* RFC 7714 §9.2: the header, and the E bit with the index, which stand behind the text. */
static void gcm_rtcp_aad(const uint8_t *bytes, const uint8_t *word, uint8_t ret[static RTCP_HEAD + RTCP_TRAILER])
{
	memcpy(ret, bytes, RTCP_HEAD);
	memcpy(ret + RTCP_HEAD, word, RTCP_TRAILER);
}

static void seal_rtcp(const struct srtp *s, uint32_t index, uint8_t *bytes, size_t *n)
{
	uint32_t ssrc = rtp_get32(bytes + 4);
	uint8_t word[RTCP_TRAILER], tag[SHA1_DIGEST_SIZE];

	rtp_put32(word, ENCRYPTED | index);
	if (s->is_gcm) {
		uint8_t aad[RTCP_HEAD + RTCP_TRAILER];
		struct gcm_job job = {.ssrc = ssrc, .index = index, .aad = aad, .aad_n = sizeof(aad), .text = bytes + RTCP_HEAD,
			.n = *n - RTCP_HEAD, .tag = bytes + *n};

		gcm_rtcp_aad(bytes, word, aad);
		(void)gcm(&s->rtcp, &job, true);
		*n += s->rtcp.tag_bytes;
		memcpy(bytes + *n, word, sizeof(word));
		*n += sizeof(word);
		*n += put_mki(s, bytes + *n);
		return;
	}

	counter_mode(&s->rtcp, ssrc, index, (struct text){bytes + RTCP_HEAD, *n - RTCP_HEAD});
	memcpy(bytes + *n, word, sizeof(word));
	*n += sizeof(word);
	hmac(&s->rtcp, bytes, *n, NULL, tag);
	*n += put_mki(s, bytes + *n);
	memcpy(bytes + *n, tag, s->rtcp.tag_bytes);
	*n += s->rtcp.tag_bytes;
}

int srtcp_seal(struct srtp *s, uint8_t *bytes, size_t n, size_t *ret_n)
{
	if (!is_rtcp(bytes, n))
		return -TR_EPARSE;

	uint32_t ssrc = rtp_get32(bytes + 4);
	struct source *src = find(s, ssrc);

	if (!src)
		src = make(s, ssrc);

	uint64_t index = src->rtcp.is_begun ? src->rtcp.highest + 1 : 0;

	if (index >> 31)
		return -TR_ELIMIT;
	seal_rtcp(s, (uint32_t)index, bytes, &n);
	note(&src->rtcp, index);
	src->used_at = ++s->packets;
	*ret_n = n;

	return 0;
}

static bool open_rtcp(const struct srtp *s, uint8_t *bytes, size_t end)
{
	uint32_t ssrc = rtp_get32(bytes + 4);
	uint8_t *tag = bytes + end, *word = s->is_gcm ? tag + s->rtcp.tag_bytes : tag;
	const uint8_t *mki = word + RTCP_TRAILER;
	uint32_t index = rtp_get32(word) & ~ENCRYPTED;
	uint8_t right[SHA1_DIGEST_SIZE];

	if (!has_mki(s, mki))
		return false;
	if (s->is_gcm) {
		uint8_t aad[RTCP_HEAD + RTCP_TRAILER];
		struct gcm_job job = {.ssrc = ssrc, .index = index, .aad = aad, .aad_n = sizeof(aad), .text = bytes + RTCP_HEAD,
			.n = end - RTCP_HEAD, .tag = tag};

		gcm_rtcp_aad(bytes, word, aad);
		return gcm(&s->rtcp, &job, false);
	}
	hmac(&s->rtcp, bytes, end + RTCP_TRAILER, NULL, right);

	if (!memeql_sec(right, mki + s->mki_n, s->rtcp.tag_bytes))
		return false;
	counter_mode(&s->rtcp, ssrc, index, (struct text){bytes + RTCP_HEAD, end - RTCP_HEAD});

	return true;
}

int srtcp_open(struct srtp *s, uint8_t *bytes, size_t n, size_t *ret_n)
{
	size_t trailer = (size_t)RTCP_TRAILER + s->rtcp.tag_bytes + s->mki_n;

	if (n < trailer || !is_rtcp(bytes, n - trailer))
		return -TR_EPARSE;

	size_t end = n - trailer;
	uint32_t word = rtp_get32(bytes + end + (s->is_gcm ? s->rtcp.tag_bytes : 0));
	uint32_t ssrc = rtp_get32(bytes + 4), index = word & ~ENCRYPTED;
	const struct source *src = find(s, ssrc);

	/* In clear only if it was agreed, and we never agree to it (UNENCRYPTED_SRTCP, RFC 4568 §6.3.2). */
	if (!(word & ENCRYPTED))
		return -TR_EAUTH;
	if (src && is_replay(&src->rtcp, index))
		return -TR_ESTATE;
	if (!open_rtcp(s, bytes, end))
		return -TR_EAUTH;
	believe(s, ssrc, true, index);
	*ret_n = end;

	return 0;
}
