/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is printed. Traits, user agents and mail servers' answers are strangers' text, and a terminal obeys escape
 * sequences: nothing of theirs is printed that a terminal could take for an order.
 */
#include <stdarg.h>
#include <string.h>

#include "ctl.h"
#include "kr_json.h"

/* -- neutralising -------------------------------------------------------------- */

/* Decode one character. @return its length, 0 when the bytes are no UTF-8 */
static int decode(apr_uint32_t *code, const unsigned char *s)
{
    const int len = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
    static const unsigned char MASK[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    static const apr_uint32_t LEAST[] = { 0, 0, 0x80, 0x800, 0x10000 };

    *code = s[0] & MASK[len];
    for (int i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
        *code = *code << 6 | (s[i] & 0x3F);
    }
    return *code < LEAST[len] ? 0 : len; /* what is written longer than it must be hides something */
}

static int is_order(apr_uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F || c == 0x2028 ||
           c == 0x2029 || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

#define ESCAPE_LEN 6 /* "\uNNNN", the longest that one byte or character becomes */

static const char *clean(apr_pool_t *pool, const char *text, int json)
{
    char *out = apr_palloc(pool, strlen(text) * ESCAPE_LEN + 1), *to = out;
    const unsigned char *at = (const unsigned char *)text;

    while (*at) {
        apr_uint32_t code;
        const int len = decode(&code, at);

        if (len && !is_order(code)) {
            memcpy(to, at, (size_t)len);
            to += len;
        } else if (json || (len && code > 0xFF)) {
            to += apr_snprintf(to, ESCAPE_LEN + 1, "\\u%04x", len ? code : 0xFFFD);
        } else {
            for (int i = 0; i < (len ? len : 1); i++) to += apr_snprintf(to, ESCAPE_LEN + 1, "\\x%02x", at[i]);
        }
        at += len ? len : 1;
    }
    *to = '\0';
    return out;
}

const char *ctl_clean(apr_pool_t *pool, const char *text)
{
    return text ? clean(pool, text, 0) : "-";
}

const char *ctl_clean_json(apr_pool_t *pool, const char *json)
{
    return clean(pool, json, 1);
}

/* -- saying -------------------------------------------------------------------- */

/* In memory of its own: an import may have much to say. */
static void say(ctl_t *ctl, const char *who, const char *fmt, va_list args)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, ctl->pool);
    fflush(stdout); /* in the order of events, where both go to one place */
    fprintf(stderr, "%s%s\n", who, ctl_clean(pool, apr_pvsprintf(pool, fmt, args)));
    apr_pool_destroy(pool);
}

int ctl_fail(ctl_t *ctl, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(ctl, "kratosctl: ", fmt, args);
    va_end(args);
    return CTL_FAILED;
}

void ctl_note(ctl_t *ctl, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(ctl, "", fmt, args);
    va_end(args);
}

int ctl_wrong(ctl_t *ctl, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(ctl, "kratosctl: ", fmt, args);
    va_end(args);
    if (!ctl->command)
        ctl_help(ctl->pool, stderr, NULL);
    else
        fprintf(stderr, "usage: %s\n`kratosctl help %s` tells more.\n", ctl_synopsis(ctl->pool, ctl->command),
                ctl->command->name);
    return CTL_USAGE;
}

int ctl_error(ctl_t *ctl, const kr_err_t *err, const char *what)
{
    ctl_fail(ctl, "%s%s%s", what ? what : "", what ? ": " : "",
             err->reason ? err->reason : kr_err_message(err->status));
    return err->status == 404 ? CTL_NOT_FOUND : CTL_FAILED;
}

/* -- printing ------------------------------------------------------------------ */

int ctl_json(const ctl_t *ctl)
{
    return ctl_flag(ctl, "--json");
}

void ctl_print_json(apr_pool_t *pool, const json_t *json)
{
    puts(ctl_clean_json(pool, kr_json_dump(pool, json, NULL)));
}

/* Characters, not bytes; wide ones are taken for one column, which is good enough for a table. */
static int columns_of(const char *text)
{
    int n = 0;

    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static void print_cells(const ctl_column_t *columns, const char *const *cells, int n)
{
    for (int i = 0; i < n; i++) {
        const int pad = i + 1 < n ? columns[i].width - columns_of(cells[i]) : 0;

        printf("%s%*s%s", cells[i], pad > 0 ? pad : 0, "", i + 1 < n ? "  " : "\n");
    }
}

#define COLUMNS_MAX 16

void ctl_print_row(ctl_t *ctl, apr_pool_t *pool, const ctl_column_t *columns, const char *const *cells, int n)
{
    const char *clean_cells[COLUMNS_MAX], *titles[COLUMNS_MAX];

    if (n > COLUMNS_MAX) n = COLUMNS_MAX;
    for (int i = 0; i < n; i++) {
        titles[i] = columns[i].title;
        clean_cells[i] = ctl_clean(pool, cells[i]);
    }
    if (!ctl->rows++) print_cells(columns, titles, n);
    print_cells(columns, clean_cells, n);
}

static void print_member(apr_pool_t *pool, const char *key, const json_t *value, int depth)
{
    const char *name, *text = json_is_string(value) ? json_string_value(value) : kr_json_dump(pool, value, NULL);
    json_t *member;
    size_t i;

    printf("%*s%s:", 2 * depth, "", ctl_clean(pool, key));
    if (!json_is_object(value) && !(json_is_array(value) && json_is_object(json_array_get(value, 0)))) {
        printf(" %s\n", ctl_clean(pool, text));
        return;
    }
    putchar('\n');
    json_object_foreach((json_t *)value, name, member) print_member(pool, name, member, depth + 1);
    json_array_foreach((json_t *)value, i, member)
        print_member(pool, apr_psprintf(pool, "%d", (int)i + 1), member, depth + 1);
}

void ctl_print_object(apr_pool_t *pool, const json_t *json)
{
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)json, name, member) print_member(pool, name, member, 0);
}
