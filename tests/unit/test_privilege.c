/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities by name; dropping them, tried in children, where root's are there to be dropped. */
#include "base/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BIT(c) (UINT64_C(1) << (c))

static void test_parse(void **state)
{
    struct privileges p = {1, 1};
    struct gyr_error err = {0};

    (void)state;
    assert_int_equal(privilege_parse(NULL, &p, &err), 0);
    assert_true(p.needed == 0 && p.useful == 0);
    assert_int_equal(privilege_parse("  ", &p, &err), 0);
    assert_true(p.needed == 0 && p.useful == 0);
    assert_int_equal(privilege_parse(" CAP_BPF CAP_PERFMON\n CAP_SYS_PTRACE? CAP_CHOWN ", &p, &err),
                     0);
    assert_true(p.needed == (BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_CHOWN)));
    assert_true(p.useful == BIT(CAP_SYS_PTRACE));
    assert_int_equal(privilege_parse("CAP_CHECKPOINT_RESTORE", &p, &err), 0);
    assert_true(p.needed == BIT(CAP_CHECKPOINT_RESTORE));
}

static void test_parse_wrong(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"CAP_BPF CAP_PERFMAN", "no capability is called 'CAP_PERFMAN'; did you mean "
                                "'CAP_PERFMON'?"},
        {"cap_bpf,cap_perfmon", "no capability is called 'cap_bpf,cap_perfmon'"},
        {"CAP_BPF??", "no capability is called 'CAP_BPF?'; did you mean 'CAP_BPF'?"},
        {"?", "no capability is called ''"},
        {"CAP_BP", "no capability is called 'CAP_BP'; did you mean 'CAP_BPF'?"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct privileges p = {7, 9};
        struct gyr_error err = {0};

        assert_int_equal(privilege_parse(rows[i].text, &p, &err), -EINVAL);
        assert_string_equal(err.msg, rows[i].message);
        assert_true(p.needed == 7 && p.useful == 9); /* written on success only */
    }
}

static void test_names(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    privilege_add_names(&b, 0);
    assert_int_equal(b.len, 0);
    privilege_add_names(&b, BIT(CAP_CHOWN) | BIT(CAP_BPF) | BIT(60));
    assert_string_equal(b.p, "CAP_CHOWN, CAP_BPF, capability 60");
    buf_free(&b);
}

/* Run in a child, so that what is dropped there is still ours. @return what it returned. */
static int in_child(int (*f)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(f());
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const uint64_t KEEP = BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH);

static bool is_root(void)
{
    if ((privilege_effective() & (KEEP | BIT(CAP_SETPCAP))) == (KEEP | BIT(CAP_SETPCAP)))
        return true;
    print_message("skipped: not run with the capabilities that it drops\n");
    return false;
}

static int drops(void)
{
    struct gyr_error err = {0};

    if (privilege_drop(KEEP, &err) < 0)
        return 2;
    if (privilege_effective() != KEEP)
        return 3;
    if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) != 0 ||
        prctl(PR_CAPBSET_READ, CAP_SYS_PTRACE, 0, 0, 0) != 1)
        return 4;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 5;
    /* again, with less; what was dropped does not come back */
    if (privilege_drop(BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_ADMIN), &err) < 0 ||
        privilege_effective() != BIT(CAP_SYS_PTRACE))
        return 6;
    return 0;
}

/* The set of the next program is what this one has at most, though root executes it. */
static int executes_without(void)
{
    struct gyr_error err = {0};

    if (privilege_drop(0, &err) < 0)
        return 100;
    (void)execl("/bin/sh", "sh", "-c", "grep -q '^CapEff:[[:space:]]*0*$' /proc/self/status",
                (char *)NULL);
    return 101;
}

static void test_drop(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    assert_int_equal(in_child(drops), 0);
    assert_int_equal(in_child(executes_without), 0);
}

static void *enter(void *ret)
{
    *(int *)ret = privilege_enter_thread() < 0 || privilege_effective() != KEEP;
    return NULL;
}

static int threads_enter(void)
{
    pthread_t t;
    int bad = 1;

    if (privilege_enter_thread() != 0 || !(privilege_effective() & BIT(CAP_SETPCAP)))
        return 1; /* without a plan nothing happens */
    privilege_plan(KEEP);
    if (pthread_create(&t, NULL, enter, &bad) != 0 || pthread_join(t, NULL) != 0)
        return 2;
    if (bad)
        return 3;
    return privilege_effective() & BIT(CAP_SETPCAP) ? 0 : 4; /* ours are there still */
}

static void test_threads(void **state)
{
    (void)state;
    if (!is_root())
        skip();
    assert_int_equal(in_child(threads_enter), 0);
}

static pthread_barrier_t barrier;

static void *stay(void *arg)
{
    (void)pthread_barrier_wait(&barrier);
    (void)pthread_barrier_wait(&barrier);
    return arg;
}

/* A thread that was joined may stand in /proc for a moment longer. */
static bool leaves(int tid)
{
    char path[64];
    int tries = 500;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
    while (access(path, F_OK) == 0 && tries-- > 0)
        (void)usleep(10000);
    return tries > 0;
}

static int finds_stray(void)
{
    struct gyr_error err = {0};
    pthread_t t;
    int found;

    (void)pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&t, NULL, stay, NULL) != 0)
        return 1;
    (void)pthread_barrier_wait(&barrier);
    if (privilege_drop(KEEP, &err) < 0)
        return 2;
    found = privilege_find_stray(KEEP);
    (void)pthread_barrier_wait(&barrier);
    (void)pthread_join(t, NULL);
    if (found <= 0 || found == getpid() || !leaves(found))
        return 3;
    return privilege_find_stray(KEEP) == 0 ? 0 : 4;
}

static void test_stray(void **state)
{
    (void)state;
    if (!is_root())
        skip();
#ifdef __SANITIZE_THREAD__
    skip(); /* it has a thread of its own */
#endif
    assert_int_equal(in_child(finds_stray), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),   cmocka_unit_test(test_parse_wrong),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_drop),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_stray),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
