/* SPDX-License-Identifier: Apache-2.0 */
/* SHA1_* are deprecated for new designs; HMAC through EVP allocates a context a packet in OpenSSL 3.0, which a media thread must not. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "rtp/srtp.h"
#include "rtp/packet.h"
#include "rtp/srtp_priv.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#define WINDOW_BITS   128
#define RTCP_HEAD     8	  /* in clear: header and SSRC of the sender */
#define RTCP_TRAILER  4	  /* E bit and index */
#define RTCP_HMAC_TAG 10
#define GCM_IV	      12
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
	uint8_t key[SRTP_KEY_BYTES];
	uint32_t inner[5], outer[5]; /* SHA-1's state after HMAC's two key blocks */
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

/* Contexts hold nothing from one packet to the next; [1] is for keys of 256 bits. */
struct srtp_ciphers {
	EVP_CIPHER_CTX *counter[2], *seal[2], *open[2];
};

/* ---- set-up ---------------------------------------------------------------------------------------------------------------- */

static EVP_CIPHER_CTX *context(const EVP_CIPHER *cipher, int is_encrypting)
{
	static const uint8_t zeros[32];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_CipherInit_ex(ctx, cipher, NULL, zeros, zeros, is_encrypting) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);

	return NULL;
}

int srtp_ciphers_new(struct srtp_ciphers **ret)
{
	struct srtp_ciphers *c = calloc(1, sizeof(*c));
	bool is_complete = true;

	if (!c)
		return -ENOMEM;
	for (int is_256 = 0; is_256 < 2; is_256++) {
		const EVP_CIPHER *gcm = is_256 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();

		c->counter[is_256] = context(is_256 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), 1);
		c->seal[is_256] = context(gcm, 1);
		c->open[is_256] = context(gcm, 0);
		is_complete = is_complete && c->counter[is_256] && c->seal[is_256] && c->open[is_256];
	}
	if (!is_complete) {
		srtp_ciphers_free(c);
		return -TR_EUNSUPP;
	}
	*ret = c;

	return 0;
}

struct srtp_ciphers *srtp_ciphers_free(struct srtp_ciphers *c)
{
	if (!c)
		return NULL;

	for (int is_256 = 0; is_256 < 2; is_256++) {
		EVP_CIPHER_CTX_free(c->counter[is_256]);
		EVP_CIPHER_CTX_free(c->seal[is_256]);
		EVP_CIPHER_CTX_free(c->open[is_256]);
	}
	free(c);

	return NULL;
}

static void keep_state(const SHA_CTX *sha, uint32_t ret[static 5])
{
	const SHA_LONG state[] = {sha->h0, sha->h1, sha->h2, sha->h3, sha->h4};

	for (int i = 0; i < 5; i++)
		ret[i] = state[i];
}

/* As it was after its first block. */
static SHA_CTX resume(const uint32_t state[static 5])
{
	SHA_CTX sha = {.h0 = state[0], .h1 = state[1], .h2 = state[2], .h3 = state[3], .h4 = state[4], .Nl = SHA_CBLOCK * 8};

	return sha;
}

static void hmac_init(struct side *side, const uint8_t key[static SRTP_AUTH_BYTES])
{
	uint8_t block[SHA_CBLOCK];
	SHA_CTX sha;

	memset(block, 0x36, sizeof(block));
	for (size_t i = 0; i < SRTP_AUTH_BYTES; i++)
		block[i] ^= key[i];
	SHA1_Init(&sha);
	SHA1_Update(&sha, block, sizeof(block));
	keep_state(&sha, side->inner);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA1_Init(&sha);
	SHA1_Update(&sha, block, sizeof(block));
	keep_state(&sha, side->outer);
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(&sha, sizeof(sha));
}

static void side_init(struct side *side, const struct srtp_session_keys *keys, uint8_t tag_bytes)
{
	side->tag_bytes = tag_bytes;
	memcpy(side->salt, keys->salt, sizeof(side->salt));
	memcpy(side->key, keys->cipher, sizeof(side->key));
	hmac_init(side, keys->auth);
}

