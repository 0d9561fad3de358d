/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fields.h
 * @brief The fields: their declarations, bindings, and who computes each.
 *
 * Values point into the state or into memory of the event. Nothing is allocated.
 */
#ifndef PROCESS_FIELDS_H
#define PROCESS_FIELDS_H

#include "state.h"

#include <gyr/util.h>

enum { PR_N_FIELDS = 183, PR_BINDINGS_MAX = 8192, PR_ENV_NAME_MAX = 256 };

/** A field with its argument. */
struct pr_binding {
    const struct pr_field *field; /**< NULL: free */
    int32_t index;                /**< -1: none */
    bool is_list;                 /**< for a comparison that wants all values (GYR_FF_MANY) */
    uint32_t key_len;
    char key[PR_ENV_NAME_MAX]; /**< a word as argument; len 0: none */
};

/** The field of an event that is asked for. */
struct pr_ask {
    struct pr_state *s;
    const struct pr_now *now;
    const struct gyr_event *ev;
    const struct pr_binding *b;
};

typedef int pr_getter(const struct pr_ask *a, struct gyr_value *ret);

struct pr_field {
    struct gyr_field field; /**< first: the core walks these by stride */
    pr_getter *get;
    uint32_t id;
};

extern const struct pr_field pr_fields[];

pr_getter pr_get_evt, pr_get_name, pr_get_proc, pr_get_who, pr_get_fd, pr_get_path, pr_get_fdlist;

int pr_bind(void *self, uint32_t field, const char *arg, uint32_t *ret_handle, uint32_t *ret_type,
            struct gyr_error *err);
void pr_unbind(void *self, uint32_t handle);
int pr_get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret);
void pr_bindings_free(struct pr_state *s);
int pr_param_text(void *self, const struct gyr_event *ev, uint32_t param, struct gyr_value *ret);

/** Memory of the event; NULL past the core's limit. */
static inline char *pr_alloc(const struct pr_state *s, size_t n)
{
    return s->host->event_alloc(s->host->ctx, n ? n : 1);
}

/** Answers. A number gets the type its field is declared with. */
static inline int pr_num(const struct pr_ask *a, uint64_t v, struct gyr_value *ret)
{
    *ret = gyr_num(a->b->field->field.type, v);
    return GYR_PRESENT;
}

static inline int pr_text(struct pr_text t, struct gyr_value *ret)
{
    *ret = gyr_str(t.p, t.len);
    return GYR_PRESENT;
}

static inline int pr_string(const struct pr_str *s, struct gyr_value *ret)
{
    return pr_text(pr_text_of(s), ret);
}

static inline int pr_literal(const char *s, struct gyr_value *ret)
{
    *ret = gyr_str(s, strlen(s));
    return GYR_PRESENT;
}

/** A copy in memory of the event. */
static inline int pr_copy(const struct pr_ask *a, const char *p, size_t n, struct gyr_value *ret)
{
    char *to = pr_alloc(a->s, n);

    if (!to)
        return GYR_ABSENT;
    memcpy(to, p, n);
    *ret = gyr_str(to, n);
    return GYR_PRESENT;
}

/** The bytes with blanks for NULs: elements of arguments, environment, control groups. */
int pr_joined(const struct pr_ask *a, struct pr_text t, struct gyr_value *ret);

enum pr_evt_field {
    E_TYPE_IS,
    E_SYSCALL_TYPE,
    E_CATEGORY,
    E_BUFFER,
    E_BUFLEN,
    E_RES,
    E_RAWRES,
    E_FAILED,
    E_IS_IO,
    E_IS_IO_READ,
    E_IS_IO_WRITE,
    E_IO_DIR,
    E_DIR,
    E_IS_WAIT,
    E_IS_SYSLOG,
    E_COUNT,
    E_COUNT_ERROR,
    E_COUNT_ERROR_FILE,
    E_COUNT_ERROR_NET,
    E_COUNT_ERROR_MEMORY,
    E_COUNT_ERROR_OTHER,
    E_COUNT_EXIT,
    E_ABSPATH,
    E_IS_OPEN_READ,
    E_IS_OPEN_WRITE,
    E_IS_OPEN_EXEC,
    E_IS_OPEN_CREATE,
};

enum pr_name_field {
    N_EXE,
    N_PEXE,
    N_AEXE,
    N_EXEPATH,
    N_PEXEPATH,
    N_AEXEPATH,
    N_NAME,
    N_PNAME,
    N_ANAME,
    N_ARGS,
    N_AARGS,
    N_CMDLINE,
    N_PCMDLINE,
    N_ACMDLINE,
    N_CMDNARGS,
    N_CMDLENARGS,
    N_EXELINE,
    N_ENV,
    N_AENV,
    N_CWD,
};

