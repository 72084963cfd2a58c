/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in files of their own: in a kratos.yml and by KratosSet, and what their owner is told about mistakes. */
#include "test.h"

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kr_draft.h"
#include "kr_settings.h"
#include "kr_text.h"

/* A person whose e-mail address is what they sign in with. */
#define SCHEMA \
    "eyJ0eXBlIjoib2JqZWN0IiwicHJvcGVydGllcyI6eyJ0cmFpdHMiOnsidHlwZSI6Im9iamVjdCIsInByb3BlcnRpZXMiOnsiZW1haWwiOnsidH" \
    "lwZSI6InN0cmluZyIsIm9yeS5zaC9rcmF0b3MiOnsiY3JlZGVudGlhbHMiOnsicGFzc3dvcmQiOnsiaWRlbnRpZmllciI6dHJ1ZX19fX19fX19"

#define MINIMAL                                                                                                        \
    "serve: {public: {base_url: 'https://id.example.org/auth/'}}\n"                                                    \
    "selfservice: {default_browser_return_url: 'https://example.org/'}\n"                                              \
    "identity: {default_schema_id: p, schemas: [{id: p, url: 'base64://" SCHEMA "'}]}\n"

static const char *const FILES[] = { "minimal.yml", "newest", "older", "short", "many", "empty", "other", "latin" };

typedef struct {
    apr_pool_t *pool;
    char dir[40];
    apr_array_header_t *findings;
} world_t;

static const char *in_dir(world_t *w, const char *name)
{
    return apr_pstrcat(w->pool, w->dir, "/", name, NULL);
}

static void write_file(world_t *w, const char *name, const char *text)
{
    apr_file_t *file;

    assert_int_equal(apr_file_open(&file, in_dir(w, name), APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE,
                                   APR_FPROT_OS_DEFAULT, w->pool), APR_SUCCESS);
    assert_int_equal(apr_file_write_full(file, text, strlen(text), NULL), APR_SUCCESS);
    apr_file_close(file);
}

static int begin(void **state)
{
    apr_pool_t *pool;
    world_t *w;

    apr_pool_create(&pool, NULL);
    w = apr_pcalloc(pool, sizeof(*w));
    w->pool = pool;
    strcpy(w->dir, "/tmp/test_secret_files.XXXXXX");
    if (!mkdtemp(w->dir)) return -1;
    write_file(w, "newest", "q8Jw2Vn0xLr7Tz4K-newest\n");
    write_file(w, "older", "q8Jw2Vn0xLr7Tz4K-older");
    write_file(w, "short", "q8Jw2\n");
    write_file(w, "many", "q8Jw2Vn0xLr7Tz4K\nq8Jw2Vn0xLr7Tz4L\n");
    write_file(w, "empty", "");
    write_file(w, "other", "file:///etc/passwd\n");
    write_file(w, "latin", "q8Jw2Vn0xLr7Tz4K\xe4\n");
    *state = w;
    return 0;
}

static int end(void **state)
{
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(FILES); i++) unlink(in_dir(w, FILES[i]));
    rmdir(w->dir);
    apr_pool_destroy(w->pool);
    return 0;
}

/* Settings of a file with these secrets, and of one directive (or NULL) after it. */
static kr_settings_t *settings_of(world_t *w, const char *secrets, const char *set)
{
    kr_draft_t *draft = kr_draft_make(w->pool);

    write_file(w, "minimal.yml", apr_pstrcat(w->pool, MINIMAL, secrets, "\n", NULL));
    assert_null(kr_draft_load(draft, in_dir(w, "minimal.yml")));
    if (set) assert_null(kr_draft_set(draft, "secrets.cookie", set, "/nowhere/httpd.conf:3"));
    return kr_draft_finish(draft, 1, &w->findings);
}

static void a_secret_may_stand_in_a_file_of_its_own(void **state)
{
    world_t *w = *state;
    kr_settings_t *s = settings_of(w, "secrets: {cookie: ['file://./newest', 'file://./older', in-the-file-itself-0]}", NULL);

    assert_non_null(s);
    assert_int_equal(s->secrets->nelts, 3);
    assert_string_equal(APR_ARRAY_IDX(s->secrets, 0, const char *), "q8Jw2Vn0xLr7Tz4K-newest");
    assert_string_equal(APR_ARRAY_IDX(s->secrets, 1, const char *), "q8Jw2Vn0xLr7Tz4K-older");
    assert_string_equal(APR_ARRAY_IDX(s->secrets, 2, const char *), "in-the-file-itself-0");
}

static void so_may_one_that_a_directive_sets_and_one_for_all(void **state)
{
    world_t *w = *state;
    kr_settings_t *s = settings_of(w, "", apr_pstrcat(w->pool, "['file://", in_dir(w, "newest"), "']", NULL));

    assert_non_null(s);
    assert_string_equal(APR_ARRAY_IDX(s->secrets, 0, const char *), "q8Jw2Vn0xLr7Tz4K-newest");
    s = settings_of(w, "secrets: {default: ['file://./older']}", NULL);
    assert_string_equal(APR_ARRAY_IDX(s->secrets, 0, const char *), "q8Jw2Vn0xLr7Tz4K-older");
}

static void what_is_in_the_file_is_looked_at_like_any_secret(void **state)
{
    static const struct {
        const char *url, *told;
    } WRONG[] = {
        { "file://./short", "is shorter than 16 bytes" },
        { "file://./empty", "is shorter than 16 bytes" },
        { "file://./many", "file://./many holds several lines" },
        { "file://./other", "file://./other names another file" },
        { "file://./latin", "file://./latin is not UTF-8" },
        { "file://./gone", "gone cannot be read" },
        { "file:///dev/null", "/dev/null is no file" },
        { "file:///%zz", "broken %-escape" },
    };
    world_t *w = *state;

    for (int i = 0; i < KR_DIM(WRONG); i++) {
        const char *said = "";

        assert_null(settings_of(w, apr_psprintf(w->pool, "secrets: {cookie: ['%s']}", WRONG[i].url), NULL));
        for (int j = 0; j < w->findings->nelts; j++)
            said = apr_pstrcat(w->pool, said, APR_ARRAY_IDX(w->findings, j, kr_finding_t).text, "\n", NULL);
        if (!strstr(said, WRONG[i].told)) fail_msg("%s: %s", WRONG[i].url, said);
        assert_null(strstr(said, "q8Jw2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_secret_may_stand_in_a_file_of_its_own, begin, end),
        cmocka_unit_test_setup_teardown(so_may_one_that_a_directive_sets_and_one_for_all, begin, end),
        cmocka_unit_test_setup_teardown(what_is_in_the_file_is_looked_at_like_any_secret, begin, end),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