int srtp_new_from(struct srtp **ret, const struct srtp_key *key, bool is_sender, const struct srtp_session_keys *rtp,
	const struct srtp_session_keys *rtcp)
{
	const struct srtp_suite_info *info = srtp_suite_info(key->suite);
	struct srtp *s = aligned_alloc(64, (sizeof(*s) + 63) & ~(size_t)63);

	if (!s)
		return -ENOMEM;

	*s = (struct srtp){.suite = key->suite, .mki_n = MIN(key->mki_n, SRTP_MKI_BYTES), .is_gcm = info->is_gcm, .is_sender = is_sender};
	memcpy(s->mki, key->mki, sizeof(s->mki));
	side_init(&s->rtp, rtp, info->tag_bytes);
	side_init(&s->rtcp, rtcp, info->is_gcm ? info->tag_bytes : RTCP_HMAC_TAG);
	*ret = s;

	return 0;
}

int srtp_new(struct srtp **ret, const struct srtp_key *key, bool is_sender)
{
	struct srtp_session_keys rtp, rtcp;

	if (key->suite == SRTP_NONE || key->suite >= SRTP_SUITE_COUNT)
		return -TR_EUNSUPP;

	int err = srtp_derive(key, SRTP_LABEL_RTP, &rtp);

	if (!err)
		err = srtp_derive(key, SRTP_LABEL_RTCP, &rtcp);
	if (!err)
		err = srtp_new_from(ret, key, is_sender, &rtp, &rtcp);
	OPENSSL_cleanse(&rtp, sizeof(rtp));
	OPENSSL_cleanse(&rtcp, sizeof(rtcp));

	return err;
}

struct srtp *srtp_free(struct srtp *s)
{
	if (s) {
		OPENSSL_cleanse(s, sizeof(*s));
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
static bool counter_mode(EVP_CIPHER_CTX *ctx, const struct side *side, uint32_t ssrc, uint64_t index, struct text text)
{
	uint8_t iv[16] = {0};
	int got;

	memcpy(iv, side->salt, SRTP_SALT_BYTES);
	for (int i = 0; i < 4; i++)
		iv[4 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (int i = 0; i < 6; i++)
		iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));

	return EVP_EncryptInit_ex(ctx, NULL, NULL, side->key, iv) == 1 &&
		EVP_EncryptUpdate(ctx, text.p, &got, text.p, (int)text.n) == 1;
}

/* §4.2.1: HMAC-SHA1 of the packet, for RTP with the roll-over counter behind it. */
static void hmac(const struct side *side, const uint8_t *bytes, size_t n, const uint32_t *roc, uint8_t ret[static SHA_DIGEST_LENGTH])
{
	SHA_CTX sha = resume(side->inner);
	uint8_t inner[SHA_DIGEST_LENGTH], word[4];

	SHA1_Update(&sha, bytes, n);
	if (roc) {
		rtp_put32(word, *roc);
		SHA1_Update(&sha, word, sizeof(word));
	}
	SHA1_Final(inner, &sha);
	sha = resume(side->outer);
	SHA1_Update(&sha, inner, sizeof(inner));
	SHA1_Final(ret, &sha);
}

/* RFC 7714 §8.1, §9.1: 48 bits of index for RTP, 31 for RTCP. */
static void gcm_iv(const struct side *side, uint32_t ssrc, uint64_t index, uint8_t ret[static GCM_IV])
{
	memset(ret, 0, GCM_IV);
	rtp_put32(ret + 2, ssrc);
	for (int i = 0; i < 6; i++)
		ret[6 + i] = (uint8_t)(index >> (40 - 8 * i));
	for (int i = 0; i < GCM_IV; i++)
		ret[i] ^= side->salt[i];
}

struct gcm_job {
	uint32_t ssrc;
	uint64_t index;
	const uint8_t *aad, *aad2; /* aad2: NULL, or what RTCP authenticates behind the text */
	size_t aad_n, aad2_n;
	uint8_t *text;
	size_t n;
	uint8_t *tag;
};

static bool gcm(EVP_CIPHER_CTX *c, const struct side *side, const struct gcm_job *j, bool is_sender)
{
	uint8_t iv[GCM_IV];
	int got;

	gcm_iv(side, j->ssrc, j->index, iv);
	if (EVP_CipherInit_ex(c, NULL, NULL, side->key, iv, -1) != 1 || EVP_CipherUpdate(c, NULL, &got, j->aad, (int)j->aad_n) != 1)
		return false;
	if (j->aad2 && EVP_CipherUpdate(c, NULL, &got, j->aad2, (int)j->aad2_n) != 1)
		return false;
	if (j->n && EVP_CipherUpdate(c, j->text, &got, j->text, (int)j->n) != 1)
		return false;
	if (!is_sender && EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, side->tag_bytes, j->tag) != 1)
		return false;
	if (EVP_CipherFinal_ex(c, j->tag, &got) != 1)
		return false;

