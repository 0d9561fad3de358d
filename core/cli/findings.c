/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/findings.h"

#include "alert/json.h"

#include <string.h>

enum { LINE_BYTES_MAX = 1 << 16 };

static void add_text(struct buf *b, const char *key, const char *s, size_t n)
{
    buf_addf(b, ",\"%s\":", key);
    if (s)
        json_add_str(b, s, n);
    else
        buf_adds(b, "null");
}

static void add_number(struct buf *b, const char *key, uint32_t n)
{
    if (n)
        buf_addf(b, ",\"%s\":%u", key, n);
    else
        buf_addf(b, ",\"%s\":null", key);
}

/* What diag_hint() put behind the sentence. */
static const char *hint_in(const char *text, size_t *ret_len)
{
    static const char before[] = "; did you mean '";
    const char *p = strstr(text, before), *end;

    if (!p)
        return NULL;
    p += sizeof(before) - 1;
    end = strstr(p, "'?");
    *ret_len = end ? (size_t)(end - p) : 0;
    return end ? p : NULL;
}

static void print_one(struct buf *b, const struct diag *g)
{
    const struct source_file *f = g->loc.file;
    size_t n = 0;
    const char *hint = hint_in(g->text, &n);

    buf_reset(b);
    buf_addf(b, "{\"severity\":\"%s\"", diag_severity_name(g->severity));
    add_text(b, "code", g->code ? diag_code_name(g->code) : NULL, strlen(diag_code_name(g->code)));
    add_text(b, "file", f ? f->path : NULL, f ? strlen(f->path) : 0);
    add_number(b, "line", f ? g->loc.line : 0);
    add_number(b, "column", f ? g->loc.col : 0);
    add_number(b, "end", diag_end_col(&g->loc));
    add_text(b, "message", g->text, strlen(g->text));
    add_text(b, "hint", hint, n);
    buf_adds(b, "}\n");
}

void findings_print_json(const struct diags *d, FILE *f)
{
    const struct diag *all[DIAGS_MAX];
    uint32_t n = diags_in_order(d, all);
    struct buf b;

    buf_init(&b, LINE_BYTES_MAX);
    for (uint32_t i = 0; i < n; i++) {
        print_one(&b, all[i]);
        if (!b.failed)
            (void)fputs(b.p, f);
    }
    buf_free(&b);
}
