/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/evaluator.h"

#include "base/log.h"
#include "base/sentence.h"
#include "engine/evaluator_priv.h"
#include "engine/value.h"

#include <errno.h>
#include <gyr/output.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

void evaluator_release(struct evaluator *e, uint32_t field)
{
    for (uint32_t i = e->first_binding[field]; i < e->first_binding[field + 1]; i++) {
        struct binding *b = &e->bindings[i];

        if (!b->waiting)
            continue;
        b->waiting = false;
        e->conf.providers[b->provider].ops->release(b->self, b->handle, b->ticket);
    }
}

static bool can_wait(const struct evaluator *e, const struct binding *b)
{
    const struct gyr_enricher_ops *ops = e->conf.providers[b->provider].ops;

    return ops->redeem && ops->release;
}

bool evaluator_fits(struct evaluator *e, uint32_t field, struct binding *b,
                    const struct gyr_value *v)
{
    const struct gyr_field *f = &e->p->values[field].x->field.def->f;

    if (v->type == GYR_T_NONE)
        return false;
    if (value_fits(v, f->type, b->list))
        return true;
    if (!b->told)
        value_tell_unfit(v, f, b->list, e->conf.providers[b->provider].name);
    b->told = true;
    return false;
}

/* The first present value wins; else it is pending if any is; else absent. */
static void read_field(struct evaluator *e, uint32_t f, struct value_slot *s)
{
    bool waits = false;

    s->epoch = e->field_epoch;
    s->state = VS_ABSENT;
    if (!e->ev)
        return;
    for (uint32_t i = e->first_binding[f]; i < e->first_binding[f + 1]; i++) {
        struct binding *b = &e->bindings[i];
        int r;

        s->v = (struct gyr_value){0};
        r = b->get(b->self, e->ev, b->handle, &s->v);
        if (r == GYR_PRESENT && evaluator_fits(e, f, b, &s->v)) {
            s->state = VS_PRESENT;
            if (waits)
                evaluator_release(e, f);
            return;
        }
        if (r == GYR_PENDING && can_wait(e, b)) {
            b->ticket = s->v.u.u64;
            b->waiting = waits = true;
        } else if (r != GYR_ABSENT) {
            e->errors++;
        }
    }
    if (waits) {
        s->state = VS_PENDING;
        e->pending[e->n_pending++] = f;
    }
}

/* An absent argument makes the whole absent, whatever a pending one will turn out to be. */
static void compute_call(struct evaluator *e, const struct prog_value *pv, struct value_slot *s)
{
    struct gyr_value *args = scratch_alloc(e->conf.scratch, (pv->n + 1) * sizeof(*args));

    s->state = args ? VS_PRESENT : VS_ABSENT;
    for (uint32_t i = 0; i < pv->n && s->state != VS_ABSENT; i++) {
        const struct value_slot *a = evaluator_value(e, e->p->args[pv->first + i]);

        if (a->state == VS_PENDING)
            s->state = VS_PENDING;
        else if (a->state != VS_PRESENT)
            s->state = VS_ABSENT;
        else
            args[i] = a->v;
    }
    if (s->state != VS_PRESENT)
        return;
    if (pv->kind == V_LIST)
        s->v = (struct gyr_value){.type = GYR_T_LIST, .len = pv->n, .u.ptr = args};
    else if (transform_apply((enum transform)pv->fn, args, pv->n, e->conf.scratch, &s->v) !=
             GYR_PRESENT)
        s->state = VS_ABSENT;
}

static void compute(struct evaluator *e, const struct prog_value *pv, struct value_slot *s)
{
    s->epoch = e->node_epoch;
    if (pv->kind == V_CONST) {
        s->v = pv->x->value;
        s->state = VS_PRESENT;
        return;
    }
    compute_call(e, pv, s);
}

static inline const struct value_slot *value(struct evaluator *e, uint32_t id)
{
    struct value_slot *s = &e->slots[id];

    if (id < e->p->n_fields) {
        if (s->epoch != e->field_epoch)
            read_field(e, id, s);
    } else if (s->epoch != e->node_epoch) {
        compute(e, &e->p->values[id], s);
    }
    return s;
}

