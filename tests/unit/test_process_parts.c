/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the process enricher on their own: paths, container ids, maps, descriptor tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/enrichers/process/container.h"
#include "../../plugins/enrichers/process/fdorder.h"
#include "../../plugins/enrichers/process/paths.h"
#include "../../plugins/enrichers/process/users.h"

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static struct pr_text text(const char *s)
{
    return (struct pr_text){s, (uint32_t)strlen(s)};
}

static void assert_text(struct pr_text t, const char *want)
{
    assert_int_equal(t.len, strlen(want));
    assert_memory_equal(t.p, want, t.len);
}

/* ---- paths ---- */

static void joins(void **state)
{
    static const struct {
        const char *dir, *path, *want;
    } cases[] = {
        {"/home/u/", "x", "/home/u/x"},
        {"/home/u/", "/etc/passwd", "/etc/passwd"},
        {"/home/u/", "../../etc/shadow", "/etc/shadow"},
        {"/home/u/", "../../../../../etc/shadow", "/etc/shadow"},
        {"/home/u/", "./a/./b//c/", "/home/u/a/b/c"},
        {"/home/u/", ".", "/home/u"},
        {"/home/u/", "..", "/home"},
        {"/", "..", "/"},
        {"/", ".", "/"},
        {"/home/u/", "...", "/home/u/..."},
        {"/home/u/", ".bashrc", "/home/u/.bashrc"},
        {"/home/u/", "..x/y", "/home/u/..x/y"},
        {"/home/u/", "a/..", "/home/u"},
        {"/home/u/", "a/../..", "/home"},
        {"", "rel/../x", "x"},
        {"", "//a///b", "/a/b"},
        {"/a/", "", ""},
        {"./", "x", "./x"},
    };
    char out[PR_PATH_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t n = pr_path_join(out, text(cases[i].dir), text(cases[i].path));

        assert_string_equal(out, cases[i].want);
        assert_int_equal(n, strlen(cases[i].want));
    }
}

static void joins_too_long(void **state)
{
    char path[2 * PR_PATH_MAX], out[PR_PATH_MAX];

    (void)state;
    memset(path, 'a', sizeof(path));
    for (uint32_t n = PR_PATH_MAX - 100; n < sizeof(path); n++) {
        struct pr_text p = {path, n};
        uint32_t got = pr_path_join(out, text("/tmp/"), p);

        if (n + 5 + 1 <= PR_PATH_MAX)
            assert_int_equal(got, n + 5);
        else
            assert_string_equal(out, "/DIR_TOO_LONG/FILENAME_TOO_LONG");
    }
}

/* Only what is left counts: a name that says little at length is told all the same. */
static void joins_at_length(void **state)
{
    static const char *const fillers[] = {"./", "/", "a/../", "bb/.././"};
    char path[2 * PR_PATH_MAX], out[PR_PATH_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(fillers) / sizeof(fillers[0]); i++) {
        size_t n = strlen(fillers[i]), used = 5;

        memcpy(path, "/etc/", 5);
        for (; used + n + 8 < sizeof(path); used += n)
            memcpy(path + used, fillers[i], n);
        memcpy(path + used, "shadow", 7);
        (void)pr_path_join(out, text(""), text(path));
        assert_string_equal(out, "/etc/shadow");
        (void)pr_path_join(out, text("/tmp/"), text(path + 1));
        assert_string_equal(out, "/tmp/etc/shadow");
    }
}

static void cuts(void **state)
{
    (void)state;
    assert_text(pr_path_dir(text("/etc/passwd")), "/etc");
    assert_text(pr_path_dir(text("/etc")), "/");
    assert_text(pr_path_dir(text("")), "/");
    assert_text(pr_path_dir(text("name")), "/");
    assert_text(pr_path_name(text("/etc/passwd")), "passwd");
    assert_text(pr_path_name(text("name")), "/");
}

/* ---- containers ---- */

