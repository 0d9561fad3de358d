/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ruleset.h"

#include "base/cleanup.h"
#include "rules/check.h"
#include "rules/lint.h"
#include "rules/parse.h"
#include "rules/template.h"

#include <errno.h>
#include <gyr/output.h>
#include <string.h>
#include <strings.h>

static const char *const priorities[] = {[GYR_PRIO_EMERGENCY] = "Emergency",
                                         [GYR_PRIO_ALERT] = "Alert",
                                         [GYR_PRIO_CRITICAL] = "Critical",
                                         [GYR_PRIO_ERROR] = "Error",
                                         [GYR_PRIO_WARNING] = "Warning",
                                         [GYR_PRIO_NOTICE] = "Notice",
                                         [GYR_PRIO_INFORMATIONAL] = "Informational",
                                         [GYR_PRIO_DEBUG] = "Debug"};

const char *priority_name(uint32_t priority)
{
    return priority < ARRAY_LEN(priorities) ? priorities[priority] : "Unknown";
}

int priority_parse(const char *s)
{
    if (strcasecmp(s, "info") == 0)
        return GYR_PRIO_INFORMATIONAL;
    for (size_t i = 0; i < ARRAY_LEN(priorities); i++)
        if (strcasecmp(s, priorities[i]) == 0)
            return (int)i;
    return -EINVAL;
}

/* ---- from definitions to rules ---- */

