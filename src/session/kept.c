/* SPDX-License-Identifier: Apache-2.0 */
/* Forms that wait for their person to sign in. */
#include "kr_kept.h"

#include <string.h>

#include "kr_crypto.h"
#include "kr_realm.h"
#include "kr_store_budget.h"
#include "kr_store_kept.h"
#include "kr_text.h"

#define MARK "kratos-kept="
#define SECRET_LEN 32
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define EACH_HAS 20     /* in KR_KEPT_FOR: of an account, or of an address where nobody is known */
#define REALM_HAS 1000  /* in KR_KEPT_FOR: of all together, or the table would be anybody's to fill */

/* -- whose browser it is ---------------------------------------------------- */

/* Another host of the domain cannot set a cookie of that prefix, and so not have forms sent into its own hands. */
static const char *cookie_name(const kr_ctx_t *k)
{
    return strcmp(k->req->scheme, "https") ? "kratos_kept" : "__Host-kratos_kept";
}

static const char *secret_of(kr_ctx_t *k)
{
    const char *value = kr_cookie(k->pool, k->req, cookie_name(k), NULL);

    return value && strlen(value) == SECRET_LEN && strspn(value, LETTERS) == SECRET_LEN ? value : NULL;
}

static const char *owner_text(kr_ctx_t *k, const char *secret)
{
    return apr_pstrcat(k->pool, "kept by ", secret, NULL);
}

/* The cookie that there is stays, for forms of other tabs; it lives as long as the youngest of them. */
static const char *ensure_secret(kr_ctx_t *k)
{
    const char *old = secret_of(k), *secret = old ? old : kr_random_alnum(k->pool, SECRET_LEN);
    const kr_cookie_t cookie = {
        .name = cookie_name(k), .value = secret, .path = "/", .same_site = "Lax", .secure = !strcmp(k->req->scheme, "https"),
        .http_only = 1, .max_age = apr_time_sec(KR_KEPT_FOR), .expires = 1,
    };

    kr_reply_cookie(k, &cookie);
    return secret;
}

/* -- how much may wait ------------------------------------------------------ */

static kr_err_t *spend(int *over, kr_ctx_t *k, const char *whose, apr_int64_t limit)
{
    const char *id = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, apr_pstrcat(k->pool, "budget kept ", whose, NULL));
    apr_int64_t used;

    KR_TRY(kr_store_budget_spend(&used, k, id, KR_KEPT_FOR));
    *over = used > limit;
    return NULL;
}

static kr_err_t *spend_both(int *over, kr_ctx_t *k, const char *identity_id)
{
    const char *whose = identity_id ? apr_pstrcat(k->pool, "identity ", identity_id, NULL)
                                    : apr_pstrcat(k->pool, "client ", kr_request_network(k->pool, k->req), NULL);

    KR_TRY(spend(over, k, whose, EACH_HAS));
    return *over ? NULL : spend(over, k, "realm", REALM_HAS);
}

/* -- keeping ---------------------------------------------------------------- */

/* What stands beside it in its row is sealed in, too: a row with another owner, account or id opens for nobody. */
static const char *context_of(kr_ctx_t *k, const kr_kept_row_t *row)
{
    return apr_pstrcat(k->pool, "kept ", row->id, " ", row->owner, " ", row->identity_id ? row->identity_id : "-", NULL);
}

static const char *seal(kr_ctx_t *k, const kr_kept_row_t *row, const kr_kept_t *post)
{
    char *head = apr_pstrcat(k->pool, post->url, "\n", post->type, "\n", post->referer, "\n", NULL);
    const struct iovec parts[] = { { head, strlen(head) }, { (char *)post->body, post->len } };
    const char *sealed;
    apr_size_t len;
    char *text = apr_pstrcatv(k->pool, parts, KR_DIM(parts), &len);

    sealed = kr_seal(k->pool, k->realm->keys, context_of(k, row), text, len);
    kr_wipe(text, len);
    return sealed;
}

kr_err_t *kr_kept_put(const char **id, kr_ctx_t *k, const kr_kept_t *post, const char *identity_id)
{
    kr_kept_row_t row = { .id = kr_uuid(k), .identity_id = identity_id, .expires_at = k->now + KR_KEPT_FOR };
    int over;

    *id = NULL;
    if (post->len > KR_KEPT_MAX) return kr_err(k, 413, NULL, "the form is larger than %d bytes", KR_KEPT_MAX);
    KR_TRY(spend_both(&over, k, identity_id));
    if (over) return NULL;
    row.owner = kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, owner_text(k, ensure_secret(k)));
    row.sealed = seal(k, &row, post);
    KR_TRY(kr_store_kept_insert(k, &row));
    *id = row.id;
    return NULL;
}

