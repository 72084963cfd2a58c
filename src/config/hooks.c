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

static int needs_settings(const kr_element_t *of)
{
    KR_EACH_KEY(key, of->rows)
        if (key->needed) return 1;
    return 0;
}

/** What Ory's enterprise hooks hold is theirs. */
static void review_config(kr_review_t *review, const kr_hook_kind_t *kind, const char *path, json_t *hook)
{
    const char *at = kr_path_member(review->pool, path, "config");
    json_t *config = json_object_get(hook, "config");

    if (kind->idle) return;
    if (!kind->config) {
        if (json_object_size(config)) kr_review_error(review, at, "the hook \"%s\" has no settings", kind->name);
    }
    else if (kr_is_missing(hook, "config")) {
        if (needs_settings(kind->config)) kr_review_error(review, path, "%s needs a member \"config\"", kind->name);
    }
    else if (!json_is_object(config)) {
        kr_review_error(review, at, "must be an object");
    }
    else {
        KR_EACH_KEY(key, kind->config->rows) {
            if (key->needed && kr_is_missing(config, key->path)) kr_review_error(review, at, "needs a member \"%s\"", key->path);
        }
        kr_review_object(review, kind->config->rows, strlen(at) + 1, at, config);
    }
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

/** The settings of one hook as the struct of its kind. */
static void *fill_config(kr_review_t *review, const kr_hook_kind_t *kind, const char *path, json_t *config)
{
    void *own;

    if (!kind->config) return NULL;
    own = apr_pcalloc(review->pool, kind->config->size);
    kr_fill(review, own, kind->config, kr_path_member(review->pool, path, "config"), config);
    return own;
}

apr_array_header_t *kr_hooks_fill(kr_review_t *review, const char *path, json_t *list)
{
    apr_array_header_t *hooks;
    size_t i;
    json_t *hook;

    if (!json_is_array(list)) return NULL;
    hooks = apr_array_make(review->pool, (int)json_array_size(list), sizeof(kr_hook_conf_t));
    json_array_foreach(list, i, hook) {
        const char *name = kr_json_str(hook, "hook");
        const kr_hook_kind_t *kind = name ? kr_hook_kind(name) : NULL;
        json_t *config = json_object_get(hook, "config");

        if (!kind || kind->idle) continue;
        APR_ARRAY_PUSH(hooks, kr_hook_conf_t) = (kr_hook_conf_t){
            kind->name, config, fill_config(review, kind, kr_path_element(review->pool, path, i), config)
        };
    }
    return hooks;
}
