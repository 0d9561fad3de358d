/* SPDX-License-Identifier: Apache-2.0 */
/* What enrichers read of each other. */
#include "pipeline/peers.h"

#include <gyr/util.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

enum { N = 3 };

/* A provider of "a.b" that says what it is told to, or what another one says. */
struct peer {
    int answer;
    const char *text;
    struct peers *asks; /* passes the question on */
    uint32_t ask_handle;
    bool refuses;
    uint32_t bound, unbound, gets, released;
    uint64_t released_ticket;
};

static int peer_bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                     uint32_t *ret_type, struct gyr_error *err)
{
    struct peer *p = self;

    assert_int_equal(field, 1);
    assert_null(arg);
    assert_int_equal(*ret_type, GYR_T_STR);
    if (p->refuses)
        return gyr_fail(err, -EINVAL, "not without an argument");
    *ret_handle = 40 + p->bound++;
    return 0;
}

static void peer_unbind(void *self, uint32_t handle)
{
    assert_true(handle >= 40);
    ((struct peer *)self)->unbound++;
}

static int peer_get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    struct peer *p = self;

    assert_true(handle >= 40);
    p->gets++;
    if (p->asks)
        return peers_get(p->asks, ev, p->ask_handle, ret);
    if (p->answer == GYR_PENDING)
        ret->u.u64 = 7;
    if (p->answer == GYR_PRESENT)
        *ret = gyr_str(p->text, strlen(p->text));
    return p->answer;
}

static void peer_release(void *self, uint32_t handle, uint64_t ticket)
{
    struct peer *p = self;

    assert_true(handle >= 40);
    p->released++;
    p->released_ticket = ticket;
}

static const struct gyr_field fields[] = {{.name = "a.a", .type = GYR_T_U64},
                                          {.name = "a.b", .type = GYR_T_STR}};
static const struct gyr_enricher_ops ops = {.size = sizeof(ops),
                                            .fields = fields,
                                            .n_fields = 2,
                                            .field_stride = sizeof(fields[0]),
                                            .bind = peer_bind,
                                            .unbind = peer_unbind,
                                            .get = peer_get,
                                            .release = peer_release};

struct rig {
    struct peer peer[N];
    struct provider providers[N];
    struct peers peers;
};

static void rig_init(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    for (uint32_t i = 0; i < N; i++)
        r->providers[i] = (struct provider){.name = "p", .ops = &ops, .self = &r->peer[i]};
    peers_init(&r->peers, r->providers, N);
}

static void says(struct rig *r, uint32_t i, int answer, const char *text)
{
    r->peer[i].answer = answer;
    r->peer[i].text = text;
}

static const struct gyr_event ev = {.len = sizeof(ev), .hdr_len = sizeof(ev)};

static int ask(struct rig *r, uint32_t handle, char *ret_text)
{
    struct gyr_value v = {0};
    int answer = peers_get(&r->peers, &ev, handle, &v);

    ret_text[0] = '\0';
    if (answer == GYR_PRESENT)
        strncat(ret_text, v.u.ptr, v.len);
    return answer;
}

static void test_first_present_wins(void **state)
{
    struct rig r;
    uint32_t h = 99;
    char t[32];

    (void)state;
    rig_init(&r);
    assert_int_equal(peers_bind(&r.peers, N, "a.b", &h), 0);
    says(&r, 1, GYR_PRESENT, "one");
    says(&r, 2, GYR_PRESENT, "two");
    assert_int_equal(ask(&r, h, t), GYR_PRESENT);
    assert_string_equal(t, "one");
    assert_int_equal(r.peer[0].gets, 1);
    assert_int_equal(r.peer[2].gets, 0);
    says(&r, 1, -EIO, NULL); /* who fails has nothing to say */
    assert_int_equal(ask(&r, h, t), GYR_PRESENT);
    assert_string_equal(t, "two");
    says(&r, 2, GYR_ABSENT, NULL);
    assert_int_equal(ask(&r, h, t), GYR_ABSENT);
    peers_free(&r.peers);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(r.peer[i].unbound, 1);
}

