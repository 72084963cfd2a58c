/* SPDX-License-Identifier: Apache-2.0 */
/* Files line by line, in bounded memory whatever stands in them. */
#include <errno.h>
#include <string.h>

#include "ctl.h"

static apr_status_t close_file(void *file)
{
    fclose(file);
    return APR_SUCCESS;
}

const char *ctl_lines_open(ctl_lines_t *lines, apr_pool_t *pool, const char *name)
{
    *lines = (ctl_lines_t){ .file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re") };
    if (!lines->file) return apr_psprintf(pool, "%s cannot be read: %s", name, strerror(errno));
    if (lines->file != stdin) apr_pool_cleanup_register(pool, lines->file, close_file, apr_pool_cleanup_null);
    lines->text = apr_palloc(pool, CTL_LINE_MAX + 1);
    return NULL;
}

int ctl_lines_next(ctl_lines_t *lines)
{
    int c = getc_unlocked(lines->file);

    if (c == EOF) return 0;
    lines->len = 0;
    lines->too_long = 0;
    lines->number++;
    for (; c != EOF && c != '\n'; c = getc_unlocked(lines->file)) {
        if (lines->len < CTL_LINE_MAX)
            lines->text[lines->len++] = (char)c;
        else
            lines->too_long = 1;
    }
    if (lines->len && lines->text[lines->len - 1] == '\r') lines->len--;
    lines->text[lines->len] = '\0';
    return !ferror(lines->file);
}