const struct value_slot *evaluator_value(struct evaluator *e, uint32_t id)
{
    return value(e, id);
}

/* ---- conditions ---- */

/* An absent operand makes a comparison false, even beside a pending one. */
static uint32_t test(struct evaluator *e, const struct prog_pred *q)
{
    const struct value_slot *l = value(e, q->lhs), *r;

    if (q->rhs == ID_NONE) {
        if (l->state == VS_PRESENT)
            return pred_test(q->pred, &l->v, NULL) ? K_TRUE : K_FALSE;
        return l->state == VS_PENDING ? K_PENDING : K_FALSE;
    }
    if (l->state != VS_PRESENT && l->state != VS_PENDING)
        return K_FALSE;
    r = value(e, q->rhs);
    if (r->state != VS_PRESENT && r->state != VS_PENDING)
        return K_FALSE;
    if (l->state == VS_PENDING || r->state == VS_PENDING)
        return K_PENDING;
    return pred_test(q->pred, &l->v, &r->v) ? K_TRUE : K_FALSE;
}

static uint32_t eval_node(struct evaluator *e, uint32_t id);

static inline uint32_t eval(struct evaluator *e, uint32_t ref)
{
    uint32_t id = ref_id(ref), known = e->memo[id], r;

    r = (known & ~3u) == e->node_epoch ? known & 3u : eval_node(e, id);
    return ref & 1u ? K_TRUE - r : r;
}

/* Recursion is as deep as a condition, which PROGRAM_DEPTH_MAX bounds. */
static uint32_t eval_node(struct evaluator *e, uint32_t id)
{
    const struct program *p = e->p;
    uint32_t result = K_TRUE;

    if (id - 1 < p->n_preds) { /* not for 0 */
        result = test(e, &p->preds[id - 1]);
    } else {
        const uint32_t *kid = p->kids + p->nodes[id].first, *end = kid + p->nodes[id].n;

        for (; kid < end && result != K_FALSE; kid++) {
            uint32_t r = eval(e, *kid);

            result = r < result ? r : result;
        }
    }
    e->memo[id] = e->node_epoch | result;
    return result;
}

/* ---- matches ---- */

/* @return false when one is pending. */
static bool collect_outputs(struct evaluator *e, const struct prog_rule *pr)
{
    for (uint32_t i = 0; i < pr->rule->n_outputs; i++) {
        const struct value_slot *s = value(e, e->p->outs[pr->first_out + i]);

        if (s->state == VS_PENDING)
            return false;
        e->out[i] = s->state == VS_PRESENT ? s->v : (struct gyr_value){.type = GYR_T_NONE};
    }
    return true;
}

static bool reads_missing(const struct evaluator *e, const struct prog_entry *en)
{
    if (!e->any_missing)
        return false;
    for (uint32_t i = 0; i < en->n_fields; i++)
        if (e->slots[e->p->reads[en->first_field + i]].state == VS_MISSING)
            return true;
    return false;
}

static void report(struct evaluator *e, const struct prog_entry *en)
{
    const struct rule *rule = e->p->rules[en->rule].rule;
    struct match m = {.rule = rule,
                      .generation = e->conf.generation,
                      .values = e->out,
                      .ts_ns = e->origin.ts_ns,
                      .num = e->origin.num,
                      .tid = e->origin.tid,
                      .metadata = reads_missing(e, en) ? GYR_MD_MISSING : GYR_MD_FINAL,
                      .was_parked = e->origin.was_parked};

    e->matches[rule->id]++;
    e->conf.sink.match(e->conf.sink.ctx, &m);
}

enum verdict { V_GO_ON, V_KEEP, V_KEEP_LAST, V_DONE };

/* With rule_matching `first`, the first rule that matches has the event. A rule that is not
 * decided yet keeps its turn: those behind it wait for what it says, up to the first of them that
 * would have matched. */
