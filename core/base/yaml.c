/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

enum { FILE_SIZE_MAX = 16 << 20, DEPTH_MAX = 64, NODES_MAX = 1000000, ANCHORS_MAX = 4096 };

struct anchor {
    const char *name;
    struct ynode *node;
    uint32_t size; /* nodes it stands for; 0: not complete, or it holds an alias itself */
};

/* A sequence or mapping that is still open. */
struct frame {
    struct ynode *node;
    uint32_t first;        /* where its items begin on the stack */
    uint32_t nodes_before; /* nodes made before it */
    struct anchor *anchor; /* to complete at its end */
    bool has_alias;
};

struct loader {
    yaml_parser_t parser;
    struct source_file *file, *blind; /* blind: without its text */
    struct arena *arena;
    struct diags *d;
    size_t at_char, at_byte; /* where the last mark was found: the next one is near */
    struct ynode **stack;    /* items of all open frames, one after the other */
    uint32_t n_stack, cap_stack;
    struct frame frames[DEPTH_MAX];
    uint32_t depth, n_nodes;
    struct anchor *anchors;
    uint32_t n_anchors;
    struct map by_anchor;
    struct ynode *root; /* of the document being read */
};

static struct loc loc_of(const struct loader *l, const yaml_mark_t *m)
{
    return (struct loc){l->file, (uint32_t)m->line + 1, (uint32_t)m->column + 1};
}

__attribute__((format(printf, 3, 4))) static int fail(struct loader *l, struct loc loc,
                                                      const char *fmt, ...)
{
    struct buf b;
    va_list ap;

    buf_init(&b, 1024);
    va_start(ap, fmt);
    buf_vaddf(&b, fmt, ap);
    va_end(ap);
    if (l->file->veiled) /* where it makes no sense, nobody knows what is a value */
        loc.file = l->blind;
    diag_error(l->d, loc, "%s", b.p);
    buf_free(&b);
    return -EINVAL;
}

static int no_memory(struct loader *l)
{
    diag_error(l->d, ((struct loc){l->file, 0, 0}), "too large: no memory left for it");
    return -ENOMEM;
}

/* libyaml counts characters, we want bytes. Marks come nearly in order. */
static size_t byte_of(struct loader *l, size_t index)
{
    const char *t = l->file->text;

    while (l->at_char < index && l->at_byte < l->file->len) {
        do
            l->at_byte++;
        while (l->at_byte < l->file->len && (t[l->at_byte] & 0xc0) == 0x80);
        l->at_char++;
    }
    while (l->at_char > index && l->at_byte > 0) {
        do
            l->at_byte--;
        while (l->at_byte > 0 && (t[l->at_byte] & 0xc0) == 0x80);
        l->at_char--;
    }
    return l->at_byte;
}

/* A node begins where its tag or anchor does: step over those, to its own first character. */
static void skip_properties(struct ynode *n)
{
    const char *t = n->loc.file->text;

    while (n->begin < n->end && (t[n->begin] == '!' || t[n->begin] == '&')) {
        while (n->begin < n->end && !strchr(" \t\r\n", t[n->begin]))
            n->begin++, n->loc.col++;
        while (n->begin < n->end && strchr(" \t\r\n", t[n->begin])) {
            n->loc.col++;
            if (t[n->begin++] == '\n')
                n->loc.line++, n->loc.col = 1;
        }
    }
}

static struct ynode *node_new(struct loader *l, enum ynode_kind kind, const yaml_event_t *e)
{
    struct ynode *n = arena_alloc(l->arena, sizeof(*n));

    if (!n)
        return NULL;
    n->kind = kind;
    n->loc = loc_of(l, &e->start_mark);
    n->begin = byte_of(l, e->start_mark.index);
    if (kind == Y_SCALAR) {
        n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        n->len = e->data.scalar.length;
        n->str = arena_strndup(l->arena, (const char *)e->data.scalar.value, n->len);
        n->end = byte_of(l, e->end_mark.index);
        skip_properties(n);
        return n->str ? n : NULL;
    }
    n->end = n->begin;
    return n;
}

