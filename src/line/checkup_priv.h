/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "line/checkup.h"

/* Shared by the parts of the judgement. */
struct checkup_list {
	struct checkup_finding *to;
	size_t n;
};

/* The finding to fill in, its text set; with the list full the last one is written over. */
struct checkup_finding *checkup_add(struct checkup_list *l, const char *id, enum checkup_level level, const char *fmt, ...) printf_like(4, 5);
void checkup_evidence(struct checkup_finding *f, const char *fmt, ...) printf_like(2, 3);
void checkup_remedy(struct checkup_finding *f, const char *fmt, ...) printf_like(2, 3);

/* checkup_reg.c */
void checkup_judge_registration(const struct checkup_facts *f, struct checkup_list *l);
/* checkup_path.c */
void checkup_judge_nat(const struct checkup_facts *f, struct checkup_list *l);
void checkup_judge_alg(const struct checkup_facts *f, struct checkup_list *l);
/* checkup_call.c */
void checkup_judge_call(const struct checkup_facts *f, struct checkup_list *l);
