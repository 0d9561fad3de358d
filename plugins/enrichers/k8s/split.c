/* SPDX-License-Identifier: Apache-2.0 */
#include "split.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 8192, KEEP = 256 << 10 };

static int put(struct split_buf *b, const char *p, size_t n, size_t max)
{
    size_t cap = b->cap ? b->cap : STEP;
    char *q;

    if (n >= max - b->len)
        return -EMSGSIZE;
    if (b->len + n + 1 > b->cap) {
        while (cap < b->len + n + 1)
            cap *= 2;
        q = realloc(b->p, cap);
        if (!q)
            return -ENOMEM;
        b->p = q;
        b->cap = cap;
    }
    memcpy(b->p + b->len, p, n);
    b->len += n;
    b->p[b->len] = '\0';
    return 0;
}

/* Keep bytes: of the element that is open, or of what stands around. */
static int keep(struct split *s, const char *p, size_t n)
{
    int r;

    if (!n || s->skipping)
        return 0;
    if (!s->item_depth)
        return s->is_list ? put(&s->head, p, n, SPLIT_HEAD_MAX) : 0;
    r = put(&s->item, p, n, SPLIT_ITEM_MAX);
    if (r == -EMSGSIZE) {
        s->skipping = true;
        s->too_long++;
        r = 0;
    }
    return r;
}

static int item_end(struct split *s)
{
    int r = 0;

    s->item_depth = 0;
    if (!s->skipping)
        r = s->on_item(s->arg, s->item.p, s->item.len);
    s->skipping = false;
    s->item.len = 0;
    if (s->item.cap > KEEP) { /* one giant does not stay for ever */
        free(s->item.p);
        s->item = (struct split_buf){0};
    }
    return r;
}

static int open_bracket(struct split *s, char c)
{
    if (++s->depth > SPLIT_DEPTH_MAX)
        return -EBADMSG;
    if (s->item_depth)
        return 0;
    if (!s->is_list) {
        if (c != '{')
            return -EBADMSG;
        s->item_depth = s->depth;
    } else if (s->in_items) {
        if (c != '{')
            return -EBADMSG;
        s->item_depth = s->depth;
    } else if (s->depth == 1 && c != '{') {
        return -EBADMSG;
    }
    return 0;
}

/* Whether a bracket opens the list of items. */
static bool opens_items(const struct split *s, char c)
{
    return s->is_list && c == '[' && s->depth == 1 && !s->item_depth && s->key_len == 5 &&
           memcmp(s->key, "items", 5) == 0;
}

static bool is_between(const struct split *s)
{
    return !s->item_depth && (s->is_list ? s->in_items : s->depth == 0);
}

/* Inside a string: where it ends, or where the bytes end. */
static const char *string_end(struct split *s, const char *p, const char *end)
{
    for (; p < end; p++) {
        bool of_top = s->is_list && s->depth == 1;

        if (s->escaped) {
            s->escaped = false;
        } else if (*p == '\\') {
            s->escaped = true;
        } else if (*p == '"') {
            s->in_string = false;
            return p + 1;
        }
        if (of_top && s->key_len <= sizeof(s->key)) {
            if (s->key_len < sizeof(s->key))
                s->key[s->key_len] = *p;
            s->key_len++;
        }
    }
    return p;
}

/* A bracket or quote, or what may stand between. @return 0; an error. */
static int one(struct split *s, const char *p)
{
    char c = *p;
    int r = 0;

    if (is_between(s) && c != '{' && c != ']' && c != ',' && c != ' ' && c != '\n' && c != '\r' &&
        c != '\t')
        return -EBADMSG;
    switch (c) {
    case '"':
        s->in_string = true;
        if (s->depth == 1)
            s->key_len = 0;
        return 0;
    case '{':
    case '[':
        if (opens_items(s, c)) {
            r = keep(s, p, 1);
            s->in_items = true;
            s->depth++;
            return r;
        }
        return open_bracket(s, c);
    case '}':
    case ']':
        if (!s->depth)
            return -EBADMSG;
        s->depth--;
        if (s->in_items && !s->item_depth)
            s->in_items = false;
        return 0;
    default:
        return 0;
    }
}

int split_feed(struct split *s, const char *p, size_t n)
{
    const char *end = p + n, *from = p;
    int r = 0;

    while (p < end && r == 0) {
        bool was_between, items;

        if (s->in_string) {
            p = string_end(s, p, end);
            continue;
        }
        if (*p != '"' && *p != '{' && *p != '}' && *p != '[' && *p != ']' && !is_between(s)) {
            p++;
            continue;
        }
        was_between = is_between(s);
        items = s->in_items;
        /* what was gathered so far belongs to the state before this byte */
        if (was_between || *p == '{' || *p == '[') {
            if (!was_between)
                r = keep(s, from, (size_t)(p - from));
            from = p;
        }
        if (r == 0)
            r = one(s, p);
        p++;
        if (r == 0 && s->item_depth && s->depth < s->item_depth) {
            r = keep(s, from, (size_t)(p - from));
            from = p;
            if (r == 0)
                r = item_end(s);
        } else if (s->in_items != items && s->in_items) {
            from = p; /* one() kept it */
        } else if (was_between && is_between(s)) {
            from = p; /* commas and blanks between elements */
        }
    }
    if (r == 0 && !is_between(s))
        r = keep(s, from, (size_t)(end - from));
    return r;
}

bool split_is_whole(const struct split *s)
{
    return s->depth == 0 && !s->in_string;
}

const char *split_head(const struct split *s)
{
    return s->head.len ? s->head.p : "";
}

void split_reset(struct split *s)
{
    s->item.len = s->head.len = 0;
    s->depth = s->item_depth = s->key_len = 0;
    s->in_string = s->escaped = s->in_items = s->skipping = false;
}

void split_free(struct split *s)
{
    free(s->item.p);
    free(s->head.p);
    s->item = s->head = (struct split_buf){0};
}
