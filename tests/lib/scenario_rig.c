/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario_rig.h"

#include "event/event.h"
#include "test/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct gyr_plugin *gyr_plugin_query_scenario(uint32_t host_abi);

bool scenario_read(struct scenario_rig *r, const char *text, size_t len)
{
    *r = (struct scenario_rig){.arena = arena_new(256u << 20)};
    if (!r->arena)
        abort();
    diags_init(&r->d, r->arena);
    r->plugin = gyr_plugin_query_scenario(0);
    if (schemas_add(&r->schemas, r->plugin->source->schema, "scenario", &r->err) < 0)
        abort();
    return testfile_parse("t.yaml", text, len, r->arena, &r->d, &r->file) == 0;
}

int scenario_make(struct scenario_rig *r, uint32_t i)
{
    char *text = describe_test(&r->file.tests[i]);
    int k;

    r->plugin->destroy(r->self);
    r->self = NULL;
    r->err.msg[0] = '\0';
    if (!text)
        abort();
    k = r->plugin->create(NULL, &(const char *){text}, &r->self, &r->err);
    free(text);
    return k == 0 ? r->plugin->start(r->self, &r->err) : k;
}

const struct gyr_event *scenario_next(struct scenario_rig *r)
{
    const struct gyr_event *ev;
    struct gyr_batch b = {.size = sizeof(b), .cap = 1, .ev = &ev};

    if (r->plugin->source->next_batch(r->self, &b, &r->err) < 0)
        return NULL;
    if (event_check(ev, UINT32_MAX, r->schemas.list[0], &r->err) < 0) {
        (void)fprintf(stderr, "%s\n", r->err.msg);
        abort();
    }
    return ev;
}

void scenario_free(struct scenario_rig *r)
{
    if (r->plugin)
        r->plugin->destroy(r->self);
    testfile_release(&r->file);
    schemas_free(&r->schemas);
    arena_free(r->arena);
}
