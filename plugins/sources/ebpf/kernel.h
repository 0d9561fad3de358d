/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file kernel.h
 * @brief The kernel's types, as far as the programs read them.
 *
 * Written by hand rather than dumped: only members that are read stand here, offsets and sizes
 * come from the running kernel's BTF (CO-RE), and what changed between kernels stands side by
 * side as flavours (a suffix of three underscores), each with the release that brought it.
 */
#ifndef EBPF_KERNEL_H
#define EBPF_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
    unsigned int val;
} kuid_t;

typedef struct {
    unsigned int val;
} kgid_t;

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
    unsigned long di, si, dx, r10, r8, r9, orig_ax, bx, cx, bp, sp, ip;
};
struct thread_info {
    u32 status;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
    u64 regs[31];
};
struct pt_regs {
    u64 regs[31], sp, pc, orig_x0;
    s32 syscallno;
};
struct thread_info {
    unsigned long flags;
};
#else
#error "no such architecture here yet"
#endif

typedef struct {
    long long counter;
} atomic64_t;

typedef struct {
    int counter;
} atomic_t;

/* ---- files ---- */

struct qstr {
    u32 len;
    const unsigned char *name;
};

struct super_block {
    u32 s_dev;
    unsigned long s_magic;
    struct dentry *s_root;
};

struct timespec64 {
    s64 tv_sec;
    long tv_nsec;
};

struct inode {
    u16 i_mode;
    kuid_t i_uid;
    kgid_t i_gid;
    struct super_block *i_sb;
    unsigned long i_ino;
    u32 i_rdev;
    struct timespec64 i_ctime, i_mtime;
    unsigned int i_nlink;
    void *i_private;
};

struct inode___v6_6 { /* 6.6: accessors */
    struct timespec64 __i_ctime;
};

struct inode___v6_7 { /* 6.7 */
    struct timespec64 __i_mtime;
};

struct inode___v6_11 { /* 6.11: seconds and nanoseconds apart */
    s64 i_ctime_sec, i_mtime_sec;
    u32 i_ctime_nsec, i_mtime_nsec;
};

struct dentry {
    unsigned int d_flags;
    struct dentry *d_parent;
    struct qstr d_name;
    struct inode *d_inode;
    struct super_block *d_sb;
};

struct vfsmount {
    struct dentry *mnt_root;
    int mnt_flags;
};

struct mount {
    struct mount *mnt_parent;
    struct dentry *mnt_mountpoint;
    struct vfsmount mnt;
    int mnt_id;
};

struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};

struct file {
    struct path f_path;
    struct inode *f_inode;
    unsigned int f_mode, f_flags;
    void *private_data;
};

struct vm_area_struct {
    struct file *vm_file;
};

struct fdtable {
    unsigned int max_fds;
    struct file **fd;
    unsigned long *close_on_exec, *open_fds;
};

struct files_struct {
    struct fdtable *fdt;
};

struct fs_struct {
    struct path root, pwd;
};

/* ---- processes ---- */

struct list_head {
    struct list_head *next, *prev;
};

struct upid {
    int nr;
    struct pid_namespace *ns;
};

struct pid {
    unsigned int level;
    struct upid numbers[1];
};

struct pid_namespace {
    struct task_struct *child_reaper;
    unsigned int level;
};

struct tty_driver {
    int major, minor_start;
};

struct tty_struct {
    struct tty_driver *driver;
    int index;
};

struct rlimit {
    unsigned long rlim_cur, rlim_max;
};

struct signal_struct {
    atomic_t live; /* threads that have not ended */
    struct list_head thread_head;
    int nr_threads, group_exit_code;
    struct pid *pids[4];
    struct tty_struct *tty;
    struct rlimit rlim[16];
    unsigned int flags;
    unsigned int is_child_subreaper : 1;
    unsigned int has_child_subreaper : 1;
};

typedef struct {
    u32 cap[2];
} kernel_cap_t; /* 6.3: { u64 val; }, as many bytes */

struct cred {
    kuid_t uid, suid, euid, fsuid;
    kgid_t gid, sgid, egid, fsgid;
    kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
    struct user_namespace *user_ns;
};

struct user_namespace {
    int level;
};

struct percpu_counter {
    s64 count;
};

struct mm_rss_stat {
    atomic64_t count[4];
};

struct mm_struct {
    unsigned long total_vm, arg_start, arg_end, env_start, env_end;
    struct mm_rss_stat rss_stat;
    struct file *exe_file;
};

struct mm_struct___v6_2 { /* 6.2: counters per CPU */
    struct percpu_counter rss_stat[4];
};

struct kernfs_node {
    struct kernfs_node *parent;
    const char *name;
};

struct kernfs_node___v6_15 { /* 6.15: under RCU */
    struct kernfs_node *__parent;
};

struct cgroup {
    struct kernfs_node *kn;
};

struct cgroup_subsys_state {
    struct cgroup *cgroup;
};

struct css_set {
    struct cgroup_subsys_state *subsys[16];
};

/** Places in css_set.subsys[]: by configuration of the kernel. */
enum cgroup_subsys_id { cpuset_cgrp_id, cpu_cgrp_id, cpuacct_cgrp_id, io_cgrp_id, memory_cgrp_id };

/** Helpers by number: is this one there? */
enum bpf_func_id___here {
    BPF_FUNC_get_current_task_btf___here = 158, /* 5.11 */
    BPF_FUNC_task_pt_regs___here = 175          /* 5.15 */
};

/** What a file of a namespace stands for: its name and number. */
struct proc_ns_operations {
    const char *name;
};

struct ns_common {
    const struct proc_ns_operations *ops;
    unsigned int inum;
};

struct nsproxy {
    struct pid_namespace *pid_ns_for_children;
    struct net *net_ns;
};

struct task_struct {
    struct thread_info thread_info;
    void *stack;
    unsigned int flags;
    struct mm_struct *mm;
    int exit_code, exit_signal;
    int pid, tgid;
    struct task_struct *real_parent, *group_leader;
    struct list_head children, thread_node, tasks;
    struct pid *thread_pid;
    u64 start_time, start_boottime;
    unsigned long min_flt, maj_flt;
    const struct cred *real_cred, *cred;
    char comm[16];
    struct fs_struct *fs;
    struct files_struct *files;
    struct nsproxy *nsproxy;
    struct signal_struct *signal;
    kuid_t loginuid;
    struct css_set *cgroups;
};

struct task_struct___v5_16 { /* before 5.16 */
    u64 real_start_time;
};

union __sifields {
    struct {
        int _pid;
    } _kill;
};

struct kernel_siginfo {
    int si_code;
    union __sifields _sifields;
};

struct linux_binprm {
    struct file *file;
    const char *filename, *interp;
};

struct linux_binprm___v5_11 { /* not on every kernel */
    const char *fdpath;
};

#pragma clang attribute pop

#include "kernel_net.h"

#endif /* EBPF_KERNEL_H */
