/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzzers of t/fuzz begin with, and what they have found, once more without a fuzzer: each file as it is, each beginning of it, and
 * with each of its bytes changed. Run from the root of the repository.
 */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fuzz/fuzz.h"

#define SEED_MAX 65536

static const struct {
    const char *name;
    fuzz_target_t *run;
} TARGETS[] = {
#define FUZZ_ROW(name) { #name, fuzz_##name },
    FUZZ_TARGETS(FUZZ_ROW)
#undef FUZZ_ROW
};

static size_t read_file(unsigned char *out, const char *folder, const char *name)
{
    char path[512];
    FILE *file;
    size_t len;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    len = fread(out, 1, SEED_MAX, file);
    fclose(file);
    return len;
}

static void replay(fuzz_target_t *run, unsigned char *seed, size_t len)
{
    run(seed, len);
    for (size_t i = 0; i < len; i++) {
        run(seed, i);
        seed[i] ^= (unsigned char)(1 << i % 8);
        run(seed, len);
        seed[i] ^= (unsigned char)(1 << i % 8);
    }
}

static void every_target_stands_its_seeds(void **state)
{
    unsigned char *seed = malloc(SEED_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof(TARGETS) / sizeof(TARGETS[0]); i++) {
        char folder[64];
        DIR *files;
        const struct dirent *file;
        int count = 0;

        snprintf(folder, sizeof(folder), "t/fuzz/corpus/%s", TARGETS[i].name);
        files = opendir(folder);
        assert_non_null(files);
        while ((file = readdir(files))) {
            if (file->d_name[0] == '.') continue;
            replay(TARGETS[i].run, seed, read_file(seed, folder, file->d_name));
            count++;
        }
        closedir(files);
        assert_in_range(count, 3, 1000);
    }
    free(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_target_stands_its_seeds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
