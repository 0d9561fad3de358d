/* SPDX-License-Identifier: Apache-2.0 */
/* Fields asked for: bindings, get(), and tickets. */
#include "containers/state.h"

#include <errno.h>
#include <gyr/util.h>
#include <stdlib.h>
#include <string.h>

#define HELD_BIT (UINT64_C(1) << 63)

/* ---- bindings ---- */

static bool number(const char *s, int32_t *ret)
{
    int32_t v = 0;

    if (!*s || strlen(s) > 6)
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return false;
        v = v * 10 + (*s - '0');
    }
    *ret = v;
    return true;
}

int containers_bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                    uint32_t *ret_type, struct gyr_error *err)
{
    struct containers *c = self;
    const struct gyr_field *f = &containers_fields[field];
    struct ct_binding b = {.field = field, .used = true, .index = -1};
    uint32_t i = 0;

    (void)ret_type;
    if (arg && (!*arg || strlen(arg) >= CT_KEY_MAX))
        return gyr_fail(err, -EINVAL, "the argument of '%s' is empty or longer than %d bytes",
                        f->name, CT_KEY_MAX - 1);
    if (arg && !(f->flags & GYR_FF_INDEX && number(arg, &b.index)))
        memcpy(b.key, arg, strlen(arg) + 1);
    while (i < c->n_bindings && c->bindings[i].used)
        i++;
    if (i == CT_BINDINGS_MAX)
        return gyr_fail(err, -ENOSPC, "more than %d fields are in use", CT_BINDINGS_MAX);
    if (i == c->n_bindings) {
        struct ct_binding *p = reallocarray(c->bindings, i + 1u, sizeof(*p));

        if (!p)
            return gyr_fail(err, -ENOMEM, "no memory");
        c->bindings = p;
        c->n_bindings++;
    }
    c->bindings[i] = b;
    *ret_handle = i;
    return 0;
}

void containers_unbind(void *self, uint32_t handle)
{
    struct containers *c = self;

    c->bindings[handle].used = false;
}

/* ---- what a value needs of the event ---- */

static void read_about(struct containers *c, const struct gyr_event *ev, struct ct_about *a)
{
    const struct gyr_host *h = c->host;
    struct gyr_value v = {0};

    *a = (struct ct_about){.ts_ns = ev->ts_ns};
    if (c->h_start != UINT32_MAX && h->field(h->ctx, ev, c->h_start, &v) == GYR_PRESENT)
        a->start_ns = v.u.u64;
    if (c->h_line != UINT32_MAX && h->field(h->ctx, ev, c->h_line, &v) == GYR_PRESENT &&
        v.type == GYR_T_STR)
        a->lines[a->n_lines++] = v;
    if (c->h_lines != UINT32_MAX && h->field(h->ctx, ev, c->h_lines, &v) == GYR_PRESENT &&
        v.type == GYR_T_LIST) {
        const struct gyr_value *all = v.u.ptr;

        for (uint32_t i = 0; i < v.len && a->n_lines < CT_LINES_MAX; i++)
            if (all[i].type == GYR_T_STR)
                a->lines[a->n_lines++] = all[i];
    }
}

/* Keep it for later. @return the ticket; 0: no room. */
static uint64_t hold(struct containers *c, struct ct_entry *e, const struct ct_about *a)
{
    struct ct_held *h = NULL;
    size_t n = 1, used = 0;
    uint32_t i;

    if (!c->held)
        c->held = calloc(CT_HELD_MAX, sizeof(*c->held));
    for (i = 0; c->held && i < CT_HELD_MAX && !h; i++) {
        uint32_t at = (c->next_held + i) % CT_HELD_MAX;

        if (!c->held[at].entry)
            h = &c->held[at];
    }
    if (!h)
        return 0;
    for (i = 0; i < a->n_lines; i++)
        n += a->lines[i].len;
    h->bytes = malloc(n);
    if (!h->bytes)
        return 0;
    h->about = *a;
    for (i = 0; i < a->n_lines; i++) {
        memcpy(h->bytes + used, a->lines[i].u.ptr, a->lines[i].len);
        h->about.lines[i].u.ptr = h->bytes + used;
        used += a->lines[i].len;
    }
    h->entry = e;
    h->generation++;
    c->next_held = (uint32_t)(h - c->held) + 1;
    return HELD_BIT | (uint64_t)h->generation << 16 | (uint64_t)(h - c->held);
}