/* Two equal keys in one mapping: one of them would be lost in silence. */
static int check_keys(struct loader *l, const struct ynode *map)
{
    struct map seen = {0};
    const struct ynode *key, *other;
    int r = 0;

    for (uint32_t i = 0; i < map->n && r == 0; i++) {
        key = map->items[2 * i];
        if (key->kind != Y_SCALAR) {
            r = fail(l, key->loc, "a key must be text, not %s", ynode_kind_name(key));
            break;
        }
        other = map_get(&seen, key->str, key->len);
        if (other)
            r = fail(l, key->loc, "key '%.100s' is there twice, first in line %u", key->str,
                     other->loc.line);
        else if (map_put(&seen, key->str, key->len, map->items[2 * i]) < 0)
            r = no_memory(l);
    }
    map_free(&seen);
    return r;
}

/* A finished node becomes an item of the innermost open one, or the root. */
static int add_item(struct loader *l, struct ynode *n)
{
    struct ynode **p;

    if (l->depth == 0) {
        l->root = n;
        return 0;
    }
    if (l->n_stack == l->cap_stack) {
        p = realloc(l->stack, (l->cap_stack * 2 + 64) * sizeof(*p));
        if (!p)
            return no_memory(l);
        l->stack = p;
        l->cap_stack = l->cap_stack * 2 + 64;
    }
    l->stack[l->n_stack++] = n;
    return 0;
}

static int count_nodes(struct loader *l, struct loc loc, uint32_t n)
{
    if (n > NODES_MAX - l->n_nodes)
        return fail(l, loc, "more than %d values in one file", NODES_MAX);
    l->n_nodes += n;
    return 0;
}

static int add_anchor(struct loader *l, const yaml_char_t *name, struct ynode *n, uint32_t size,
                      struct anchor **ret)
{
    struct anchor *a;

    *ret = NULL;
    if (!name)
        return 0;
    if (!l->anchors)
        l->anchors = arena_array(l->arena, ANCHORS_MAX, sizeof(*a));
    if (!l->anchors)
        return no_memory(l);
    if (l->n_anchors == ANCHORS_MAX)
        return fail(l, n->loc, "more than %d anchors in one file", ANCHORS_MAX);
    a = &l->anchors[l->n_anchors++];
    *a = (struct anchor){arena_strdup(l->arena, (const char *)name), n, size};
    if (!a->name || map_put(&l->by_anchor, a->name, strlen(a->name), a) < 0)
        return no_memory(l);
    *ret = a;
    return 0;
}

static int on_alias(struct loader *l, const yaml_event_t *e)
{
    const char *name = (const char *)e->data.alias.anchor;
    const struct anchor *a = map_gets(&l->by_anchor, name);
    struct loc loc = loc_of(l, &e->start_mark);
    int r;

    if (!a)
        return fail(l, loc, "alias '*%.100s' names no anchor before it", name);
    if (a->size == 0)
        return fail(l, loc, "alias '*%.100s' stands for something that holds an alias itself",
                    name);
    r = count_nodes(l, loc, a->size);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < l->depth; i++)
        l->frames[i].has_alias = true;
    return add_item(l, a->node);
}

static int on_scalar(struct loader *l, const yaml_event_t *e)
{
    struct ynode *n = node_new(l, Y_SCALAR, e);
    struct anchor *a;
    int r;

    if (!n)
        return no_memory(l);
    r = count_nodes(l, n->loc, 1);
    if (r == 0)
        r = add_anchor(l, e->data.scalar.anchor, n, 1, &a);
    return r == 0 ? add_item(l, n) : r;
}

static int on_open(struct loader *l, enum ynode_kind kind, const yaml_event_t *e)
{
    struct frame *f;
    struct ynode *n = node_new(l, kind, e);
    int r;

    if (!n)
        return no_memory(l);
    if (l->depth == DEPTH_MAX)
        return fail(l, n->loc, "nested more than %d deep", DEPTH_MAX);
    f = &l->frames[l->depth];
    *f = (struct frame){.node = n, .first = l->n_stack, .nodes_before = l->n_nodes};
    r = count_nodes(l, n->loc, 1);
    if (r == 0)
        r = add_anchor(l,
                       kind == Y_SEQ ? e->data.sequence_start.anchor : e->data.mapping_start.anchor,
                       n, 0, &f->anchor);
    l->depth++;
    return r;
}

static int on_close(struct loader *l, const yaml_event_t *e)
{
    struct frame *f = &l->frames[--l->depth];
    struct ynode *n = f->node;
    uint32_t items = l->n_stack - f->first;
    int r;

    n->end = byte_of(l, e->end_mark.index);
    n->n = n->kind == Y_MAP ? items / 2 : items;
    n->items = arena_array(l->arena, items + 1, sizeof(*n->items));
    if (!n->items)
        return no_memory(l);
    if (items)
        memcpy(n->items, l->stack + f->first, items * sizeof(*n->items));
    l->n_stack = f->first;
    if (n->kind == Y_MAP) {
        r = check_keys(l, n);
        if (r < 0)
            return r;
    }
    if (f->anchor && !f->has_alias)
        f->anchor->size = l->n_nodes - f->nodes_before;
    return add_item(l, n);
}

