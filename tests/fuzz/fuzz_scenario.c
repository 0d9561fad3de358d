/* SPDX-License-Identifier: Apache-2.0 */
/* Files of rule tests: whatever they say is read or refused with a message, and what is given and
 * happens in them becomes records that are right by the schema, or is refused. */
#include "../lib/scenario_rig.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void make_all(struct scenario_rig *r)
{
    for (uint32_t i = 0; i < r->file.n && i < 16; i++) {
        if (r->file.tests[i].capture)
            continue;
        if (scenario_make(r, i) == 0)
            while (scenario_next(r))
                ;
        else if (!r->err.msg[0])
            abort(); /* a refusal says why */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct scenario_rig r;
    bool read = scenario_read(&r, (const char *)data, len);
    FILE *f = fopen("/dev/null", "we");

    if (read == (r.d.n_errors > 0))
        abort();
    if (f) {
        diags_print(&r.d, f, false);
        (void)fclose(f);
    }
    if (read)
        make_all(&r);
    scenario_free(&r);
    return 0;
}
