/* SPDX-License-Identifier: Apache-2.0 */
/* From a place in a scalar's value back to the place in the file: the two texts are walked side
 * by side, the file's with the indents, folds and escapes that the value lacks. */
#include "base/yaml.h"

#include <string.h>

struct walk {
    const char *t;   /* the file's text */
    size_t at, end;  /* bytes in it */
    struct loc loc;  /* of at */
    uint32_t indent; /* of a block scalar */
};

static void step(struct walk *w)
{
    char c = w->t[w->at++];

    if (c == '\n')
        w->loc.line++, w->loc.col = 1;
    else if (w->at >= w->end || ((unsigned char)w->t[w->at] & 0xc0) != 0x80)
        w->loc.col++; /* not inside a character */
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Only blanks up to the end of the line? */
static bool at_break(const struct walk *w)
{
    size_t i = w->at;

    while (i < w->end && is_blank(w->t[i]))
        i++;
    return i < w->end && w->t[i] == '\n';
}

static void skip_indent(struct walk *w)
{
    for (uint32_t i = 0; i < w->indent && w->at < w->end && w->t[w->at] == ' '; i++)
        step(w);
}

/* Past the header line of a block scalar; its indent is that of its first line with text (which is
 * near enough when the header gives the indent). */
static void enter_block(struct walk *w)
{
    size_t line, i;

    while (w->at < w->end && w->t[w->at] != '\n')
        step(w);
    if (w->at < w->end)
        step(w);
    for (line = i = w->at; i < w->end; i++) {
        if (w->t[i] == '\n')
            line = i + 1;
        else if (w->t[i] != ' ' && w->t[i] != '\r')
            break;
    }
    w->indent = i < w->end ? (uint32_t)(i - line) : 0;
    skip_indent(w);
}

/* A run of line breaks in the file, and what it became in the value: one blank, or newlines. */
static size_t cross_breaks(struct walk *w, const char *v, size_t i, size_t len, bool block)
{
    while (i < len && v[i] == '\n')
        i++;
    if (i < len && v[i] == ' ' && !(i > 0 && v[i - 1] == '\n'))
        i++;
    while (w->at < w->end && at_break(w)) {
        while (w->t[w->at] != '\n')
            step(w);
        step(w);
        if (block)
            skip_indent(w);
        else
            while (w->at < w->end && is_blank(w->t[w->at]))
                step(w);
    }
    return i;
}

/* An escape of a double-quoted scalar: @return the bytes it became. */
static size_t cross_escape(struct walk *w)
{
    static const char hex[] = "xuU";
    uint32_t cp = 0;
    const char *h;
    int digits;

    step(w);
    if (w->at >= w->end)
        return 0;
    if (at_break(w)) { /* an escaped line break is nothing at all */
        (void)cross_breaks(w, "", 0, 0, false);
        return 0;
    }
    h = strchr(hex, w->t[w->at]);
    switch (w->t[w->at]) {
    case 'N':
    case '_':
        step(w);
        return 2;
    case 'L':
    case 'P':
        step(w);
        return 3;
    default:
        step(w);
    }
    if (!h)
        return 1;
    digits = 2 << (h - hex);
    for (; digits > 0 && w->at < w->end; digits--, step(w)) {
        char c = w->t[w->at];

        cp = cp * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
}

struct loc yaml_loc_at(const struct ynode *scalar, size_t off)
{
    struct walk w = {scalar->loc.file->text, scalar->begin, scalar->end, scalar->loc, 0};
    const char *v = scalar->str;
    size_t i = 0, len = off < scalar->len ? off : scalar->len;
    char quote = w.at < w.end ? w.t[w.at] : '\0';
    bool block = !scalar->plain && (quote == '|' || quote == '>');

    if (scalar->kind != Y_SCALAR)
        return scalar->loc;
    if (block)
        enter_block(&w);
    else if (!scalar->plain && w.at < w.end)
        step(&w);
    while (i < len && w.at < w.end) {
        if (block && w.t[w.at] == '\r' && w.at + 1 < w.end && w.t[w.at + 1] == '\n') {
            step(&w);
        } else if (block && quote == '|' && w.t[w.at] == '\n') {
            i++;
            step(&w);
            skip_indent(&w);
        } else if (block ? w.t[w.at] == '\n' : at_break(&w)) {
            i = cross_breaks(&w, v, i, scalar->len, block);
        } else if (!scalar->plain && quote == '"' && w.t[w.at] == '\\') {
            i += cross_escape(&w);
        } else {
            if (!scalar->plain && quote == '\'' && w.t[w.at] == '\'')
                step(&w); /* '' is one quote */
            step(&w);
            i++;
        }
    }
    if (!scalar->plain && quote == '"' && w.at < w.end && w.t[w.at] == '\\') {
        struct walk next = w;

        step(&next); /* an escaped line break stands for nothing: what counts is behind it */
        if (next.at < next.end && at_break(&next))
            (void)cross_escape(&w);
    }
    return w.loc;
}