static void container_ids(void **state)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        {"/docker/" ID, ID},
        {"/system.slice/docker-" ID ".scope", ID},
        {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container",
         ID},
        {"/machine.slice/libpod-" ID ".scope", ID},
        {"/libpod_parent/libpod-" ID, ID},
        {"/kubepods/besteffort/pod2b6f/" ID, ID},
        {"/kubepods/pod2b6f/" ID, ID},
        {"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod2b6f.slice/"
         "cri-containerd-" ID ".scope",
         ID},
        {"/kubepods.slice/kubepods-pod2b6f.slice/crio-" ID ".scope", ID},
        {"/kubepods.slice/kubepods-pod2b6f.slice/docker-" ID ".scope", ID},
        {"/kubepods/burstable/pod2b6f/crio-" ID, ID},
        {"/system.slice/containerd.service/kubepods-besteffort-pod2b6f.slice:cri-containerd:" ID,
         ID},
        {"/docker/" OTHER "/kubelet/kubepods/besteffort/pod1/" ID, ID},
        {"/default/" ID, ID},
        {"/", ""},
        {"", ""},
        {"/user.slice/user-0.slice/session-1.scope", ""},
        {"/system.slice/" ID ".service", ""},
        {"/system.slice/" ID, ""},
        {"/" ID, ""},
        {"/build/jobs/" ID, ""},
        {"/system.slice/docker.service", ""},
        {"/docker/abc", ""},
        {"/docker/" ID "0", ""},
        {"/system.slice/crio-conmon-" ID ".scope", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_text(pr_container_of_path(text(cases[i].path)), cases[i].want);
}

static void container_of_groups(void **state)
{
    static const char groups[] = "cpuset=/\0name=systemd=/docker/" ID "\0memory=/user.slice";
    static const char v2[] = "=/system.slice/docker-" ID ".scope";
    static const char none[] = "cpuset=/\0nonsense\0memory=/user.slice";

    (void)state;
    assert_text(pr_container_of((struct pr_text){groups, sizeof(groups) - 1}), ID);
    assert_text(pr_container_of((struct pr_text){v2, sizeof(v2) - 1}), ID);
    assert_text(pr_container_of((struct pr_text){none, sizeof(none) - 1}), "");
}

/* ---- maps and strings ---- */

static void index_keeps_all(void **state)
{
    struct pr_index m = {0};
    static int values[5000];

    (void)state;
    for (int64_t i = 0; i < 5000; i++)
        assert_int_equal(pr_index_put(&m, i * 4096, &values[i]), 0);
    for (int64_t i = 0; i < 5000; i += 3)
        pr_index_del(&m, i * 4096);
    pr_index_del(&m, 77);
    for (int64_t i = 0; i < 5000; i++)
        assert_ptr_equal(pr_index_get(&m, i * 4096), i % 3 ? &values[i] : NULL);
    assert_int_equal(m.n, 5000 - 1667);
    pr_index_free(&m);
    assert_null(pr_index_get(&m, 1));
}

static void store_has_a_ceiling(void **state)
{
    struct pr_store s;
    struct pr_str *str[64] = {0}, *shared = NULL;
    static char big[200000];
    uint32_t n = 0;

    (void)state;
    pr_store_init(&s, 1 << 20);
    memset(big, 'x', sizeof(big));
    while (n < 64 && (str[n] = pr_str_new(&s, big, sizeof(big))))
        n++;
    assert_in_range(n, 1, 5);
    assert_int_equal(s.failures, 1);
    assert_true(s.used <= 1 << 20);
    pr_str_share(&s, &shared, str[0]);
    pr_str_free(&s, str[0]);
    assert_int_equal(shared->s[199999], 'x');
    pr_str_free(&s, shared);
    for (uint32_t i = 1; i < n; i++)
        pr_str_free(&s, str[i]);
    assert_non_null((shared = pr_str_new(&s, "a", 1)));
    pr_str_set(&s, &shared, "", 0);
    assert_null(shared);
    pr_store_free_all(&s);
}

/* What one size of blocks leaves is there for every other: who fills the store with long names and
 * lets them go has not taken the room of short ones. */
