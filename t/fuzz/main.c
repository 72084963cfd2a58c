/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer's entry. One program for all targets: it is the one that it is called by, fuzz_cose. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *name;
    fuzz_target_t *run;
} TARGETS[] = {
#define FUZZ_ROW(name) { "fuzz_" #name, fuzz_##name },
    FUZZ_TARGETS(FUZZ_ROW)
#undef FUZZ_ROW
};

static fuzz_target_t *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *slash = strrchr((*argv)[0], '/'), *name = slash ? slash + 1 : (*argv)[0];

    (void)argc;
    for (size_t i = 0; i < sizeof(TARGETS) / sizeof(TARGETS[0]); i++)
        if (!strcmp(TARGETS[i].name, name)) target = TARGETS[i].run;
    if (target) return 0;
    fprintf(stderr, "%s: no such target; fuzz.h names them\n", name);
    exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return target(data, size);
}
