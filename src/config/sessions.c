/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: how long sessions live. */
#include "draft.h"

#define SEEN_LEAST apr_time_from_sec(1)
#define SEEN_MOST apr_time_from_sec(24 * 3600)

void kr_review_sessions(kr_review_t *review, const kr_settings_t *conf)
{
    if (conf->session_seen_every < SEEN_LEAST || conf->session_seen_every > SEEN_MOST)
        kr_review_error(review, "mod_kratos.session.seen_every", "must be between 1s and 24h");
    if (!conf->session_sliding) return;
    if (conf->session_seen_every > conf->session_lifespan / 2)
        kr_review_error(review, "mod_kratos.session.seen_every",
                        "must be half of session.lifespan at most, or sessions would end while they are used");
    if (conf->session_longest < conf->session_lifespan)
        kr_review_error(review, "mod_kratos.session.longest", "must not be shorter than session.lifespan, with which every session begins");
}
