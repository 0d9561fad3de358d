/* SPDX-License-Identifier: Apache-2.0 */
/* Loading it, what it says of itself, and how it takes wrong options. */
#include "conform/conform_priv.h"

#include "base/cleanup.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* ---- query and descriptor ---- */

/* Pure: nothing of it may be left, whoever asks and however often. */
static void check_query(gyr_plugin_query_fn query)
{
    const uint32_t ours = GYR_ABI_MAJOR << 16 | GYR_ABI_MINOR;
    struct holdings before;
    struct gyr_error err = {0};
    const struct gyr_plugin *d;

    trial_begin("query");
    (void)trial_calls(GYR_QUERY_SYMBOL "()");
    d = query(ours);
    holdings_take(&before);
    for (uint32_t i = 0; i < 1000; i++) {
        (void)query(i << 16 | i % 7); /* of cores to come: it may refuse, and nothing else */
        if (query(ours) != d) {
            trial_tell(CONFORM_FAIL, "does not give the same descriptor each time");
            return;
        }
    }
    if (holdings_compare(&before, 2000, 0, &err) < 0)
        trial_tell(CONFORM_FAIL, "is not pure: %s", err.msg);
    else
        trial_tell(CONFORM_OK, "gives one constant descriptor");
}

static void check_versions(const struct gyr_plugin *d)
{
    trial_begin("version");
    (void)trial_calls("reading its descriptor");
    if (d->abi_min_minor > d->abi_minor)
        trial_tell(CONFORM_FAIL, "needs a core of ABI %u.%u at least, and was built for %u.%u",
                   d->abi_major, d->abi_min_minor, d->abi_major, d->abi_minor);
    else
        trial_tell(CONFORM_OK, "built for ABI %u.%u, works from %u.%u; this core has %u.%u",
                   d->abi_major, d->abi_minor, d->abi_major, d->abi_min_minor, GYR_ABI_MAJOR,
                   GYR_ABI_MINOR);
}

void group_load(struct trial *t)
{
    gyr_plugin_query_fn query;
    struct gyr_error err = {0};
    void *handle;

    trial_begin("load");
    (void)trial_calls("loading");
    if (plugins_load(&t->plugins, t->conf->path, &t->plugin, &err) < 0) {
        trial_tell(CONFORM_FAIL, "%s", err.msg);
        return;
    }
    trial_introduce(t->plugin);
    trial_tell(CONFORM_OK, "descriptor, tables and options have the layout that they announce");
    handle = dlopen(t->conf->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return;
    *(void **)&query = dlsym(handle, GYR_QUERY_SYMBOL);
    if (!query)
        return;
    check_query(query);
    check_versions(&t->plugin->desc);
    trial_begin("says");
    if (!t->plugin->desc.summary || !*t->plugin->desc.summary || !t->plugin->desc.license)
        trial_tell(CONFORM_FAIL, "its descriptor lacks a summary or a licence: users see them");
    else
        trial_tell(CONFORM_OK, "%.200s", t->plugin->desc.summary);
}

/* ---- wrong options ---- */

static const char *wrong_text(const struct gyr_option *o)
{
    switch (o->type) {
    case GYR_O_STR:
    case GYR_O_STRLIST:
    case GYR_O_STRMAP:
        return NULL; /* any text may be right */
    default:
        return "\x01 nonsense";
    }
}

static struct ynode *text_node(struct arena *a, const char *text)
{
    struct ynode *n = arena_alloc(a, sizeof(*n));

    if (n)
        *n = (struct ynode){.kind = Y_SCALAR, .str = text, .len = strlen(text)};
    return n;
}

/* The options given, with one of them changed. NULL: no memory. */
static struct ynode *options_with(struct trial *t, const char *name, struct ynode *value)
{
    const struct ynode *given = t->conf->options;
    uint32_t n = given ? given->n : 0, k = 0;
    struct ynode *m = arena_alloc(t->arena, sizeof(*m));
    struct ynode **items = arena_array(t->arena, 2 * (n + 1), sizeof(struct ynode *));
    struct ynode *key = text_node(t->arena, name);

    if (!m || !items || !key || !value)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(given->items[2 * i]->str, name) == 0)
            continue;
        items[2 * k] = given->items[2 * i];
        items[2 * k++ + 1] = given->items[2 * i + 1];
    }
    items[2 * k] = key;
    items[2 * k++ + 1] = value;
    *m = (struct ynode){.kind = Y_MAP, .items = items, .n = k};
    return m;
}

