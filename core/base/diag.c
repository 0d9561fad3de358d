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

const char *diag_code_name(enum diag_code code)
{
    static const char *const names[DIAG_CODE_MAX] = {
        [DIAG_NONE] = "",
        [DIAG_BAD_NAME] = "bad-name",
        [DIAG_CONTRADICTION] = "contradiction",
        [DIAG_DEPRECATED] = "deprecated",
        [DIAG_EMPTY_LIST] = "empty-list",
        [DIAG_EXCEPTION] = "exception",
        [DIAG_FIELD_AS_TEXT] = "field-as-text",
        [DIAG_IDLE_ENRICHER] = "idle-enricher",
        [DIAG_IGNORED_ITEM] = "ignored-item",
        [DIAG_LEFT_OUT] = "left-out",
        [DIAG_MORE_PROBLEMS] = "more-problems",
        [DIAG_NEAR_LIST] = "near-list",
        [DIAG_NEEDS_RESTART] = "needs-restart",
        [DIAG_NEVER_MATCHES] = "never-matches",
        [DIAG_NO_EVENT_TYPE] = "no-event-type",
        [DIAG_NO_EQUIVALENT] = "no-equivalent",
        [DIAG_OUTPUT_TEXT] = "output-text",
        [DIAG_OVERRIDES] = "overrides",
        [DIAG_REDEFINED] = "redefined",
        [DIAG_SELECTS_NOTHING] = "selects-nothing",
        [DIAG_SHADOWED_EXCEPTION] = "shadowed-exception",
        [DIAG_UNKNOWN_EVENT] = "unknown-event",
        [DIAG_UNKNOWN_KEY] = "unknown-key",
        [DIAG_UNUSED_LIST] = "unused-list",
        [DIAG_UNUSED_MACRO] = "unused-macro",
    };

    return names[code];
}

int diag_code_find(const char *name)
{
    for (int i = DIAG_NONE + 1; i < DIAG_CODE_MAX; i++)
        if (strcmp(diag_code_name((enum diag_code)i), name) == 0)
            return i;
    return -1;
}

const char *diag_severity_name(enum severity s)
{
    static const char *const names[] = {"error", "warning", "info"};

    return names[s];
}

void diag_add(struct diags *d, enum severity sev, enum diag_code code, struct loc loc,
              const char *fmt, ...)
{
    struct diag *g;
    struct buf b;
    va_list ap;

    if ((sev == SEV_INFO && !d->lint) || d->silenced >> code & 1)
        return;
    if (sev == SEV_ERROR)
        d->n_errors++;
    else if (sev == SEV_WARNING)
        d->n_warnings++;
    else
        d->n_infos++;
    if (d->n >= DIAGS_MAX)
        return;
    g = arena_alloc(d->arena, sizeof(*g));
    if (!g)
        return; /* counted all the same: the load fails */
    buf_init(&b, 4096);
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    *g = (struct diag){.loc = loc, .severity = sev, .code = code};
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
    *f = (struct source_file){
        .path = arena_strdup(d->arena, old->path), .lasting = true, .veiled = old->veiled};
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

/* Begin and end of the line. @return false: the file has no such line. */
static bool line_of(const struct loc *loc, const char **ret_p, const char **ret_eol)
{
    const char *p = loc->file->text, *end = p + loc->file->len, *eol;

    for (uint32_t line = 1; line < loc->line; line++) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (!p)
            return false;
        p++;
    }
    eol = memchr(p, '\n', (size_t)(end - p));
    *ret_p = p;
    *ret_eol = eol ? eol : end;
    return true;
}

/* The byte of the line at the column. */
static const char *place_of(const struct loc *loc, const char *p, const char *eol)
{
    for (uint32_t col = 1; p < eol && col < loc->col; col++) {
        size_t k = utf8_len(p, (size_t)(eol - p));

        p += k ? k : 1;
    }
    return p;
}

