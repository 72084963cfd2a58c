/* SPDX-License-Identifier: Apache-2.0 */
/* The owner's templates: named one by one (courier.templates.*), or in a folder laid out as Kratos has it. */
#include <apr_file_info.h>
#include <stdlib.h>
#include <string.h>

#include "draft.h"
#include "kr_text.h"

#define FILES_MAX 64 /* of one part: the template, and those it takes definitions from */

/** Kinds of messages: the type, and where its templates are, as a key and (with slashes) as a folder. */
static const struct {
    const char *type, *key;
} KINDS[] = {
    { "recovery_valid", "recovery.valid" },
    { "recovery_invalid", "recovery.invalid" },
    { "recovery_code_valid", "recovery_code.valid" },
    { "recovery_code_invalid", "recovery_code.invalid" },
    { "verification_valid", "verification.valid" },
    { "verification_invalid", "verification.invalid" },
    { "verification_code_valid", "verification_code.valid" },
    { "verification_code_invalid", "verification_code.invalid" },
    { "login_code_valid", "login_code.valid" },
    { "registration_code_valid", "registration_code.valid" },
    { "verifiable_address_changed", "verifiable_address_changed" },
    { "factor_changed", "factor_changed" },
    { "recovery_code_used", "recovery_code_used" },
};

/** Parts of a message: key, file, and how the names of files begin that it may take definitions from, or must not. */
typedef struct {
    const char *key, *file, *begins, *not ;
    kr_template_kind_e kind;
    apr_size_t at;         /* where kr_letter_conf_t has it */
} part_t;

static const part_t PARTS[] = {
    { "email.subject", "email.subject.gotmpl", "email.subject", NULL, KR_TEMPLATE_TEXT, offsetof(kr_letter_conf_t, subject) },
    { "email.body.plaintext", "email.body.plaintext.gotmpl", "email.body.plaintext", NULL, KR_TEMPLATE_TEXT, offsetof(kr_letter_conf_t, plaintext) },
    { "email.body.html", "email.body.gotmpl", "email.body", "email.body.plaintext", KR_TEMPLATE_HTML, offsetof(kr_letter_conf_t, html) },
    { "sms.body.plaintext", "sms.body.gotmpl", "sms.body", NULL, KR_TEMPLATE_TEXT, offsetof(kr_letter_conf_t, sms) },
};

/* -- by key --------------------------------------------------------------------------- */

/** Several rows of the table may say parts of one kind. */
static const char *said(const kr_mail_conf_t *mail, const char *name, const part_t *part)
{
    for (int i = 0; i < mail->letters->nelts; i++) {
        const kr_letter_conf_t *letter = &APR_ARRAY_IDX(mail->letters, i, kr_letter_conf_t);
        const char *url = *(const char *const *)((const char *)letter + part->at);

        if (url && strcmp(letter->name, name) == 0) return url;
    }
    return NULL;
}

/* @return NULL: nobody gave one, or it is wrong, which was said */
static const kr_template_t *read_key(kr_review_t *review, const kr_mail_conf_t *mail, const char *name, const part_t *part)
{
    const char *path = apr_pstrcat(review->pool, "courier.templates.", name, ".", part->key, NULL);
    const char *url = said(mail, name, part), *why;
    kr_template_source_t source = { .name = "base64" };
    const kr_template_t *out = NULL;

    if (!url) return NULL;
    if (strncmp(url, "file://", 7) == 0) source.name = url + 7;
    why = kr_source_read(&source.text, &source.len, review, path, url);
    if (!why) out = kr_template_make(review->pool, part->kind, &source, 1, &why);
    if (!out) kr_review_error(review, path, "%s", why);
    return out;
}

/* -- in a folder ------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int belongs(const part_t *part, const char *name)
{
    if (strncmp(name, part->begins, strlen(part->begins)) != 0 || strcmp(name, part->file) == 0) return 0;
    return !part->not || strncmp(name, part->not, strlen(part->not )) != 0;
}

/* The names of files beside the template, in order: so the last of two definitions wins on every machine. */
static apr_array_header_t *names_beside(apr_pool_t *pool, const char *folder, const part_t *part)
{
    apr_array_header_t *names = apr_array_make(pool, 4, sizeof(const char *));
    apr_finfo_t info;
    apr_dir_t *dir;

    if (apr_dir_open(&dir, folder, pool) != APR_SUCCESS) return names;
    while (names->nelts < FILES_MAX && apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (belongs(part, info.name)) APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(pool, info.name);
    }
    apr_dir_close(dir);
    if (names->nelts > 1) qsort(names->elts, (size_t)names->nelts, sizeof(const char *), by_name);
    return names;
}

static const char *add_source(apr_array_header_t *sources, const char *folder, const char *name)
{
    kr_template_source_t *source = apr_array_push(sources);

    source->name = apr_pstrcat(sources->pool, folder, "/", name, NULL);
    return kr_source_file(&source->text, &source->len, sources->pool, source->name);
}

static int is_file(apr_pool_t *pool, const char *folder, const char *name)
{
    apr_finfo_t info;

    return apr_stat(&info, apr_pstrcat(pool, folder, "/", name, NULL), APR_FINFO_TYPE, pool) == APR_SUCCESS;
}

static const kr_template_t *read_folder(kr_review_t *review, const char *folder, const part_t *part)
{
    apr_array_header_t *sources = apr_array_make(review->pool, 4, sizeof(kr_template_source_t)), *beside;
    const kr_template_t *out = NULL;
    const char *why;

    if (!is_file(review->pool, folder, part->file)) return NULL;
    why = add_source(sources, folder, part->file);
    beside = names_beside(review->pool, folder, part);
    for (int i = 0; i < beside->nelts && !why; i++) {
        why = add_source(sources, folder, APR_ARRAY_IDX(beside, i, const char *));
    }
    if (!why) {
        out = kr_template_make(review->pool, part->kind, (const kr_template_source_t *)sources->elts, sources->nelts,
                               &why);
    }
    if (!out) kr_review_error(review, "courier.template_override_path", "%s", why);
    return out;
}

/* -- both ---------------------------------------------------------------------------------- */

static const char *as_folder(apr_pool_t *pool, const char *root, const char *key)
{
    char *path = apr_pstrdup(pool, key);

    for (char *p = path; *p; p++) {
        if (*p == '.') *p = '/';
    }
    return apr_pstrcat(pool, root, "/", path, NULL);
}

apr_array_header_t *kr_review_templates(kr_review_t *review, const kr_mail_conf_t *mail)
{
    const char *folder = mail->override_path;
    apr_array_header_t *out = apr_array_make(review->pool, 4, sizeof(kr_override_t));
    apr_finfo_t info;

    if (folder && (apr_stat(&info, folder, APR_FINFO_TYPE, review->pool) != APR_SUCCESS || info.filetype != APR_DIR)) {
        kr_review_error(review, "courier.template_override_path", "%s is no folder", folder);
        return out;
    }
    for (int i = 0; i < KR_DIM(KINDS); i++) {
        for (int j = 0; j < KR_DIM(PARTS); j++) {
            const kr_template_t *found = read_key(review, mail, KINDS[i].key, &PARTS[j]);

            if (!found && folder) found = read_folder(review, as_folder(review->pool, folder, KINDS[i].key), &PARTS[j]);
            if (found) APR_ARRAY_PUSH(out, kr_override_t) = (kr_override_t){ KINDS[i].type, PARTS[j].key, found };
        }
    }
    return out;
}