/* Is it told what is wrong with the option? */
static bool is_told(const struct diags *d, const char *name)
{
    char quoted[80];

    (void)snprintf(quoted, sizeof(quoted), "'%.64s'", name);
    for (const struct diag *x = d->first; x; x = x->next)
        if (strstr(x->text, quoted))
            return true;
    return false;
}

/* The core refuses what the table forbids: does the table forbid anything? */
static bool refuses(struct trial *t, const struct gyr_option *o)
{
    const char *text = wrong_text(o);
    struct ynode *map = text ? options_with(t, o->name, text_node(t->arena, text)) : NULL;
    struct plugin *p = t->plugin;
    void *cfg;
    struct diags d;
    int r;

    if (!map)
        return true;
    cfg = arena_alloc(t->arena, p->desc.config_size + 1u);
    diags_init(&d, t->arena);
    r = cfg ? options_parse(p->options, p->desc.n_options, map, (struct loc){0}, p->desc.name,
                            t->arena, cfg, p->desc.config_size, &d)
            : 0;
    return r < 0 && is_told(&d, o->name);
}

static void check_table(struct trial *t)
{
    const struct plugin *p = t->plugin;

    trial_begin("options");
    for (uint32_t i = 0; i < p->desc.n_options; i++)
        if (!refuses(t, &p->options[i])) {
            trial_tell(CONFORM_FAIL, "option '%s' takes nonsense", p->options[i].name);
            return;
        }
    if (p->desc.n_options)
        trial_tell(CONFORM_OK, "%u options, each with its help; wrong values are refused",
                   p->desc.n_options);
    else
        trial_tell(CONFORM_SKIP, "it has none");
}

/* A text that no option can want: works with it or says why not. */
static bool try_text(struct trial *t, uint32_t cap, const struct gyr_option *o,
                     const char **ret_flaw)
{
    static const char strange[] = "/nonexistent/of/gyr-check/%s%n";
    struct instance_conf conf = {.plugin = t->plugin,
                                 .capability = cap,
                                 .name = t->plugin->desc.name,
                                 .schemas = &t->schemas,
                                 .host_root = ""};
    struct ynode *value = text_node(t->arena, strange);
    struct instance *inst = NULL;
    struct gyr_error err = {0};
    struct diags d;
    int r;

    if (o->type == GYR_O_STRLIST && value) {
        struct ynode *list = arena_alloc(t->arena, sizeof(*list));
        struct ynode **item = arena_array(t->arena, 1, sizeof(struct ynode *));

        if (!list || !item)
            return false;
        *item = value;
        *list = (struct ynode){.kind = Y_SEQ, .items = item, .n = 1};
        value = list;
    }
    conf.options = options_with(t, o->name, value);
    if (!conf.options)
        return false;
    diags_init(&d, t->arena);
    (void)trial_calls("create()");
    if (instance_new(&conf, &d, &inst) < 0) {
        *ret_flaw = d.first && strstr(d.first->text, "does not say why")
                        ? "create() refuses it and does not say why"
                        : NULL;
        return true;
    }
    (void)trial_calls("start()");
    r = instance_start(inst, &err);
    *ret_flaw = r < 0 && strstr(err.msg, "does not say why")
                    ? "start() refuses it and does not say why"
                    : NULL;
    (void)trial_calls("stop() or destroy()");
    instance_free(inst);
    return true;
}

static void check_texts(struct trial *t, uint32_t cap)
{
    const struct plugin *p = t->plugin;
    const char *flaw = NULL;
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->desc.n_options && !flaw; i++)
        if (p->options[i].type == GYR_O_STR || p->options[i].type == GYR_O_STRLIST) {
            n += try_text(t, cap, &p->options[i], &flaw);
            if (flaw) {
                trial_tell(CONFORM_FAIL, "option '%s': %s", p->options[i].name, flaw);
                return;
            }
        }
    if (n)
        trial_tell(CONFORM_OK, "strange texts in %u options: taken, or refused with a sentence", n);
    else
        trial_tell(CONFORM_SKIP, "none of its options is a text");
}

void group_options(struct trial *t)
{
    check_table(t);
    for (uint32_t cap = GYR_CAP_SOURCE; cap <= GYR_CAP_OUTPUT; cap++) {
        char name[24];

        if (!trial_has(t, cap))
            continue;
        (void)snprintf(name, sizeof(name), "texts %s", capability_word(cap));
        trial_begin(name);
        check_texts(t, cap);
    }
}
