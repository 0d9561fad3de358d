/* SPDX-License-Identifier: Apache-2.0 */
/* A condition alone: the lexer and parser on any bytes, zero bytes included. */
#include "rules/parse.h"
#include "rules/print.h"
#include "rules/recover.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct text text_of(struct ynode *node, struct source_file *file, const char *p, size_t n)
{
    *file = (struct source_file){.path = "fuzz", .text = p, .len = n};
    *node = (struct ynode){
        .kind = Y_SCALAR, .loc = {file, 1, 1}, .str = p, .len = n, .plain = true, .end = n};
    return (struct text){p, (uint32_t)n, node, "rule 'F'", NULL, 0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(64 << 20);
    struct source_file file;
    struct ynode node;
    struct node *n;
    struct expr *e;
    struct text t;
    struct diags d;
    struct buf b;
    char *copy;

    copy = arena && size < 1 << 20 ? arena_strndup(arena, (const char *)data, size) : NULL;
    if (!copy) {
        arena_free(arena);
        return 0;
    }
    diags_init(&d, arena);
    buf_init(&b, 1 << 22);
    t = text_of(&node, &file, copy, size);
    if ((parse_condition(&t, arena, &d, &n) == 0) != (d.n_errors == 0) ||
        d.n_errors > SYNTAX_ERRORS_MAX + 1)
        abort();
    if (n)
        node_print(&b, n);
    (void)parse_left(&t, arena, &d, &e);
    for (int op = OP_EQ; op < OP_MAX_; op++)
        (void)parse_right(&t, (enum cmp_op)op, op == OP_CONTAINS ? MOD_ALLOF : MOD_NONE, arena, &d,
                          &e);
    buf_free(&b);
    arena_free(arena);
    return 0;
}
