/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The official JSON-Schema-Test-Suite for draft-07, with everything optional. Debian: json-schema-test-suite.
 * KR_SCHEMA_SUITE names another copy's folder tests/draft7.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include "test.h"

#include "kr_schema.h"
#include "kr_text.h"

#define SUITE "/usr/share/json-schema-test-suite/tests/draft7"

#define REMOTE "needs a document from http://localhost:1234, and nothing is ever fetched: refused when compiled"

/** Groups of tests that are not for us. */
static const struct {
    const char *file, *group, *why;
} LEFT_OUT[] = {
    { "refRemote.json", "remote ref", REMOTE },
    { "refRemote.json", "fragment within remote ref", REMOTE },
    { "refRemote.json", "ref within remote ref", REMOTE },
    { "refRemote.json", "base URI change", REMOTE },
    { "refRemote.json", "base URI change - change folder", REMOTE },
    { "refRemote.json", "base URI change - change folder in subschema", REMOTE },
    { "refRemote.json", "root ref in remote ref", REMOTE },
};

static struct {
    int files, passed, failed, left_out;
} count;

static int is_left_out(const char *file, const char *group)
{
    int i;

    for (i = 0; i < KR_DIM(LEFT_OUT); i++) {
        if (strcmp(LEFT_OUT[i].file, file) == 0 && strcmp(LEFT_OUT[i].group, group) == 0) return 1;
    }
    return 0;
}

static void run_group(apr_pool_t *pool, const char *file, const json_t *group)
{
    const char *name = json_string_value(json_object_get(group, "description")), *why = "no reason";
    kr_validator_t *validator = kr_validator_compile(pool, json_object_get(group, "schema"), &why);
    apr_array_header_t *out;
    apr_size_t i;
    json_t *test;

    if (is_left_out(file, name)) {
        count.left_out++;
        if (!validator) return;
        print_error("%s: %s: is left out, but compiles\n", file, name);
        count.failed++;
        return;
    }
    if (!validator) {
        print_error("%s: %s: %s\n", file, name, why);
        count.failed++;
        return;
    }
    json_array_foreach(json_object_get(group, "tests"), i, test) {
        int wanted = json_is_true(json_object_get(test, "valid"));

        kr_validate(&out, pool, validator, json_object_get(test, "data"));
        if (wanted == (out->nelts == 0)) {
            count.passed++;
            continue;
        }
        print_error("%s: %s: %s: %s\n", file, name, json_string_value(json_object_get(test, "description")),
                    out->nelts ? APR_ARRAY_IDX(out, 0, kr_violation_t).reason : "was accepted");
        count.failed++;
    }
}

static void run_file(const char *path, const char *file)
{
    apr_pool_t *pool;
    json_error_t error;
    json_t *groups = json_load_file(path, 0, &error), *group;
    apr_size_t i;

    /* bignum.json: jansson's integers have 64 bits, reals reach further */
    if (!groups) groups = json_load_file(path, JSON_DECODE_INT_AS_REAL, &error);
    assert_non_null(groups);
    apr_pool_create(&pool, NULL);
    json_array_foreach(groups, i, group) run_group(pool, file, group);
    json_decref(groups);
    apr_pool_destroy(pool);
    count.files++;
}

static void run_folder(const char *folder, const char *sub)
{
    apr_pool_t *pool;
    const char *path;
    DIR *dir;
    struct dirent *entry;

    apr_pool_create(&pool, NULL);
    path = apr_pstrcat(pool, folder, "/", sub, NULL);
    dir = opendir(path);
    if (!dir) fail_msg("%s: no such folder; install json-schema-test-suite or set KR_SCHEMA_SUITE", path);
    while ((entry = readdir(dir))) {
        const char *dot = strrchr(entry->d_name, '.');

        if (dot && strcmp(dot, ".json") == 0) {
            run_file(apr_pstrcat(pool, path, "/", entry->d_name, NULL),
                     apr_pstrcat(pool, sub, *sub ? "/" : "", entry->d_name, NULL));
        }
    }
    closedir(dir);
    apr_pool_destroy(pool);
}

static void the_official_suite_agrees(void **state)
{
    const char *folder = getenv("KR_SCHEMA_SUITE");
    int i;

    (void)state;
    if (!folder) folder = SUITE;
    run_folder(folder, "");
    run_folder(folder, "optional");
    run_folder(folder, "optional/format");
    for (i = 0; i < KR_DIM(LEFT_OUT); i++) {
        print_message("left out: %s: %s: %s\n", LEFT_OUT[i].file, LEFT_OUT[i].group, LEFT_OUT[i].why);
    }
    print_message("%d files, %d tests passed, %d failed, %d groups left out\n", count.files, count.passed, count.failed,
                  count.left_out);
    assert_int_equal(count.failed, 0);
    assert_true(count.passed > 500);
    assert_int_equal(count.left_out, KR_DIM(LEFT_OUT)); /* each row of the table is still needed */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_official_suite_agrees) };
    int failed;

    apr_initialize();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