	return !is_sender || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, side->tag_bytes, j->tag) == 1;
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

static EVP_CIPHER_CTX *cipher_of(const struct srtp *s, const struct srtp_ciphers *c)
{
	bool is_256 = srtp_suite_info(s->suite)->key_bytes == 32;

	if (!s->is_gcm)
		return c->counter[is_256];

	return s->is_sender ? c->seal[is_256] : c->open[is_256];
}

int srtp_seal(struct srtp *s, struct srtp_ciphers *c, uint8_t *bytes, size_t n, size_t *ret_n)
{
	EVP_CIPHER_CTX *ctx = cipher_of(s, c);
	size_t head = head_bytes(bytes, n);

	if (!head)
		return -TR_EPARSE;

	uint32_t ssrc = rtp_get32(bytes + 8);
	struct source *src = find(s, ssrc);

	if (!src)
		src = make(s, ssrc);

	uint64_t index = guess_index(&src->rtp, rtp_get16(bytes + 2));
	uint32_t roc = (uint32_t)(index >> 16);
	bool is_done = true;

	if (index >> 48)
		return -TR_ELIMIT;
	if (s->is_gcm) {
		struct gcm_job job = {.ssrc = ssrc, .index = index, .aad = bytes, .aad_n = head, .text = bytes + head, .n = n - head,
			.tag = bytes + n};

		is_done = gcm(ctx, &s->rtp, &job, true);
		n += s->rtp.tag_bytes;
		n += put_mki(s, bytes + n);
	} else {
		uint8_t tag[SHA_DIGEST_LENGTH];

		is_done = counter_mode(ctx, &s->rtp, ssrc, index, (struct text){bytes + head, n - head});
		hmac(&s->rtp, bytes, n, &roc, tag);
		n += put_mki(s, bytes + n);
		memcpy(bytes + n, tag, s->rtp.tag_bytes);
		n += s->rtp.tag_bytes;
	}
	note(&src->rtp, index);
	src->used_at = ++s->packets;
	*ret_n = n;

	return is_done ? 0 : -TR_EUNSUPP;
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
	EVP_CIPHER_CTX *ctx;
	uint8_t *bytes;
	size_t head, end;
};

