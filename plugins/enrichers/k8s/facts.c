/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include "table.h"

#include <stdlib.h>
#include <string.h>

/* ---- made of texts ---- */

static uint64_t mix(uint64_t h, struct fact_text t)
{
    return (h ^ (t.p ? table_hash(t.p, t.len) : 1)) * 0x9e3779b97f4a7c15u + 1;
}

uint64_t facts_hash(const struct facts_from *f)
{
    uint64_t h = f->n_services * 65536u + f->n_containers;

    for (uint32_t i = 0; i < N_FACTS; i++)
        h = mix(h, f->text[i]);
    for (uint32_t i = 0; i < f->n_services; i++)
        for (uint32_t k = 0; k < N_SVC; k++)
            h = mix(h, f->services[i][k]);
    for (uint32_t i = 0; i < f->n_containers; i++)
        h = mix(h, f->containers[i]);
    return h ? h : 1;
}

/* Copy a text behind the last one, with a zero byte. */
static struct fact_text copy(char **at, struct fact_text t)
{
    struct fact_text c = {NULL, 0};

    if (!t.p)
        return c;
    c.p = *at;
    c.len = t.len;
    memcpy(*at, t.p, t.len);
    (*at)[t.len] = '\0';
    *at += t.len + 1;
    return c;
}

static size_t bytes_of(const struct facts_from *f)
{
    size_t n = 0;

    for (uint32_t i = 0; i < N_FACTS; i++)
        n += f->text[i].p ? (size_t)f->text[i].len + 1 : 0;
    for (uint32_t i = 0; i < f->n_services; i++)
        for (uint32_t k = 0; k < N_SVC; k++)
            n += f->services[i][k].p ? (size_t)f->services[i][k].len + 1 : 0;
    for (uint32_t i = 0; i < f->n_containers; i++)
        n += (size_t)f->containers[i].len + 1;
    return n;
}

struct facts *facts_new(const struct facts_from *from)
{
    size_t tables = from->n_services * sizeof(struct fact_text[N_SVC]) +
                    from->n_containers * sizeof(struct fact_text);
    struct facts *f = malloc(sizeof(*f) + tables + bytes_of(from));
    struct fact_text(*svc)[N_SVC];
    struct fact_text *ids;
    char *at;

    if (!f)
        return NULL;
    svc = (struct fact_text(*)[N_SVC])(void *)(f + 1);
    ids = (struct fact_text *)(svc + from->n_services);
    at = (char *)(ids + from->n_containers);
    atomic_init(&f->refs, 1);
    f->hash = facts_hash(from);
    f->n_services = from->n_services;
    f->n_containers = from->n_containers;
    f->services = (const struct fact_text(*)[N_SVC])svc;
    f->containers = ids;
    for (uint32_t i = 0; i < N_FACTS; i++)
        f->text[i] = copy(&at, from->text[i]);
    for (uint32_t i = 0; i < from->n_services; i++)
        for (uint32_t k = 0; k < N_SVC; k++)
            svc[i][k] = copy(&at, from->services[i][k]);
    for (uint32_t i = 0; i < from->n_containers; i++)
        ids[i] = copy(&at, from->containers[i]);
    return f;
}

struct facts *facts_ref(struct facts *f)
{
    (void)atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void facts_unref(struct facts *f)
{
    if (f && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1)
        free(f);
}