/* -- giving back ------------------------------------------------------------ */

static const char *line_of(char **text)
{
    char *line = *text, *end = strchr(line, '\n');

    if (!end) return NULL;
    *end = '\0';
    *text = end + 1;
    return line;
}

static apr_status_t wipe(void *post_)
{
    kr_kept_t *post = post_;

    kr_wipe((char *)post->body, post->len); /* it may hold a password */
    return APR_SUCCESS;
}

static kr_kept_t *open_row(kr_ctx_t *k, const kr_kept_row_t *row)
{
    kr_kept_t *post = apr_pcalloc(k->pool, sizeof(*post));
    apr_size_t len;
    char *text = (char *)kr_unseal(k->pool, k->realm->keys, context_of(k, row), row->sealed, &len), *body = text;

    if (!text || !(post->url = line_of(&body)) || !(post->type = line_of(&body)) || !(post->referer = line_of(&body))) return NULL;
    post->body = body;
    post->len = len - (apr_size_t)(body - text);
    apr_pool_cleanup_register(k->pool, post, wipe, apr_pool_cleanup_null);
    return post;
}

static int is_theirs(kr_ctx_t *k, const kr_session_t *session, const kr_kept_row_t *row)
{
    const char *secret = secret_of(k);

    if (!secret || kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CODE, owner_text(k, secret), row->owner) < 0) return 0;
    return !row->identity_id || strcmp(row->identity_id, session->identity->id) == 0;
}

static kr_err_t *look(kr_kept_t **out, kr_kept_row_t **row, kr_ctx_t *k, const kr_session_t *session, const char *id, const char *url)
{
    *out = NULL;
    KR_TRY(kr_store_kept_find(row, k, id));
    if (!*row || !is_theirs(k, session, *row)) return NULL;
    *out = open_row(k, *row);
    if (*out && strcmp((*out)->url, url) != 0) *out = NULL;
    return NULL;
}

kr_err_t *kr_kept_look(kr_kept_t **out, kr_ctx_t *k, const kr_session_t *session, const char *id, const char *url)
{
    kr_kept_row_t *row;

    return look(out, &row, k, session, id, url);
}

kr_err_t *kr_kept_take(kr_kept_t **out, kr_ctx_t *k, const kr_session_t *session, const char *id, const char *url)
{
    kr_kept_row_t *row;
    int done;

    KR_TRY(look(out, &row, k, session, id, url));
    if (!*out) return NULL;
    KR_TRY(kr_store_kept_take(&done, k, row));
    if (!done) *out = NULL;
    return NULL;
}

/* -- the page that asks ----------------------------------------------------- */

static const char *token_text(kr_ctx_t *k, const kr_session_t *session, const char *id, const char *secret)
{
    return apr_pstrcat(k->pool, "kept token ", id, " ", session->id, " ", secret, NULL);
}

const char *kr_kept_token(kr_ctx_t *k, const kr_session_t *session, const char *id)
{
    const char *secret = secret_of(k);

    return secret ? kr_hmac(k->pool, k->realm->keys, KR_KEY_CODE, 0, token_text(k, session, id, secret)) : NULL;
}

int kr_kept_token_ok(kr_ctx_t *k, const kr_session_t *session, const char *id, const char *token)
{
    const char *secret = secret_of(k);

    return secret && token && kr_hmac_verify(k->pool, k->realm->keys, KR_KEY_CODE, token_text(k, session, id, secret), token) >= 0;
}

/* -- the mark --------------------------------------------------------------- */

/* At the very end, so that what stands before it comes back byte by byte. */
const char *kr_kept_mark(apr_pool_t *pool, const char *url, const char *id)
{
    return apr_pstrcat(pool, url, strchr(url, '?') ? "&" : "?", MARK, id, NULL);
}

const char *kr_kept_unmark(apr_pool_t *pool, const char *query, const char **id)
{
    const apr_size_t len = query ? strlen(query) : 0, mark = strlen(MARK) + KR_UUID_LEN;
    const char *at;

    *id = NULL;
    if (len < mark) return query;
    at = query + (len - mark);
    if (strncmp(at, MARK, strlen(MARK)) || !kr_uuid_valid(at + strlen(MARK)) || (at > query && at[-1] != '&')) return query;
    *id = apr_pstrdup(pool, at + strlen(MARK));
    return at > query ? apr_pstrmemdup(pool, query, (apr_size_t)(at - 1 - query)) : NULL;
}
