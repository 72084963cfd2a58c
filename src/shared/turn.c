/* SPDX-License-Identifier: Apache-2.0 */
/* A turn is a lease: whoever has it and is killed leaves nothing behind that anybody must clean up. */
#include "kr_clock.h"
#include "kr_shared.h"

int kr_turn_take(kr_turn_t *turn, long long *mine, apr_time_t most)
{
    const long long now = kr_clock_ticks();
    long long until = atomic_load(&turn->until);

    if (until > now && until != *mine) return 0;
    if (!atomic_compare_exchange_strong(&turn->until, &until, now + most)) return 0;
    *mine = now + most;
    return 1;
}

void kr_turn_end(kr_turn_t *turn, long long *mine, apr_time_t rest)
{
    long long until = *mine;

    *mine = 0;
    (void)atomic_compare_exchange_strong(&turn->until, &until, kr_clock_ticks() + rest); /* it ran out, and is somebody else's */
}
