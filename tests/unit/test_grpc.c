/* SPDX-License-Identifier: Apache-2.0 */
/* The client of gRPC: frames in any pieces, calls and streams, deadlines, and a far side that does
 * all it should not. */
#include "grpc/grpc.h"
#include "grpc/grpc_frames.h"
#include "grpc/pb.h"

#include "../lib/grpc_server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
/* after them */
#include <cmocka.h>

/* ---- frames ---- */

struct heard {
    char text[256];
    unsigned n;
    int answer;
};

static int hear(void *arg, const uint8_t *p, size_t len)
{
    struct heard *h = arg;
    size_t at = strlen(h->text);

    h->n++;
    (void)snprintf(h->text + at, sizeof(h->text) - at, "<%.*s>", (int)len, (const char *)p);
    return h->answer;
}

static const uint8_t three[] = "\0\0\0\0\003abc\0\0\0\0\0\0\0\0\0\001z";
enum { THREE = sizeof(three) - 1 };

static void test_frames_in_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= THREE; piece++) {
        struct grpc_frames f = {.max = 100};
        struct heard h = {0};

        for (size_t at = 0; at < THREE; at += piece)
            assert_int_equal(
                grpc_frames_feed(&f, three + at, THREE - at < piece ? THREE - at : piece, hear, &h),
                0);
        assert_string_equal(h.text, "<abc><><z>");
        assert_false(grpc_frames_partial(&f));
        grpc_frames_free(&f);
    }
}

static void test_frames_bounds(void **state)
{
    struct grpc_frames f = {.max = 2};
    struct heard h = {0};
    uint8_t flagged[] = {1, 0, 0, 0, 0};

    (void)state;
    assert_int_equal(grpc_frames_feed(&f, three, THREE, hear, &h), -EMSGSIZE);
    assert_int_equal(h.n, 0);
    grpc_frames_free(&f);
    f = (struct grpc_frames){.max = 100};
    assert_int_equal(grpc_frames_feed(&f, flagged, sizeof(flagged), hear, &h), -EPROTO);
    grpc_frames_free(&f);
    f = (struct grpc_frames){.max = 100};
    h.answer = -EINVAL;
    assert_int_equal(grpc_frames_feed(&f, three, THREE, hear, &h), -EINVAL);
    assert_int_equal(h.n, 1);
    grpc_frames_free(&f);
}

/* What is announced is not believed: no room for it before it comes. */
static void test_frames_grow_with_what_comes(void **state)
{
    struct grpc_frames f = {.max = 1 << 30};
    uint8_t head[GRPC_FRAME_HEAD];
    struct heard h = {0};

    (void)state;
    grpc_frame_head(head, 1 << 29);
    assert_int_equal(grpc_frames_feed(&f, head, sizeof(head), hear, &h), 0);
    assert_int_equal(grpc_frames_feed(&f, three, THREE, hear, &h), 0);
    assert_true(grpc_frames_partial(&f));
    assert_true(f.cap <= 4096);
    grpc_frames_free(&f);
}

static void test_protobuf_memory(void **state)
{
    struct pb_memory m;
    void *p;

    (void)state;
    pb_memory_init(&m);
    p = m.allocator.alloc(m.allocator.allocator_data, PB_MEMORY_MAX - 10);
    assert_non_null(p);
    assert_null(m.allocator.alloc(m.allocator.allocator_data, 11));
    m.allocator.free(m.allocator.allocator_data, p);
    assert_null(m.allocator.alloc(m.allocator.allocator_data, 11)); /* what was had is had */
}

/* ---- calls ---- */

static char path[64];
static struct grpc_server *server;
static struct grpc *client;

