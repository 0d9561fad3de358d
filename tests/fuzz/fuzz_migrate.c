/* SPDX-License-Identifier: Apache-2.0 */
/* gyr migrate on any falco.yaml: what it prints is YAML, and a configuration but for what it takes
 * over as it stands. */
#include "base/cleanup.h"
#include "cli/migrate.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Falco has these with the same values, each in a line of ours: who wrote nonsense there keeps it.
 */
static bool is_taken_over(const char *text, uint32_t line)
{
    static const char *const keys[] = {
        "select: ", "match: ", "extra_output: ", "extra_fields: ", "http: "};

    while (--line)
        text = strchr(text, '\n') + 1;
    text += strspn(text, " -");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strncmp(text, keys[i], strlen(keys[i])) == 0)
            return true;
    return false;
}

static void check_result(struct arena *arena, const struct buf *text)
{
    struct config *c = NULL;
    struct diags d;

    diags_init(&d, arena);
    (void)config_load_text("gyr.yaml", text->p, text->len, arena, &d, &c);
    for (const struct diag *g = d.first; g; g = g->next)
        if (g->severity == SEV_ERROR && !is_taken_over(text->p, g->loc.line)) {
            (void)fprintf(stderr, "%s\n---\n%s", text->p, g->text);
            abort();
        }
    config_release(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena *arena = arena_new(256u << 20);
    struct ynode *root = NULL;
    struct diags d;
    struct buf b;

    if (!arena)
        return 0;
    diags_init(&d, arena);
    buf_init(&b, 16 << 20);
    if (yaml_parse("falco.yaml", (const char *)data, len, arena, &d, &root) == 0 && root &&
        root->kind == Y_MAP && migrate_config("falco.yaml", root, &d, &b) == 0)
        check_result(arena, &b);
    buf_free(&b);
    arena_free(arena);
    return 0;
}
