/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * share/en/receptionist.gram as text, built in so that the embedded engines work wherever the program is. Another file may be
 * given to the recogniser instead.
 */
extern const char receptionist_grammar[];
