/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of hooks in the settings: which hook may stand where, and is it built. */
#include <string.h>

#include "kr_json.h"
#include "kr_text.h"
#include "draft.h"

const kr_hook_kind_t *kr_hook_kind(const char *name)
{
    for (const kr_hook_kind_t *kind = kr_hook_kinds; kind->name; kind++) {
        if (strcmp(kind->name, name) == 0) return kind;
    }
    return NULL;
}

static void review_recipients(kr_review_t *review, const char *at, const json_t *config)
{
    static const char WORDS[] = "removed|all_verified|all";
    const char *value = kr_json_str(config, "recipients");

    if (!config || json_is_null(config)) return;
    if (!json_is_object(config) || json_object_size(config) > 1 || !value || kr_word_index(WORDS, value) < 0) {
        kr_review_error(review, at, "must hold \"recipients\" and nothing else: %s", kr_words_listed(review->pool, WORDS));
    }
}

/** Only web_hook has a config that is looked into; what Ory's enterprise hooks hold is theirs. */
static void review_config(kr_review_t *review, const kr_hook_kind_t *kind, const char *path, json_t *hook)
{
    const char *at = kr_path_member(review->pool, path, "config");
    json_t *config = json_object_get(hook, "config");

    if (kind->idle) return;
    if (strcmp(kind->name, "notify_previous_addresses") == 0) {
        review_recipients(review, at, config);
        return;
    }
    if (strcmp(kind->name, "web_hook")) {
        if (json_object_size(config)) kr_review_error(review, at, "the hook \"%s\" has no settings", kind->name);
        return;
    }
    if (!json_is_object(config)) {
        kr_review_error(review, path, "web_hook needs a member \"config\"");
        return;
    }
    KR_EACH_KEY(key, kr_webhook_keys) {
        if (key->needed && kr_is_missing(config, key->path)) {
            kr_review_error(review, at, "needs a member \"%s\"", key->path);
        }
    }
    kr_review_object(review, kr_webhook_keys, strlen(at) + 1, at, config);
}

static void review_hook(kr_review_t *review, const kr_key_t *key, const char *path, json_t *hook)
{
    const char *at = kr_path_member(review->pool, path, "hook");
    const char *name = kr_json_str(hook, "hook"), *member;
    const kr_hook_kind_t *kind = name ? kr_hook_kind(name) : NULL;
    json_t *value;

    json_object_foreach(hook, member, value) {
        if (strcmp(member, "hook") && strcmp(member, "config")) {
            kr_review_error(review, kr_path_member(review->pool, path, member),
                            "unknown key; a hook has \"hook\" and \"config\"");
        }
    }
    if (!name) {
        kr_review_error(review, path, "needs a member \"hook\" that names it");
    }
    else if (!kind) {
        kr_review_error(review, at, "\"%s\" is no hook; here may stand: %s", name,
                        kr_words_listed(review->pool, key->words));
    }
    else if (kr_word_index(key->words, name) < 0) {
        kr_review_error(review, at, "\"%s\" may not stand here; here may stand: %s", name,
                        kr_words_listed(review->pool, key->words));
    }
    else {
        if (kind->idle) {
            kr_review_warn(review, at, "\"%s\" belongs to Ory's enterprise edition and has no effect", name);
        }
        else if (!kind->built) {
            kr_review_unbuilt(review, at, "\"%s\" is a hook that this version does not support yet", name);
        }
        review_config(review, kind, path, hook);
    }
}

void kr_review_hooks(kr_review_t *review, const kr_key_t *key, const char *path, json_t *list)
{
    size_t i;
    json_t *hook;

    json_array_foreach(list, i, hook) {
        const char *at = kr_path_element(review->pool, path, i);

        if (json_is_object(hook)) review_hook(review, key, at, hook);
        else kr_review_error(review, at, "must be an object with a member \"hook\"");
    }
}
