/* SPDX-License-Identifier: Apache-2.0 */
#include "scap_upgrade.h"

#include <errno.h>
#include <stdio.h>

enum action { STORE, STORE_AND_PASS, PASS, ADD_PARAMS, CHANGE_TYPE, PARAM_FROM };
enum where { OLD, ENTER, EMPTY, DEFAULT, COMPUTED, NONE };

/* UPGRADE: action, event, number of parameters, new type. FROM: where, index, otherwise. */
struct row {
    uint8_t action;
    uint16_t a;
    uint8_t b;
    uint16_t c;
};

static const struct row rows[] = {
#define UPGRADE(event, n_params, action, to) {action, event, n_params, to},
#define FROM(where, index, otherwise)        {PARAM_FROM, where, index, otherwise},
#include "upgrades.def"
#undef UPGRADE
#undef FROM
    {PASS, 0, 0, 0},
};

enum {
    N_ROWS = sizeof(rows) / sizeof(rows[0]) - 1,
    ROUNDS_MAX = 32, /* the longest way, from the first execve to today's, takes 16 */
};

static const uint8_t zeros[8];

void scap_upgrader_init(struct scap_upgrader *u)
{
    memset(u, 0, sizeof(*u));
    for (unsigned i = 0; i < N_ROWS; i++)
        if (rows[i].action != PARAM_FROM && rows[i].a < SCAP_TYPES &&
            rows[i].b < SCAP_UPGRADE_PARAMS)
            u->at[rows[i].a][rows[i].b] = (uint16_t)(i + 1);
}

void scap_upgrader_free(struct scap_upgrader *u)
{
    scap_enters_free(&u->enters);
}

static uint32_t default_len(const struct gyr_event_type *t, uint32_t i)
{
    if (!t || i >= t->n_params)
        return 0;
    switch (t->params[i].type) {
    case GYR_P_U8:
    case GYR_P_I8:
    case GYR_P_BOOL:
        return 1;
    case GYR_P_U16:
    case GYR_P_I16:
        return 2;
    case GYR_P_U32:
    case GYR_P_I32:
        return 4;
    case GYR_P_U64:
    case GYR_P_I64:
    case GYR_P_TIME:
    case GYR_P_DURATION:
        return 8;
    default:
        return 0;
    }
}

/* A string into JSON, without its NUL. */
static size_t json_text(char *out, size_t n, size_t cap, const struct scap_slice *s)
{
    for (uint32_t i = 0; i < s->len && s->p[i]; i++) {
        uint8_t ch = s->p[i];

        if (n + 8 > cap)
            return cap;
        if (ch < 0x20)
            n += (size_t)snprintf(out + n, cap - n, "\\u%04x", ch);
        else if (ch == '"' || ch == '\\')
            n += (size_t)snprintf(out + n, cap - n, "\\%c", ch);
        else
            out[n++] = (char)ch;
    }
    return n;
}

static size_t json_raw(char *out, size_t n, size_t cap, const char *s)
{
    size_t len = strlen(s);

    if (n + len >= cap)
        return cap;
    memcpy(out + n, s, len);
    return n + len;
}

/* The container event that had id, type, name and image now has them as one JSON text. */
static struct scap_slice container_json(struct scap_upgrader *u, const struct scap_slice *old,
                                        uint32_t n_old)
{
    struct scap_slice none = {NULL, 0, 0};
    char *out = u->json, number[16];
    size_t n = 0, cap = sizeof(u->json) - 1;
    uint32_t type = 0;

    if (n_old < 4)
        return none;
    if (old[1].len)
        memcpy(&type, old[1].p, old[1].len < sizeof(type) ? old[1].len : sizeof(type));
    (void)snprintf(number, sizeof(number), "%u", type);
    n = json_raw(out, n, cap, "{\"id\":\"");
    n = json_text(out, n, cap, &old[0]);
    n = json_raw(out, n, cap, "\",\"type\":");
    n = json_raw(out, n, cap, number);
    n = json_raw(out, n, cap, ",\"name\":\"");
    n = json_text(out, n, cap, &old[2]);
    n = json_raw(out, n, cap, "\",\"image\":\"");
    n = json_text(out, n, cap, &old[3]);
    n = json_raw(out, n, cap, "\"}");
    if (n >= cap)
        return none;
    return (struct scap_slice){(const uint8_t *)out, (uint32_t)n, 1};
}

/* One upgrade: what it takes parameters from. */
struct step {
    struct scap_slice old[GYR_PARAMS_MAX], enter[SCAP_ENTER_PARAMS];
    uint32_t n_old;
    int n_enter;
};

static struct scap_slice fetch(struct scap_upgrader *u, const struct row *r, const struct step *s,
                               const struct gyr_event_type *t, uint32_t i)
{
    struct scap_slice empty = {NULL, 0, 0};
    struct scap_slice zero = {zeros, default_len(t, i), 0};

    switch (r->a) {
    case OLD:
        return r->b < s->n_old ? s->old[r->b] : empty;
    case ENTER:
        if (r->b < s->n_enter)
            return s->enter[r->b];
        return r->c == EMPTY ? empty : zero;
    case DEFAULT:
        return zero;
    case COMPUTED:
        return container_json(u, s->old, s->n_old);
    default:
        return empty;
    }
}

static void apply(struct scap_upgrader *u, const struct row *r, struct scap_view *v)
{
    const struct gyr_event_type *t = syscall_event_type(r->c);
    struct step s;
    bool used = false;

    scap_view_split(v);
    s.n_old = v->n;
    memcpy(s.old, v->par, v->n * sizeof(v->par[0]));
    s.n_enter =
        v->type ? scap_enters_get(&u->enters, v->tid, (uint16_t)(v->type - 1), s.enter) : -1;
    if (r->action == CHANGE_TYPE) {
        v->type = r->c;
        v->n = 0;
    }
    for (r++; r->action == PARAM_FROM && v->n < GYR_PARAMS_MAX; r++) {
        used |= r->a == ENTER && s.n_enter >= 0;
        v->par[v->n] = fetch(u, r, &s, t, v->n);
        v->n++;
    }
    if (used)
        scap_enters_drop(&u->enters, v->tid);
}

int scap_upgrade(struct scap_upgrader *u, struct scap_view *v)
{
    for (unsigned round = 0; round < ROUNDS_MAX && !scap_is_current(u, v->type, v->n); round++) {
        const struct row *r = &rows[u->at[v->type][v->n] - 1];

        switch (r->action) {
        case PASS:
            return 1;
        case STORE:
        case STORE_AND_PASS:
            scap_view_split(v);
            if (scap_enters_put(&u->enters, v) < 0)
                return -ENOMEM;
            return r->action == STORE_AND_PASS;
        default:
            apply(u, r, v);
        }
    }
    return 1;
}
