/* SPDX-License-Identifier: Apache-2.0 */
/* Words about processes: exec, fork, exit, who they are. */
#include "call.h"

#include "names/names.h"

#include <errno.h>
#include <string.h>

enum { CLONE_IN_PIDNS = 0x20000000, NEWUSER = 0x100000, FDLIMIT = 1024 };

/* clone, fork and vfork have their parameters in the same places, execve and execveat too */
#define C(name) P_SYSCALL_CLONE_20_X__##name
#define X(name) P_SYSCALL_EXECVE_19_X__##name

/* ---- exec ---- */

static void exec_params(struct sc_call *c, const struct sc_proc *p, int64_t res)
{
    sc_set_num(c, X(res), (uint64_t)res);
    sc_set_text(c, X(exe), p->exe);
    sc_set_bytes(c, X(args), p->args);
    sc_set_num(c, X(tid), (uint64_t)p->tid);
    sc_set_num(c, X(pid), (uint64_t)p->pid);
    sc_set_num(c, X(ptid), (uint64_t)p->ptid);
    sc_set_num(c, X(fdlimit), FDLIMIT);
    sc_set_num(c, X(vm_size), 8192);
    sc_set_num(c, X(vm_rss), 4096);
    sc_set_text(c, X(comm), p->comm);
    sc_set_bytes(c, X(cgroups), p->cgroups);
    sc_set_bytes(c, X(env), p->env);
    sc_set_num(c, X(tty), p->tty);
    sc_set_num(c, X(vpgid), (uint64_t)p->vpgid);
    sc_set_num(c, X(loginuid), p->loginuid);
    sc_set_num(c, X(flags), p->exe_flags);
    sc_set_num(c, X(cap_inheritable), p->cap_inheritable);
    sc_set_num(c, X(cap_permitted), p->cap_permitted);
    sc_set_num(c, X(cap_effective), p->cap_effective);
    sc_set_num(c, X(exe_ino), p->exe_ino);
    sc_set_num(c, X(exe_ino_ctime), p->exe_ctime);
    sc_set_num(c, X(exe_ino_mtime), p->exe_ctime);
    sc_set_num(c, X(uid), p->uid);
    sc_set_text(c, X(trusted_exepath), p->exepath);
    sc_set_num(c, X(pgid), (uint64_t)p->pgid);
    sc_set_num(c, X(gid), p->gid);
}

/* One that is refused tells what was asked for, and the program that still runs. */
static void failed_exec(struct sc_call *c, const struct sc_program *g)
{
    exec_params(c, c->actor, c->res);
    sc_set_text(c, X(exe), g->argv0);
    sc_set_bytes(c, X(args), g->args);
    if (g->has_env)
        sc_set_bytes(c, X(env), g->env);
}

static void use_program_args(struct sc_call *c)
{
    for (const char *const *k = sc_program_keys; *k; k++)
        (void)sc_arg(c, *k);
    c->all_asked = true;
}

static int exec_as(struct sc_call *c, const json_t *told)
{
    const json_t *fails = c->main ? NULL : sc_arg(c, "fails");
    struct sc_program g;
    int r = fails ? sc_errno(c->w, fails, &c->res) : 0;

    if (r == 0)
        r = sc_program_read(c->w, told, c->actor, &g);
    if (r < 0)
        return r;
    if (c->res < 0) {
        failed_exec(c, &g);
    } else {
        sc_program_run(c->actor, &g);
        exec_params(c, c->actor, 0);
    }
    if (c->type->id == EV_SYSCALL_EXECVE_19_X)
        sc_set_text(c, P_SYSCALL_EXECVE_19_X__filename, g.filename);
    return sc_call_put(c);
}

static int word_exec(struct sc_call *c)
{
    use_program_args(c);
    c->main_used = true;
    return exec_as(c, c->main ? c->main : c->args);
}

/* ---- fork ---- */

static void clone_params(struct sc_call *c, const struct sc_proc *p, int64_t res, uint32_t flags)
{
    sc_set_num(c, C(res), (uint64_t)res);
    sc_set_text(c, C(exe), p->exe);
    sc_set_bytes(c, C(args), p->args);
    sc_set_num(c, C(tid), (uint64_t)p->tid);
    sc_set_num(c, C(pid), (uint64_t)p->pid);
    sc_set_num(c, C(ptid), (uint64_t)p->ptid);
    sc_set_num(c, C(fdlimit), FDLIMIT);
    sc_set_num(c, C(vm_size), 8192);
    sc_set_num(c, C(vm_rss), 4096);
    sc_set_text(c, C(comm), p->comm);
    sc_set_bytes(c, C(cgroups), p->cgroups);
    sc_set_num(c, C(flags), p->vpid != p->pid ? flags | CLONE_IN_PIDNS : flags);
    sc_set_num(c, C(uid), p->uid);
    sc_set_num(c, C(gid), p->gid);
    sc_set_num(c, C(vtid), (uint64_t)p->vtid);
    sc_set_num(c, C(vpid), (uint64_t)p->vpid);
    sc_set_num(c, C(pidns_init_start_ts), p->container ? p->container->start_ns : 0);
}

