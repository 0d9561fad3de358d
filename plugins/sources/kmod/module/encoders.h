/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * encoders.h - the encoders (plugins/common/probe) as the module has them
 *
 * The rest of the module includes this file and no header of the encoders,
 * whose functions are all static: they live in encoders.o.
 */
#ifndef GYR_ENCODERS_H
#define GYR_ENCODERS_H

#include "probe/abi.h"

struct kernel_siginfo;
struct linux_binprm;
struct pt_regs;
struct task_struct;

/*
 * From the tracepoints, in the context of the thread they tell of: sys_exit,
 * sched_process_exec, sched_process_fork, sched_process_exit and
 * signal_deliver. None of them sleeps, allocates or takes a lock that the
 * tracepoints' callers hold. Only signal_deliver's holds one: siglock, with
 * interrupts disabled, under which gyr_on_signal() takes that of a ring alone.
 * Preemption and RCU are their own business: since 6.13 the tracepoints of
 * system calls come with both to be had.
 */
void gyr_on_sys_exit(const struct pt_regs *regs, long ret);
void gyr_on_exec(struct linux_binprm *bprm);
void gyr_on_fork(struct task_struct *child);
void gyr_on_exit(struct task_struct *task);
void gyr_on_signal(int sig, const struct kernel_siginfo *info);

/*
 * What the rings have to give. All are called with preemption disabled, in no
 * interrupt; gyr_send() under siglock, too.
 *
 * gyr_conf: what the reader asked for. A reader may change it at any time; its
 * snaplen is PROBE_DATA_MAX at most.
 */
extern struct probe_conf gyr_conf;

/*
 * This CPU's memory for one record, GYR_SCRATCH bytes, aligned to 8, or NULL
 * before there is any. One is enough: nothing here nests. It is from kmalloc()
 * or vmalloc(), for kernels that check what user memory is copied to.
 */
enum { GYR_SCRATCH = 0x10000 };
u8 *gyr_scratch(void);

/* Copy a record of ev->len bytes, a multiple of 8, into this CPU's ring of @class. */
void gyr_send(const struct probe_event *ev, u32 class);

#endif /* GYR_ENCODERS_H */
