/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords about strings. */
#include <string.h>

#include <apr_strings.h>

#include "kr_json.h"
#include "kr_text.h"

#include "schema.h"

static apr_int64_t characters(const json_t *string)
{
    const unsigned char *p = (const unsigned char *)json_string_value(string);
    const unsigned char *end = p + json_string_length(string);
    apr_int64_t n = 0;

    for (; p < end; p++) n += (*p & 0xc0) != 0x80;
    return n;
}

static int check_min_length(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    apr_int64_t n = characters(instance);

    if (n >= rule->count) return 1;
    return kr_run_fail(run, at, "minLength",
                       json_pack("{s:I,s:I}", "min_length", (json_int_t)rule->count, "actual_length", (json_int_t)n),
                       "must be at least %" APR_INT64_T_FMT " characters long, not %" APR_INT64_T_FMT, rule->count, n);
}

static int check_max_length(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    apr_int64_t n = characters(instance);

    if (n <= rule->count) return 1;
    return kr_run_fail(run, at, "maxLength",
                       json_pack("{s:I,s:I}", "max_length", (json_int_t)rule->count, "actual_length", (json_int_t)n),
                       "must be at most %" APR_INT64_T_FMT " characters long, not %" APR_INT64_T_FMT, rule->count, n);
}

static kr_built_e compile_pattern(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    const char *why;

    (void)node;
    if (!json_is_string(rule->value)) return kr_build_refuse(b, rule, "must be a string");
    rule->arg = kr_pattern_make(b->pool, json_string_value(rule->value), &why);
    return rule->arg ? KR_BUILT : kr_build_refuse(b, rule, "not a regular expression: %s", why);
}

static int check_pattern(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    int found = kr_run_match(run, rule->arg, json_string_value(instance), json_string_length(instance));
    const char *pattern = json_string_value(rule->value);

    if (found == 1) return 1;
    if (found < 0) run->spent |= run->quiet != 0; /* a `not` above must not turn this into a yes */
    return kr_run_fail(run, at, "pattern", json_pack("{s:s}", "pattern", pattern),
                       found < 0 ? "took too long to match \"%s\"" : "does not match \"%s\"", pattern);
}

/* -- format --------------------------------------------------------------- */

/** Formats whose violations have messages of their own. */
static const struct {
    const char *format, *keyword;
} FORMAT_KEYWORDS[] = {
    { "email", "format:email" },
    { "email_loose", "format:email" },
    { "tel", "format:tel" },
};

static kr_built_e compile_format(kr_build_t *b, kr_node_t *node, kr_rule_t *rule)
{
    const char *format = json_string_value(rule->value), *keyword = "format";
    int i;

    (void)node;
    if (!format) return kr_build_refuse(b, rule, "must be a string");
    for (i = 0; i < KR_DIM(FORMAT_KEYWORDS); i++) {
        if (strcmp(FORMAT_KEYWORDS[i].format, format) == 0) keyword = FORMAT_KEYWORDS[i].keyword;
    }
    rule->arg = keyword;
    return KR_BUILT;
}

static int check_format(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const char *format = json_string_value(rule->value), *value = json_string_value(instance);
    int whole = strlen(value) == json_string_length(instance); /* no format has room for a NUL */

    if (whole && kr_format_valid(format, value)) return 1;
    if (run->quiet) return 0;
    return kr_run_fail(run, at, rule->arg, json_pack("{s:s}", "value", value), "\"%s\" is not a valid \"%s\"",
                       kr_run_shown(run, value), format);
}

/* -- content -------------------------------------------------------------- */

static int is_base64(const kr_rule_t *rule)
{
    const char *encoding = json_string_value(json_object_get(rule->node->json, "contentEncoding"));

    return encoding && strcmp(encoding, "base64") == 0;
}

static int check_encoding(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    apr_size_t len;

    if (!is_base64(rule) || kr_base64_decode(run->pool, json_string_value(instance), &len)) return 1;
    return kr_run_fail(run, at, "contentEncoding", NULL, "must be text in base64");
}

static int check_media_type(kr_run_t *run, const kr_rule_t *rule, const json_t *instance, const kr_at_t *at)
{
    const char *text = json_string_value(instance);
    apr_size_t len = json_string_length(instance);

    if (strcmp(json_string_value(rule->value), "application/json") != 0) return 1;
    if (is_base64(rule)) text = (const char *)kr_base64_decode(run->pool, text, &len);
    if (!text) return 1; /* contentEncoding has said so */
    if (kr_json_parse(run->pool, text, len, NULL)) return 1;
    return kr_run_fail(run, at, "contentMediaType", NULL, "must be a JSON document");
}

/* The order in which violations are told: what a value is before how long it is. */
const kr_keyword_t kr_keywords_string[] = {
    { "format", KR_ON(JSON_STRING), compile_format, check_format },
    { "minLength", KR_ON(JSON_STRING), kr_build_count, check_min_length },
    { "maxLength", KR_ON(JSON_STRING), kr_build_count, check_max_length },
    { "pattern", KR_ON(JSON_STRING), compile_pattern, check_pattern },
    { "contentEncoding", KR_ON(JSON_STRING), kr_build_text, check_encoding },
    { "contentMediaType", KR_ON(JSON_STRING), kr_build_text, check_media_type },
    { 0 },
};
