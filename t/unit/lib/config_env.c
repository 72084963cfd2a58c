/* SPDX-License-Identifier: Apache-2.0 */
/* A folder with a kratos.yml, and what its owner is told. */
#include "config_env.h"

static const char SCHEMA[] =
    "{\"type\": \"object\", \"properties\": {\"traits\": {\"type\": \"object\", \"properties\": {\"email\": "
    "{\"type\": \"string\", \"ory.sh/kratos\": {\"credentials\": {\"password\": {\"identifier\": true}}}}}}}}";

const char *put_file(world_t *w, const char *name, const char *text)
{
    const char *path = apr_pstrcat(w->pool, w->dir, "/", name, NULL);
    apr_file_t *file;
    int flags = APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE;

    assert_int_equal(apr_file_open(&file, path, flags, APR_FPROT_OS_DEFAULT, w->pool), APR_SUCCESS);
    assert_int_equal(apr_file_write_full(file, text, strlen(text), NULL), APR_SUCCESS);
    apr_file_close(file);
    return path;
}

int open_world(void **state)
{
    static char dir[64]; /* cmocka runs tests one by one */
    world_t *w;
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    w = apr_pcalloc(pool, sizeof(*w));
    w->pool = pool;
    strcpy(dir, "/tmp/test_config.XXXXXX");
    w->dir = mkdtemp(dir);
    put_file(w, "person.json", SCHEMA);
    *state = w;
    return w->dir ? 0 : -1;
}

int close_world(void **state)
{
    static const char *const FILES[] = { "person.json", "minimal.yml", "kratos.yml", "broken.json" };
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(FILES); i++) unlink(apr_pstrcat(w->pool, w->dir, "/", FILES[i], NULL));
    rmdir(w->dir);
    apr_pool_destroy(w->pool);
    return 0;
}

kr_settings_t *settings_of(world_t *w, const char *more, int allow_unbuilt)
{
    const char *why;

    w->draft = kr_draft_make(w->pool);
    why = kr_draft_load(w->draft, put_file(w, "minimal.yml", MINIMAL));
    if (!why && *more) why = kr_draft_load(w->draft, put_file(w, "kratos.yml", more));
    if (why) fail_msg("%s", why);
    return kr_draft_finish(w->draft, allow_unbuilt, &w->findings);
}

const char *all_findings(world_t *w)
{
    const char *out = "";

    for (int i = 0; i < w->findings->nelts; i++) {
        out = apr_pstrcat(w->pool, out, APR_ARRAY_IDX(w->findings, i, kr_finding_t).text, "\n", NULL);
    }
    return out;
}

int says(world_t *w, int fatal, const char *words)
{
    for (int i = 0; i < w->findings->nelts; i++) {
        kr_finding_t *finding = &APR_ARRAY_IDX(w->findings, i, kr_finding_t);

        if (finding->fatal == fatal && strstr(finding->text, words)) return 1;
    }
    return 0;
}

kr_settings_t *good(world_t *w, const char *more)
{
    kr_settings_t *settings = settings_of(w, more, 0);

    if (!settings) fail_msg("%s: %s", more, all_findings(w));
    return settings;
}

void refused(world_t *w, const char *more, const char *told)
{
    kr_settings_t *settings = settings_of(w, more, 0);

    if (settings || !says(w, 1, told)) fail_msg("%s\nwanted: %s\ntold: %s", more, told, all_findings(w));
}
