/* SPDX-License-Identifier: Apache-2.0 */
/* The table of fields, and their bindings. What a field is for is told in the catalogue of the
 * schema, which has the same names and types. */
#include "fields.h"

#include <errno.h>
#include <stdlib.h>

#define FIELD(n, ty, fl, fm, class, i)                                                             \
    {                                                                                              \
        .field = {.name = (n), .type = GYR_T_##ty, .flags = (fl), .fmt = GYR_F_##fm},              \
        .get = pr_get_##class, .id = (i)                                                           \
    }

const struct pr_field pr_fields[] = {
    FIELD("evt.type.is", U64, GYR_FF_INDEX | GYR_FF_ARG_REQ, DEC, evt, E_TYPE_IS),
    FIELD("syscall.type", STR, 0, DEC, evt, E_SYSCALL_TYPE),
    FIELD("evt.category", STR, 0, DEC, evt, E_CATEGORY),
    FIELD("evt.buffer", BYTES, 0, DEC, evt, E_BUFFER),
    FIELD("evt.buflen", U64, 0, DEC, evt, E_BUFLEN),
    FIELD("evt.res", STR, 0, DEC, evt, E_RES),
    FIELD("evt.rawres", I64, 0, DEC, evt, E_RAWRES),
    FIELD("evt.failed", BOOL, 0, DEC, evt, E_FAILED),
    FIELD("evt.is_io", BOOL, 0, DEC, evt, E_IS_IO),
    FIELD("evt.is_io_read", BOOL, 0, DEC, evt, E_IS_IO_READ),
    FIELD("evt.is_io_write", BOOL, 0, DEC, evt, E_IS_IO_WRITE),
    FIELD("evt.io_dir", STR, 0, DEC, evt, E_IO_DIR),
    FIELD("evt.dir", STR, GYR_FF_HIDDEN, DEC, evt, E_DIR),
    FIELD("evt.is_wait", BOOL, 0, DEC, evt, E_IS_WAIT),
    FIELD("evt.is_syslog", BOOL, 0, DEC, evt, E_IS_SYSLOG),
    FIELD("evt.count", U64, 0, DEC, evt, E_COUNT),
    FIELD("evt.count.error", U64, 0, DEC, evt, E_COUNT_ERROR),
    FIELD("evt.count.error.file", U64, 0, DEC, evt, E_COUNT_ERROR_FILE),
    FIELD("evt.count.error.net", U64, 0, DEC, evt, E_COUNT_ERROR_NET),
    FIELD("evt.count.error.memory", U64, 0, DEC, evt, E_COUNT_ERROR_MEMORY),
    FIELD("evt.count.error.other", U64, 0, DEC, evt, E_COUNT_ERROR_OTHER),
    FIELD("evt.count.exit", U64, 0, DEC, evt, E_COUNT_EXIT),
    FIELD("evt.abspath", STR, 0, DEC, evt, E_ABSPATH),
    FIELD("evt.is_open_read", BOOL, 0, DEC, evt, E_IS_OPEN_READ),
    FIELD("evt.is_open_write", BOOL, 0, DEC, evt, E_IS_OPEN_WRITE),
    FIELD("evt.is_open_exec", BOOL, 0, DEC, evt, E_IS_OPEN_EXEC),
    FIELD("evt.is_open_create", BOOL, 0, DEC, evt, E_IS_OPEN_CREATE),
    FIELD("proc.exe", STR, 0, DEC, name, N_EXE),
    FIELD("proc.pexe", STR, 0, DEC, name, N_PEXE),
    FIELD("proc.aexe", STR, GYR_FF_INDEX | GYR_FF_MANY, DEC, name, N_AEXE),
    FIELD("proc.exepath", STR, 0, DEC, name, N_EXEPATH),
    FIELD("proc.pexepath", STR, 0, DEC, name, N_PEXEPATH),
    FIELD("proc.aexepath", STR, GYR_FF_INDEX | GYR_FF_MANY, DEC, name, N_AEXEPATH),
    FIELD("proc.name", STR, 0, DEC, name, N_NAME),
    FIELD("proc.pname", STR, 0, DEC, name, N_PNAME),
    FIELD("proc.aname", STR, GYR_FF_INDEX | GYR_FF_MANY, DEC, name, N_ANAME),
    FIELD("proc.args", STR, GYR_FF_INDEX, DEC, name, N_ARGS),
    FIELD("proc.aargs", STR, GYR_FF_INDEX | GYR_FF_MANY, DEC, name, N_AARGS),
    FIELD("proc.cmdline", STR, 0, DEC, name, N_CMDLINE),
    FIELD("proc.pcmdline", STR, 0, DEC, name, N_PCMDLINE),
    FIELD("proc.acmdline", STR, GYR_FF_INDEX | GYR_FF_MANY, DEC, name, N_ACMDLINE),
    FIELD("proc.cmdnargs", U64, 0, DEC, name, N_CMDNARGS),
    FIELD("proc.cmdlenargs", U64, 0, DEC, name, N_CMDLENARGS),
    FIELD("proc.exeline", STR, 0, DEC, name, N_EXELINE),
    FIELD("proc.env", STR, GYR_FF_KEY, DEC, name, N_ENV),
    FIELD("proc.aenv", STR, GYR_FF_INDEX | GYR_FF_KEY, DEC, name, N_AENV),
    FIELD("proc.cwd", STR, 0, DEC, name, N_CWD),
    FIELD("proc.loginshellid", I64, 0, DEC, proc, TH_LOGINSHELLID),
    FIELD("proc.tty", U64, 0, DEC, proc, TH_TTY),
    FIELD("proc.pid", I64, 0, DEC, proc, TH_PID),
    FIELD("proc.ppid", I64, 0, DEC, proc, TH_PPID),
    FIELD("proc.apid", I64, GYR_FF_INDEX | GYR_FF_MANY, DEC, proc, TH_APID),
    FIELD("proc.vpid", I64, 0, DEC, proc, TH_VPID),
    FIELD("proc.pvpid", I64, 0, DEC, proc, TH_PVPID),
    FIELD("proc.sid", I64, 0, DEC, proc, TH_SID),
    FIELD("proc.sname", STR, 0, DEC, proc, TH_SNAME),
    FIELD("proc.sid.exe", STR, 0, DEC, proc, TH_SID_EXE),
    FIELD("proc.sid.exepath", STR, 0, DEC, proc, TH_SID_EXEPATH),
    FIELD("proc.vpgid", I64, 0, DEC, proc, TH_VPGID),
    FIELD("proc.vpgid.name", STR, 0, DEC, proc, TH_VPGID_NAME),
    FIELD("proc.vpgid.exe", STR, 0, DEC, proc, TH_VPGID_EXE),
    FIELD("proc.vpgid.exepath", STR, 0, DEC, proc, TH_VPGID_EXEPATH),
    FIELD("proc.pgid", I64, 0, DEC, proc, TH_PGID),
    FIELD("proc.pgid.name", STR, 0, DEC, proc, TH_PGID_NAME),
    FIELD("proc.pgid.exe", STR, 0, DEC, proc, TH_PGID_EXE),
    FIELD("proc.pgid.exepath", STR, 0, DEC, proc, TH_PGID_EXEPATH),
    FIELD("proc.duration", DURATION, 0, RAW, proc, TH_DURATION),
    FIELD("proc.ppid.duration", DURATION, 0, RAW, proc, TH_PPID_DURATION),
    FIELD("proc.pid.ts", DURATION, 0, RAW, proc, TH_PID_TS),
    FIELD("proc.ppid.ts", DURATION, 0, RAW, proc, TH_PPID_TS),
    FIELD("proc.is_exe_writable", BOOL, 0, DEC, proc, TH_IS_EXE_WRITABLE),
    FIELD("proc.is_exe_upper_layer", BOOL, 0, DEC, proc, TH_IS_EXE_UPPER_LAYER),
    FIELD("proc.is_exe_lower_layer", BOOL, 0, DEC, proc, TH_IS_EXE_LOWER_LAYER),
    FIELD("proc.is_exe_from_memfd", BOOL, 0, DEC, proc, TH_IS_EXE_FROM_MEMFD),
    FIELD("proc.is_sid_leader", BOOL, 0, DEC, proc, TH_IS_SID_LEADER),
    FIELD("proc.is_vpgid_leader", BOOL, 0, DEC, proc, TH_IS_VPGID_LEADER),
    FIELD("proc.is_pgid_leader", BOOL, 0, DEC, proc, TH_IS_PGID_LEADER),
    FIELD("proc.exe_ino", I64, 0, DEC, proc, TH_EXE_INO),
    FIELD("proc.exe_ino.ctime", TIME, 0, RAW, proc, TH_EXE_INO_CTIME),
    FIELD("proc.exe_ino.mtime", TIME, 0, RAW, proc, TH_EXE_INO_MTIME),
    FIELD("proc.exe_ino.ctime_duration_proc_start", TIME, 0, RAW, proc,
          TH_EXE_INO_CTIME_DURATION_PROC_START),
    FIELD("proc.exe_ino.ctime_duration_pidns_start", TIME, 0, RAW, proc,
          TH_EXE_INO_CTIME_DURATION_PIDNS_START),
    FIELD("proc.pidns_init_start_ts", U64, 0, DEC, proc, TH_PIDNS_INIT_START_TS),
    FIELD("thread.cap_permitted", STR, 0, DEC, proc, TH_THREAD_CAP_PERMITTED),
    FIELD("thread.cap_inheritable", STR, 0, DEC, proc, TH_THREAD_CAP_INHERITABLE),
    FIELD("thread.cap_effective", STR, 0, DEC, proc, TH_THREAD_CAP_EFFECTIVE),
    FIELD("proc.fdopencount", U64, 0, DEC, proc, TH_FDOPENCOUNT),
    FIELD("proc.fdlimit", I64, 0, DEC, proc, TH_FDLIMIT),
    FIELD("proc.fdusage", DOUBLE, 0, DEC, proc, TH_FDUSAGE),
    FIELD("proc.vmsize", U64, 0, DEC, proc, TH_VMSIZE),
    FIELD("proc.vmrss", U64, 0, DEC, proc, TH_VMRSS),
    FIELD("proc.vmswap", U64, 0, DEC, proc, TH_VMSWAP),
    FIELD("thread.pfmajor", U64, 0, DEC, proc, TH_THREAD_PFMAJOR),
    FIELD("thread.pfminor", U64, 0, DEC, proc, TH_THREAD_PFMINOR),
    FIELD("thread.tid", I64, 0, DEC, proc, TH_TID),
    FIELD("thread.ismain", BOOL, 0, DEC, proc, TH_THREAD_ISMAIN),
    FIELD("thread.vtid", I64, 0, DEC, proc, TH_THREAD_VTID),
    FIELD("thread.exectime", DURATION, 0, RAW, proc, TH_THREAD_EXECTIME),
    FIELD("thread.totexectime", DURATION, 0, RAW, proc, TH_THREAD_TOTEXECTIME),
    FIELD("thread.cgroups", STR, 0, DEC, proc, TH_THREAD_CGROUPS),
    FIELD("thread.cgroup", STR, GYR_FF_KEY | GYR_FF_ARG_REQ, DEC, proc, TH_THREAD_CGROUP),
    FIELD("proc.nthreads", U64, 0, DEC, proc, TH_NTHREADS),
    FIELD("proc.nchilds", U64, 0, DEC, proc, TH_NCHILDS),
    FIELD("thread.cpu", DOUBLE, 0, DEC, proc, TH_THREAD_CPU),
    FIELD("thread.cpu.user", DOUBLE, 0, DEC, proc, TH_THREAD_CPU_USER),
    FIELD("thread.cpu.system", DOUBLE, 0, DEC, proc, TH_THREAD_CPU_SYSTEM),
    FIELD("thread.vmsize", U64, 0, DEC, proc, TH_THREAD_VMSIZE),
    FIELD("thread.vmrss", U64, 0, DEC, proc, TH_THREAD_VMRSS),
    FIELD("proc.stdin.type", STR, 0, DEC, proc, TH_STDIN_TYPE),
    FIELD("proc.stdout.type", STR, 0, DEC, proc, TH_STDOUT_TYPE),
    FIELD("proc.stderr.type", STR, 0, DEC, proc, TH_STDERR_TYPE),
    FIELD("proc.stdin.name", STR, 0, DEC, proc, TH_STDIN_NAME),
    FIELD("proc.stdout.name", STR, 0, DEC, proc, TH_STDOUT_NAME),
    FIELD("proc.stderr.name", STR, 0, DEC, proc, TH_STDERR_NAME),
    FIELD("user.uid", U64, 0, DEC, who, W_USER_UID),
    FIELD("user.name", STR, 0, DEC, who, W_USER_NAME),
    FIELD("user.homedir", STR, 0, DEC, who, W_USER_HOMEDIR),
    FIELD("user.shell", STR, 0, DEC, who, W_USER_SHELL),
    FIELD("user.loginuid", I64, 0, DEC, who, W_USER_LOGINUID),
    FIELD("user.loginname", STR, 0, DEC, who, W_USER_LOGINNAME),
    FIELD("group.gid", U64, 0, DEC, who, W_GROUP_GID),
    FIELD("group.name", STR, 0, DEC, who, W_GROUP_NAME),
    FIELD("fd.num", I64, 0, DEC, fd, D_NUM),
    FIELD("fd.type", STR, 0, DEC, fd, D_TYPE),
    FIELD("fd.typechar", STR, 0, DEC, fd, D_TYPECHAR),
    FIELD("fd.name", STR, 0, DEC, fd, D_NAME),
    FIELD("fd.directory", STR, 0, DEC, fd, D_DIRECTORY),
    FIELD("fd.filename", STR, 0, DEC, fd, D_FILENAME),
    FIELD("fd.ip", IP, GYR_FF_MANY, DEC, fd, D_IP),
    FIELD("fd.cip", IP, 0, DEC, fd, D_CIP),
    FIELD("fd.sip", IP, 0, DEC, fd, D_SIP),
    FIELD("fd.lip", IP, 0, DEC, fd, D_LIP),
    FIELD("fd.rip", IP, 0, DEC, fd, D_RIP),
    FIELD("fd.port", U64, GYR_FF_MANY | GYR_FF_PORT, DEC, fd, D_PORT),
    FIELD("fd.cport", U64, GYR_FF_PORT, DEC, fd, D_CPORT),
    FIELD("fd.sport", U64, GYR_FF_PORT, DEC, fd, D_SPORT),
    FIELD("fd.lport", U64, GYR_FF_PORT, DEC, fd, D_LPORT),
    FIELD("fd.rport", U64, GYR_FF_PORT, DEC, fd, D_RPORT),
    FIELD("fd.l4proto", STR, 0, DEC, fd, D_L4PROTO),
    FIELD("fd.sockfamily", STR, 0, DEC, fd, D_SOCKFAMILY),
    FIELD("fd.is_server", BOOL, 0, DEC, fd, D_IS_SERVER),
    FIELD("fd.uid", STR, 0, DEC, fd, D_UID),
    FIELD("fd.containername", STR, 0, DEC, fd, D_CONTAINERNAME),
    FIELD("fd.containerdirectory", STR, 0, DEC, fd, D_CONTAINERDIRECTORY),
    FIELD("fd.proto", U64, GYR_FF_MANY | GYR_FF_PORT, DEC, fd, D_PROTO),
    FIELD("fd.cproto", STR, 0, DEC, fd, D_CPROTO),
    FIELD("fd.sproto", STR, 0, DEC, fd, D_SPROTO),
    FIELD("fd.lproto", STR, 0, DEC, fd, D_LPROTO),
    FIELD("fd.rproto", STR, 0, DEC, fd, D_RPROTO),
    FIELD("fd.net", NET, GYR_FF_MANY, DEC, fd, D_NET),
    FIELD("fd.cnet", NET, 0, DEC, fd, D_CNET),
    FIELD("fd.snet", NET, 0, DEC, fd, D_SNET),
    FIELD("fd.lnet", NET, 0, DEC, fd, D_LNET),
    FIELD("fd.rnet", NET, 0, DEC, fd, D_RNET),
    FIELD("fd.connected", BOOL, 0, DEC, fd, D_CONNECTED),
    FIELD("fd.name_changed", BOOL, 0, DEC, fd, D_NAME_CHANGED),
    FIELD("fd.cip.name", STR, 0, DEC, fd, D_CIP_NAME),
    FIELD("fd.sip.name", STR, 0, DEC, fd, D_SIP_NAME),
    FIELD("fd.lip.name", STR, 0, DEC, fd, D_LIP_NAME),
    FIELD("fd.rip.name", STR, 0, DEC, fd, D_RIP_NAME),
    FIELD("fd.dev", I64, 0, HEX, fd, D_DEV),
    FIELD("fd.dev.major", I64, 0, DEC, fd, D_DEV_MAJOR),
    FIELD("fd.dev.minor", I64, 0, DEC, fd, D_DEV_MINOR),
    FIELD("fd.ino", I64, 0, DEC, fd, D_INO),
    FIELD("fd.nameraw", STR, 0, DEC, fd, D_NAMERAW),
    FIELD("fd.types", STR, GYR_FF_INDEX | GYR_FF_LIST, DEC, fd, D_TYPES),
    FIELD("fd.is_upper_layer", BOOL, 0, DEC, fd, D_IS_UPPER_LAYER),
    FIELD("fd.is_lower_layer", BOOL, 0, DEC, fd, D_IS_LOWER_LAYER),
    FIELD("fs.path.name", STR, 0, DEC, path, S_NAME),
    FIELD("fs.path.nameraw", STR, 0, DEC, path, S_NAMERAW),
    FIELD("fs.path.source", STR, 0, DEC, path, S_SOURCE),
    FIELD("fs.path.sourceraw", STR, 0, DEC, path, S_SOURCERAW),
    FIELD("fs.path.target", STR, 0, DEC, path, S_TARGET),
    FIELD("fs.path.targetraw", STR, 0, DEC, path, S_TARGETRAW),
    FIELD("fdlist.nums", STR, 0, DEC, fdlist, L_NUMS),
    FIELD("fdlist.names", STR, 0, DEC, fdlist, L_NAMES),
    FIELD("fdlist.cips", STR, 0, DEC, fdlist, L_CIPS),
    FIELD("fdlist.sips", STR, 0, DEC, fdlist, L_SIPS),
    FIELD("fdlist.cports", STR, 0, DEC, fdlist, L_CPORTS),
    FIELD("fdlist.sports", STR, 0, DEC, fdlist, L_SPORTS),
    FIELD("container.id", STR, 0, DEC, who, W_CONTAINER_ID),
    FIELD("container.full_id", STR, 0, DEC, who, W_CONTAINER_FULL_ID),
    FIELD("container.start_ts", TIME, 0, RAW, who, W_CONTAINER_START_TS),
};
_Static_assert(sizeof(pr_fields) / sizeof(pr_fields[0]) == PR_N_FIELDS, "the count in fields.h");

/* Bindings are blocks that stay where they are: a handle is a place. */
enum { BLOCK = 64, BLOCKS = PR_BINDINGS_MAX / BLOCK };

struct pr_bindings {
    struct pr_binding *blocks[BLOCKS];
    uint32_t n;
};

static struct pr_binding *binding_at(const struct pr_bindings *all, uint32_t i)
{
    return &all->blocks[i / BLOCK][i % BLOCK];
}

/* A free place, an old one if there is. */
static int binding_new(struct pr_state *s, uint32_t *ret)
{
    struct pr_bindings *all = s->bindings;
    uint32_t i;

    if (!all)
        all = s->bindings = calloc(1, sizeof(*all));
    if (!all)
        return -ENOMEM;
    for (i = 0; i < all->n; i++)
        if (!binding_at(all, i)->field)
            break;
    if (i == PR_BINDINGS_MAX)
        return -ENOSPC;
    if (i == all->n && i % BLOCK == 0) {
        all->blocks[i / BLOCK] = calloc(BLOCK, sizeof(struct pr_binding));
        if (!all->blocks[i / BLOCK])
            return -ENOMEM;
    }
    if (i == all->n)
        all->n++;
    *ret = i;
    return 0;
}

void pr_bindings_free(struct pr_state *s)
{
    for (uint32_t i = 0; s->bindings && i < BLOCKS; i++)
        free(s->bindings->blocks[i]);
    free(s->bindings);
    s->bindings = NULL;
}

/* @return whether the text is a number below 2^31. */
static bool number(const char *s, int32_t *ret)
{
    int64_t v = 0;

    for (const char *p = s; *p; p++) {
        if (*p < '0' || *p > '9' || v > INT32_MAX / 10)
            return false;
        v = v * 10 + (*p - '0');
    }
    if (!*s || v > INT32_MAX)
        return false;
    *ret = (int32_t)v;
    return true;
}

int pr_bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle, uint32_t *ret_type,
            struct gyr_error *err)
{
    struct pr_state *s = self;
    const struct pr_field *f = &pr_fields[field];
    bool is_number;
    struct pr_binding *b;
    int32_t index = -1;
    uint32_t i;
    int r;