/* Both sides, the child's first: it is told before its parent returns. */
static struct sc_proc *fork_now(struct sc_world *w, struct sc_proc *parent, uint16_t type,
                                uint32_t flags)
{
    struct sc_proc *child = sc_proc_fork(w, parent);
    struct sc_call c;

    if (!child)
        return NULL;
    sc_call_begin(&c, w, type, child);
    clone_params(&c, child, 0, flags);
    if (sc_call_put(&c) < 0)
        return NULL;
    sc_call_begin(&c, w, type, parent);
    clone_params(&c, parent, child->vpid, flags);
    return sc_call_put(&c) < 0 ? NULL : child;
}

static int name_child(struct sc_call *c, const json_t *as, struct sc_proc *child)
{
    if (!as)
        return 0;
    if (!sc_text(as))
        return sc_wrong(c->w->err, as, "a process is named by a text");
    child->name = sc_text(as);
    return 0;
}

/* The child acts next. */
static int word_fork(struct sc_call *c)
{
    const json_t *as = c->main ? c->main : sc_arg(c, "as");
    const json_t *given = c->main ? NULL : sc_arg(c, "flags");
    const json_t *fails = c->main ? NULL : sc_arg(c, "fails");
    struct sc_bytes b = {0};
    struct sc_proc *child;
    uint32_t flags = 0;
    int r = 0;

    c->main_used = true;
    if (given)
        r = sc_value(c, C(flags), given, &b);
    if (r == 0 && fails)
        r = sc_errno(c->w, fails, &c->res);
    if (r < 0)
        return r;
    if (b.len)
        memcpy(&flags, b.p, sizeof(flags));
    if (c->res < 0) {
        clone_params(c, c->actor, c->res, flags);
        return sc_call_put(c);
    }
    child = fork_now(c->w, c->actor, c->type->id, flags);
    if (!child)
        return -ENOMEM;
    c->w->actor = child;
    return name_child(c, as, child);
}

/* A child that becomes the program: what a shell does with a command. */
static int word_run(struct sc_call *c)
{
    const json_t *told = c->main ? c->main : c->args, *as;
    struct sc_proc *child = fork_now(c->w, c->actor, EV_SYSCALL_CLONE_20_X, 0);
    int r;

    if (!child)
        return -ENOMEM;
    use_program_args(c);
    as = c->main ? NULL : sc_arg(c, "as");
    c->main_used = true;
    c->actor = c->w->actor = child;
    c->type = syscall_event_type(EV_SYSCALL_EXECVE_19_X);
    r = exec_as(c, told);
    child->name = child->comm;
    return r == 0 ? name_child(c, as, child) : r;
}

/* ---- exit ---- */

static int after_exit(struct sc_call *c)
{
    c->actor->ended = true;
    return 0;
}

static int prepare_exit(struct sc_call *c)
{
    const json_t *code = sc_arg(c, "code");
    struct sc_bytes b = {0};
    int r;

    sc_set_num(c, P_PROCEXIT_1_E__reaper_tid, 0);
    r = code ? sc_value(c, P_PROCEXIT_1_E__ret, code, &b) : 0;

    if (r < 0 || !code)
        return r;
    sc_set_bytes(c, P_PROCEXIT_1_E__ret, b);
    sc_set_num(c, P_PROCEXIT_1_E__status, (uint64_t)(sc_num(c, P_PROCEXIT_1_E__ret) << 8 & 0xff00));
    return 0;
}

/* ---- who they are ---- */

static void be_user(struct sc_proc *p, uint32_t uid)
{
    if (uid == UINT32_MAX)
        return;
    p->uid = uid;
    sc_default_caps(p);
}

static int after_setuid(struct sc_call *c)
{
    be_user(c->actor, (uint32_t)sc_num(c, P_SYSCALL_SETUID_X__uid));
    return 0;
}

static int after_setresuid(struct sc_call *c)
{
    be_user(c->actor, (uint32_t)sc_num(c, P_SYSCALL_SETRESUID_X__euid));
    return 0;
}

static int after_setgid(struct sc_call *c)
{
    c->actor->gid = (uint32_t)sc_num(c, P_SYSCALL_SETGID_X__gid);
    return 0;
}

static int after_setresgid(struct sc_call *c)
{
    c->actor->gid = (uint32_t)sc_num(c, P_SYSCALL_SETRESGID_X__egid);
    return 0;
}