/* What libyaml does not take as a character at all. */
static int encoding_error(struct loader *l)
{
    const yaml_parser_t *p = &l->parser;
    struct loc loc = {l->file, 1, 1};
    const unsigned char *t = (const unsigned char *)l->file->text;

    for (size_t i = 0; i < p->problem_offset && i < l->file->len; i++) {
        loc.col += (t[i] & 0xc0) != 0x80;
        if (t[i] == '\n')
            loc.line++, loc.col = 1;
    }
    if (l->file->len > 1 && (t[0] ^ t[1]) == 1 && t[0] >= 0xfe)
        return fail(l, loc, "YAML: the file is UTF-16; save it as UTF-8");
    if (strstr(p->problem, "UTF-8"))
        return fail(l, loc, "YAML: this is not UTF-8; save the file as UTF-8");
    return fail(l, loc, "YAML: a control character (0x%02x) stands here",
                (unsigned)p->problem_value);
}

/* libyaml's words say what its scanner missed; ours, what is probably wrong. */
static const char *better(const char *problem, char at)
{
    static const struct {
        const char *theirs, *ours;
    } words[] = {
        {"found a tab character", "a tab cannot indent; use blanks"},
        {"mapping values are not allowed", "a ':' cannot stand here: a value that holds ': ' needs "
                                           "quotes, or the indentation is wrong"},
        {"did not find expected key",
         "expected the next key: a quote or bracket is missing above or too many here, or the "
         "indentation is wrong"},
        {"did not find expected ','", "expected ',' or ']': a bracket is not closed"},
        {"did not find expected '-'", "expected '-' here: the indentation is wrong"},
        {"could not find expected ':'",
         "expected ':' behind a key; the lines of a text block must be indented"},
        {"found unexpected end of stream", "a quote is not closed"},
    };

    if (strstr(problem, "cannot start any token")) {
        if (at == '\t')
            return words[0].ours;
        return "a value that begins with this character needs quotes";
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strncmp(problem, words[i].theirs, strlen(words[i].theirs)) == 0)
            return words[i].ours;
    return problem;
}

static int syntax_error(struct loader *l)
{
    const yaml_parser_t *p = &l->parser;
    struct loc loc = loc_of(l, &p->problem_mark);
    const char *says;
    size_t at;

    if (p->error == YAML_MEMORY_ERROR)
        return no_memory(l);
    if (p->error == YAML_READER_ERROR)
        return encoding_error(l);
    at = byte_of(l, p->problem_mark.index);
    says = better(p->problem, at < l->file->len ? l->file->text[at] : '\0');
    if (p->context && p->context_mark.line != p->problem_mark.line &&
        (says == p->problem || strstr(says, "not closed")))
        return fail(l, loc, "YAML: %s; see line %zu, where it begins", says,
                    p->context_mark.line + 1);
    return fail(l, loc, "YAML: %s", says);
}

static int on_event(struct loader *l, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return on_alias(l, e);
    case YAML_SCALAR_EVENT:
        return on_scalar(l, e);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(l, Y_SEQ, e);
    case YAML_MAPPING_START_EVENT:
        return on_open(l, Y_MAP, e);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_close(l, e);
    default:
        return 0;
    }
}

/* An empty document is a plain scalar without text. */
static bool is_nothing(const struct ynode *n)
{
    return n->kind == Y_SCALAR && n->plain && n->len == 0;
}

static int read_documents(struct loader *l, struct ydocs *docs)
{
    struct ynode **roots;
    yaml_event_t e;
    bool is_end = false;
    int r = 0;

    while (r == 0 && !is_end) {
        if (!yaml_parser_parse(&l->parser, &e))
            return syntax_error(l);
        is_end = e.type == YAML_STREAM_END_EVENT;
        r = on_event(l, &e);
        if (r == 0 && e.type == YAML_DOCUMENT_END_EVENT && l->root && !is_nothing(l->root)) {
            /* Anchors end with their document, documents are few: copying is cheap enough. */
            roots = docs->n < YAML_DOCS_MAX
                        ? arena_array(l->arena, docs->n + 1, sizeof(*docs->roots))
                        : NULL;
            if (!roots)
                r = docs->n < YAML_DOCS_MAX
                        ? no_memory(l)
                        : fail(l, l->root->loc, "more than %d documents in one file",
                               YAML_DOCS_MAX);
            else {
                if (docs->n)
                    memcpy(roots, docs->roots, docs->n * sizeof(*roots));
                roots[docs->n++] = l->root;
                docs->roots = roots;
            }
        }
        if (e.type == YAML_DOCUMENT_END_EVENT) {
            l->root = NULL;
            map_free(&l->by_anchor);
            l->by_anchor = (struct map){0};
        }
        yaml_event_delete(&e);
    }
    return r;
}

