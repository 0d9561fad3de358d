/* SPDX-License-Identifier: Apache-2.0 */
/* The key "redact": what must not leave in alerts. */
#include "base/cleanup.h"
#include "config/read.h"
#include "engine/re2_shim.h"

#include <string.h>

enum { REDACT_MAX = 256 };

static void redact_field(struct reader *r, const struct ynode *v, void *target)
{
    ((struct redact_rule *)target)->field = conf_read_text(r, v);
}

static void redact_pattern(struct reader *r, const struct ynode *v, void *target)
{
    struct redact_rule *x = target;
    const char *s = conf_read_text(r, v);
    char why[200];

    if (!s)
        return;
    x->pattern = regex_new(s, strlen(s), why, sizeof(why));
    if (!x->pattern)
        diag_error(r->d, v->loc, "is no regular expression: %s", why);
    else if (regex_match(x->pattern, "", 0))
        diag_error(r->d, v->loc, "matches nothing at all, and so everywhere");
}

static void redact_replace(struct reader *r, const struct ynode *v, void *target)
{
    ((struct redact_rule *)target)->replace = conf_read_text(r, v);
}

static void check(struct reader *r, struct loc loc, struct redact_rule *x)
{
    char why[200];

    if (!x->field == !x->pattern)
        diag_error(r->d, loc, "an entry needs 'field' or 'pattern', and not both");
    else if (x->replace && x->field)
        diag_error(r->d, loc, "'replace' goes with 'pattern'");
    else if (x->pattern && !x->replace)
        x->replace = REDACTED;
    else if (x->pattern && !regex_can_replace(x->pattern, x->replace, why, sizeof(why)))
        diag_error(r->d, loc, "'replace' does not fit the pattern: %s", why);
}

void conf_read_redact(struct reader *r, const struct ynode *v, void *target)
{
    static const struct key keys[] = {
        {"field", redact_field}, {"pattern", redact_pattern}, {"replace", redact_replace}};
    struct config *c = target;
    struct redact_rule *all;

    if (v->kind != Y_SEQ || v->n > REDACT_MAX) {
        diag_error(r->d, v->loc, "must be a list of %d entries at most", REDACT_MAX);
        return;
    }
    all = arena_array(r->arena, (size_t)c->n_redact + v->n + 1, sizeof(*all));
    if (!all) {
        diag_error(r->d, v->loc, "out of memory");
        return;
    }
    if (c->n_redact) /* a drop-in adds: it must not make known what another file hides */
        memcpy(all, c->redact, c->n_redact * sizeof(*all));
    c->redact = all;
    for (uint32_t i = 0; i < v->n; i++) {
        struct redact_rule *x = &all[c->n_redact];
        uint32_t errors = r->d->n_errors;

        conf_read_map(r, v->items[i], keys, ARRAY_LEN(keys), "an entry", x);
        if (r->d->n_errors == errors)
            check(r, v->items[i]->loc, x);
        c->n_redact++;
    }
}

void config_release(struct config *c)
{
    for (uint32_t i = 0; c && i < c->n_redact; i++) {
        regex_free(c->redact[i].pattern);
        c->redact[i].pattern = NULL;
    }
}