static enum verdict try_entry(struct evaluator *e, const struct prog_entry *en, bool others_wait)
{
    bool first = e->conf.first_match_only;
    uint32_t r = eval(e, en->root);

    if (r == K_FALSE)
        return V_GO_ON;
    if (r == K_TRUE && !(first && others_wait) && collect_outputs(e, &e->p->rules[en->rule])) {
        report(e, en);
        return first ? V_DONE : V_GO_ON;
    }
    return first && r == K_TRUE ? V_KEEP_LAST : V_KEEP;
}

uint32_t evaluator_decide(struct evaluator *e, uint32_t *entries, uint32_t n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        enum verdict v = try_entry(e, &e->p->entries[entries[i]], kept != 0);

        if (v == V_KEEP || v == V_KEEP_LAST)
            entries[kept++] = entries[i];
        if (v == V_DONE || v == V_KEEP_LAST)
            break;
    }
    return kept;
}

/* ---- events ---- */

/* @return false: no more rules for this event. */
static inline bool run_entry(struct evaluator *e, uint32_t entry)
{
    enum verdict v = try_entry(e, &e->p->entries[entry], e->n_undecided != 0);

    if (v == V_KEEP || v == V_KEEP_LAST)
        e->undecided[e->n_undecided++] = entry;
    return v == V_GO_ON || v == V_KEEP;
}

/* Rules whose test of the value can hold. What the index cannot tell is left to the rules. */
static void use_index(struct evaluator *e, const struct prog_index *x)
{
    const struct value_slot *s = value(e, x->value);

    if (s->state == VS_PRESENT)
        index_lookup(x, &s->v, e->bits);
    else if (s->state == VS_PENDING)
        index_all(x, e->bits);
}

static void run_indexed(struct evaluator *e, const struct prog_list *l)
{
    memcpy(e->bits, l->always, l->words * sizeof(*e->bits));
    for (uint32_t i = 0; i < l->n_indexes; i++)
        use_index(e, &l->indexes[i]);
    for (uint32_t w = 0; w < l->words; w++) {
        for (uint64_t b = e->bits[w]; b; b &= b - 1) {
            if (!run_entry(e, l->entries[w * 64 + (uint32_t)__builtin_ctzll(b)]))
                return;
        }
    }
}

/* Epochs come round after a billion events: then, what is old must not look new. */
static void clear(struct evaluator *e)
{
    for (uint32_t i = 0; i < e->p->n_values; i++)
        e->slots[i].epoch = 0;
    memset(e->memo, 0, e->p->n_nodes * sizeof(*e->memo));
    memset(e->seen, 0, (e->p->n_fields + 1) * sizeof(*e->seen));
    e->field_epoch = 1;
    e->node_epoch = 4;
}

void evaluator_begin(struct evaluator *e, const struct gyr_event *ev, const struct origin *origin)
{
    e->ev = ev;
    e->origin = *origin;
    e->any_missing = false;
    e->field_epoch++;
    e->node_epoch += 4;
    if (e->field_epoch == 0 || e->node_epoch == 0)
        clear(e);
}

/* There is no room to wait: what is pending is absent, now. Fields stay read, as each is asked
 * for at most once; only what was made of them is computed anew. */
static void decide_at_once(struct evaluator *e)
{
    for (uint32_t i = 0; i < e->n_pending; i++) {
        struct value_slot *s = &e->slots[e->pending[i]];

        evaluator_release(e, e->pending[i]);
        s->state = VS_MISSING;
        e->any_missing = true;
    }
    e->n_pending = 0; /* more may come: conditions and outputs now read what they did not before */
    e->origin.was_parked = true;
    e->node_epoch += 4;
    if (e->node_epoch == 0) {
        memset(e->memo, 0, e->p->n_nodes * sizeof(*e->memo));
        for (uint32_t i = e->p->n_fields; i < e->p->n_values; i++)
            e->slots[i].epoch = 0;
        e->node_epoch = 4;
    }
    e->n_undecided = evaluator_decide(e, e->undecided, e->n_undecided);
}

