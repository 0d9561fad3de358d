/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"

#include <stdarg.h>
#include <string.h>

enum { LINE_MAX_SHOWN = 160 };

void diags_init(struct diags *d, struct arena *arena)
{
    *d = (struct diags){.arena = arena};
}

void diag_add(struct diags *d, enum severity sev, struct loc loc, const char *fmt, ...)
{
    struct diag *g;
    struct buf b;
    va_list ap;

    if (sev == SEV_ERROR)
        d->n_errors++;
    else
        d->n_warnings++;
    if (d->n >= DIAGS_MAX)
        return;
    g = arena_alloc(d->arena, sizeof(*g));
    if (!g)
        return; /* counted all the same: the load fails */
    buf_init(&b, 4096);
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    *g = (struct diag){.loc = loc, .severity = sev};
    g->text = arena_strndup(d->arena, b.p, b.len);
    if (!g->text)
        g->text = "(out of memory)";
    buf_free(&b);
    if (d->last)
        *d->last = g;
    else
        d->first = g;
    d->last = &g->next;
    d->n++;
}

const char *diag_hint(struct diags *d, const char *best)
{
    const char *s = best ? arena_printf(d->arena, "; did you mean '%s'?", best) : "";

    return s ? s : "";
}

/* Without memory the place is given up, not the message. */
static const struct source_file *copy_file(struct diags *d, const struct source_file *old)
{
    struct source_file *f = arena_alloc(d->arena, sizeof(*f));

    if (!f)
        return NULL;
    *f = (struct source_file){.path = arena_strdup(d->arena, old->path), .lasting = true};
    if (!f->path)
        return NULL;
    if (old->text)
        f->text = arena_strndup(d->arena, old->text, old->len);
    f->len = f->text ? old->len : 0;
    return f;
}

void diags_keep_files(struct diags *d)
{
    const struct source_file *old, *copy;

    for (struct diag *g = d->first; g; g = g->next) {
        old = g->loc.file;
        if (!old || old->lasting)
            continue;
        copy = copy_file(d, old);
        for (struct diag *h = g; h; h = h->next)
            if (h->loc.file == old)
                h->loc.file = copy;
    }
}

/* The line itself and a caret below the column; a long line is shown around the place. */
static void show_line(const struct loc *loc, const char *prefix, FILE *f)
{
    const char *p = loc->file->text, *end = p + loc->file->len, *eol, *at;
    struct buf b;
    uint32_t col = 1;

    for (uint32_t line = 1; line < loc->line; line++) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (!p)
            return;
        p++;
    }
    eol = memchr(p, '\n', (size_t)(end - p));
    if (!eol)
        eol = end;
    for (at = p; at < eol && col < loc->col; col++) {
        size_t k = utf8_len(at, (size_t)(eol - at));

        at += k ? k : 1;
    }
    if (at - p > LINE_MAX_SHOWN / 2) {
        uint32_t skip = (uint32_t)(at - p) - LINE_MAX_SHOWN / 2;

        p += skip;
        while (p < at && ((unsigned char)*p & 0xc0) == 0x80)
            p++;
    }
    if (eol - p > LINE_MAX_SHOWN)
        eol = p + LINE_MAX_SHOWN;
    buf_init(&b, 8 * LINE_MAX_SHOWN);
    for (const char *q = p; q < eol; q++)
        if (*q == '\t')
            buf_addc(&b, ' ');
        else if (*q != '\r') {
            size_t k = utf8_len(q, (size_t)(eol - q));

            text_add_safe(&b, q, k ? k : 1);
            q += k ? k - 1 : 0;
        }
    (void)fprintf(f, "%s  %s\n%s  ", prefix, b.p, prefix);
    buf_free(&b);
    for (; p < at; p++)
        if (((unsigned char)*p & 0xc0) != 0x80)
            (void)fputc(' ', f);
    (void)fputs("^\n", f);
}

void diags_print(const struct diags *d, FILE *f, bool color)
{
    static const char *const word[] = {"error", "warning"};
    static const char *const tint[] = {"\033[31;1m", "\033[33;1m"};

    for (const struct diag *g = d->first; g; g = g->next) {
        const char *prefix = log_prefix(g->severity == SEV_ERROR ? LOG_L_ERROR : LOG_L_WARNING);
        struct buf b;

        (void)fputs(prefix, f);
        buf_init(&b, 8192);
        text_add_safe(&b, g->text, strlen(g->text));
        if (g->loc.file)
            (void)fprintf(f, "%s:", g->loc.file->path);
        if (g->loc.line)
            (void)fprintf(f, "%u:%u:", g->loc.line, g->loc.col);
        (void)fprintf(f, "%s%s%s:%s %s\n", g->loc.file ? " " : "", color ? tint[g->severity] : "",
                      word[g->severity], color ? "\033[0m" : "", b.p);
        buf_free(&b);
        if (g->loc.file && g->loc.file->text && g->loc.line)
            show_line(&g->loc, prefix, f);
    }
    if (d->n_errors + d->n_warnings > d->n)
        (void)fprintf(f, "… and %u more\n", d->n_errors + d->n_warnings - d->n);
}