enum pr_proc_field {
    TH_LOGINSHELLID,
    TH_TTY,
    TH_PID,
    TH_PPID,
    TH_APID,
    TH_VPID,
    TH_PVPID,
    TH_SID,
    TH_SNAME,
    TH_SID_EXE,
    TH_SID_EXEPATH,
    TH_VPGID,
    TH_VPGID_NAME,
    TH_VPGID_EXE,
    TH_VPGID_EXEPATH,
    TH_PGID,
    TH_PGID_NAME,
    TH_PGID_EXE,
    TH_PGID_EXEPATH,
    TH_DURATION,
    TH_PPID_DURATION,
    TH_PID_TS,
    TH_PPID_TS,
    TH_IS_EXE_WRITABLE,
    TH_IS_EXE_UPPER_LAYER,
    TH_IS_EXE_LOWER_LAYER,
    TH_IS_EXE_FROM_MEMFD,
    TH_IS_SID_LEADER,
    TH_IS_VPGID_LEADER,
    TH_IS_PGID_LEADER,
    TH_EXE_INO,
    TH_EXE_INO_CTIME,
    TH_EXE_INO_MTIME,
    TH_EXE_INO_CTIME_DURATION_PROC_START,
    TH_EXE_INO_CTIME_DURATION_PIDNS_START,
    TH_PIDNS_INIT_START_TS,
    TH_THREAD_CAP_PERMITTED,
    TH_THREAD_CAP_INHERITABLE,
    TH_THREAD_CAP_EFFECTIVE,
    TH_FDOPENCOUNT,
    TH_FDLIMIT,
    TH_FDUSAGE,
    TH_VMSIZE,
    TH_VMRSS,
    TH_VMSWAP,
    TH_THREAD_PFMAJOR,
    TH_THREAD_PFMINOR,
    TH_TID,
    TH_THREAD_ISMAIN,
    TH_THREAD_VTID,
    TH_THREAD_EXECTIME,
    TH_THREAD_TOTEXECTIME,
    TH_THREAD_CGROUPS,
    TH_THREAD_CGROUP,
    TH_NTHREADS,
    TH_NCHILDS,
    TH_THREAD_CPU,
    TH_THREAD_CPU_USER,
    TH_THREAD_CPU_SYSTEM,
    TH_THREAD_VMSIZE,
    TH_THREAD_VMRSS,
    TH_STDIN_TYPE,
    TH_STDOUT_TYPE,
    TH_STDERR_TYPE,
    TH_STDIN_NAME,
    TH_STDOUT_NAME,
    TH_STDERR_NAME,
};

enum pr_who_field {
    W_USER_UID,
    W_USER_NAME,
    W_USER_HOMEDIR,
    W_USER_SHELL,
    W_USER_LOGINUID,
    W_USER_LOGINNAME,
    W_GROUP_GID,
    W_GROUP_NAME,
    W_CONTAINER_ID,
    W_CONTAINER_FULL_ID,
    W_CONTAINER_START_TS,
};

enum pr_fd_field {
    D_NUM,
    D_TYPE,
    D_TYPECHAR,
    D_NAME,
    D_DIRECTORY,
    D_FILENAME,
    D_IP,
    D_CIP,
    D_SIP,
    D_LIP,
    D_RIP,
    D_PORT,
    D_CPORT,
    D_SPORT,
    D_LPORT,
    D_RPORT,
    D_L4PROTO,
    D_SOCKFAMILY,
    D_IS_SERVER,
    D_UID,
    D_CONTAINERNAME,
    D_CONTAINERDIRECTORY,
    D_PROTO,
    D_CPROTO,
    D_SPROTO,
    D_LPROTO,
    D_RPROTO,
    D_CIP_NAME,
    D_SIP_NAME,
    D_LIP_NAME,
    D_RIP_NAME,
    D_NET,
    D_CNET,
    D_SNET,
    D_LNET,
    D_RNET,
    D_CONNECTED,
    D_NAME_CHANGED,
    D_DEV,
    D_DEV_MAJOR,
    D_DEV_MINOR,
    D_INO,
    D_NAMERAW,
    D_TYPES,
    D_IS_UPPER_LAYER,
    D_IS_LOWER_LAYER,
};

enum pr_path_field {
    S_NAME,
    S_NAMERAW,
    S_SOURCE,
    S_SOURCERAW,
    S_TARGET,
    S_TARGETRAW,
};

enum pr_fdlist_field {
    L_NUMS,
    L_NAMES,
    L_CIPS,
    L_SIPS,
    L_CPORTS,
    L_SPORTS,
};

#endif /* PROCESS_FIELDS_H */
