/* SPDX-License-Identifier: Apache-2.0 */
/* What KratosExport may name, and the variables and headers that come of it. */
#include "site.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "kr_session.h"
#include "kr_text.h"

/** What is exported where KratosExport says nothing else. */
static const kr_export_t STANDARD[] = {
    { "id", "KRATOS_SESSION_ID", "X-Kratos-Session-Id", NULL },
    { "identity", "KRATOS_IDENTITY_ID", "X-Kratos-Identity-Id", NULL },
    { "aal", "KRATOS_AAL", "X-Kratos-Aal", NULL },
    { "schema", "KRATOS_SCHEMA", "X-Kratos-Schema", NULL },
    { "authenticated_at", "KRATOS_AUTHENTICATED_AT", "X-Kratos-Authenticated-At", NULL },
};

#define NAME_MAX_LEN 64

/* "name.first" -> KRATOS_NAME_FIRST and X-Kratos-Name-First */
static const char *variable_name(apr_pool_t *pool, const char *name)
{
    char *variable = apr_pstrcat(pool, "KRATOS_", name, NULL);

    for (char *p = variable; *p; p++) *p = apr_isalnum(*p) ? (char)apr_toupper(*p) : '_';
    return variable;
}

static const char *header_name(apr_pool_t *pool, const char *name)
{
    char *header = apr_pstrcat(pool, "X-Kratos-", name, NULL), *p = header + strlen("X-Kratos-");

    for (int initial = 1; *p; p++) {
        int letter = apr_isalnum(*p);

        *p = !letter ? '-' : initial ? (char)apr_toupper(*p) : (char)apr_tolower(*p);
        initial = !letter;
    }
    return header;
}

static const kr_export_t *standard_export(const char *field)
{
    for (int i = 0; i < KR_DIM(STANDARD); i++)
        if (!strcmp(STANDARD[i].field, field)) return &STANDARD[i];
    return NULL;
}

static int is_name(const char *name)
{
    apr_size_t len = strlen(name);

    return len && len <= NAME_MAX_LEN && apr_isalpha(*name) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static void take_standard(apr_array_header_t *exports)
{
    for (int i = 0; i < KR_DIM(STANDARD); i++) APR_ARRAY_PUSH(exports, kr_export_t) = STANDARD[i];
}

const char *kr_export_read(kr_place_t *place, apr_pool_t *pool, const char *text)
{
    const char *equals = strchr(text, '='), *field = equals ? equals + 1 : text;
    const char *name = equals ? apr_pstrmemdup(pool, text, (apr_size_t)(equals - text)) : field;
    const kr_export_t *standard = equals ? NULL : standard_export(field);

    if (equals && !strcmp(name, "user") && kr_session_has_field(field)) {
        place->user_field = apr_pstrdup(pool, field); /* by itself it leaves the rest as it was */
        return NULL;
    }
    if (!place->exports) place->exports = apr_array_make(pool, 8, sizeof(kr_export_t));
    if (!strcmp(text, "none")) return NULL; /* the list is there, and empty */
    if (!strcmp(text, "default")) {
        take_standard(place->exports);
        return NULL;
    }
    if (!kr_session_has_field(field)) return apr_psprintf(pool, "KratosExport: \"%s\" is no field of a session", field);
    if (!is_name(name))
        return apr_psprintf(pool, "KratosExport: \"%s\" makes no name: a letter, then letters, digits, _ . and -", name);
    APR_ARRAY_PUSH(place->exports, kr_export_t) =
        standard ? *standard
                 : (kr_export_t){ field, variable_name(pool, name), header_name(pool, name), apr_pcalloc(pool, sizeof(apr_uint32_t)) };
    return NULL;
}

const kr_export_t *kr_exports_of(int *n, const kr_place_t *place)
{
    *n = place->exports ? place->exports->nelts : KR_DIM(STANDARD);
    return place->exports ? (const kr_export_t *)place->exports->elts : STANDARD;
}