static void store_gives_back(void **state)
{
    enum { SIZES = 6 };
    static const size_t sizes[SIZES] = {4000, 20, 700, 60, 7000, 100};
    static struct pr_str *str[SIZES * 16384];
    static char text[8192];
    struct pr_store s;

    (void)state;
    pr_store_init(&s, 1 << 20);
    memset(text, 'x', sizeof(text));
    for (uint32_t round = 0; round < 3 * SIZES; round++) {
        size_t size = sizes[round % SIZES];
        uint32_t n = 0;

        while (n < SIZES * 16384 && (str[n] = pr_str_new(&s, text, size)))
            n++;
        assert_true(n * (size + 64) > 1 << 19);
        for (uint32_t i = 0; i < n; i += 2)
            pr_str_free(&s, str[i]);
        for (uint32_t i = 1; i < n; i += 2)
            pr_str_free(&s, str[i]);
        assert_true(s.used < 1 << 19);
    }
    pr_store_free_all(&s);
}

/* ---- descriptors ---- */

static bool is_even(struct pr_fd *fd, const void *arg)
{
    (void)arg;
    return fd->num % 2 == 0;
}

static void tables_are_shared_until_changed(void **state)
{
    struct pr_store s;
    struct pr_fds *parent = NULL, *child;

    (void)state;
    pr_store_init(&s, 64 << 20);
    for (int64_t i = 0; i < 1000; i++) {
        struct pr_fd *fd = pr_fds_add(&s, &parent, i * 3);

        assert_non_null(fd);
        fd->type = FD_FILE_V2;
        pr_str_set(&s, &fd->name, "/a", 2);
    }
    child = pr_fds_share(&s, &parent);
    assert_ptr_equal(child, parent);
    pr_fds_drop(&s, &child, is_even, NULL);
    assert_ptr_not_equal(child, parent);
    assert_int_equal(parent->n, 1000);
    assert_int_equal(child->n, 500);
    for (int64_t i = 0; i < 1000; i++) {
        assert_non_null(pr_fds_find(parent, i * 3));
        assert_int_equal(pr_fds_find(child, i * 3) != NULL, i % 2);
    }
    pr_fds_del(&s, &parent, 3);
    assert_null(pr_fds_find(parent, 3));
    assert_text(pr_text_of(pr_fds_find(child, 3)->name), "/a");
    assert_null(pr_fds_find(child, -1));
    assert_null(pr_fds_add(&s, &child, -1));
    pr_fds_free(&s, &parent);
    pr_fds_free(&s, &child);
    pr_store_free_all(&s);
}

static void assert_order(const struct pr_fds *t, const char *want)
{
    char got[256] = "";
    size_t n = 0;

    for (uint32_t i = t->first; i != PR_FDS_END; i = pr_order_next(t, i))
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%lld", n ? " " : "",
                              (long long)t->slots[i].num);
    assert_string_equal(got, want);
}

static void add_all(struct pr_store *s, struct pr_fds **t, int64_t first, int64_t last)
{
    for (int64_t i = first; i <= last; i++)
        assert_non_null(pr_fds_add(s, t, i));
}

/* By hand from how libstdc++ keeps a hash table: a new entry comes before its bucket, or before
 * all; 13 buckets, then 29; a bigger table and a copy are filled in the order of the old one. */