int yaml_parse_docs(const char *path, const char *text, size_t len, struct arena *arena,
                    struct diags *d, struct ydocs *ret)
{
    struct source_file *file = arena_alloc(arena, sizeof(*file));
    struct loader l = {.file = file, .arena = arena, .d = d};
    struct ydocs docs = {.file = file};
    int r;

    if (!file)
        return no_memory(&l);
    file->path = arena_strdup(arena, path);
    l.blind = arena_alloc(arena, sizeof(*l.blind));
    if (!file->path || !l.blind)
        return no_memory(&l);
    file->veiled = d->veils;
    l.blind->path = file->path;
    if (len > FILE_SIZE_MAX)
        return fail(&l, (struct loc){file, 0, 0}, "larger than %d MiB", FILE_SIZE_MAX >> 20);
    /* libyaml would count the byte order mark of editors for Windows as a column. */
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3, len -= 3;
    file->text = arena_strndup(arena, text, len);
    if (!file->text || !yaml_parser_initialize(&l.parser))
        return no_memory(&l);
    file->len = len;
    yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)file->text, len);
    r = read_documents(&l, &docs);
    yaml_parser_delete(&l.parser);
    map_free(&l.by_anchor);
    free(l.stack);
    if (r == 0)
        *ret = docs;
    return r;
}

int yaml_parse(const char *path, const char *text, size_t len, struct arena *arena, struct diags *d,
               struct ynode **ret_root)
{
    struct ydocs docs;
    int r = yaml_parse_docs(path, text, len, arena, d, &docs);

    if (r < 0)
        return r;
    if (docs.n > 1) {
        diag_error(d, docs.roots[1]->loc, "a second document in one file");
        return -EINVAL;
    }
    *ret_root = docs.n ? docs.roots[0] : NULL;
    return 0;
}

int yaml_load_docs(const char *path, struct arena *arena, struct diags *d, struct ydocs *ret)
{
    _cleanup_free_ char *text = NULL;
    struct gyr_error err;
    size_t len;
    int fd, r;

    fd = open_trusted(path, &err);
    r = fd;
    if (fd >= 0) {
        r = read_fd(fd, path, FILE_SIZE_MAX, &text, &len, &err);
        (void)close(fd);
    }
    if (r < 0) {
        diag_error(d, ((struct loc){NULL, 0, 0}), "%s", err.msg);
        return r == -ENOMEM ? r : -EINVAL;
    }
    return yaml_parse_docs(path, text, len, arena, d, ret);
}

int yaml_load(const char *path, struct arena *arena, struct diags *d, struct ynode **ret_root)
{
    struct ydocs docs;
    int r = yaml_load_docs(path, arena, d, &docs);

    if (r < 0)
        return r;
    if (docs.n > 1) {
        diag_error(d, docs.roots[1]->loc, "a second document in one file");
        return -EINVAL;
    }
    *ret_root = docs.n ? docs.roots[0] : NULL;
    return 0;
}

struct ynode *ymap_get(const struct ynode *n, const char *key)
{
    size_t len = strlen(key);

    if (!n || n->kind != Y_MAP)
        return NULL;
    for (uint32_t i = 0; i < n->n; i++)
        if (n->items[2 * i]->len == len && memcmp(n->items[2 * i]->str, key, len) == 0)
            return n->items[2 * i + 1];
    return NULL;
}

bool ynode_is_null(const struct ynode *n)
{
    return n->kind == Y_SCALAR && n->plain &&
           (n->len == 0 || strcmp(n->str, "~") == 0 || strcmp(n->str, "null") == 0);
}

const char *ynode_kind_name(const struct ynode *n)
{
    if (!n || is_nothing(n))
        return "nothing";
    return n->kind == Y_SCALAR ? "text" : n->kind == Y_SEQ ? "a list" : "a mapping";
}
