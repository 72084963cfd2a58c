/* SPDX-License-Identifier: Apache-2.0 */
/* What every test begins with: cmocka and what it wants before it, and calls that must go well. */
#ifndef KR_TEST_H
#define KR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kr_err.h"

/** An error ends the test, with its words. */
#define OK(call) must((call), __LINE__)

/** See OK. */
void must(const kr_err_t *err, int line);

/** Removes a folder that mkdtemp made, with all that is in it. @return 0, or not */
int remove_folder(const char *folder);

#endif
