/* SPDX-License-Identifier: Apache-2.0 */
#include "rules_load.h"

#include "config/config.h"
#include "rules/print.h"
#include "syscall/syscall.h"

#include <stdlib.h>

static const struct gyr_event_type cloud_types[] = {{.id = 1, .name = "login"}};
static const struct gyr_field cloud_fields[] = {
    {.name = "cloud.user", .help = "Who did it.", .type = GYR_T_STR},
    {.name = "cloud.size", .help = "How large it was.", .type = GYR_T_U64},
    /* the same name as in "syscall", another type */
    {.name = "proc.name", .help = "A number here.", .type = GYR_T_U64},
};
static const struct gyr_schema cloud = {.size = sizeof(cloud),
                                        .version = 1,
                                        .name = "cloud",
                                        .types = cloud_types,
                                        .fields = cloud_fields,
                                        .n_types = ARRAY_LEN(cloud_types),
                                        .type_stride = sizeof(cloud_types[0]),
                                        .n_fields = ARRAY_LEN(cloud_fields),
                                        .field_stride = sizeof(cloud_fields[0])};

/* Without memory or schemas there is nothing to test. */
static void must(int r, const char *what, const struct gyr_error *err)
{
    if (r >= 0)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, err->msg);
    abort();
}

static struct ruleset_conf begin(struct loaded *l)
{
    struct gyr_error err = {0, "out of memory"};

    *l = (struct loaded){.arena = arena_new(64 << 20)};
    must(l->arena ? 0 : -ENOMEM, "arena", &err);
    diags_init(&l->d, l->arena);
    buf_init(&l->told, 1 << 20);
    must(schemas_add(&l->schemas, &syscall_schema, "test", &err), "syscall", &err);
    must(schemas_add(&l->schemas, &cloud, "test", &err), "cloud", &err);
    return (struct ruleset_conf){.schemas = &l->schemas, .max_priority = 7};
}

static void end(struct loaded *l)
{
    for (const struct diag *g = l->d.first; g; g = g->next) {
        if (g->loc.line)
            buf_addf(&l->told, "%u:%u: ", g->loc.line, g->loc.col);
        buf_addf(&l->told, "%s: %s\n", g->severity == SEV_ERROR ? "error" : "warning", g->text);
    }
}

void load_text(struct loaded *l, const char *text)
{
    struct ruleset_conf conf = begin(l);

    l->r = ruleset_load_text(&conf, "t.yaml", text, strlen(text), &l->d, &l->rs);
    end(l);
}

void load_under(struct loaded *l, const char *config, const char *text)
{
    struct ruleset_conf conf = begin(l);
    struct gyr_error err = {0, "does not load"};
    struct config *c = NULL;

    must(config_load_text("g.yaml", config, strlen(config), l->arena, &l->d, &c), "configuration",
         &err);
    conf.adjust = &c->adjust;
    l->r = ruleset_load_text(&conf, "t.yaml", text, strlen(text), &l->d, &l->rs);
    end(l);
}

void load_paths(struct loaded *l, const char *const *paths, uint32_t n, uint32_t max_priority)
{
    struct ruleset_conf conf = begin(l);

    conf.paths = paths;
    conf.n_paths = n;
    conf.max_priority = max_priority;
    l->r = ruleset_load(&conf, &l->d, &l->rs);
    end(l);
}

void load_rule(struct loaded *l, const char *before, const char *cond, const char *output)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_addf(&b, "%s- rule: T\n  desc: d\n  condition: %s\n  output: '%s'\n  priority: info\n",
             before, cond, output);
    load_text(l, b.p);
    buf_free(&b);
}

void loaded_condition(const struct loaded *l, uint32_t i, struct buf *b)
{
    buf_reset(b);
    node_print(b, l->rs->rules[i]->condition);
}

void loaded_output(const struct loaded *l, uint32_t i, struct buf *b)
{
    const struct rule *r = l->rs->rules[i];

    buf_reset(b);
    for (uint32_t k = 0; k < r->output.n; k++) {
        const struct template_part *p = &r->output.parts[k];

        buf_adds(b, k ? "|" : "");
        if (p->lit)
            buf_add(b, p->lit, p->len);
        else if (p->width)
            buf_addf(b, "{%u:%u}", p->field, p->width);
        else
            buf_addf(b, "{%u}", p->field);
    }
    for (uint32_t k = 0; k < r->n_outputs; k++)
        buf_addf(b, " %s", r->outputs[k].name);
}

const struct rule *loaded_rule(const struct loaded *l, const char *name)
{
    for (uint32_t i = 0; l->rs && i < l->rs->n_rules; i++)
        if (strcmp(l->rs->rules[i]->name, name) == 0)
            return l->rs->rules[i];
    return NULL;
}

void loaded_free(struct loaded *l)
{
    ruleset_free(l->rs);
    schemas_free(&l->schemas);
    buf_free(&l->told);
    arena_free(l->arena);
}
