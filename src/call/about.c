/* SPDX-License-Identifier: Apache-2.0 */
#include "call/private.h"

char *about_call(const struct call_record *r, const char *instructions)
{
	const struct call_caller *w = &r->caller;
	bool is_known = w->number[0] && !w->is_private && strcmp(w->number, "anonymous") != 0;
	char about[900] = "";
	size_t n = 0;

	if (r->is_outgoing || (!w->number[0] && !w->diverted_from[0]))
		return NULL;
	if (is_known)
		n += (size_t)snprintf(about, sizeof(about), "The caller's number is %s%s%s.", w->number, w->name[0] ? ", name " : "", w->name);
	else
		n += (size_t)snprintf(about, sizeof(about), "The caller withholds the number.");
	if (r->to[0] && n < sizeof(about))
		n += (size_t)snprintf(about + n, sizeof(about) - n, " The call came to %s.", r->to);
	if (w->diverted_from[0] && n < sizeof(about))
		n += (size_t)snprintf(about + n, sizeof(about) - n, " It was diverted to you from %s%s%s%s%s.", w->diverted_from,
			w->diverted_why[0] ? " because of " : "", w->diverted_why,
			strcmp(w->dialled_first, w->diverted_from) ? "; the caller dialled " : "",
			strcmp(w->dialled_first, w->diverted_from) ? w->dialled_first : "");

	size_t size = strlen(about) + (instructions ? strlen(instructions) : 0) + 32;
	char *text = malloc(size);

	if (text)
		snprintf(text, size, "%s%sAbout this call: %s", instructions ? instructions : "", instructions ? "\n\n" : "", about);

	return text;
}