/* "/echo": what was asked, with the namespace; "/stream": three messages, then as it comes. */
static int answer(void *arg, struct gs_call *c)
{
    size_t len;
    const uint8_t *p = gs_request(c, &len);
    char text[128];

    (void)arg;
    if (strcmp(gs_method(c), "/t.T/Echo") == 0) {
        int n = snprintf(text, sizeof(text), "%s:%.*s", gs_namespace(c), (int)len, (const char *)p);

        gs_send(c, text, (size_t)n);
        return 0;
    }
    if (strcmp(gs_method(c), "/t.T/List") == 0) {
        for (int i = 0; i < 3; i++)
            gs_send(c, "abc" + i, 1);
        return 0;
    }
    if (strcmp(gs_method(c), "/t.T/Stream") == 0) {
        gs_send(c, "first", 5);
        gs_keep_open(c);
        return 0;
    }
    return 12;
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/gyr-test-grpc.%d", (int)getpid());
    server = grpc_server_new(path, answer, NULL);
    return grpc_new(&client, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    grpc_free(client);
    grpc_server_free(server);
    return 0;
}

struct told {
    struct heard heard;
    int status; /* -1: not ended */
    char text[GRPC_TEXT_MAX];
    struct grpc_call *call;
};

static int on_message(void *arg, const uint8_t *p, size_t len)
{
    struct told *t = arg;

    return hear(&t->heard, p, len);
}

static void on_done(void *arg, int status, const char *text)
{
    struct told *t = arg;

    assert_int_equal(t->status, -1);
    t->status = status;
    (void)snprintf(t->text, sizeof(t->text), "%s", text);
}

static void call(struct told *t, const char *method, bool streams, uint32_t ms)
{
    struct grpc_request r = {.socket = path,
                             .method = method,
                             .key = "containerd-namespace",
                             .value = "k8s.io",
                             .message = "hi",
                             .len = 2,
                             .timeout_ms = ms,
                             .streams = streams,
                             .message_fn = on_message,
                             .done = on_done,
                             .arg = t};

    *t = (struct told){.status = -1};
    assert_int_equal(grpc_start(client, &r, &t->call, NULL), 0);
}

static void wait_for(const struct told *t)
{
    for (int i = 0; i < 200 && t->status < 0; i++)
        grpc_run(client, 50);
    assert_true(t->status >= 0);
}

static void test_calls(void **state)
{
    struct told all[40];

    (void)state;
    for (int i = 0; i < 40; i++)
        call(&all[i], "/t.T/Echo", false, 5000);
    for (int i = 0; i < 40; i++) {
        wait_for(&all[i]);
        assert_int_equal(all[i].status, GRPC_OK);
        assert_string_equal(all[i].heard.text, "<k8s.io:hi>");
    }
    call(&all[0], "/t.T/Other", false, 5000);
    wait_for(&all[0]);
    assert_int_equal(all[0].status, GRPC_UNIMPLEMENTED);
    assert_string_equal(all[0].text, "it is so wanted?");
}

static void test_streams(void **state)
{
    struct told list, one, stream;

    (void)state;
    call(&list, "/t.T/List", true, 5000);
    call(&one, "/t.T/List", false, 5000);
    call(&stream, "/t.T/Stream", true, 0);
    wait_for(&list);
    assert_int_equal(list.status, GRPC_OK);
    assert_string_equal(list.heard.text, "<a><b><c>");
    wait_for(&one); /* more than one answer where one was to come */
    assert_int_equal(one.status, GRPC_INTERNAL);
    while (stream.heard.n < 1)
        grpc_run(client, 50);
    assert_int_equal(grpc_server_push(server, "Stream", "second", 6), 1);
    while (stream.heard.n < 2)
        grpc_run(client, 50);
    assert_string_equal(stream.heard.text, "<first><second>");
    assert_int_equal(stream.status, -1);
    grpc_server_cut(server);
    wait_for(&stream);
    assert_int_equal(stream.status, GRPC_UNAVAILABLE);
}

static void test_cancel(void **state)
{
    struct told a, b;

    (void)state;
    call(&a, "/t.T/Stream", true, 0);
    call(&b, "/t.T/Echo", false, 5000);
    grpc_cancel(client, a.call);
    wait_for(&b);
    assert_int_equal(b.status, GRPC_OK);
    assert_int_equal(a.status, -1);
    call(&a, "/t.T/Stream", true, 0);
    while (a.heard.n < 1)
        grpc_run(client, 50);
    grpc_cancel(client, a.call);
    call(&b, "/t.T/Echo", false, 5000);
    wait_for(&b);
    assert_int_equal(b.status, GRPC_OK);
}

static void test_faults(void **state)
{
    static const struct {
        enum gs_fault fault;
        int status;
    } rows[] = {{GS_SILENT, GRPC_DEADLINE},
                {GS_SLOW, GRPC_OK},
                {GS_DROP, GRPC_UNAVAILABLE},
                {GS_RST, GRPC_UNAVAILABLE},
                {GS_HUGE, GRPC_EXHAUSTED},
                {GS_STATUS, GRPC_INTERNAL},
                {GS_DENIED, 7},
                {GS_OLD, GRPC_UNIMPLEMENTED},
                {GS_NO_STATUS, GRPC_UNAVAILABLE},
                {GS_COMPRESSED, GRPC_INTERNAL},
                {GS_HTTP, GRPC_INTERNAL},
                {GS_GOAWAY, GRPC_OK},
                {GS_TWICE, GRPC_INTERNAL}};
    struct told t;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        grpc_server_fault(server, "Echo", rows[i].fault);
        call(&t, "/t.T/Echo", false, rows[i].fault == GS_SILENT ? 200 : 5000);
        wait_for(&t);
        if (t.status != rows[i].status)
            print_message("fault %d: %s\n", (int)rows[i].fault, t.text);
        assert_int_equal(t.status, rows[i].status);
        if (t.status != GRPC_OK)
            assert_true(t.text[0] != '\0');
        grpc_server_fault(server, "", GS_NONE); /* and the next is as if nothing had been */
        call(&t, "/t.T/Echo", false, 5000);
        wait_for(&t);
        if (t.status != GRPC_OK)
            print_message("after fault %d: %s\n", (int)rows[i].fault, t.text);
        assert_int_equal(t.status, GRPC_OK);
    }
}

