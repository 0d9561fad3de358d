/* SPDX-License-Identifier: Apache-2.0 */
/* Which functions of the kernel are a system call's: told by types and symbols made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/sources/ebpf/functions.h"

#include <bpf/btf.h>
#include <gyr/util.h>
#include <unistd.h>

#if defined(__x86_64__)
static struct btf *btf;
static struct functions *functions;
static char symbols[] = "/tmp/gyr-symbols-XXXXXX";

/* A kernel: types of functions with registers (two prototypes) and of others; symbols. */
static int setup(void **state)
{
    static const char *const with_regs[] = {
        "__x64_sys_openat",     "__ia32_sys_openat",         "__ia32_compat_sys_openat",
        "__x64_sys_newstat",    "__ia32_compat_sys_newstat", "__ia32_compat_sys_ia32_stat64",
        "__x64_sys_umount",     "__ia32_sys_umount",         "__x64_sys_chown",
        "__ia32_sys_chown",     "__ia32_sys_chown16",        "__x64_sys_inotify_init",
        "__x64_sys_getpgid",    "__x64_compat_sys_preadv64", "__ia32_compat_sys_x86_pread",
        "__x64_sys_sendfile64", "__x64_sys_openat"};
    static const char *const unused_regs[] = {"__do_sys_getppid", "__do_sys_inotify_init",
                                              "__do_compat_sys_sigreturn"};
    int regs, constant, pointer, proto, unused, plain, number, fd;
    FILE *f;

    (void)state;
    btf = btf__new_empty();
    assert_non_null(btf);
    number = btf__add_int(btf, "long int", 8, BTF_INT_SIGNED);
    regs = btf__add_struct(btf, "pt_regs", 8);
    assert_int_equal(btf__add_field(btf, "di", number, 0, 0), 0);
    constant = btf__add_const(btf, regs);
    pointer = btf__add_ptr(btf, constant);
    proto = btf__add_func_proto(btf, number);
    assert_int_equal(btf__add_func_param(btf, "regs", pointer), 0);
    unused = btf__add_func_proto(btf, number);
    assert_int_equal(btf__add_func_param(btf, "__unused", pointer), 0);
    plain = btf__add_func_proto(btf, number);
    assert_int_equal(btf__add_func_param(btf, "fd", number), 0);
    for (size_t i = 0; i < sizeof(with_regs) / sizeof(with_regs[0]); i++)
        assert_true(btf__add_func(btf, with_regs[i], BTF_FUNC_STATIC, proto) > 0);
    for (size_t i = 0; i < sizeof(unused_regs) / sizeof(unused_regs[0]); i++)
        assert_true(btf__add_func(btf, unused_regs[i], BTF_FUNC_STATIC, unused) > 0);
    assert_true(btf__add_func(btf, "__do_sys_openat", BTF_FUNC_STATIC, plain) > 0);
    fd = mkstemp(symbols);
    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    assert_non_null(f);
    (void)fputs("ffffffff81000000 T __x64_sys_openat\n"
                "ffffffff81000010 T __x64_sys_getppid\n"
                "ffffffff81000010 t __do_sys_getppid\n"
                "ffffffff81000020 T __x64_sys_mseal\n"
                "ffffffff81000028 T __x64_sys_exit_group\n"
                "ffffffff81000060 T __ia32_sys_chown16\n"
                "ffffffff81000060 T __ia32_sys_umount\n"
                "ffffffff81000070 T __ia32_compat_sys_sigreturn\n"
                "ffffffff81000030 d __x64_sys_data\n"
                "ffffffff81000040 t __x64_sys_tee.cold\n"
                "ffffffff81000050 T __ia32_sys_stat64\n"
                "a line that is none\n",
                f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(functions_new(btf, symbols, &functions, &(struct gyr_error){0}), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    functions_free(functions);
    btf__free(btf);
    return unlink(symbols);
}

/* The names of a call's functions, in the order found, a space before each; "!" one not described.
 */
static const char *of(const char *call, enum way way)
{
    static char text[1024];
    const struct kernel_function *k[FUNCTIONS_PER_CALL];
    char hidden[FUNCTION_NAME_MAX];
    uint32_t n = functions_of_call(functions, call, way, k, hidden);
    size_t at = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, " %s", k[i]->name);
    if (hidden[0])
        (void)snprintf(text + at, sizeof(text) - at, " !%s", hidden);
    return text;
}

static void a_call_has_its_function(void **state)
{
    (void)state;
    assert_string_equal(of("openat", WAY_NATIVE), " __x64_sys_openat");
    assert_string_equal(of("openat", WAY_COMPAT), " __ia32_compat_sys_openat __ia32_sys_openat");
    assert_string_equal(of("preadv", WAY_X32), " __x64_compat_sys_preadv64");
}

static void functions_have_names_of_their_own(void **state)
{
    (void)state;
    assert_string_equal(of("stat", WAY_NATIVE), " __x64_sys_newstat");
    assert_string_equal(of("umount2", WAY_NATIVE), " __x64_sys_umount");
    assert_string_equal(of("sendfile", WAY_NATIVE), " __x64_sys_sendfile64");
    assert_string_equal(of("pread64", WAY_COMPAT), " __ia32_compat_sys_x86_pread");
    assert_string_equal(of("chown", WAY_COMPAT), " __ia32_sys_chown __ia32_sys_chown16");
    assert_string_equal(of("chown32", WAY_COMPAT), " __ia32_sys_chown __ia32_sys_chown16");
}

/* Weak or alias, the names of the ways are those of the one body. */
static void a_call_without_arguments_has_one_function(void **state)
{
    (void)state;
    assert_string_equal(of("getppid", WAY_NATIVE), " __do_sys_getppid");
    assert_string_equal(of("getppid", WAY_COMPAT), " __do_sys_getppid");
    assert_string_equal(of("inotify_init", WAY_NATIVE), " __do_sys_inotify_init");
    assert_string_equal(of("sigreturn", WAY_COMPAT), " __do_compat_sys_sigreturn");
    assert_int_not_equal(functions_find(functions, "__do_sys_getppid")->proto,
                         functions_find(functions, "__x64_sys_openat")->proto);
}

static void what_is_not_described_is_told(void **state)
{
    (void)state;
    assert_string_equal(of("mseal", WAY_NATIVE), " !__x64_sys_mseal");
    assert_string_equal(of("stat", WAY_COMPAT), " __ia32_compat_sys_newstat "
                                                "__ia32_compat_sys_ia32_stat64 !__ia32_sys_stat64");
    assert_string_equal(of("data", WAY_NATIVE), "");
    assert_string_equal(of("tee", WAY_NATIVE), "");
    assert_string_equal(of("no_such_call", WAY_NATIVE), "");
    assert_string_equal(of("exit_group", WAY_NATIVE), "");
}

/* The same code under two names takes one hook. */
static void code_that_is_shared_has_one_function(void **state)
{
    (void)state;
    assert_string_equal(of("umount2", WAY_COMPAT), " __ia32_sys_chown16");
    assert_string_equal(of("umount2", WAY_NATIVE), " __x64_sys_umount");
}

static void a_function_without_registers_is_none(void **state)
{
    (void)state;
    assert_null(functions_find(functions, "__do_sys_openat"));
    assert_string_equal(functions_any(functions)->name, "__x64_sys_getpgid");
}

static void symbols_may_be_unreadable(void **state)
{
    struct functions *f = NULL;

    (void)state;
    assert_int_equal(functions_new(btf, "/nowhere", &f, &(struct gyr_error){0}), 0);
    assert_non_null(functions_find(f, "__x64_sys_openat"));
    functions_free(f);
    functions_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_has_its_function),
        cmocka_unit_test(functions_have_names_of_their_own),
        cmocka_unit_test(a_call_without_arguments_has_one_function),
        cmocka_unit_test(code_that_is_shared_has_one_function),
        cmocka_unit_test(what_is_not_described_is_told),
        cmocka_unit_test(a_function_without_registers_is_none),
        cmocka_unit_test(symbols_may_be_unreadable),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
#else
int main(void)
{
    puts("1..0 # SKIP the names are those of x86_64");
    return 0;
}
#endif
