/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "rules/defs.h"

#include <errno.h>
#include <string.h>

/* Rules that ask for no more than this engine of Falco find here what they need. */
enum { ENGINE_MAJOR = 0, ENGINE_MINOR = 57, ENGINE_PATCH = 0 };

int defs_no_memory(struct defs *defs)
{
    diag_error(defs->d, ((struct loc){NULL, 0, 0}),
               "the rules are too many: more than %d MiB of them", RULESET_BYTES_MAX >> 20);
    return -ENOMEM;
}

bool defs_may_guess(struct defs *defs, uint32_t n_words)
{
    if (n_words > GUESSES_MAX - defs->n_guesses)
        return false;
    defs->n_guesses += n_words;
    return true;
}

void defs_free(struct defs *defs)
{
    map_free(&defs->list_by_name);
    map_free(&defs->macro_by_name);
    map_free(&defs->rule_by_name);
}

/* "1.2.3", with what may follow a '-' or '+' left out. */
static bool parse_version(const char *s, uint64_t v[3])
{
    size_t n;

    for (int i = 0; i < 3; i++) {
        n = strspn(s, "0123456789");
        if (!n || parse_u64(s, n, &v[i]) < 0 || v[i] > UINT32_MAX)
            return false;
        s += n;
        if (i < 2 && *s++ != '.')
            return false;
    }
    return *s == '\0' || *s == '-' || *s == '+';
}

static void read_engine_version(struct defs *defs, const struct ynode *item)
{
    static const char *const keys[] = {"required_engine_version", NULL};
    const struct ynode *n;
    uint64_t v[3] = {0, 0, 0};

    item_check_keys(defs, item, keys, "required_engine_version");
    if (item_text(defs, item, keys[0], "the file", true, &n) < 0)
        return;
    if (parse_u64(n->str, n->len, &v[1]) < 0 && !parse_version(n->str, v)) {
        diag_error(defs->d, n->loc,
                   "'%.60s' is no engine version: neither a number nor of the form 0.57.0", n->str);
        return;
    }
    if (v[0] != ENGINE_MAJOR || v[1] > ENGINE_MINOR ||
        (v[1] == ENGINE_MINOR && v[2] > ENGINE_PATCH))
        diag_error(
            defs->d, n->loc,
            "these rules need Falco's engine %llu.%llu.%llu; this one does what %d.%d.%d does",
            (unsigned long long)v[0], (unsigned long long)v[1], (unsigned long long)v[2],
            ENGINE_MAJOR, ENGINE_MINOR, ENGINE_PATCH);
}

/* What Falco's plugins add and we have built in. */
static bool is_met(const char *name)
{
    return strcmp(name, "container") == 0;
}

/* @return 1: met; 0: not; -EINVAL after telling. @p names gets "x (>= 1.0.0)". */
static int read_requirement(struct defs *defs, const struct ynode *req, struct buf *names)
{
    static const char *const keys[] = {"name", "version", "alternatives", NULL};
    const char *what = "required_plugin_versions";
    const struct ynode *name, *version;
    uint64_t v[3];

    if (req->kind != Y_MAP) {
        diag_error(defs->d, req->loc, "%s: a plugin must be a mapping, not %s", what,
                   ynode_kind_name(req));
        return -EINVAL;
    }
    item_check_keys(defs, req, keys, what);
    if (item_text(defs, req, "name", what, true, &name) < 0 ||
        item_text(defs, req, "version", what, true, &version) < 0)
        return -EINVAL;
    if (!parse_version(version->str, v)) {
        diag_error(defs->d, version->loc, "%s: '%.60s' is no version of the form 1.2.3", what,
                   version->str);
        return -EINVAL;
    }
    buf_addf(names, "%s%.60s (>= %.40s)", names->len ? " or " : "", name->str, version->str);
    return is_met(name->str);
}

static void read_plugin(struct defs *defs, const struct ynode *req)
{
    const struct ynode *alt = ymap_get(req, "alternatives");
    struct buf names;
    int met, r;

    buf_init(&names, 4096);
    met = read_requirement(defs, req, &names);
    if (met >= 0 && alt && alt->kind != Y_SEQ) {
        diag_error(defs->d, alt->loc, "required_plugin_versions: 'alternatives' must be a list");
        met = -EINVAL;
    }
    for (uint32_t i = 0; met >= 0 && alt && i < alt->n; i++) {
        r = read_requirement(defs, alt->items[i], &names);
        met = r < 0 ? r : met | r;
    }
    if (met == 0)
        diag_error(defs->d, req->loc, "these rules need a plugin that is not there: %s", names.p);
    buf_free(&names);
}

static void read_plugin_versions(struct defs *defs, const struct ynode *item)
{
    static const char *const keys[] = {"required_plugin_versions", NULL};
    const struct ynode *n = ymap_get(item, keys[0]);

    item_check_keys(defs, item, keys, keys[0]);
    if (n->kind != Y_SEQ) {
        diag_error(defs->d, n->loc, "%s must be a list, not %s", keys[0], ynode_kind_name(n));
        return;
    }
    for (uint32_t i = 0; i < n->n; i++)
        read_plugin(defs, n->items[i]);
}

static int read_item(struct defs *defs, const struct ynode *item)
{
    static const char *const kinds[] = {
        "rule", "macro", "list", "required_engine_version", "required_plugin_versions", NULL};

    if (ynode_is_null(item))
        return 0;
    if (item->kind != Y_MAP) {
        diag_error(defs->d, item->loc, "expected a rule, a macro or a list, not %s",
                   ynode_kind_name(item));
        return 0;
    }
    if (ymap_get(item, "required_engine_version"))
        read_engine_version(defs, item);
    else if (ymap_get(item, "required_plugin_versions"))
        read_plugin_versions(defs, item);
    else if (ymap_get(item, "list"))
        return item_list(defs, item);
    else if (ymap_get(item, "macro"))
        return item_macro(defs, item);
    else if (ymap_get(item, "rule"))
        return item_rule(defs, item);
    else if (item->n == 0)
        diag_warning(defs->d, DIAG_IGNORED_ITEM, item->loc, "an empty item is ignored");
    else
        diag_warning(defs->d, DIAG_IGNORED_ITEM, item->items[0]->loc,
                     "an item with '%.100s' is no rule, macro or list and is ignored%s",
                     item->items[0]->str, item_hint(defs, item->items[0]->str, kinds));
    return 0;
}

int defs_read(struct defs *defs, const struct ydocs *docs)
{
    int r;

    for (uint32_t i = 0; i < docs->n; i++) {
        const struct ynode *root = docs->roots[i];

        if (root->kind != Y_SEQ) {
            diag_error(defs->d, root->loc,
                       "a rule file must be a list of rules, macros and lists, "
                       "not %s",
                       ynode_kind_name(root));
            continue;
        }
        for (uint32_t k = 0; k < root->n; k++) {
            r = read_item(defs, root->items[k]);
            if (r < 0)
                return r;
        }
    }
    return 0;
}
