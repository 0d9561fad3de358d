/* SPDX-License-Identifier: Apache-2.0 */
#include "alert/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct move {
    char *to;
    uint64_t base, len;
    bool bad;
};

/* Where @p p points now; n bytes from there must be in the block. */
static void *move(struct move *m, const void *p, uint64_t n, uint64_t align)
{
    uint64_t off = (uint64_t)(uintptr_t)p - m->base;

    if (off > m->len || n > m->len - off || off % align) {
        m->bad = true;
        return m->to;
    }
    return m->to + off;
}

static const char *move_text(struct move *m, const char *p)
{
    const char *s = move(m, p, 1, 1);

    if (!m->bad && !memchr(s, 0, (size_t)(m->to + m->len - s)))
        m->bad = true;
    return s;
}

static const char *move_exact(struct move *m, const char *p, uint32_t n)
{
    const char *s = move(m, p, (uint64_t)n + 1, 1);

    if (!m->bad && s[n])
        m->bad = true;
    return s;
}

static void move_scalar(struct move *m, struct gyr_value *v)
{
    if (v->type == GYR_T_STR || v->type == GYR_T_BYTES || v->type == GYR_T_IP ||
        v->type == GYR_T_NET)
        v->u.ptr = move_exact(m, v->u.ptr, v->len);
    else if (v->type == GYR_T_LIST)
        m->bad = true; /* lists hold scalars */
}

static void move_value(struct move *m, struct gyr_value *v)
{
    struct gyr_value *items;

    if (v->type != GYR_T_LIST) {
        move_scalar(m, v);
        return;
    }
    items = move(m, v->u.ptr, (uint64_t)v->len * sizeof(*items), 8);
    v->u.ptr = items;
    for (uint32_t i = 0; i < v->len && !m->bad; i++)
        move_scalar(m, &items[i]);
}

static void move_all(struct move *m, struct gyr_alert *a)
{
    struct gyr_alert_field *f;
    const char **tags;

    f = move(m, a->fields, (uint64_t)a->n_fields * sizeof(*f), 8);
    tags = move(m, a->tags, (uint64_t)a->n_tags * sizeof(*tags), 8);
    if (m->bad)
        return;
    a->fields = f;
    a->tags = tags;
    a->uuid = move_text(m, a->uuid);
    a->rule = move_text(m, a->rule);
    a->source = move_text(m, a->source);
    a->hostname = move_text(m, a->hostname);
    a->text = move_exact(m, a->text, a->text_len);
    a->json = move_exact(m, a->json, a->json_len);
    for (uint32_t i = 0; i < a->n_tags && !m->bad; i++)
        tags[i] = move_text(m, tags[i]);
    for (uint32_t i = 0; i < a->n_fields && !m->bad; i++) {
        f[i].name = move_text(m, f[i].name);
        f[i].text = move_text(m, f[i].text);
        move_value(m, &f[i].value);
    }
}

/* With @p extra bytes of room behind it. */
static int read_block(const void *bytes, uint32_t len, uint64_t base, uint32_t extra,
                      struct alert **ret)
{
    struct move m = {.base = base, .len = len};
    struct alert *a;

    if (len < sizeof(a->a))
        return -EBADMSG;
    a = malloc(offsetof(struct alert, a) + len + extra);
    if (!a)
        return -ENOMEM;
    m.to = (char *)&a->a;
    memcpy(m.to, bytes, len);
    move_all(&m, &a->a);
    if (m.bad) {
        free(a);
        return -EBADMSG;
    }
    a->a.size = sizeof(a->a);
    a->len = len + extra;
    atomic_init(&a->refs, 1);
    *ret = a;
    return 0;
}

int block_read(const void *bytes, uint32_t len, uint64_t base, struct alert **ret)
{
    return read_block(bytes, len, base, 0, ret);
}

static const char *put(char **at, const char *s, size_t n)
{
    char *to = memcpy(*at, s, n + 1);

    *at += n + 1;
    return to;
}

int block_copy(const struct alert *a, const struct block_change *c, struct alert **ret)
{
    size_t uuid = strlen(c->uuid), text = strlen(c->text), json = strlen(c->json);
    char *at;
    int r =
        read_block(block_bytes(a), a->len, block_base(a), (uint32_t)(uuid + text + json + 3), ret);

    if (r < 0)
        return r;
    at = (char *)&(*ret)->a + a->len;
    (*ret)->a.uuid = put(&at, c->uuid, uuid);
    (*ret)->a.text = put(&at, c->text, text);
    (*ret)->a.json = put(&at, c->json, json);
    (*ret)->a.text_len = (uint32_t)text;
    (*ret)->a.json_len = (uint32_t)json;
    return 0;
}
