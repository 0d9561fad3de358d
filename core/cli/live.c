/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/live.h"

#include "base/log.h"
#include "cli/entry.h"

#include <errno.h>

static int find_plugin(struct session *s, const char *name, struct plugin **ret,
                       struct gyr_error *err)
{
    int r = plugins_load(&s->plugins, name, ret, err);

    if (r < 0)
        return r;
    if (!(*ret)->desc.source || !((*ret)->source.flags & GYR_SRC_LIVE))
        return gyr_fail(err, -EINVAL, "plugin '%s' is no live source", name);
    return 0;
}

enum { TOLD = 1 };

/* @return 0: it runs. TOLD: it would not help to try another, and why has been told. A negative
 * number: it does not work here, for the reason in @p err. */
static int try_source(const struct startup_conf *c, struct session *s, const char *name,
                      struct gyr_error *err)
{
    struct plugin_conf source = plugin_alone(name, NULL);
    struct plugin *pl = NULL;
    int r = find_plugin(s, name, &pl, err);

    if (r < 0)
        return r;
    source.name = pl->desc.name;
    s->live = source;
    s->config->sources = &s->live;
    s->config->n_sources = 1;
    diags_init(&s->diags, s->arena);
    r = startup_pipeline(c, s);
    if (!c->quiet || s->diags.n_errors)
        cli_print_diags(&s->diags);
    if (r < 0)
        return TOLD;
    r = pipeline_start(s->pipeline, err);
    if (r == 0)
        return 0;
    if (!pipeline_source_refused(s->pipeline)) {
        (void)cli_fail(c->cmd, "%s", err->msg);
        r = TOLD;
    }
    pipeline_free(s->pipeline);
    s->pipeline = NULL;
    return r;
}

int live_start(const struct startup_conf *c, struct session *s)
{
    const struct config *cfg = s->config;

    for (uint32_t i = 0; i < cfg->n_live_sources; i++) {
        struct gyr_error err = {0};
        int r = try_source(c, s, cfg->live_sources[i], &err);

        if (r == 0) {
            if (!c->quiet)
                startup_print(s);
            return CLI_FINE;
        }
        if (r == TOLD)
            return CLI_FAILED;
        log_warning(NULL, "%s", err.msg);
    }
    return cli_fail(c->cmd, "no source can watch this machine; a capture can be read with "
                            "'gyr replay FILE', and other sources of events be named under "
                            "'sources' in the configuration");
}
