/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keys.h"
#include <openssl/crypto.h>
#include <openssl/sha.h>

static const char *const role_names[] = {"read", "operate", "admin"};

const char *role_name(enum api_role role)
{
	return role_names[role];
}

bool role_parse(struct span text, enum api_role *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(role_names); i++) {
		if (!span_eq_z(text, role_names[i]))
			continue;
		*ret = (enum api_role)i;
		return true;
	}

	return false;
}

bool key_name_is_good(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n < KEY_NAME &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

static const struct api_key *find_name(const struct api_keys *keys, const char *name)
{
	for (size_t i = 0; i < keys->count; i++)
		if (!strcmp(keys->list[i].name, name))
			return &keys->list[i];

	return NULL;
}

/* ---- the file's text --------------------------------------------------------------------------------------------------- */

static bool read_hash(struct span hex, uint8_t ret[static KEY_HASH])
{
	static const char digits[] = "0123456789abcdef";

	if (hex.n != KEY_HASH * 2)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		const char *at = memchr(digits, hex.p[i], 16);

		if (!at)
			return false;
		ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | (at - digits));
	}

	return true;
}

static bool read_key(struct span line, struct api_key *ret)
{
	struct span name = span_cut(&line, ' '), role = span_cut(&line, ' '), hash = span_cut(&line, ' ');
	struct api_key k = {0};
	uint64_t made;

	if (name.n >= KEY_NAME || !role_parse(role, &k.role) || !read_hash(hash, k.hash) || !span_u64(line, &made) || made > INT64_MAX)
		return false;
	memcpy(k.name, name.p, name.n);
	k.made_s = (int64_t)made;
	*ret = k;

	return key_name_is_good(k.name);
}

int keys_parse(struct api_keys *ret, struct span text, int *ret_line)
{
	struct api_keys keys = {0};

	for (*ret_line = 1; text.n; (*ret_line)++) {
		struct span line = span_trim(span_cut(&text, '\n'));
		struct api_key k;

		if (!line.n || line.p[0] == '#')
			continue;
		if (keys.count == LIMIT_API_KEYS || !read_key(line, &k) || find_name(&keys, k.name))
			return -EINVAL;
		keys.list[keys.count++] = k;
	}
	*ret = keys;

	return 0;
}

/* ---- keys -------------------------------------------------------------------------------------------------------------- */

int keys_add(struct api_keys *keys, const char *name, enum api_role role, int64_t now_s, char ret_key[static KEY_TEXT])
{
	struct api_key *k = &keys->list[keys->count];
	uint8_t secret[32];

	if (!key_name_is_good(name))
		return -EINVAL;
	if (find_name(keys, name))
		return -EEXIST;
	if (keys->count == LIMIT_API_KEYS)
		return -TR_ELIMIT;

	random_bytes(secret, sizeof(secret));
	buf_copy(ret_key, KEY_TEXT, "tipring_");
	for (size_t i = 0; i < sizeof(secret); i++)
		snprintf(ret_key + 8 + 2 * i, 3, "%02x", secret[i]);
	OPENSSL_cleanse(secret, sizeof(secret));

	*k = (struct api_key){.role = role, .made_s = now_s};
	buf_copy(k->name, sizeof(k->name), name);
	SHA256((const uint8_t *)ret_key, strlen(ret_key), k->hash);
	keys->count++;

	return 0;
}

int keys_remove(struct api_keys *keys, const char *name)
{
	const struct api_key *k = find_name(keys, name);

	if (!k)
		return -TR_ENOTFOUND;

	size_t i = (size_t)(k - keys->list);

	keys->count--;
	memmove(&keys->list[i], &keys->list[i + 1], (keys->count - i) * sizeof(*k));

	return 0;
}

const struct api_key *keys_find(const struct api_keys *keys, struct span key)
{
	const struct api_key *found = NULL;
	uint8_t hash[KEY_HASH];

	SHA256((const uint8_t *)key.p, key.n, hash);
	for (size_t i = 0; i < keys->count; i++)
		if (CRYPTO_memcmp(hash, keys->list[i].hash, KEY_HASH) == 0)
			found = &keys->list[i];

	return found;
}
