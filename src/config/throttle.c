/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: mod_kratos.throttle. */
#include <stdlib.h>

#include "draft.h"

#define WINDOW_LEAST apr_time_from_sec(60)
#define WINDOW_MOST apr_time_from_sec(3600) /* counts of other nodes are not kept for longer */
#define ENTRIES 16384 /* half a megabyte, where they are used */

void kr_review_throttle(kr_review_t *review, kr_settings_t *settings)
{
    if (settings->throttle.window < WINDOW_LEAST || settings->throttle.window > WINDOW_MOST)
        kr_review_error(review, "mod_kratos.throttle.window", "must be between 1m and 1h");
    if (!settings->throttle.on) return;
    settings->throttle.counts = kr_counts_make(review->pool, ENTRIES);
    if (!settings->throttle.counts) abort();
}
