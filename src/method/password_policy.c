/* SPDX-License-Identifier: Apache-2.0 */
/* Which passwords may be set: long enough, unlike the identifiers and the site's own words, not known from breaches. Never asked at login. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <unistr.h>

#include "kr_db.h"
#include "kr_net.h"
#include "kr_password.h"
#include "kr_text.h"
#include "method.h"

#define BCRYPT_MAX 72      /* bytes; bcrypt ignores what follows */
#define SIMILAR_MAX 256    /* bytes; longer texts are not compared: the work grows with the product */
#define SIMILAR_DISTANCE 5
#define RANGE_MAX (256 * 1024)
#define RANGE_TIMEOUT apr_time_from_sec(5)

/* -- similarity ----------------------------------------------------------- */

static int min3(int a, int b, int c)
{
    const int m = a < b ? a : b;

    return m < c ? m : c;
}

static int levenshtein(const char *a, int n, const char *b, int m)
{
    int row[SIMILAR_MAX + 1];

    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];

        row[0] = i;
        for (int j = 1; j <= m; j++) {
            const int above = row[j];

            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[m];
}

static int longest_common(const char *a, int n, const char *b, int m)
{
    int row[SIMILAR_MAX + 1] = { 0 };
    int best = 0;

    for (int i = 0; i < n; i++)
        for (int j = m; j > 0; j--) {
            row[j] = a[i] == b[j - 1] ? row[j - 1] + 1 : 0;
            if (row[j] > best) best = row[j];
        }
    return best;
}

static int too_similar(apr_pool_t *pool, const char *password, const char *identifier)
{
    char *a = apr_pstrdup(pool, password), *b = apr_pstrdup(pool, identifier);
    const int n = (int)strlen(a), m = (int)strlen(b);
    int similar = 0;

    if (n <= SIMILAR_MAX && m <= SIMILAR_MAX && n && m) {
        for (char *p = a; *p; p++) *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        for (char *p = b; *p; p++) *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        similar = levenshtein(a, n, b, m) < SIMILAR_DISTANCE || 2 * longest_common(a, n, b, m) > n;
    }
    kr_wipe(a, (apr_size_t)n);
    return similar;
}

/* @param texts  array of const char* */
static int is_like_one(kr_ctx_t *k, const char *password, const apr_array_header_t *texts)
{
    for (int i = 0; i < texts->nelts; i++)
        if (too_similar(k->pool, password, APR_ARRAY_IDX(texts, i, const char *))) return 1;
    return 0;
}

/* -- breached list -------------------------------------------------------- */

#define CACHE_SLOTS 64
#define CACHE_TTL apr_time_from_sec(3600)

/* Answers of the range API by prefix: one table per process, under a lock. The one mutable static of this room: a cache that
 * any process may lose at any time, and that holds nothing but public data. */
static struct {
    char prefix[6];
    char *host; /* what one realm's mirror says is nothing to another realm */
    apr_time_t until;
    char *body;
} cache[CACHE_SLOTS];
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;

static int cache_slot(const char *prefix)
{
    return (int)(strtoul(prefix, NULL, 16) % CACHE_SLOTS);
}

static const char *cache_get(kr_ctx_t *k, const char *host, const char *prefix)
{
    const int i = cache_slot(prefix);
    const char *body = NULL;

    pthread_mutex_lock(&cache_lock);
    if (cache[i].body && cache[i].until > k->now && strcmp(cache[i].prefix, prefix) == 0 && strcmp(cache[i].host, host) == 0)
        body = apr_pstrdup(k->pool, cache[i].body);
    pthread_mutex_unlock(&cache_lock);
    return body;
}

static void cache_put(kr_ctx_t *k, const char *host, const char *prefix, const char *body)
{
    const int i = cache_slot(prefix);
    char *copy = strdup(body), *name = strdup(host);

    if (!copy || !name) {
        free(copy);
        free(name);
        return;
    }
    pthread_mutex_lock(&cache_lock);
    free(cache[i].body);
    free(cache[i].host);
    cache[i].body = copy;
    cache[i].host = name;
    cache[i].until = k->now + CACHE_TTL;
    apr_cpystrn(cache[i].prefix, prefix, sizeof(cache[i].prefix));
    pthread_mutex_unlock(&cache_lock);
}

/* "SUFFIX:COUNT" lines: the count of ours, 0 when it is not among them. */
static apr_int64_t count_in(const char *body, const char *suffix)
{
    const apr_size_t len = strlen(suffix);

    for (const char *line = body; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncasecmp(line, suffix, len) == 0 && line[len] == ':') return apr_atoi64(line + len + 1);
    return 0;
}