uint32_t diag_end_col(const struct loc *loc)
{
    const char *p, *eol, *at;
    uint32_t n = 0;

    if (!loc->file || !loc->file->text || !loc->line || !line_of(loc, &p, &eol))
        return 0;
    at = place_of(loc, p, eol);
    for (p = at; p < eol && (p == at || !strchr(" \t\r,()[]{}\"'", *p)); p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    return loc->col + (n ? n : 1);
}

/* @return behind the word at @p p, a text in quotes being one. */
static const char *past_word(const char *p, const char *eol)
{
    const char *end = *p == '"' || *p == '\'' ? memchr(p + 1, *p, (size_t)(eol - p - 1)) : NULL;

    if (*p == '"' || *p == '\'')
        return end ? end + 1 : eol;
    for (; p < eol && !strchr(" \t\r,[]{}", *p); p++)
        if (*p == ':' && (p + 1 == eol || strchr(" \t\r", p[1])))
            break;
    return p;
}

/* A line without its values: its keys, and the value that stands at the place or around it.
 * @return where the place is now. */
static size_t add_veiled(struct buf *b, const char *p, const char *eol, const char *at)
{
    bool in_value = false; /* behind a key of its own line */
    size_t place = 0;

    while (p < eol) {
        bool is_word = !strchr(" \t\r,[]{}:", *p);
        const char *end = is_word ? past_word(p, eol) : p + 1;
        bool is_key = is_word && end < eol && *end == ':';

        /* a condition in which something is wrong */
        if (in_value && is_word && !is_key && p < at && *past_word(at, eol) != ':' &&
            !memmem(p, (size_t)(at - p), ": ", 2))
            end = eol;
        if (p <= at)
            place = b->len + (size_t)(p == at ? 0 : at < end ? at - p : 0);
        if (is_word && !is_key && !(p <= at && at < end) && !(*p == '-' && end == p + 1))
            buf_adds(b, "…");
        else
            buf_add(b, p, (size_t)(end - p));
        in_value = is_key || (in_value && strchr(" \t:", *p));
        p = end;
    }
    return at < eol ? place : b->len;
}

/* The line itself and a caret below the column; a long line is shown around the place. */
static void show_line(const struct loc *loc, const char *prefix, FILE *f)
{
    const char *p, *eol, *at;
    struct buf b, veiled;

    if (!line_of(loc, &p, &eol))
        return;
    at = place_of(loc, p, eol);
    buf_init(&veiled, 65536);
    if (loc->file->veiled) {
        size_t place = add_veiled(&veiled, p, eol, at);

        p = veiled.p;
        at = p + (place < veiled.len ? place : veiled.len);
        eol = p + veiled.len;
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
    buf_free(&veiled);
    (void)fputs("^\n", f);
}

static bool same_file(const struct diag *a, const struct diag *b)
{
    const struct source_file *x = a->loc.file, *y = b->loc.file;

    return x == y || (x && y && strcmp(x->path, y->path) == 0);
}

/* Where it stands among those of its file. */
static int by_place(const struct diag *a, const struct diag *b)
{
    if (a->loc.line != b->loc.line)
        return a->loc.line < b->loc.line ? -1 : 1;
    return (a->loc.col > b->loc.col) - (a->loc.col < b->loc.col);
}

uint32_t diags_in_order(const struct diags *d, const struct diag *ret[DIAGS_MAX])
{
    uint32_t n = 0, at;

    for (const struct diag *g = d->first; g && n < DIAGS_MAX; g = g->next) {
        /* Behind the last of its file that does not stand behind it; a new file at the end. */
        for (at = n; at > 0 && !same_file(ret[at - 1], g); at--)
            ;
        at = at ? at : n;
        while (at > 0 && same_file(ret[at - 1], g) && by_place(ret[at - 1], g) > 0)
            at--;
        memmove(&ret[at + 1], &ret[at], (n - at) * sizeof(struct diag *));
        ret[at] = g;
        n++;
    }
    return n;
}

void diags_print(const struct diags *d, FILE *f, bool color)
{
    static const char *const tint[] = {"\033[31;1m", "\033[33;1m", "\033[36;1m"};
    static const enum log_level level[] = {LOG_L_ERROR, LOG_L_WARNING, LOG_L_INFO};
    const struct diag *all[DIAGS_MAX];
    uint32_t n = diags_in_order(d, all);

    for (uint32_t i = 0; i < n; i++) {
        const struct diag *g = all[i];
        const char *prefix = log_prefix(level[g->severity]);
        struct buf b;

        (void)fputs(prefix, f);
        buf_init(&b, 8192);
        text_add_safe(&b, g->text, strlen(g->text));
        if (g->loc.file)
            (void)fprintf(f, "%s:", g->loc.file->path);
        if (g->loc.line)
            (void)fprintf(f, "%u:%u:", g->loc.line, g->loc.col);
        (void)fprintf(f, "%s%s%s:%s %s", g->loc.file ? " " : "", color ? tint[g->severity] : "",
                      diag_severity_name(g->severity), color ? "\033[0m" : "", b.p);
        (void)fprintf(f, "%s%s%s\n", d->lint && g->code ? " [" : "",
                      d->lint ? diag_code_name(g->code) : "", d->lint && g->code ? "]" : "");
        buf_free(&b);
        if (g->loc.file && g->loc.file->text && g->loc.line)
            show_line(&g->loc, prefix, f);
    }
    if (d->n_errors + d->n_warnings + d->n_infos > d->n)
        (void)fprintf(f, "… and %u more\n", d->n_errors + d->n_warnings + d->n_infos - d->n);
}