static void test_message_that_cannot_be_read(void **state)
{
    struct told t;

    (void)state;
    call(&t, "/t.T/Echo", false, 5000);
    t.heard.answer = -EINVAL;
    wait_for(&t);
    assert_int_equal(t.status, GRPC_INTERNAL);
}

static void test_no_server(void **state)
{
    struct told t, u;
    FILE *f;

    (void)state;
    grpc_server_free(server);
    server = NULL;
    call(&t, "/t.T/Echo", false, 5000);
    assert_int_equal(t.status, -1); /* never from within */
    wait_for(&t);
    assert_int_equal(t.status, GRPC_UNAVAILABLE);
    call(&u, "/t.T/Echo", false, 5000);
    grpc_cancel(client, u.call);
    f = fopen(path, "w"); /* something, but no socket */
    assert_non_null(f);
    fclose(f);
    call(&t, "/t.T/Echo", false, 5000);
    wait_for(&t);
    assert_int_equal(t.status, GRPC_UNAVAILABLE);
    (void)unlink(path);
}

static void *wake_later(void *arg)
{
    struct timespec ts = {.tv_nsec = 50000000};

    (void)arg;
    (void)nanosleep(&ts, NULL);
    grpc_wake(client);
    return NULL;
}

static void test_wake(void **state)
{
    struct timespec a, b;
    pthread_t thread;

    (void)state;
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    pthread_create(&thread, NULL, wake_later, NULL);
    grpc_run(client, 10000);
    pthread_join(thread, NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    assert_true(b.tv_sec - a.tv_sec < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_in_pieces),
        cmocka_unit_test(test_frames_bounds),
        cmocka_unit_test(test_frames_grow_with_what_comes),
        cmocka_unit_test(test_protobuf_memory),
        cmocka_unit_test_setup_teardown(test_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_message_that_cannot_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wake, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