static int after_capset(struct sc_call *c)
{
    c->actor->cap_inheritable = (uint64_t)sc_num(c, P_SYSCALL_CAPSET_X__cap_inheritable);
    c->actor->cap_permitted = (uint64_t)sc_num(c, P_SYSCALL_CAPSET_X__cap_permitted);
    c->actor->cap_effective = (uint64_t)sc_num(c, P_SYSCALL_CAPSET_X__cap_effective);
    return 0;
}

static int prepare_setsid(struct sc_call *c)
{
    if (!c->is_res_given)
        c->res = c->actor->pid;
    sc_set_num(c, P_SYSCALL_SETSID_X__res, (uint64_t)c->res);
    return 0;
}

static int after_setsid(struct sc_call *c)
{
    c->actor->sid = c->actor->pgid = c->actor->pid;
    c->actor->vpgid = c->actor->vpid;
    return 0;
}

static int after_namespace(struct sc_call *c)
{
    uint32_t i =
        c->type->id == EV_SYSCALL_SETNS_X ? P_SYSCALL_SETNS_X__nstype : P_SYSCALL_UNSHARE_X__flags;

    if (sc_num(c, i) & NEWUSER)
        c->actor->cap_permitted = c->actor->cap_effective = c->actor->cap_inheritable =
            names_caps_all();
    return 0;
}

/* ---- containers ---- */

/* A runtime tells that one has been started, or, with "running", that one is there. */
static int word_container(struct sc_call *c)
{
    const json_t *name = c->main ? c->main : sc_arg(c, "name"), *v;
    const char *event = "start";
    struct sc_container *known =
        name && sc_text(name) ? sc_container_find(c->w, sc_text(name)) : NULL;

    c->main_used = true;
    if (!known)
        return sc_wrong(c->w->err, name ? name : c->word,
                        "the container is named as under 'containers'");
    v = c->main ? NULL : sc_arg(c, "event");
    if (v && sc_text(v))
        event = sc_text(v);
    return sc_container_put(c->w, known, event, 0);
}

#undef C
#undef X

static const char *const fork_keys[] = {"as", "flags", NULL};
static const char *const run_keys[] = {"as", "path", "args", "argv0", "env", NULL};
static const char *const exit_keys[] = {"code", NULL};
static const char *const container_keys[] = {"name", "event", NULL};

const struct sc_word sc_words_process[] = {
    {"exec", EV_SYSCALL_EXECVE_19_X, NULL, sc_program_keys, NULL, NULL, word_exec},
    {"execve", EV_SYSCALL_EXECVE_19_X, NULL, sc_program_keys, NULL, NULL, word_exec},
    {"execveat", EV_SYSCALL_EXECVEAT_X, NULL, sc_program_keys, NULL, NULL, word_exec},
    {"run", EV_SYSCALL_EXECVE_19_X, NULL, run_keys, NULL, NULL, word_run},
    {"fork", EV_SYSCALL_FORK_20_X, NULL, fork_keys, NULL, NULL, word_fork},
    {"vfork", EV_SYSCALL_VFORK_20_X, NULL, fork_keys, NULL, NULL, word_fork},
    {"clone", EV_SYSCALL_CLONE_20_X, NULL, fork_keys, NULL, NULL, word_fork},
    {"clone3", EV_SYSCALL_CLONE3_X, NULL, fork_keys, NULL, NULL, word_fork},
    {"exit", EV_PROCEXIT_1_E, "code", exit_keys, prepare_exit, after_exit, NULL},
    {"procexit", EV_PROCEXIT_1_E, "code", exit_keys, prepare_exit, after_exit, NULL},
    {"setuid", EV_SYSCALL_SETUID_X, NULL, NULL, NULL, after_setuid, NULL},
    {"setresuid", EV_SYSCALL_SETRESUID_X, NULL, NULL, NULL, after_setresuid, NULL},
    {"setreuid", EV_SYSCALL_SETREUID_X, NULL, NULL, NULL, after_setresuid, NULL},
    {"setgid", EV_SYSCALL_SETGID_X, NULL, NULL, NULL, after_setgid, NULL},
    {"setresgid", EV_SYSCALL_SETRESGID_X, NULL, NULL, NULL, after_setresgid, NULL},
    {"setregid", EV_SYSCALL_SETREGID_X, NULL, NULL, NULL, after_setresgid, NULL},
    {"setsid", EV_SYSCALL_SETSID_X, NULL, NULL, prepare_setsid, after_setsid, NULL},
    {"capset", EV_SYSCALL_CAPSET_X, NULL, NULL, NULL, after_capset, NULL},
    {"unshare", EV_SYSCALL_UNSHARE_X, NULL, NULL, NULL, after_namespace, NULL},
    {"setns", EV_SYSCALL_SETNS_X, NULL, NULL, NULL, after_namespace, NULL},
    {"container", EV_CONTAINER_JSON_2_E, NULL, container_keys, NULL, NULL, word_container},
    {0},
};
