/* SPDX-License-Identifier: Apache-2.0 */
/* Places in shared memory, each a time until which it is taken: who is killed while waiting leaves nothing that must be cleaned up. */
#include "kr_share.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "kr_clock.h"
#include "kr_shared.h"
#include "kr_text.h"

#define LEAST 2
#define PART 8

struct kr_share_t {
    atomic_llong until[KR_SHARE_MAX]; /* by kr_clock_ticks; 0: free */
};

/* As with the slots of password hashes: set once before fork, and only read by the children. */
static int all_workers = 16;

kr_share_t *kr_share_make(apr_pool_t *pool)
{
    kr_share_t *share = kr_shared_memory(pool, sizeof(*share));

    if (!share) abort();
    return share;
}

void kr_share_workers(int workers)
{
    if (workers > 0) all_workers = workers;
}

static int places(int most)
{
    if (most <= 0) most = all_workers / PART > LEAST ? all_workers / PART : LEAST;
    return most < KR_SHARE_MAX ? most : KR_SHARE_MAX;
}

int kr_share_take(kr_share_t *share, int most, apr_time_t longest)
{
    const long long now = kr_clock_ticks();
    const int count = places(most);

    for (int i = 0; i < count; i++) {
        long long until = atomic_load(&share->until[i]);

        if (until <= now && atomic_compare_exchange_strong(&share->until[i], &until, now + longest)) return i;
    }
    return -1;
}

void kr_share_give(kr_share_t *share, int place)
{
    if (place >= 0) atomic_store(&share->until[place], 0);
}
