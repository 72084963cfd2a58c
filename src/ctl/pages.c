/* SPDX-License-Identifier: Apache-2.0 */
/* Long lists, a page at a time: memory stays the same, and no statement keeps the database busy. */
#include <string.h>

#include "ctl.h"

#define PAGE 200

void ctl_went_to(char last[KR_UUID_LEN + 1], const char *id)
{
    apr_cpystrn(last, id ? id : "", KR_UUID_LEN + 1);
}

int ctl_all_pages(char last[KR_UUID_LEN + 1], ctl_t *ctl, int limit, ctl_page_fn *page, void *baton)
{
    int asked;

    for (int done = 0; !limit || done < limit; done += asked) {
        kr_ctx_t *k = ctl_work(ctl);
        kr_err_t *err;

        asked = limit && limit - done < PAGE ? limit - done : PAGE;
        err = page(last, ctl, k, baton, asked);
        if (err) return ctl_error(ctl, err, NULL);
        apr_pool_destroy(k->pool);
        if (!*last) break;
    }
    return CTL_FINE;
}

int ctl_list_pages(ctl_t *ctl, ctl_page_fn *page, void *baton)
{
    char last[KR_UUID_LEN + 1];
    int limit, status;

    if (!ctl_number(&limit, ctl, "--limit", 100, 0, 1000000)) return CTL_USAGE;
    ctl_went_to(last, ctl_option(ctl, "--after"));
    status = ctl_all_pages(last, ctl, limit, page, baton);
    if (!status && *last) ctl_note(ctl, "there may be more: --after %s", last);
    return status;
}

const char *ctl_time(apr_pool_t *pool, apr_time_t t)
{
    return kr_time_rfc3339(pool, t - t % APR_USEC_PER_SEC);
}