static struct ct_held *held_of(struct containers *c, uint64_t ticket)
{
    uint32_t at = (uint32_t)(ticket & 0xffff);
    struct ct_held *h = c->held && at < CT_HELD_MAX ? &c->held[at] : NULL;

    return h && h->entry && (uint32_t)(ticket >> 16) == h->generation ? h : NULL;
}

static void unhold(struct ct_held *h)
{
    free(h->bytes);
    h->bytes = NULL;
    h->entry = NULL;
}

/* ---- get, redeem, release ---- */

static int wait_for(struct containers *c, struct ct_entry *e, const struct gyr_event *ev,
                    const struct ct_binding *b, struct gyr_value *ret)
{
    uint64_t ticket = e->ticket;
    int r = 0;

    if (ct_needs_about(b->field)) {
        struct ct_about about;

        read_about(c, ev, &about);
        ticket = hold(c, e, &about);
        if (!ticket)
            return GYR_ABSENT;
        r = ct_mailbox_wait(&c->box, e->id, ticket);
        if (r < 0) {
            unhold(held_of(c, ticket));
            return GYR_ABSENT;
        }
        if (r == 1) /* the answer is in the mailbox: to be redeemed when this event is done */
            c->host->resolved(c->host->ctx, ticket);
    }
    e->refs++;
    ret->u.u64 = ticket;
    return GYR_PENDING;
}

int containers_get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    struct containers *c = self;
    const struct ct_binding *b = &c->bindings[handle];
    const struct ct_facts *told = ct_told_by(c, ev);
    struct ct_about about = {.ts_ns = ev->ts_ns};
    struct ct_entry *e;

    if (told)
        return ct_value(c, told, b, &about, c->told_event, ret);
    if (b->field <= CT_F_EVENT)
        return GYR_ABSENT; /* of other events the process enricher knows it */
    e = ct_look(c, ev);
    if (!e) {
        struct gyr_value id = {0};

        if (c->now.in_container || c->h_id == UINT32_MAX ||
            c->host->field(c->host->ctx, ev, c->h_id, &id) != GYR_PRESENT || id.len != 4 ||
            memcmp(id.u.ptr, "host", 4) != 0)
            return GYR_ABSENT;
        return ct_value_on_host(b, ret);
    }
    if (e->state == CT_E_ASKED)
        return wait_for(c, e, ev, b, ret);
    if (e->state == CT_E_NOBODYS)
        return GYR_ABSENT;
    if (ct_needs_about(b->field))
        read_about(c, ev, &about);
    return ct_value(c, e->facts, b, &about, NULL, ret);
}

int containers_redeem(void *self, uint32_t handle, uint64_t ticket, struct gyr_value *ret)
{
    struct containers *c = self;
    const struct ct_binding *b = &c->bindings[handle];
    struct ct_held *h = ticket & HELD_BIT ? held_of(c, ticket) : NULL;
    struct ct_about none = {0};
    struct ct_entry *e;

    ct_take_news(c);
    e = ticket & HELD_BIT ? (h ? h->entry : NULL) : ct_table_find_ticket(&c->table, ticket);
    if (!e)
        return GYR_ABSENT;
    if (e->state == CT_E_ASKED)
        return GYR_PENDING;
    if (e->state == CT_E_NOBODYS)
        return GYR_ABSENT;
    return ct_value(c, e->facts, b, h ? &h->about : &none, NULL, ret);
}

void containers_release(void *self, uint32_t handle, uint64_t ticket)
{
    struct containers *c = self;
    struct ct_held *h = ticket & HELD_BIT ? held_of(c, ticket) : NULL;
    struct ct_entry *e;

    (void)handle;
    e = ticket & HELD_BIT ? (h ? h->entry : NULL) : ct_table_find_ticket(&c->table, ticket);
    if (e && e->refs)
        e->refs--;
    if (h)
        unhold(h);
}
