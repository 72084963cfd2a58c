/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain. A line ends in the hash of the line before it and in a keyed hash over all of itself but that: `,"prev":"...","mac":"..."}`,
 * which are of one length, so that nobody need parse to find them. A line that was changed has the wrong keyed hash; one that was taken
 * out, put in or moved is not what its neighbour says.
 */
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "kr_json.h"
#include "kr_text.h"

#define PREV ",\"prev\":\""
#define MAC ",\"mac\":\""
#define MAC_LEN (sizeof(MAC) - 1 + KR_AUDIT_HASH_LEN + 2) /* with quote and brace */
#define PREV_LEN (sizeof(PREV) - 1 + KR_AUDIT_HASH_LEN + 1)

static void hash(char out[KR_AUDIT_HASH_LEN + 1], apr_pool_t *pool, const char *text, apr_size_t len)
{
    unsigned char digest[32];

    kr_sha256(digest, text, len);
    apr_cpystrn(out, kr_base64url(pool, digest, sizeof(digest)), KR_AUDIT_HASH_LEN + 1);
}

const char *kr_audit_line(kr_audit_head_t *head, apr_pool_t *pool, const kr_realm_t *realm, const char *begins, const char *members)
{
    const char *text, *line;

    text = apr_psprintf(pool, "%s,\"seq\":%" APR_UINT64_T_FMT ",%s" PREV "%s\"", begins, head->seq + 1, members,
                        head->seq ? head->hash : KR_AUDIT_NOTHING);
    line = apr_pstrcat(pool, text, MAC, kr_hmac(pool, realm->keys, KR_KEY_AUDIT, 0, text), "\"}", NULL);
    head->seq++;
    hash(head->hash, pool, line, strlen(line));
    return line;
}

/* -- read ------------------------------------------------------------------- */

static apr_uint64_t number(const json_t *line, const char *name)
{
    const json_int_t n = json_integer_value(json_object_get(line, name));

    return n > 0 ? (apr_uint64_t)n : 0;
}

int kr_audit_line_read(kr_audit_line_t *out, apr_pool_t *pool, const char *text, apr_size_t len)
{
    const char *prev, *mac;
    const json_t *line;

    if (len < MAC_LEN + PREV_LEN || len > KR_AUDIT_LINE_MAX) return 0;
    mac = text + len - MAC_LEN;
    prev = mac - PREV_LEN;
    if (strncmp(prev, PREV, sizeof(PREV) - 1) != 0 || strncmp(mac, MAC, sizeof(MAC) - 1) != 0) return 0;
    line = kr_json_parse(pool, text, len, NULL);
    if (!json_is_object(line)) return 0;
    *out = (kr_audit_line_t){ .seq = number(line, "seq"), .realm = kr_json_str(line, "realm"), .event = (int)number(line, "id"),
                              .lost = number(line, "lost"), .cut = number(line, "cut") };
    out->prev = apr_pstrmemdup(pool, prev + sizeof(PREV) - 1, KR_AUDIT_HASH_LEN);
    hash(out->hash, pool, text, len);
    return out->seq && out->realm;
}

int kr_audit_line_holds(apr_pool_t *pool, const kr_realm_t *realm, const char *text, apr_size_t len)
{
    const char *signed_text = apr_pstrmemdup(pool, text, len - MAC_LEN);
    const char *tag = apr_pstrmemdup(pool, text + len - MAC_LEN + sizeof(MAC) - 1, KR_AUDIT_HASH_LEN);

    return kr_hmac_verify(pool, realm->keys, KR_KEY_AUDIT, signed_text, tag) >= 0;
}

/* -- FILE.chain --------------------------------------------------------------- */

#define CHAIN_MARK "kratos-audit 1"
#define CHAIN_WORDS 9 /* with the two of the mark */

const char *kr_audit_chain_text(apr_pool_t *pool, const kr_audit_chain_t *chain, const kr_realm_t *realm)
{
    const char *text = apr_psprintf(pool, CHAIN_MARK " %" APR_UINT64_T_FMT " %s %" APR_UINT64_T_FMT " %" APR_UINT64_T_FMT " %" APR_UINT64_T_FMT
                                    " %" APR_UINT64_T_FMT " %s", chain->head.seq, chain->head.seq ? chain->head.hash : KR_AUDIT_NOTHING,
                                    chain->dev, chain->ino, chain->end, chain->lost, realm->name);

    return apr_psprintf(pool, "%-*.*s\n", KR_AUDIT_CHAIN_SIZE - 1, KR_AUDIT_CHAIN_SIZE - 1,
                        apr_pstrcat(pool, text, " ", kr_hmac(pool, realm->keys, KR_KEY_AUDIT, 0, text), NULL));
}

int kr_audit_chain_read(kr_audit_chain_t *out, const char **realm, const char **tag, apr_size_t *signed_len, apr_pool_t *pool, const char *text)
{
    const char *word[CHAIN_WORDS];
    char *copy = apr_pstrdup(pool, text), *state;
    int n = 0;

    *out = (kr_audit_chain_t){ .lost = 0 };
    for (char *w = apr_strtok(copy, " \n", &state); w && n < CHAIN_WORDS; w = apr_strtok(NULL, " \n", &state)) word[n++] = w;
    if (n < CHAIN_WORDS || strncmp(text, CHAIN_MARK " ", sizeof(CHAIN_MARK)) != 0 || strlen(word[3]) != KR_AUDIT_HASH_LEN) return 0;
    *out = (kr_audit_chain_t){ .dev = strtoull(word[4], NULL, 10), .ino = strtoull(word[5], NULL, 10),
                               .end = strtoull(word[6], NULL, 10), .lost = strtoull(word[7], NULL, 10) };
    out->head.seq = strtoull(word[2], NULL, 10);
    apr_cpystrn(out->head.hash, word[3], sizeof(out->head.hash));
    *realm = word[8];
    *signed_len = (apr_size_t)(word[8] - copy) + strlen(word[8]);
    *tag = text + *signed_len + strspn(text + *signed_len, " ");
    *tag = apr_pstrmemdup(pool, *tag, strcspn(*tag, " \n"));
    return 1;
}

kr_audit_kept_e kr_audit_kept(kr_audit_head_t *head, apr_pool_t *pool, const kr_realm_t *realm, const char *path)
{
    char text[KR_AUDIT_CHAIN_SIZE + 1] = "";
    FILE *file = fopen(apr_pstrcat(pool, path, ".chain", NULL), "re");
    kr_audit_chain_t chain;
    const char *whose, *tag;
    apr_size_t len;

    *head = (kr_audit_head_t){ .seq = 0 };
    if (!file) return KR_AUDIT_KEPT_NONE;
    len = fread(text, 1, KR_AUDIT_CHAIN_SIZE, file);
    fclose(file);
    text[len] = '\0';
    if (!kr_audit_chain_read(&chain, &whose, &tag, &len, pool, text)) return KR_AUDIT_KEPT_NONE;
    *head = chain.head;
    if (strcmp(whose, realm->name) != 0) return KR_AUDIT_KEPT_OTHER;
    if (kr_hmac_verify(pool, realm->keys, KR_KEY_AUDIT, apr_pstrmemdup(pool, text, len), tag) < 0) return KR_AUDIT_KEPT_CHANGED;
    return KR_AUDIT_KEPT_GOOD;
}
