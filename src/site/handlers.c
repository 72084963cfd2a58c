/* SPDX-License-Identifier: Apache-2.0 */
/* The names that `SetHandler` knows of us. */
#include "site.h"

kr_handler_e kr_handler_named(const char *name)
{
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a row of an array */
#define HANDLER(which, name, help) [which] = name,
    static const char *const NAMES[KR_HANDLERS] = {
#include "handlers_table.h"
    };
    int which = 0;

    while (name && which < KR_HANDLERS && strcmp(NAMES[which], name)) which++;
    return name ? (kr_handler_e)which : KR_HANDLER_NONE;
}
