/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reload.h"

#include "base/log.h"

static void tell(const struct session *s, int r, const struct diags *d, uint64_t took_ns)
{
    const struct generation *g = pipeline_generation(s->pipeline);

    if (r < 0)
        log_error(NULL, "not loaded anew (%u error%s): generation %u stays in force", d->n_errors,
                  d->n_errors == 1 ? "" : "s", g->number);
    else
        log_notice(NULL, "generation %u is in force: %u of %u rules enabled, %u output%s (%.0f ms)",
                   g->number, ruleset_n_enabled(g->rules), g->rules->n_rules,
                   pipeline_n_outputs(s->pipeline), pipeline_n_outputs(s->pipeline) == 1 ? "" : "s",
                   (double)took_ns / 1e6);
}

static int load(const struct startup_conf *c, struct session *s, struct arena *arena,
                struct diags *d, struct config **ret)
{
    int r = startup_config(c, s, arena, d, ret);

    if (r < 0) {
        pipeline_reload_failed(s->pipeline, d);
        return r;
    }
    config_own(*ret, arena);
    if (!(*ret)->n_sources && s->live.name) { /* as it was chosen at the start */
        (*ret)->sources = &s->live;
        (*ret)->n_sources = 1;
    }
    r = pipeline_reload(s->pipeline, *ret, d);
    if (r == 0)
        startup_set_level(c, *ret);
    return r;
}

void reload(const struct startup_conf *c, struct session *s)
{
    struct arena *arena = arena_new(STARTUP_ARENA_MAX);
    struct config *config = NULL;
    uint64_t began = clock_ns();
    struct diags d;
    int r;

    if (!arena) {
        log_error(NULL, "not loaded anew: no memory");
        return;
    }
    filewatch_begin(s->watch);
    diags_init(&d, arena);
    r = load(c, s, arena, &d, &config);
    if (!c->quiet || d.n_errors)
        cli_print_diags(&d);
    tell(s, r, &d, clock_ns() - began);
    if (config)
        config_unref(config);
    else
        arena_free(arena);
}
