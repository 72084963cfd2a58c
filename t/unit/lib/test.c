/* SPDX-License-Identifier: Apache-2.0 */
/* What every test begins with. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

void must(const kr_err_t *err, int line)
{
    if (err) fail_msg("line %d: %d %s", line, err->status, err->reason ? err->reason : "");
}

int remove_folder(const char *folder)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}
