/* SPDX-License-Identifier: Apache-2.0 */
/* What a realm's pages are made of, read at start: the built-in files, and an owner's over them. */
#include <apr_file_info.h>
#include <apr_file_io.h>

#include "kr_crypto.h"
#include "kr_json.h"
#include "kr_text.h"
#include "ui.h"

static const char *const LANGUAGES[] = { "en", "de", "fr", "es" };

/** What may stand in static/: nothing that a browser would run as a page of ours. */
static const struct {
    const char *ending, *type;
} TYPES[] = {
    { "avif", "image/avif" },    { "css", "text/css; charset=utf-8" }, { "gif", "image/gif" },  { "ico", "image/x-icon" },
    { "jpeg", "image/jpeg" },    { "jpg", "image/jpeg" },              { "png", "image/png" },  { "svg", "image/svg+xml" },
    { "webp", "image/webp" },    { "woff", "font/woff" },              { "woff2", "font/woff2" },
};

/** The work of kr_pages_load. */
typedef struct {
    apr_pool_t *pool;
    const char *dir;        /* the owner's, or NULL */
    kr_pages_t *pages;
    json_t *known;          /* all keys there are, with all placeholders that any built-in language uses */
} load_t;

/* -- files ---------------------------------------------------------------- */

static const char *complaint(load_t *load, const char *path, const char *why)
{
    return apr_psprintf(load->pool, "%s: %s", path, why);
}

static const char *because(load_t *load, const char *path, apr_status_t rv)
{
    char text[128];

    return complaint(load, path, apr_strerror(rv, text, sizeof(text)));
}

/* A whole file, NUL-terminated. */
static const char *read_file(char **text, apr_size_t *len, load_t *load, const char *path)
{
    apr_finfo_t info;
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, 0, load->pool);

    *text = apr_pcalloc(load->pool, 1); /* nothing, until it is read */
    *len = 0;
    if (rv == APR_SUCCESS) rv = apr_file_info_get(&info, APR_FINFO_TYPE | APR_FINFO_SIZE, file);
    if (rv != APR_SUCCESS) return because(load, path, rv);
    if (info.filetype != APR_REG) return complaint(load, path, "it is no file");
    if (info.size > UI_FILE_MAX) {
        return complaint(load, path, apr_psprintf(load->pool, "it is larger than %d bytes", UI_FILE_MAX));
    }
    *len = (apr_size_t)info.size;
    *text = apr_pcalloc(load->pool, *len + 1);
    rv = apr_file_read_full(file, *text, *len, NULL);
    apr_file_close(file);
    return rv == APR_SUCCESS || *len == 0 ? NULL : because(load, path, rv);
}

/* The owner's file of that name, or the built-in one. @param out  NULL when there is neither */
static const char *take(const char **out, const char **path, load_t *load, const char *name)
{
    apr_finfo_t info;
    apr_size_t len;
    char *text;
    const char *why;

    *path = name;
    *out = ui_builtin(name);
    if (!load->dir) return NULL;
    *path = apr_pstrcat(load->pool, load->dir, "/", name, NULL);
    if (apr_stat(&info, *path, APR_FINFO_TYPE, load->pool) != APR_SUCCESS) return NULL;
    why = read_file(&text, &len, load, *path);
    if (why) return why;
    if (!kr_utf8_valid(text, len)) return complaint(load, *path, "it is no text in UTF-8");
    *out = text;
    return NULL;
}

/* Names in a folder of the owner, without those that begin with a dot. A folder that is not there is empty. */
static const char *names_in(apr_array_header_t **names, load_t *load, const char *folder)
{
    const char *path = load->dir ? apr_pstrcat(load->pool, load->dir, "/", folder, NULL) : NULL;
    apr_finfo_t info;
    apr_dir_t *dir;
    apr_status_t rv;

    *names = apr_array_make(load->pool, 8, sizeof(const char *));
    if (!path || apr_stat(&info, path, APR_FINFO_TYPE, load->pool) != APR_SUCCESS) return NULL;
    rv = apr_dir_open(&dir, path, load->pool);
    if (rv != APR_SUCCESS) return because(load, path, rv);
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS)
        if (info.name[0] != '.') APR_ARRAY_PUSH(*names, const char *) = apr_pstrdup(load->pool, info.name);
    apr_dir_close(dir);
    if ((*names)->nelts <= UI_FILES_MAX) return NULL;
    return complaint(load, path, apr_psprintf(load->pool, "it holds more than %d files", UI_FILES_MAX));
}

/* -- words ---------------------------------------------------------------- */

static kr_words_t *language(load_t *load, const char *tag)
{
    apr_array_header_t *all = load->pages->languages;
    kr_words_t *words;

    for (int i = 0; i < all->nelts; i++)
        if (strcasecmp(APR_ARRAY_IDX(all, i, kr_words_t *)->lang, tag) == 0) return APR_ARRAY_IDX(all, i, kr_words_t *);
    words = apr_pcalloc(load->pool, sizeof(*words));
    words->lang = tag;
    words->pages = load->pages;
    words->texts = kr_json_own(load->pool, json_object());
    APR_ARRAY_PUSH(all, kr_words_t *) = words;
    return words;
}

/* What the built-in catalogues use, so that an owner's can be held against it. */
static void learn(load_t *load)
{
    for (int i = 0; i < KR_DIM(LANGUAGES); i++) {
        const char *text = ui_builtin(apr_pstrcat(load->pool, "words/", LANGUAGES[i], ".json", NULL)), *key;
        json_t *value, *texts = kr_json_parse(load->pool, text, strlen(text), NULL);

        json_object_foreach(texts, key, value) {
            const char *so_far = json_string_value(json_object_get(load->known, key));

            json_object_set_new(load->known, key,
                                kr_json_string(apr_pstrcat(load->pool, so_far ? so_far : "", json_string_value(value), NULL)));
        }
    }
}

