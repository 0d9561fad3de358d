/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crash.h"

#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    OBJECTS_MAX = 256,
    NAME_SIZE = 160,
    CALL_SIZE = 24,
    STACK_WORDS = 2048, /* of the thread that failed, from its innermost frame */
    ALT_STACK = 65536
};

/* Filled on the main thread, read by a handler: a row counts once n_objects says so. */
static struct object {
    uintptr_t from, to; /* code */
    char path[NAME_SIZE];
} objects[OBJECTS_MAX];
static volatile sig_atomic_t n_objects;

static char calling_plugin[NAME_SIZE], calling_call[CALL_SIZE];
static pid_t main_thread;

void crash_calling(const char *plugin, const char *call)
{
    if (!call) {
        calling_call[0] = '\0';
        return;
    }
    (void)snprintf(calling_plugin, sizeof(calling_plugin), "%s", plugin);
    (void)snprintf(calling_call, sizeof(calling_call), "%s", call);
}

/* ---- whose code ---- */

struct search {
    const struct link_map *map;
    const char *path;
};

static int add_code(struct dl_phdr_info *info, size_t size, void *data)
{
    const struct search *s = data;

    (void)size;
    if (info->dlpi_addr != s->map->l_addr)
        return 0;
    for (int i = 0; i < info->dlpi_phnum && n_objects < OBJECTS_MAX; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        struct object *o = &objects[n_objects];

        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        o->from = info->dlpi_addr + p->p_vaddr;
        o->to = o->from + p->p_memsz;
        (void)snprintf(o->path, sizeof(o->path), "%s", s->path);
        n_objects++;
    }
    return 1;
}

void crash_add_plugin(void *handle, const char *path)
{
    struct search s = {.path = path};

    if (dlinfo(handle, RTLD_DI_LINKMAP, &s.map) == 0)
        (void)dl_iterate_phdr(add_code, &s);
}

static const char *owner_of(uintptr_t at)
{
    for (int i = 0; i < n_objects; i++)
        if (at >= objects[i].from && at < objects[i].to)
            return objects[i].path;
    return NULL;
}

static void where_it_failed(const ucontext_t *uc, uintptr_t *ret_pc, uintptr_t *ret_sp)
{
#if defined(__x86_64__)
    *ret_pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
    *ret_sp = (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    *ret_pc = (uintptr_t)uc->uc_mcontext.pc;
    *ret_sp = (uintptr_t)uc->uc_mcontext.sp;
#else
    (void)uc;
    *ret_pc = *ret_sp = 0;
#endif
}

/* The innermost address on the stack that lies in a plugin's code: who called strlen(), say. Read
 * by the kernel, which minds where the stack ends. */
static const char *owner_on_stack(uintptr_t sp)
{
    static uintptr_t words[STACK_WORDS];
    struct iovec to = {words, sizeof(words)}, from = {(void *)sp, sizeof(words)};
    ssize_t n = 0;

    for (size_t len = sizeof(words); sp && len >= 512 && n <= 0; len /= 2) {
        to.iov_len = from.iov_len = len;
        n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    }
    for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(words[0]); i++) {
        const char *owner = owner_of(words[i]);

        if (owner)
            return owner;
    }
    return NULL;
}

/* ---- the handler: no allocation, no lock ---- */

static void say(char *line, size_t size, const char *text)
{
    size_t at = strlen(line);

    for (; *text && at + 1 < size; text++)
        line[at++] = *text;
    line[at] = '\0';
}

static const char *signal_name(int sig)
{
    switch (sig) {
    case SIGSEGV:
        return "Segmentation fault";
    case SIGBUS:
        return "Bus error";
    case SIGFPE:
        return "Arithmetic error";
    case SIGILL:
        return "Illegal instruction";
    default:
        return "Aborted";
    }
}

static void say_sent(char *line, size_t size, int sig)
{
    say(line, size, "another process sent a signal, and ended it: ");
    say(line, size, signal_name(sig));
    if (sig == SIGABRT)
        say(line, size, " (as the watchdog does with what hangs)");
    say(line, size, "\n");
}

static void say_crashed(char *line, size_t size, int sig, const ucontext_t *uc)
{
    char thread[17] = "";
    const char *owner;
    uintptr_t pc, sp;

    where_it_failed(uc, &pc, &sp);
    owner = owner_of(pc);
    if (!owner)
        owner = owner_on_stack(sp);
    if (owner) {
        say(line, size, "the plugin ");
        say(line, size, owner);
        say(line, size, " has crashed: ");
    } else {
        say(line, size, "crashed: ");
    }
    say(line, size, signal_name(sig));
    (void)prctl(PR_GET_NAME, thread, 0, 0, 0);
    if (gettid() != main_thread) {
        say(line, size, ", in the thread '");
        say(line, size, thread);
        say(line, size, "'");
    } else if (*calling_call) {
        say(line, size, ", in ");
        say(line, size, calling_call);
        say(line, size, " of ");
        say(line, size, calling_plugin);
    }
    say(line, size, owner ? "; gyr plugin check may tell more\n" : "\n");
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
    char line[640] = "gyr: error: ";

    if (info->si_code <= 0 && info->si_pid != getpid())
        say_sent(line, sizeof(line), sig);
    else
        say_crashed(line, sizeof(line), sig, context);
    (void)!write(STDERR_FILENO, line, strlen(line));
    (void)raise(sig); /* SA_RESETHAND: now it takes its course */
}

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

void crash_block_others(sigset_t *ret)
{
    (void)sigfillset(ret);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)sigdelset(ret, signals[i]);
}

void crash_watch(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    static char stack[ALT_STACK];
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction sa = {.sa_sigaction = on_crash,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER};

    main_thread = gettid();
    (void)sigaltstack(&alt, NULL);
    (void)sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)sigaction(signals[i], &sa, NULL);
#endif
}
