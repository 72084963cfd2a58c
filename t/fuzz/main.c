/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer's entry, for the target that the compiler was told: -DTARGET=fuzz_cose. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return TARGET(data, size);
}