static void tables_have_the_order_of_a_hash_table(void **state)
{
    struct pr_fds *t = NULL, *child = NULL, *grandchild = NULL;
    struct pr_store s;

    (void)state;
    pr_store_init(&s, 64 << 20);
    add_all(&s, &t, 0, 3);
    assert_order(t, "3 2 1 0");
    assert_non_null(pr_fds_add(&s, &t, 2)); /* replaced where it is */
    assert_order(t, "3 2 1 0");
    child = pr_fds_share(&s, &t);
    grandchild = pr_fds_share(&s, &child);
    assert_order(pr_fds_in_order(&s, &t), "3 2 1 0");
    assert_order(pr_fds_in_order(&s, &child), "0 1 2 3");
    assert_order(pr_fds_in_order(&s, &grandchild), "3 2 1 0");
    pr_fds_free(&s, &grandchild);
    add_all(&s, &child, 14, 14); /* with 1 in a bucket */
    assert_order(child, "0 14 1 2 3");
    pr_fds_del(&s, &child, 14);
    add_all(&s, &child, 4, 4);
    assert_order(child, "4 0 1 2 3");
    pr_fds_del(&s, &child, 1); /* nothing left in the bucket */
    add_all(&s, &child, 14, 14);
    assert_order(child, "14 4 0 2 3");
    add_all(&s, &child, 1, 1);
    assert_order(child, "1 14 4 0 2 3");
    pr_fds_free(&s, &child);

    child = pr_fds_share(&s, &t);
    pr_fds_free(&s, &t); /* the owner goes, the child catches up in place */
    assert_order(pr_fds_in_order(&s, &child), "0 1 2 3");
    pr_fds_free(&s, &child);
    add_all(&s, &t, 0, 12);
    assert_order(t, "12 11 10 9 8 7 6 5 4 3 2 1 0");
    add_all(&s, &t, 13, 14);
    assert_order(t, "14 13 0 1 2 3 4 5 6 7 8 9 10 11 12");
    child = pr_fds_share(&s, &t);
    pr_fds_del(&s, &t, 14); /* the owner's copy keeps the buckets of the old one */
    assert_order(t, "13 0 1 2 3 4 5 6 7 8 9 10 11 12");
    add_all(&s, &t, 30, 30);
    assert_order(t, "13 0 30 1 2 3 4 5 6 7 8 9 10 11 12");
    assert_order(pr_fds_in_order(&s, &child), "12 11 14 1 13 0 2 3 4 5 6 7 8 9 10");
    pr_fds_free(&s, &child);
    pr_fds_free(&s, &t);
    pr_store_free_all(&s);
}

static void tables_are_bounded(void **state)
{
    struct pr_store s;
    struct pr_fds *t = NULL;

    (void)state;
    pr_store_init(&s, 64 << 20);
    for (int64_t i = 0; i < PR_FDS_MAX; i++)
        assert_non_null(pr_fds_add(&s, &t, i));
    for (int64_t i = PR_FDS_MAX; i < PR_FDS_MAX + 1000; i++) {
        assert_non_null(pr_fds_add(&s, &t, i)); /* nothing is opened unseen */
        assert_int_equal(t->n, PR_FDS_MAX);
    }
    assert_non_null(pr_fds_find(t, PR_FDS_MAX));
    assert_non_null(pr_fds_add(&s, &t, PR_FDS_MAX));
    assert_int_equal(t->n, PR_FDS_MAX);
    pr_fds_free(&s, &t);
    pr_store_free_all(&s);
}

/* ---- addresses ---- */

static void ends_not_told_are_ours(void **state)
{
    static const uint8_t lan[4] = {10, 1, 0, 5}, mask[4] = {255, 255, 0, 0}, lo[4] = {127, 0, 0, 1},
                         mask_lo[4] = {255, 0, 0, 0};
    struct pr_addrs a = {.n = 0};
    struct pr_fd fd = {.type = FD_IPV4, .dip = {10, 1, 9, 9}, .sport = 1, .dport = 2};

    (void)state;
    pr_addrs_add(&a, lo, mask_lo, false);
    pr_addrs_add(&a, lan, mask, false);
    pr_addrs_add(&a, lan, mask, false);
    assert_int_equal(a.n, 2);
    assert_true(pr_addrs_is_local(&a, lan, false));
    assert_false(pr_addrs_is_local(&a, fd.dip, false));
    pr_addrs_complete(&a, &fd);
    assert_memory_equal(fd.sip, lan, 4);
    fd = (struct pr_fd){.type = FD_IPV4, .dip = {8, 8, 8, 8}};
    pr_addrs_complete(&a, &fd);
    assert_memory_equal(fd.sip, lan, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins),
        cmocka_unit_test(joins_too_long),
        cmocka_unit_test(joins_at_length),
        cmocka_unit_test(cuts),
        cmocka_unit_test(container_ids),
        cmocka_unit_test(container_of_groups),
        cmocka_unit_test(index_keeps_all),
        cmocka_unit_test(store_has_a_ceiling),
        cmocka_unit_test(store_gives_back),
        cmocka_unit_test(tables_are_shared_until_changed),
        cmocka_unit_test(tables_have_the_order_of_a_hash_table),
        cmocka_unit_test(tables_are_bounded),
        cmocka_unit_test(ends_not_told_are_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