struct loading {
    const struct ruleset_conf *conf;
    struct ruleset *rs;
    struct defs defs;
    struct resolver resolver;
    struct vec rules, extras;
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted and each once, as Falco's alerts have them. */
static int set_tags(struct loading *l, struct rule *r, const struct vec *tags)
{
    r->tags = arena_array(l->defs.arena, tags->n + 1, sizeof(*r->tags));
    if (!r->tags)
        return defs_no_memory(&l->defs);
    for (uint32_t i = 0; i < tags->n; i++)
        r->tags[i] = tags->p[i];
    if (tags->n)
        qsort(r->tags, tags->n, sizeof(*r->tags), by_bytes);
    for (uint32_t i = 0; i < tags->n; i++)
        if (!r->n_tags || strcmp(r->tags[r->n_tags - 1], r->tags[i]) != 0)
            r->tags[r->n_tags++] = r->tags[i];
    return 0;
}

static int set_desc(struct loading *l, struct rule *r, const struct vec *desc, const char *what)
{
    struct text *t = text_join(l->defs.arena, desc, what);

    if (!t)
        return defs_no_memory(&l->defs);
    while (t->len && strchr(" \t\r\n", t->p[t->len - 1]))
        t->len--;
    r->desc = arena_strndup(l->defs.arena, t->p, t->len);
    return r->desc ? 0 : defs_no_memory(&l->defs);
}

static void skip_rule(struct loading *l, const struct unit *u)
{
    const struct problem *p = resolve_first_error(u);

    diag_warning(l->defs.d, DIAG_LEFT_OUT, p->loc, "%s is left out (skip-if-unknown-filter): %s",
                 u->what, p->text);
}

static uint32_t schema_number(const struct loading *l, const struct schema *schema)
{
    uint32_t i = 0;

    while (l->conf->schemas->list[i] != schema)
        i++;
    return i;
}

/* The condition, its exceptions and the output. @return 1: keep the rule; 0: told why not. */
static int build(struct loading *l, const struct rule_def *def, struct rule *r, struct unit *u)
{
    struct text *cond = text_join(l->defs.arena, &def->condition, u->what);
    struct text *out = text_join(l->defs.arena, &def->output, u->what);
    struct vec extras = {0}, loose = {0};
    struct node *ast;
    int k, k2;

    if (!cond || !out)
        return defs_no_memory(&l->defs);
    if (extras_for(&l->resolver, &l->extras, def, schema_number(l, u->schema), &extras) < 0)
        return -ENOMEM;
    k = parse_condition(cond, l->defs.arena, l->defs.d, &ast);
    l->defs.unparsed |= k < 0;
    /* What is right of it may name what is not there. */
    k2 = ast ? exceptions_apply(&l->defs, def, u->what, ast, &ast, &loose) : k;
    k = k2 < 0 && k != -ENOMEM ? k2 : k;
    if (k != -ENOMEM && ast && resolve_condition(&l->resolver, u, ast) < 0)
        k = -ENOMEM;
    if (k == -ENOMEM)
        return k;
    for (uint32_t i = 0; i < loose.n; i++)
        (void)check_operand(&l->resolver, u, loose.p[i]);
    k2 = template_build(&l->resolver, u, out, &extras, r);
    if (k2 < 0)
        return k2;
    if (k == 0 && u->has_error && !u->has_hard_error && def->skip_unknown) {
        skip_rule(l, u);
        return 0;
    }
    resolve_tell(&l->resolver, u);
    r->condition = u->node;
    r->condition_text = cond;
    return k == 0 && !u->has_error;
}

static int add_rule(struct loading *l, const struct rule_def *def)
{
    const struct schema *schema = schemas_find(l->conf->schemas, def->source);
    struct unit u = {.schema = schema};
    struct rule *r;
    int k;

    /* What is wrong with a broken one elsewhere is told all the same. */
    if (def->broken && (!def->condition.n || !def->output.n))
        return 0;
    if (!schema) {
        diag_warning(l->defs.d, DIAG_LEFT_OUT, def->loc,
                     "rule '%.200s' is left out: nobody provides source '%.60s'", def->name,
                     def->source);
        return 0;
    }
    if (resolve_set_schema(&l->resolver, schema) < 0)
        return -ENOMEM;
    u.what = arena_printf(l->defs.arena, "rule '%.200s'", def->name);
    r = arena_alloc(l->defs.arena, sizeof(*r));
    if (!r || !u.what)
        return defs_no_memory(&l->defs);
    *r = (struct rule){.name = def->name,
                       .source = def->source,
                       .priority = def->priority,
                       .enabled = def->enabled,
                       .capture = def->capture,
                       .capture_duration_ns = def->capture_duration_ns,
                       .loc = def->loc,
                       .schema = schema};
    k = build(l, def, r, &u);
    if (k <= 0 || def->broken || def->priority > l->conf->max_priority)
        return k < 0 ? k : 0;
    lint_rule(&l->defs, def, r);
    r->id = l->rules.n;
    if (set_tags(l, r, &def->tags) < 0 || set_desc(l, r, &def->desc, u.what) < 0)
        return -ENOMEM;
    return vec_push(l->defs.arena, &l->rules, r) ? 0 : defs_no_memory(&l->defs);
}

static int build_all(struct loading *l)
{
    int k = resolve_link(&l->resolver);

    defs_select(&l->defs, l->conf->adjust);
    if (k == 0)
        k = extras_begin(&l->defs, l->conf->adjust, l->conf->schemas->n, &l->extras);
    for (uint32_t i = 0; i < l->defs.rules.n && k == 0; i++)
        k = add_rule(l, l->defs.rules.p[i]);
    if (k == 0)
        lint_defs(&l->defs);
    if (k == 0 && l->conf->more)
        k = lint_more(&l->defs, l->conf->more_name, l->rs);
    if (k == 0)
        extras_end(&l->defs, &l->extras);
    l->rs->rules = (struct rule **)l->rules.p;
    l->rs->n_rules = l->rules.n;
    l->rs->files = (const char **)l->defs.files.p;
    l->rs->n_files = l->defs.files.n;
    l->rs->n_macros = l->defs.macros.n;
    l->rs->n_lists = l->defs.lists.n;
    return k;
}

/* ---- files ---- */

static int read_one(struct loading *l, const char *path)
{
    struct ydocs docs;
    int k = yaml_load_docs(path, l->defs.arena, l->defs.d, &docs);

    if (k == -ENOMEM)
        return k;
    l->defs.incomplete |= k < 0;
    if (k < 0)
        return 0; /* told; the other files are read all the same */
    if (!vec_push(l->defs.arena, &l->defs.files, (void *)docs.file->path))
        return defs_no_memory(&l->defs);
    return defs_read(&l->defs, &docs);
}

static int read_paths(struct loading *l)
{
    int k = 0;

    for (uint32_t i = 0; i < l->conf->n_paths && k == 0; i++) {
        struct gyr_error err;
        const char **files;
        int n = yaml_files(l->conf->paths[i], l->defs.arena, &files, &err);

        if (n == -ENOMEM)
            return defs_no_memory(&l->defs);
        if (n < 0)
            diag_error(l->defs.d, ((struct loc){NULL, 0, 0}), "%s", err.msg);
        for (int f = 0; f < n && k == 0; f++)
            k = read_one(l, files[f]);
    }
    return k;
}

/* ---- the whole ---- */

static int read_text(struct loading *l, const char *path, const char *text, size_t len)
{
    struct ydocs docs;
    int k = yaml_parse_docs(path, text, len, l->defs.arena, l->defs.d, &docs);

    if (k < 0)
        return k;
    if (!vec_push(l->defs.arena, &l->defs.files, (void *)docs.file->path))
        return defs_no_memory(&l->defs);
    return defs_read(&l->defs, &docs);
}

static int loading_begin(struct loading *l, const struct ruleset_conf *conf, struct diags *d)
{
    *l = (struct loading){.conf = conf, .rs = calloc(1, sizeof(*l->rs))};
    if (!l->rs)
        return -ENOMEM;
    l->rs->arena = arena_new(RULESET_BYTES_MAX);
    l->defs.arena = l->rs->arena;
    l->defs.d = d;
    l->resolver.defs = &l->defs;
    return l->rs->arena ? 0 : -ENOMEM;
}

/* @param k how reading went. @param errors how many there were before. */
static int loading_end(struct loading *l, int k, uint32_t errors, struct ruleset **ret)
{
    struct diags *d = l->defs.d;

    if (k == 0)
        k = build_all(l);
    if (k == 0 && d->n_errors > errors)
        k = -EINVAL;
    diags_keep_files(d);
    resolve_free(&l->resolver);
    defs_free(&l->defs);
    if (k < 0)
        ruleset_free(l->rs);
    else
        *ret = l->rs;
    return k;
}

int ruleset_load(const struct ruleset_conf *conf, struct diags *d, struct ruleset **ret)
{
    uint32_t errors = d->n_errors;
    struct loading l;
    int k = loading_begin(&l, conf, d);

    if (k == 0)
        k = read_paths(&l);
    if (k == 0 && conf->more)
        k = read_text(&l, conf->more_name, conf->more, strlen(conf->more));
    return loading_end(&l, k, errors, ret);
}

int ruleset_load_text(const struct ruleset_conf *conf, const char *path, const char *text,
                      size_t len, struct diags *d, struct ruleset **ret)
{
    uint32_t errors = d->n_errors;
    struct loading l;
    int k = loading_begin(&l, conf, d);

    if (k == 0)
        k = read_text(&l, path, text, len);
    return loading_end(&l, k, errors, ret);
}

void ruleset_free(struct ruleset *rs)
{
    if (!rs)
        return;
    arena_free(rs->arena);
    free(rs);
}

uint32_t ruleset_n_enabled(const struct ruleset *rs)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < rs->n_rules; i++)
        n += rs->rules[i]->enabled;
    return n;
}
