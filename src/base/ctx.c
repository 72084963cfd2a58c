/* SPDX-License-Identifier: Apache-2.0 */
/* The context of a piece of work, and the way its log lines take. */
#include "kr_ctx.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>

#include "kr_clock.h"
#include "printf.h"

/* A longer line is cut: whoever can make us log must not fill the disk with one request. */
#define MAX_LINE 2048

char *kr_vprintf(apr_pool_t *pool, const char *fmt, va_list args)
{
    va_list again;
    char *text;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (len < 0) return apr_pstrdup(pool, "");
    text = apr_palloc(pool, (apr_size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, args);
    return text;
}

void kr_log_write(kr_ctx_t *k, kr_level_e level, const char *fmt, ...)
{
    char line[MAX_LINE];
    va_list args;

    if (!k->log) return;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    k->log(k->log_baton, level, line);
}

/* httpd escapes what it logs by itself; here a client's line break must not make a second line either. */
static void log_to_stderr(void *baton, kr_level_e level, const char *line)
{
    char clean[MAX_LINE];
    size_t n = 0;

    (void)baton;
    for (; line[n] && n < sizeof(clean) - 1; n++) {
        unsigned char c = (unsigned char)line[n];
        clean[n] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    clean[n] = '\0';
    fprintf(stderr, "[%s] %s\n", level <= KR_LOG_ERR ? "error" : level == KR_LOG_WARNING ? "warn" : "info", clean);
}

kr_ctx_t *kr_ctx_make(apr_pool_t *pool, const kr_realm_t *realm, kr_level_e level)
{
    kr_ctx_t *k = apr_pcalloc(pool, sizeof(*k));

    k->pool = pool;
    k->realm = realm;
    k->now = kr_clock_now();
    k->log = log_to_stderr;
    k->log_level = level;
    return k;
}

int kr_leaving(const kr_ctx_t *k)
{
    return k->leaving && k->leaving(k->leaving_baton);
}
