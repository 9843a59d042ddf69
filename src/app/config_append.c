/* SPDX-License-Identifier: Apache-2.0 */
#include "app/config_append.h"
#include "yaml/tree.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

/* Where line number `line` (from 1) begins; the end of the text when there are fewer. */
static const char *line_at(const char *text, int line)
{
	for (; line > 1 && *text; line--) {
		const char *end = strchr(text, '\n');

		text = end ? end + 1 : text + strlen(text);
	}

	return text;
}

static bool is_blank_or_comment(const char *line)
{
	return line[0] == '#' || line[strspn(line, " \t\r")] == '\n' || line[strspn(line, " \t\r")] == 0;
}

/* The end of what belongs to a key: before the next key, and before the comments and blank lines that lead up to that. */
static const char *end_of(const char *text, const struct yaml_node *node)
{
	const char *end = node->next ? line_at(text, node->next->key_line) : text + strlen(text);
	const char *floor = line_at(text, node->line);

	while (end > floor) {
		const char *before = end - 1;

		while (before > floor && before[-1] != '\n')
			before--;
		if (!is_blank_or_comment(before))
			break;
		end = before;
	}

	return end;
}

/* How far the dashes of a block list stand in; -1: it is no block list that can be added to. */
static int dash_column(const char *text, const struct yaml_node *list)
{
	const char *line = list->first ? line_at(text, list->first->line) : NULL;

	if (!line)
		return -1;

	size_t n = strspn(line, " ");

	return line[n] == '-' && line[n + 1] == ' ' ? (int)n : -1;
}

/* Writes item at an indentation, line by line. */
static void write_item(FILE *f, const char *item, int column, const char *newline)
{
	while (*item) {
		size_t n = strcspn(item, "\n");

		fprintf(f, "%*s%.*s%s", column, "", (int)n, item, newline);
		item += n + (item[n] == '\n');
	}
}

static int add_one(const char *text, const struct config_addition *a, char **ret, char *ret_why, size_t cap)
{
	struct arena arena = {0};
	struct yaml_node *root = NULL;
	const struct yaml_node *node = NULL;
	const char *why = NULL, *newline = strstr(text, "\r\n") ? "\r\n" : "\n";
	int line = 0, column = 2, err = yaml_parse(&arena, span_z(text), &root, &line, &why);

	if (err) {
		snprintf(ret_why, cap, "line %d: %s", line, why);
	} else if (root->kind != YAML_MAP) {
		snprintf(ret_why, cap, "the file has no keys at its top");
		err = -TR_EUNSUPP;
	} else {
		node = yaml_get(root, a->key);
		column = node ? dash_column(text, node) : 2;
		if (node && column < 0) {
			snprintf(ret_why, cap, "\"%s\" in line %d is not a list with one \"- \" a line: add the entry there by hand", a->key,
				node->key_line);
			err = -TR_EUNSUPP;
		}
	}

	const char *at = node ? end_of(text, node) : text + strlen(text);
	size_t size = 0;
	FILE *f = err ? NULL : open_memstream(ret, &size);

	arena_done(&arena);
	if (err)
		return err;
	if (!f)
		return -ENOMEM;
	fwrite(text, 1, (size_t)(at - text), f);
	if (at > text && at[-1] != '\n')
		fputs(newline, f);
	if (!node)
		fprintf(f, "%s%s:%s", at > text ? newline : "", a->key, newline);
	write_item(f, a->item, column, newline);
	fputs(at, f);

	return fclose(f) == 0 ? 0 : -ENOMEM;
}

int config_append(const char *text, const struct config_addition *additions, size_t n, char **ret, char *ret_why, size_t cap)
{
	char *now = strdup(text ? text : "");

	for (size_t i = 0; i < n && now; i++) {
		char *next = NULL;
		int err = add_one(now, &additions[i], &next, ret_why, cap);

		free(now);
		if (err)
			return err;
		now = next;
	}
	*ret = now;

	return now ? 0 : -ENOMEM;
}