static void settle(struct evaluator *e)
{
    if (e->n_undecided && (!e->conf.park || park_event(e->conf.park, e) < 0))
        while (e->n_undecided) /* ends: a field is read once */
            decide_at_once(e);
    e->n_undecided = 0;
    for (uint32_t i = 0; i < e->n_pending; i++)
        evaluator_release(e, e->pending[i]);
    e->n_pending = 0;
}

void evaluator_event(struct evaluator *e, const struct gyr_event *ev)
{
    const struct prog_list *l = program_route(e->p, ev->type, ev->subtype);
    const struct stream_pos *pos = e->conf.pos;
    struct origin origin = {pos->ts_ns, pos->num, ev->tid, false};

    if (l->n == 0 || ev->flags & GYR_EVF_SNAPSHOT)
        return;
    evaluator_begin(e, ev, &origin);
    if (l->n_indexes) {
        run_indexed(e, l);
    } else {
        for (uint32_t i = 0; i < l->n; i++)
            if (!run_entry(e, l->entries[i]))
                break;
    }
    if (e->n_undecided || e->n_pending)
        settle(e);
    e->ev = NULL;
}

bool evaluator_may_hold(struct evaluator *e, const struct gyr_event *ev)
{
    const struct prog_list *l = program_route(e->p, ev->type, ev->subtype);
    struct origin origin = {e->conf.pos->ts_ns, e->conf.pos->num, ev->tid, false};
    bool may = false;

    if (l->n == 0)
        return false;
    evaluator_begin(e, ev, &origin);
    for (uint32_t i = 0; i < l->n && !may; i++)
        may = eval(e, e->p->entries[l->entries[i]].root) != K_FALSE;
    evaluator_end(e);
    return may;
}

void evaluator_end(struct evaluator *e)
{
    for (uint32_t i = 0; i < e->n_pending; i++)
        evaluator_release(e, e->pending[i]);
    e->n_pending = 0;
    e->ev = NULL;
}

uint32_t evaluator_test(struct evaluator *e, uint32_t ref)
{
    return eval(e, ref);
}

const uint64_t *evaluator_matches(const struct evaluator *e, uint32_t *ret_n)
{
    *ret_n = e->conf.generation->rules->n_rules;
    return e->matches;
}

uint64_t evaluator_errors(const struct evaluator *e)
{
    return e->errors;
}

/* ---- making one ---- */

static uint32_t declared_type(const struct gyr_enricher_ops *ops, uint32_t i)
{
    const char *row = (const char *)ops->fields + (size_t)i * ops->field_stride;

    return ((const struct gyr_field *)(const void *)row)->type;
}

static int refused(struct evaluator *e, const struct expr *x, const char *provider, const char *why,
                   struct gyr_error *err)
{
    if (!e->conf.diags)
        return gyr_fail(err, -EINVAL, "field '%s': %s refuses it: %.300s", x->field.name, provider,
                        why);
    if (strcmp(provider, "core") == 0)
        diag_error(e->conf.diags, text_loc(x->text, x->off), "%s: field '%s': %s", x->text->what,
                   x->field.name, why);
    else
        diag_error(e->conf.diags, text_loc(x->text, x->off), "%s: field '%s': %s refuses it: %s",
                   x->text->what, x->field.name, provider, why);
    return -EINVAL;
}

static int bind_one(struct evaluator *e, const struct prog_value *pv, uint32_t provider,
                    uint32_t field, struct gyr_error *err)
{
    const struct expr *x = pv->x;
    const struct provider *pr = &e->conf.providers[provider];
    struct binding *b = &e->bindings[e->n_bound];
    uint32_t type = declared_type(pr->ops, field);
    struct gyr_error why = {0};
    int r;

    if (pv->fn != READ_ONE)
        type = pv->fn == READ_ALL ? GYR_T_LIST : GYR_T_STR;
    *b = (struct binding){.get = pr->ops->get,
                          .self = pr->self,
                          .provider = provider,
                          .list = pv->fn == READ_ALL || x->field.def->f.flags & GYR_FF_LIST};
    r = pr->ops->bind(pr->self, field, x->field.arg, &b->handle, &type, &why);
    if (r < 0)
        return refused(e, x, pr->name, sentence_of(&why, "bind()"), err);
    e->n_bound++;
    return 0;
}