    is_number = arg && number(arg, &index);
    if (arg && !is_number && !(f->field.flags & GYR_FF_KEY))
        return gyr_fail(err, -EINVAL, "'%s' takes a number, not '%s'", f->field.name, arg);
    if (arg && (!*arg || strlen(arg) >= PR_ENV_NAME_MAX))
        return gyr_fail(err, -EINVAL, "the argument of '%s' is empty or longer than %d bytes",
                        f->field.name, PR_ENV_NAME_MAX - 1);
    r = binding_new(s, &i);
    if (r < 0)
        return gyr_fail(err, r, r == -ENOMEM ? "no memory" : "more than %d fields are in use",
                        PR_BINDINGS_MAX);
    b = binding_at(s->bindings, i);
    *b = (struct pr_binding){.field = f, .index = index, .is_list = *ret_type == GYR_T_LIST};
    if (arg && !is_number) {
        b->key_len = (uint32_t)strlen(arg);
        memcpy(b->key, arg, b->key_len);
    }
    *ret_handle = i;
    return 0;
}

void pr_unbind(void *self, uint32_t handle)
{
    struct pr_state *s = self;

    binding_at(s->bindings, handle)->field = NULL;
}

int pr_get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    struct pr_state *s = self;
    struct pr_ask a = {s, &s->now, ev, binding_at(s->bindings, handle)};

    pr_look_at(s, ev);
    if (!s->now.type)
        return GYR_ABSENT;
    return a.b->field->get(&a, ret);
}
