/* SPDX-License-Identifier: Apache-2.0 */
/* A whole rule file: any text loads or is refused with messages, within its ceilings; every other
 * one is looked at as gyr check does. */
#include "rules/print.h"
#include "rules/ruleset.h"
#include "syscall/syscall.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once: the schema is the same for every input. */
static const struct schemas *schemas_get(void)
{
    static struct schemas schemas;
    struct gyr_error err;

    if (!schemas.n && schemas_add(&schemas, &syscall_schema, "fuzz", &err) < 0)
        abort();
    return &schemas;
}

static void print_all(const struct ruleset *rs)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    for (uint32_t i = 0; i < rs->n_rules; i++) {
        buf_reset(&b);
        node_print(&b, rs->rules[i]->condition);
        for (uint32_t k = 0; k < rs->rules[i]->n_outputs; k++)
            expr_print(&b, rs->rules[i]->outputs[k].expr);
    }
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ruleset_conf conf = {.schemas = schemas_get(), .max_priority = 7};
    struct arena *arena = arena_new(64 << 20);
    struct ruleset *rs = NULL;
    struct diags d;
    FILE *null;
    int r;

    if (!arena)
        return 0;
    diags_init(&d, arena);
    d.lint = size % 2;
    r = ruleset_load_text(&conf, "fuzz.yaml", (const char *)data, size, &d, &rs);
    /* Refused means told, and told means refused. */
    if ((r < 0) != (d.n_errors > 0) || (r < 0) != (rs == NULL))
        abort();
    if (rs)
        print_all(rs);
    ruleset_free(rs);
    null = fopen("/dev/null", "w");
    if (null) {
        diags_print(&d, null, false);
        (void)fclose(null);
    }
    arena_free(arena);
    return 0;
}
