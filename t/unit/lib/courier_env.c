/* SPDX-License-Identifier: Apache-2.0 */
/* A queue, and letters to put into it. */
#include "courier_env.h"

kr_settings_t settings;

static void open_settings(apr_pool_t *pool, kr_realm_t *realm)
{
    apr_array_header_t *secrets = apr_array_make(pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(secrets, const char *) = "a secret of sixteen bytes or more";
    memset(&settings, 0, sizeof(settings));
    settings.base_url = "https://id.site.example:8443/auth";
    settings.mail = (kr_mail_conf_t){ .uri = "set",
                                      .from_address = "no-reply@site.example",
                                      .from_name = "Site",
                                      .retries = 2,
                                      .batch = 10,
                                      .wait = apr_time_from_sec(1) };
    realm->settings = &settings;
    realm->keys = kr_keys_make(pool, secrets, "main");
}

int open_queue(void **state)
{
    env_t *env;

    signal(SIGPIPE, SIG_IGN);
    open_migrated(state);
    env = *state;
    open_settings(env->pool, &env->realm);
    settings.mail.folder = env->folder;
    return 0;
}

json_t *data_with(kr_ctx_t *k, const char *locale)
{
    json_t *data =
        kr_json_pack(k->pool, "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "to", "ana@x.example", "recovery_url", LINK,
                     "verification_url", LINK, "recovery_code", "123456", "verification_code", "123456", "login_code",
                     "123456", "registration_code", "123456", "expires_in_minutes", 60);

    kr_json_set_at(data, "identity.traits.locale", json_string(locale));
    return data;
}

kr_letter_t render(kr_ctx_t *k, const char *type, const char *via, json_t *data)
{
    kr_letter_t letter;

    OK(kr_courier_render(&letter, k, &(kr_mail_t){ via, "ana@x.example", type, data }));
    return letter;
}

void queue(kr_ctx_t *k, const char *to)
{
    OK(kr_courier_queue(k, &(kr_mail_t){ "email", to, "login_code_valid", data_with(k, "en") }));
}

int work(kr_ctx_t *k, const char *name)
{
    kr_outbox_worker_t worker = { .name = name };
    kr_queue_e state;
    int sent;

    OK(kr_outbox_work(&sent, &state, k, &kr_lanes[KR_LANE_MESSAGES], &worker));
    assert_null(k->db); /* nothing is held between two looks */
    return sent;
}

static const kr_query_t OF_STATUS = {
    .name = "of_status",
    .sql = "SELECT id, via, recipient, template_type, attempts, last_error, send_after, created_at, updated_at "
           "FROM courier_messages WHERE realm_id = %s AND status = %s",
};

/* All messages of that status, those to nobody too. */
static apr_array_header_t *of_status(kr_ctx_t *k, const char *status)
{
    apr_array_header_t *rows;

    OK(kr_db_rows(&rows, k, &OF_STATUS, KR_S(k->realm->name), KR_S(status)));
    return rows;
}

kr_message_row_t only(kr_ctx_t *k, const char *status)
{
    apr_array_header_t *rows = of_status(k, status);
    const kr_row_t *row = &APR_ARRAY_IDX(rows, 0, kr_row_t);

    assert_int_equal(rows->nelts, 1);
    return (kr_message_row_t){
        .id = row->col[0],
        .status = status,
        .via = row->col[1],
        .recipient = row->col[2],
        .template_type = row->col[3],
        .attempts = (int)kr_row_int(row, 4),
        .last_error = row->col[5],
        .send_after = kr_row_int(row, 6),
        .created_at = kr_row_int(row, 7),
        .updated_at = kr_row_int(row, 8),
    };
}

int how_many(kr_ctx_t *k, const char *status)
{
    return of_status(k, status)->nelts;
}
