/* SPDX-License-Identifier: Apache-2.0 */
/* What is fed with strangers' bytes, by libFuzzer (main.c) or from files (t/unit/test_fuzz_seeds.c). */
#ifndef KR_FUZZ_H
#define KR_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * One input. Anything may come of it but an accident: what must hold whatever the input is, is asserted.
 * @return 0
 */
typedef int fuzz_target_t(const uint8_t *data, size_t size);

/** All of them; t/fuzz/run reads this list, too. README.md says what each is fed with. */
#define FUZZ_TARGETS(X)                                                                                                \
    X(attestation)                                                                                                     \
    X(authdata)                                                                                                        \
    X(clientdata)                                                                                                      \
    X(cose)                                                                                                            \
    X(response)                                                                                                        \
    X(totp)                                                                                                            \
    X(codes)                                                                                                           \
    X(idtoken)                                                                                                         \
    X(keyset)                                                                                                          \
    X(discovery)                                                                                                       \
    X(callback)                                                                                                        \
    X(person)                                                                                                          \
    X(hook)                                                                                                            \
    X(cookie)                                                                                                          \
    X(form)                                                                                                            \
    X(multipart)                                                                                                       \
    X(body)                                                                                                            \
    X(base64)                                                                                                          \
    X(accept)                                                                                                          \
    X(headers)                                                                                                         \
    X(paging)                                                                                                          \
    X(url)                                                                                                             \
    X(return_to)                                                                                                       \
    X(path)                                                                                                            \
    X(kept)                                                                                                            \
    X(address)                                                                                                         \
    X(traits)                                                                                                          \
    X(schema)                                                                                                          \
    X(yaml)                                                                                                            \
    X(settings)                                                                                                        \
    X(template)                                                                                                        \
    X(require)                                                                                                         \
    X(hash)                                                                                                            \
    X(mail)                                                                                                            \
    X(times)

#define FUZZ_DECLARE(name) fuzz_target_t fuzz_##name;
FUZZ_TARGETS(FUZZ_DECLARE)
#undef FUZZ_DECLARE

/** What must hold. */
#define MUST(that)                                                                                                     \
    do {                                                                                                               \
        if (!(that)) abort();                                                                                          \
    } while (0)

#endif