static int bind_all(struct evaluator *e, struct gyr_error *err)
{
    int bad = 0;

    for (uint32_t f = 0; f < e->p->n_fields; f++) {
        const struct expr *x = e->p->values[f].x;

        e->first_binding[f] = e->n_bound;
        for (uint32_t i = 0; i < e->conf.n_providers; i++) {
            const struct provider *pr = &e->conf.providers[i];
            int at = provider_field(pr, x->field.def->f.name), r;

            if (at < 0 || !pr->ops->bind || !pr->ops->get)
                continue;
            r = bind_one(e, &e->p->values[f], i, (uint32_t)at, err);
            if (r < 0 && !e->conf.diags)
                return r;
            if (r < 0) {
                bad = r;
                break; /* one message for a field, however many provide it */
            }
        }
    }
    e->first_binding[e->p->n_fields] = e->n_bound;
    if (bad)
        diags_keep_files(e->conf.diags); /* the rules may go before the messages */
    return bad;
}

static void evaluator_free(struct evaluator *e)
{
    for (uint32_t i = 0; i < e->n_bound; i++) {
        const struct binding *b = &e->bindings[i];

        if (e->conf.providers[b->provider].ops->unbind)
            e->conf.providers[b->provider].ops->unbind(b->self, b->handle);
    }
    generation_unref(e->conf.generation);
    arena_free(e->arena);
    free(e);
}

static int allocate(struct evaluator *e)
{
    const struct program *p = e->p;
    struct arena *a = e->arena = arena_new(PROGRAM_MEM_MAX);
    size_t bindings;

    if (!a || __builtin_mul_overflow((size_t)p->n_fields, e->conf.n_providers, &bindings))
        return -ENOMEM;
    e->slots = arena_array(a, p->n_values + 1, sizeof(*e->slots));
    e->memo = arena_array(a, p->n_nodes, sizeof(*e->memo));
    e->first_binding = arena_array(a, p->n_fields + 1, sizeof(*e->first_binding));
    e->bindings = arena_array(a, bindings + 1, sizeof(*e->bindings));
    e->bits = arena_array(a, p->max_words + 1, sizeof(*e->bits));
    e->out = arena_array(a, p->max_outs + 1, sizeof(*e->out));
    e->undecided = arena_array(a, p->max_entries + 1, sizeof(*e->undecided));
    e->pending = arena_array(a, p->n_fields + 1, sizeof(*e->pending));
    e->frozen = arena_array(a, p->n_fields + 1, sizeof(*e->frozen));
    e->seen = arena_array(a, p->n_fields + 1, sizeof(*e->seen));
    e->matches = arena_array(a, e->conf.generation->rules->n_rules + 1u, sizeof(*e->matches));
    return e->slots && e->memo && e->first_binding && e->bindings && e->bits && e->out &&
                   e->undecided && e->pending && e->frozen && e->seen && e->matches
               ? 0
               : -ENOMEM;
}

int evaluator_new(const struct evaluator_conf *conf, struct evaluator **ret, struct gyr_error *err)
{
    struct evaluator *e = calloc(1, sizeof(*e));
    int r;

    if (!e)
        return gyr_fail(err, -ENOMEM, "out of memory for rules");
    e->refs = 1;
    e->conf = *conf;
    if (err)
        err->msg[0] = '\0';
    e->p = conf->generation->programs[conf->program];
    (void)generation_ref(conf->generation);
    r = allocate(e) < 0 ? gyr_fail(err, -ENOMEM, "out of memory for rules") : bind_all(e, err);
    if (r < 0) {
        evaluator_free(e);
        return r;
    }
    e->conf.diags = NULL;
    *ret = e;
    return 0;
}

void evaluator_unref(struct evaluator *e)
{
    if (e && --e->refs == 0)
        evaluator_free(e);
}