kr_err_t *kr_breach_count(apr_int64_t *count, kr_ctx_t *k, const char *password)
{
    const char *host = k->realm->settings->password.hibp_host;
    const char *hash = kr_sha1_hex_upper(k->pool, password, strlen(password));
    const char *prefix = apr_pstrmemdup(k->pool, hash, 5);
    const char *body = cache_get(k, host, prefix);
    kr_net_request_t request = { .guard = &k->realm->settings->guard, .timeout = RANGE_TIMEOUT, .max_bytes = RANGE_MAX };
    kr_net_reply_t reply;

    *count = 0;
    if (!body) {
        apr_table_t *headers = apr_table_make(k->pool, 1);

        apr_table_setn(headers, "Add-Padding", "true"); /* the size of the answer must not tell the prefix */
        request.headers = headers;
        request.url = apr_pstrcat(k->pool, strstr(host, "://") ? "" : "https://", host, "/range/", prefix, NULL);
        kr_db_release(k);
        KR_TRY(kr_net_call(&reply, k, &request));
        if (reply.status != 200)
            return kr_err(k, 502, "upstream_error", "the list of breached passwords answered with status %d", reply.status);
        body = reply.body;
        cache_put(k, host, prefix, body);
    }
    *count = count_in(body, hash + 5);
    return NULL;
}

static kr_err_t *check_breaches(kr_ctx_t *k, kr_flow_t *flow, const char *password)
{
    const kr_settings_t *conf = k->realm->settings;
    apr_int64_t count;
    kr_err_t *err = kr_breach_count(&count, k, password);

    if (err && conf->password.hibp_ignore_network_errors) {
        kr_log(k, KR_LOG_WARNING, KRLOGNO(0603) "list of breached passwords: %s; accepting unchecked, as the settings say",
               err->reason ? err->reason : "no answer");
        return NULL;
    }
    if (err) return err;
    if (count <= conf->password.hibp_max_breaches) return NULL;
    kr_node_message(k, flow, "password", 4000034, json_pack("{s:I}", "breaches", (json_int_t)count));
    return kr_err_show_flow(k);
}

/* -- the policy ----------------------------------------------------------- */

static json_t *lengths(const char *key, apr_size_t bound, apr_size_t actual)
{
    return json_pack("{s:I, s:I}", key, (json_int_t)bound, "actual_length", (json_int_t)actual);
}

static kr_err_t *refuse(kr_ctx_t *k, kr_flow_t *flow, int id, json_t *context)
{
    kr_node_message(k, flow, "password", id, context);
    return kr_err_show_flow(k);
}

/* Kratos counts bytes; an owner may count what people see as well. */
static kr_err_t *check_length(kr_ctx_t *k, kr_flow_t *flow, const char *password)
{
    const kr_settings_t *conf = k->realm->settings;
    const apr_size_t len = strlen(password), characters = u8_mbsnlen((const uint8_t *)password, len);
    const apr_size_t least = (apr_size_t)conf->password.min_length, fewest = (apr_size_t)conf->password.min_characters;
    const apr_size_t most = conf->hasher.bcrypt ? BCRYPT_MAX : KR_PASSWORD_MAX;

    if (characters < fewest) return refuse(k, flow, 4000032, lengths("min_length", fewest, characters));
    if (len < least) return refuse(k, flow, 4000032, lengths("min_length", least, len));
    return len > most ? refuse(k, flow, 4000033, lengths("max_length", most, len)) : NULL;
}

static kr_err_t *judge(kr_ctx_t *k, kr_flow_t *flow, const char *password, const apr_array_header_t *identifiers)
{
    const kr_settings_t *conf = k->realm->settings;

    KR_TRY(check_length(k, flow, password));
    if (conf->password.similarity_check && is_like_one(k, password, identifiers)) return refuse(k, flow, 4000031, NULL);
    if (is_like_one(k, password, conf->password.words))
        return refuse(k, flow, 4000005, json_pack("{s:s}", "reason", "it is too much like a word that everybody here would try"));
    return conf->password.hibp_enabled ? check_breaches(k, flow, password) : NULL;
}

/* As it is going to be hashed: what is long enough decomposed may be short. */
kr_err_t *kr_password_policy(kr_ctx_t *k, kr_flow_t *flow, const char *password, const apr_array_header_t *identifiers)
{
    const char *composed = kr_password_composed(k->pool, password);
    kr_err_t *err = judge(k, flow, composed, identifiers);

    if (composed != password) kr_wipe((void *)composed, strlen(composed));
    return err;
}
