/* SPDX-License-Identifier: Apache-2.0 */
/* What templates may call: Go's own functions, and those of sprig that letters use. None knows files, time or network.
 */
#include <string.h>

#include "kr_text.h"
#include "template.h"

static json_t *own(run_t *run, json_t *value)
{
    return kr_json_own(run->pool, value);
}

static json_t *truth(run_t *run, int is_true)
{
    return own(run, json_boolean(is_true));
}

/* -- comparing -------------------------------------------------------------------- */

static json_t *call_eq(run_t *run, int count, json_t *const *args)
{
    for (int i = 1; i < count; i++) {
        if (kr_tmpl_compare(args[0], args[i]) == 0) return truth(run, 1);
    }
    return truth(run, 0);
}

static json_t *call_ne(run_t *run, int count, json_t *const *args)
{
    (void)count;
    return truth(run, kr_tmpl_compare(args[0], args[1]) != 0);
}

static json_t *ordered(run_t *run, json_t *const *args, int want, int or_same)
{
    const int order = kr_tmpl_compare(args[0], args[1]);

    if (order == 2) return kr_tmpl_fail(run, "values of these kinds have no order");
    return truth(run, order == want || (or_same && order == 0));
}

#define ORDER(name, want, or_same)                                                                                     \
    static json_t *call_##name(run_t *run, int count, json_t *const *args)                                             \
    {                                                                                                                  \
        (void)count;                                                                                                   \
        return ordered(run, args, want, or_same);                                                                      \
    }
ORDER(lt, -1, 0)
ORDER(le, -1, 1)
ORDER(gt, 1, 0)
ORDER(ge, 1, 1)

static json_t *call_and(run_t *run, int count, json_t *const *args)
{
    (void)run;
    for (int i = 0; i < count - 1; i++) {
        if (!kr_tmpl_true(args[i])) return args[i];
    }
    return args[count - 1];
}

static json_t *call_or(run_t *run, int count, json_t *const *args)
{
    (void)run;
    for (int i = 0; i < count - 1; i++) {
        if (kr_tmpl_true(args[i])) return args[i];
    }
    return args[count - 1];
}

static json_t *call_not(run_t *run, int count, json_t *const *args)
{
    (void)count;
    return truth(run, !kr_tmpl_true(args[0]));
}

static json_t *call_empty(run_t *run, int count, json_t *const *args)
{
    return call_not(run, count, args);
}

/* default "what else" .Value */
static json_t *call_default(run_t *run, int count, json_t *const *args)
{
    (void)run, (void)count;
    return kr_tmpl_true(args[1]) ? args[1] : args[0];
}

static json_t *call_ternary(run_t *run, int count, json_t *const *args)
{
    (void)run, (void)count;
    return kr_tmpl_true(args[2]) ? args[0] : args[1];
}

/* -- members ------------------------------------------------------------------------ */

static json_t *call_len(run_t *run, int count, json_t *const *args)
{
    const json_t *a = args[0];

    (void)count;
    if (json_is_string(a)) return own(run, json_integer((json_int_t)json_string_length(a)));
    if (json_is_array(a)) return own(run, json_integer((json_int_t)json_array_size(a)));
    if (json_is_object(a)) return own(run, json_integer((json_int_t)json_object_size(a)));
    return kr_tmpl_fail(run, "len: the value has no length");
}

static json_t *call_index(run_t *run, int count, json_t *const *args)
{
    json_t *at = args[0];

    for (int i = 1; i < count; i++) {
        const json_int_t n = json_integer_value(args[i]);

        if (json_is_array(at) && json_is_integer(args[i]))
            at = n < 0 ? NULL : json_array_get(at, (size_t)n);
        else if (json_is_object(at) && json_is_string(args[i]))
            at = json_object_get(at, json_string_value(args[i]));
        else
            return kr_tmpl_fail(run, "index: the value has no members of that kind");
        if (!at) return own(run, json_null());
    }
    return at;
}

static json_t *call_list(run_t *run, int count, json_t *const *args)
{
    json_t *out = own(run, json_array());

    for (int i = 0; i < count; i++) {
        /* what doubles at each turn of a loop is soon too large to be looked at */
        if (json_is_array(args[i])) return kr_tmpl_fail(run, "list: a list cannot hold lists");
        json_array_append(out, args[i]);
    }
    return out;
}

/* -- the table ------------------------------------------------------------------------ */

static const function_t FUNCTIONS[] = {
    { "eq", 2, -1, call_eq },
    { "ne", 2, 2, call_ne },
    { "lt", 2, 2, call_lt },
    { "le", 2, 2, call_le },
    { "gt", 2, 2, call_gt },
    { "ge", 2, 2, call_ge },
    { "and", 1, -1, call_and },
    { "or", 1, -1, call_or },
    { "not", 1, 1, call_not },
    { "empty", 1, 1, call_empty },
    { "default", 2, 2, call_default },
    { "coalesce", 1, -1, call_or },
    { "ternary", 3, 3, call_ternary },
    { "len", 1, 1, call_len },
    { "index", 2, -1, call_index },
    { "list", 0, -1, call_list },
    { "print", 0, -1, kr_tmpl_call_print },
    { "printf", 1, -1, kr_tmpl_call_printf },
    { "html", 1, -1, kr_tmpl_call_html },
    { "urlquery", 1, -1, kr_tmpl_call_urlquery },
    { "js", 1, -1, kr_tmpl_call_js },
    { "lower", 1, 1, kr_tmpl_call_lower },
    { "upper", 1, 1, kr_tmpl_call_upper },
    { "title", 1, 1, kr_tmpl_call_title },
    { "trim", 1, 1, kr_tmpl_call_trim },
    { "quote", 1, 1, kr_tmpl_call_quote },
    { "join", 2, 2, kr_tmpl_call_join },
    { "replace", 3, 3, kr_tmpl_call_replace },
    { "contains", 2, 2, kr_tmpl_call_contains },
    { "hasPrefix", 2, 2, kr_tmpl_call_has_prefix },
    { "hasSuffix", 2, 2, kr_tmpl_call_has_suffix },
};

const function_t *kr_tmpl_function(const char *name)
{
    for (int i = 0; i < KR_DIM(FUNCTIONS); i++) {
        if (strcmp(FUNCTIONS[i].name, name) == 0) return &FUNCTIONS[i];
    }
    return NULL;
}