static void test_never_the_asker(void **state)
{
    struct rig r;
    uint32_t h = 99;
    char t[32];

    (void)state;
    rig_init(&r);
    says(&r, 0, GYR_PRESENT, "mine");
    says(&r, 1, GYR_PRESENT, "theirs");
    assert_int_equal(peers_bind(&r.peers, 0, "a.b", &h), 0);
    assert_int_equal(ask(&r, h, t), GYR_PRESENT);
    assert_string_equal(t, "theirs");
    assert_int_equal(r.peer[0].bound, 0);
    peers_free(&r.peers);
    assert_int_equal(r.peer[0].unbound, 0);
}

/* A present value behind it wins; the ticket of one that waits is given back at once either way. */
static void test_pending(void **state)
{
    struct rig r;
    uint32_t h = 99;
    char t[32];

    (void)state;
    rig_init(&r);
    assert_int_equal(peers_bind(&r.peers, N, "a.b", &h), 0);
    says(&r, 0, GYR_PENDING, NULL);
    assert_int_equal(ask(&r, h, t), GYR_PENDING);
    assert_int_equal(r.peer[0].released, 1);
    assert_int_equal(r.peer[0].released_ticket, 7);
    says(&r, 2, GYR_PRESENT, "now");
    assert_int_equal(ask(&r, h, t), GYR_PRESENT);
    assert_string_equal(t, "now");
    assert_int_equal(r.peer[0].released, 2);
    peers_free(&r.peers);
}

static void test_a_circle_ends(void **state)
{
    struct rig r;
    uint32_t h0 = 99, h1 = 99;
    char t[32];

    (void)state;
    rig_init(&r);
    assert_int_equal(peers_bind(&r.peers, 0, "a.b", &h0), 0);
    assert_int_equal(peers_bind(&r.peers, 1, "a.b", &h1), 0);
    r.peer[0].asks = r.peer[1].asks = &r.peers;
    r.peer[0].ask_handle = h0;
    r.peer[1].ask_handle = h1;
    says(&r, 2, GYR_ABSENT, NULL);
    assert_int_equal(ask(&r, h0, t), GYR_ABSENT);
    assert_true(r.peer[1].gets <= PEERS_DEPTH_MAX);
    assert_int_equal(r.peers.depth, 0);
    says(&r, 2, GYR_PRESENT, "end");
    assert_int_equal(ask(&r, h0, t), GYR_PRESENT);
    assert_string_equal(t, "end");
    peers_free(&r.peers);
}

static void test_what_cannot_be_bound(void **state)
{
    struct rig r;
    uint32_t h = 99;

    (void)state;
    rig_init(&r);
    assert_int_equal(peers_bind(&r.peers, 0, "a.c", &h), -ENOENT);
    for (uint32_t i = 0; i < N; i++)
        r.peer[i].refuses = true;
    assert_int_equal(peers_bind(&r.peers, 0, "a.b", &h), -EINVAL);
    assert_int_equal(h, 99);
    r.peer[2].refuses = false;
    for (uint32_t i = 0; i < PEERS_FIELDS_MAX; i++)
        assert_int_equal(peers_bind(&r.peers, 0, "a.b", &h), 0);
    assert_int_equal(peers_bind(&r.peers, 0, "a.b", &h), -ENOSPC);
    peers_free(&r.peers);
    assert_int_equal(r.peer[2].bound, PEERS_FIELDS_MAX);
    assert_int_equal(r.peer[2].unbound, PEERS_FIELDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_present_wins),
        cmocka_unit_test(test_never_the_asker),
        cmocka_unit_test(test_pending),
        cmocka_unit_test(test_a_circle_ends),
        cmocka_unit_test(test_what_cannot_be_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
