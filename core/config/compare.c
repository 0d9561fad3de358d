/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration beside the one that runs: what differs, and what of that can change at once. */
#include "config/config.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_node(const struct ynode *a, const struct ynode *b)
{
    uint32_t n;

    if (!a || !b || a->kind != b->kind)
        return a == b;
    if (a->kind == Y_SCALAR)
        return a->len == b->len && memcmp(a->str, b->str, a->len) == 0;
    n = a->kind == Y_MAP ? 2 * a->n : a->n;
    for (uint32_t i = 0; a->n == b->n && i < n; i++)
        if (!same_node(a->items[i], b->items[i]))
            return false;
    return a->n == b->n;
}

static bool same_instance(const struct plugin_conf *a, const struct plugin_conf *b)
{
    return same_text(a->plugin, b->plugin) && same_text(a->name, b->name) &&
           same_node(a->options, b->options) && same_text(a->filter, b->filter);
}

static bool same_spool(const struct spool_conf *a, const struct spool_conf *b)
{
    return same_text(a->dir, b->dir) && a->max_bytes == b->max_bytes &&
           a->segment_bytes == b->segment_bytes && a->fsync == b->fsync && a->on_full == b->on_full;
}

bool config_same_output(const struct plugin_conf *a, const struct plugin_conf *b)
{
    return same_instance(a, b) && a->queue == b->queue && same_spool(&a->spool, &b->spool) &&
           same_text(a->dead_letters, b->dead_letters);
}

/* ---- what is made once ---- */

static const struct plugin_conf *find(const struct plugin_conf *list, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

static void tell_list(const char *kind, const struct plugin_conf *old, uint32_t n_old,
                      const struct plugin_conf *new, uint32_t n_new, struct diags *d)
{
    bool all_found = n_old == n_new, in_order = true;

    for (uint32_t i = 0; i < n_new; i++) {
        const struct plugin_conf *was = find(old, n_old, new[i].name);

        if (!was)
            diag_warning(d, DIAG_NEEDS_RESTART, plugin_conf_loc(&new[i], d),
                         "%s '%s' is new: it comes with the next start", kind, new[i].name);
        else if (!same_instance(was, &new[i]))
            diag_warning(d, DIAG_NEEDS_RESTART, plugin_conf_loc(&new[i], d),
                         "%s '%s' has changed: it goes on as it was until the next start", kind,
                         new[i].name);
        all_found = all_found && was;
        in_order = in_order && was == &old[i];
    }
    for (uint32_t i = 0; i < n_old; i++)
        if (!find(new, n_new, old[i].name))
            diag_warning(d, DIAG_NEEDS_RESTART, (struct loc){0},
                         "%s '%s' is gone: it goes on until the next start", kind, old[i].name);
    if (all_found && !in_order)
        diag_warning(d, DIAG_NEEDS_RESTART, (struct loc){0},
                     "the order of the %ss has changed: that counts from the next start on", kind);
}

static void tell_setting(bool same, const char *name, struct diags *d)
{
    if (!same)
        diag_warning(d, DIAG_NEEDS_RESTART, (struct loc){0},
                     "'%s' has changed: that counts from the next start on", name);
}

void config_tell_fixed(const struct config *running, const struct config *next, struct diags *d)
{
    tell_list("source", running->sources, running->n_sources, next->sources, next->n_sources, d);
    tell_list("enricher", running->enrichers, running->n_enrichers, next->enrichers,
              next->n_enrichers, d);
    tell_setting(same_text(running->host_root, next->host_root), "host_root", d);
    tell_setting(same_text(running->hostname, next->hostname), "hostname", d);
    tell_setting(running->drop_privileges == next->drop_privileges, "drop_privileges", d);
    tell_setting(running->park_deadline_ns == next->park_deadline_ns &&
                     running->park_events == next->park_events &&
                     running->park_bytes == next->park_bytes,
                 "parking", d);
    tell_setting(same_text(running->http_listen, next->http_listen), "http", d);
    tell_setting(same_text(running->status_socket, next->status_socket), "status_socket", d);
    tell_setting(running->stuck_after_ns == next->stuck_after_ns, "stuck_after", d);
}

struct loc plugin_conf_loc(const struct plugin_conf *c, struct diags *d)
{
    return ynode_touches(c->options, c->loc.line) ? diag_blind(d, c->loc) : c->loc;
}

/* ---- how long it lives ---- */

void config_own(struct config *c, struct arena *arena)
{
    c->arena = arena;
    c->refs = 1;
}

struct config *config_ref(struct config *c)
{
    c->refs += c->arena != NULL;
    return c;
}

void config_unref(struct config *c)
{
    if (!c || !c->arena || --c->refs)
        return;
    config_release(c);
    arena_free(c->arena);
}