void config_quote(const char *text, char *ret, size_t cap)
{
	size_t n = 0;

	ret[n++] = '"';
	for (const char *p = text; *p && n + 6 < cap; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\')
			n += (size_t)snprintf(ret + n, cap - n, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(ret + n, cap - n, "\\x%02x", c);
		else
			ret[n++] = (char)c;
	}
	ret[n++] = '"';
	ret[n] = 0;
}

/* ---- files --------------------------------------------------------------------------------------------------------------- */

/* NULL and 0: there is no such file. */
static int read_all(const char *path, char **ret)
{
	FILE *f = fopen(path, "re");
	size_t n;

	*ret = NULL;
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	*ret = mem_zalloc(LIMIT_CONFIG_BYTES + 1);
	n = fread(*ret, 1, LIMIT_CONFIG_BYTES + 1, f);
	fclose(f);
	if (n <= LIMIT_CONFIG_BYTES && !memchr(*ret, 0, n))
		return 0;
	free(*ret);
	*ret = NULL;

	return -TR_ETOOBIG;
}

static struct config *read_config(const char *path, const char *text, char *ret_why, size_t cap, const char *what)
{
	struct config_errors *errors = mem_zalloc(sizeof(*errors));
	struct config *c = config_parse(path, span_z(text), errors);

	if (!c)
		snprintf(ret_why, cap, "%s: line %d: %s", what, errors->list[0].line, errors->list[0].text);
	free(errors);

	return c;
}

/* All that was there before is there still. */
static bool keeps_all(const struct config *before, const struct config *after)
{
	if (after->line_count < before->line_count || after->agent_count < before->agent_count || after->route_count < before->route_count)
		return false;
	for (size_t i = 0; i < before->line_count; i++)
		if (strcmp(before->lines[i].name, after->lines[i].name) != 0)
			return false;
	for (size_t i = 0; i < before->agent_count; i++)
		if (strcmp(before->agents[i].name, after->agents[i].name) != 0)
			return false;

	return true;
}

static int check(const char *path, const char *old_text, const char *new_text, char *ret_why, size_t cap)
{
	struct config *before = old_text ? read_config(path, old_text, ret_why, cap, "the file has errors, mend them first") : NULL;
	struct config *after = !old_text || before ? read_config(path, new_text, ret_why, cap, "the result would not be valid") : NULL;
	int err = after && (!old_text || before) ? 0 : -TR_ECONFIG;

	if (!err && before && !keeps_all(before, after)) {
		snprintf(ret_why, cap, "the file is written in a way that cannot be added to safely: add the entry by hand");
		err = -TR_EUNSUPP;
	}
	config_free(before);
	config_free(after);

	return err;
}

static int write_all(int fd, const char *text)
{
	for (size_t n = strlen(text); n;) {
		ssize_t done = write(fd, text, n);

		if (done < 0)
			return -errno;
		text += done;
		n -= (size_t)done;
	}

	return fsync(fd) == 0 ? 0 : -errno;
}

/* A new file beside it, then a rename: readers see the one or the other. */
static int replace(const char *path, const char *text)
{
	auto_free char *temp = mem_format("%s.new-XXXXXX", path);
	struct stat st;
	bool is_old = stat(path, &st) == 0;
	int fd = mkostemp(temp, O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, text);
	if (!err && fchmod(fd, is_old ? st.st_mode & 07777 : 0644) != 0)
		err = -errno;
	if (is_old && fchown(fd, st.st_uid, st.st_gid) != 0 && !err && errno != EPERM)
		err = -errno;
	close(fd);
	if (!err && rename(temp, path) != 0)
		err = -errno;
	if (err)
		unlink(temp);

	return err;
}

int config_append_file(const char *path, const struct config_addition *additions, size_t n, char *ret_why, size_t cap)
{
	auto_free char *real = realpath(path, NULL), *text = NULL, *fresh = NULL, *again = NULL;
	const char *where = real ? real : path;
	int err = read_all(where, &text);

	if (err) {
		snprintf(ret_why, cap, "%s cannot be read: %s", path, err_text(err));
		return err;
	}
	err = config_append(text, additions, n, &fresh, ret_why, cap);
	if (!err)
		err = check(where, text, fresh, ret_why, cap);
	if (err)
		return err;
	if (read_all(where, &again) != 0 || (again == NULL) != (text == NULL) || (text && strcmp(text, again) != 0)) {
		snprintf(ret_why, cap, "%s was changed by somebody else at the same moment: nothing was written", path);
		return -TR_ESTATE;
	}
	err = replace(where, fresh);
	if (err)
		snprintf(ret_why, cap, "%s cannot be written: %s", path, err_text(err));

	return err;
}

int config_write_secret(const char *path, const char *secret)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, secret);
	if (!err)
		err = write_all(fd, "\n");
	close(fd);
	if (err)
		unlink(path);

	return err;
}