/* Below its own words every language has the English ones: what nobody translated is still said. */
static const char *add_language(load_t *load, const char *tag)
{
    const char *name = apr_pstrcat(load->pool, "words/", tag, ".json", NULL), *builtin = ui_builtin(name);
    const char *text, *path, *why = take(&text, &path, load, name);
    kr_words_t *words = language(load, tag);

    if (why) return why;
    if (words != APR_ARRAY_IDX(load->pages->languages, 0, kr_words_t *))
        json_object_update(words->texts, APR_ARRAY_IDX(load->pages->languages, 0, kr_words_t *)->texts);
    if (builtin) why = ui_catalogue_add(words->texts, load->pool, builtin, load->known);
    if (!why && text != builtin) why = ui_catalogue_add(words->texts, load->pool, text, load->known);
    return why ? complaint(load, path, why) : NULL;
}

static const char *add_languages(load_t *load)
{
    apr_array_header_t *names;
    const char *why = names_in(&names, load, "words");

    learn(load);
    for (int i = 0; i < KR_DIM(LANGUAGES) && !why; i++) why = add_language(load, LANGUAGES[i]);
    for (int i = 0; i < names->nelts && !why; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *), *dot = strrchr(name, '.');
        const char *tag = dot && strcmp(dot, ".json") == 0 ? apr_pstrmemdup(load->pool, name, (apr_size_t)(dot - name)) : "";

        if (!ui_is_language(tag)) {
            return complaint(load, apr_pstrcat(load->pool, load->dir, "/words/", name, NULL),
                             "a file of words is called after its language: pt.json, pt-BR.json");
        }
        if (!ui_builtin(apr_pstrcat(load->pool, "words/", name, NULL))) why = add_language(load, tag);
    }
    return why;
}

/* -- the rest ------------------------------------------------------------- */

static const char *add_style(load_t *load)
{
    const char *path, *why = take(&load->pages->css, &path, load, "style.css");

    if (why) return why;
    load->pages->css_len = strlen(load->pages->css);
    load->pages->css_version = apr_pstrmemdup(load->pool, kr_sha256_hex(load->pool, load->pages->css, load->pages->css_len), 12);
    return NULL;
}

static const char *add_layout(load_t *load)
{
    const char *text, *path, *why = take(&text, &path, load, "layout.html");

    if (why) return why;
    why = ui_layout_parse(&load->pages->layout, load->pool, text);
    return why ? complaint(load, path, why) : NULL;
}

static const char *type_of(const char *name)
{
    const char *dot = strrchr(name, '.');

    for (int i = 0; dot && i < KR_DIM(TYPES); i++)
        if (strcasecmp(dot + 1, TYPES[i].ending) == 0) return TYPES[i].type;
    return NULL;
}

static const char *add_file(load_t *load, const char *name)
{
    const char *path = apr_pstrcat(load->pool, load->dir, "/static/", name, NULL), *why;
    ui_file_t *file;
    char *body;

    if (!type_of(name)) return complaint(load, path, "files of this kind are not served; pictures, fonts and style sheets are");
    file = apr_array_push(load->pages->files);
    *file = (ui_file_t){ .name = name, .type = type_of(name) };
    why = read_file(&body, &file->len, load, path);
    if (why) return why;
    file->body = body;
    file->etag = apr_psprintf(load->pool, "\"%.12s\"", kr_sha256_hex(load->pool, body, file->len));
    return NULL;
}

static const char *add_files(load_t *load)
{
    apr_array_header_t *names;
    const char *why = names_in(&names, load, "static");

    for (int i = 0; i < names->nelts && !why; i++) why = add_file(load, APR_ARRAY_IDX(names, i, const char *));
    return why;
}

const char *kr_pages_load(const kr_pages_t **out, apr_pool_t *pool, const char *dir)
{
    load_t load = { pool, dir, apr_pcalloc(pool, sizeof(kr_pages_t)), kr_json_own(pool, json_object()) };
    apr_finfo_t info;
    const char *why = NULL;

    *out = NULL;
    load.pages->languages = apr_array_make(pool, KR_DIM(LANGUAGES), sizeof(kr_words_t *));
    load.pages->files = apr_array_make(pool, 4, sizeof(ui_file_t));
    if (dir && (apr_stat(&info, dir, APR_FINFO_TYPE, pool) != APR_SUCCESS || info.filetype != APR_DIR))
        return complaint(&load, dir, "there is no such folder");
    why = add_languages(&load);
    if (!why) why = add_layout(&load);
    if (!why) why = add_style(&load);
    if (!why) why = add_files(&load);
    if (!why) *out = load.pages;
    return why;
}

/* -- asking --------------------------------------------------------------- */

const ui_file_t *ui_file_named(const kr_pages_t *pages, const char *name)
{
    for (int i = 0; i < pages->files->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(pages->files, i, ui_file_t).name, name) == 0) return &APR_ARRAY_IDX(pages->files, i, ui_file_t);
    return NULL;
}

const char *kr_pages_css(const kr_pages_t *pages, apr_size_t *len)
{
    *len = pages->css_len;
    return pages->css;
}

const char *kr_pages_css_version(const kr_pages_t *pages)
{
    return pages->css_version;
}