/* As packet number index: authenticated and decrypted, or not the peer's. */
static bool open_as(const struct srtp *s, const struct sealed *p, uint64_t index)
{
	uint32_t ssrc = rtp_get32(p->bytes + 8), roc = (uint32_t)(index >> 16);
	uint8_t tag[SHA_DIGEST_LENGTH], *end = p->bytes + p->end;
	struct text text = {p->bytes + p->head, p->end - p->head};

	if (s->is_gcm) {
		struct gcm_job job = {.ssrc = ssrc, .index = index, .aad = p->bytes, .aad_n = p->head, .text = text.p, .n = text.n, .tag = end};

		return has_mki(s, end + s->rtp.tag_bytes) && gcm(p->ctx, &s->rtp, &job, false);
	}
	hmac(&s->rtp, p->bytes, p->end, &roc, tag);

	return has_mki(s, end) && CRYPTO_memcmp(tag, end + s->mki_n, s->rtp.tag_bytes) == 0 &&
		counter_mode(p->ctx, &s->rtp, ssrc, index, text);
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

int srtp_open(struct srtp *s, struct srtp_ciphers *c, uint8_t *bytes, size_t n, size_t *ret_n)
{
	static const struct window fresh;
	size_t trailer = (size_t)s->rtp.tag_bytes + s->mki_n;
	struct sealed p = {.ctx = cipher_of(s, c), .bytes = bytes, .head = head_bytes(bytes, n), .end = n - trailer};

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

static bool seal_rtcp(const struct srtp *s, EVP_CIPHER_CTX *ctx, uint32_t index, uint8_t *bytes, size_t *n)
{
	uint32_t ssrc = rtp_get32(bytes + 4);
	uint8_t word[RTCP_TRAILER], tag[SHA_DIGEST_LENGTH];

	rtp_put32(word, ENCRYPTED | index);
	if (s->is_gcm) {
		struct gcm_job job = {.ssrc = ssrc, .index = index, .aad = bytes, .aad_n = RTCP_HEAD, .aad2 = word,
			.aad2_n = sizeof(word), .text = bytes + RTCP_HEAD, .n = *n - RTCP_HEAD, .tag = bytes + *n};
		bool is_done = gcm(ctx, &s->rtcp, &job, true);

		*n += s->rtcp.tag_bytes;
		memcpy(bytes + *n, word, sizeof(word));
		*n += sizeof(word);
		*n += put_mki(s, bytes + *n);

		return is_done;
	}

	bool is_done = counter_mode(ctx, &s->rtcp, ssrc, index, (struct text){bytes + RTCP_HEAD, *n - RTCP_HEAD});

	memcpy(bytes + *n, word, sizeof(word));
	*n += sizeof(word);
	hmac(&s->rtcp, bytes, *n, NULL, tag);
	*n += put_mki(s, bytes + *n);
	memcpy(bytes + *n, tag, s->rtcp.tag_bytes);
	*n += s->rtcp.tag_bytes;

	return is_done;
}

int srtcp_seal(struct srtp *s, struct srtp_ciphers *c, uint8_t *bytes, size_t n, size_t *ret_n)
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
	if (!seal_rtcp(s, cipher_of(s, c), (uint32_t)index, bytes, &n))
		return -TR_EUNSUPP;
	note(&src->rtcp, index);
	src->used_at = ++s->packets;
	*ret_n = n;

	return 0;
}

static bool open_rtcp(const struct srtp *s, EVP_CIPHER_CTX *ctx, uint8_t *bytes, size_t end)
{
	uint32_t ssrc = rtp_get32(bytes + 4);
	uint8_t *tag = bytes + end, *word = s->is_gcm ? tag + s->rtcp.tag_bytes : tag;
	const uint8_t *mki = word + RTCP_TRAILER;
	uint32_t index = rtp_get32(word) & ~ENCRYPTED;
	uint8_t right[SHA_DIGEST_LENGTH];

	if (!has_mki(s, mki))
		return false;
	if (s->is_gcm) {
		struct gcm_job job = {.ssrc = ssrc, .index = index, .aad = bytes, .aad_n = RTCP_HEAD, .aad2 = word,
			.aad2_n = RTCP_TRAILER, .text = bytes + RTCP_HEAD, .n = end - RTCP_HEAD, .tag = tag};

		return gcm(ctx, &s->rtcp, &job, false);
	}
	hmac(&s->rtcp, bytes, end + RTCP_TRAILER, NULL, right);

	return CRYPTO_memcmp(right, mki + s->mki_n, s->rtcp.tag_bytes) == 0 &&
		counter_mode(ctx, &s->rtcp, ssrc, index, (struct text){bytes + RTCP_HEAD, end - RTCP_HEAD});
}

int srtcp_open(struct srtp *s, struct srtp_ciphers *c, uint8_t *bytes, size_t n, size_t *ret_n)
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
	if (!open_rtcp(s, cipher_of(s, c), bytes, end))
		return -TR_EAUTH;
	believe(s, ssrc, true, index);
	*ret_n = end;

	return 0;
}
