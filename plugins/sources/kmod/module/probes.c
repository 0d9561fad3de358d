// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * probes.c - the tracepoints that events are made at
 *
 * Most of them are not exported, and are found by name. What is exported by
 * their headers is a check of the functions' types.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include <trace/events/sched.h>
#include <trace/events/signal.h>
#include <trace/events/syscalls.h>

#include "compat.h"
#include "encoders.h"
#include "gyr.h"

static void on_sys_exit(void *data, struct pt_regs *regs, long ret)
{
	gyr_on_sys_exit(regs, ret);
}

static void on_exec(void *data, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	gyr_on_exec(bprm);
}

static void on_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	gyr_on_fork(child);
}

static void on_exit(COMPAT_EXIT_PROTO)
{
	gyr_on_exit(task);
}

static void on_signal(void *data, int sig, struct kernel_siginfo *info, struct k_sigaction *ka)
{
	gyr_on_signal(sig, info);
}

static struct probe {
	const char *name;
	void *func;
	u32 hook;
	bool on;
	struct tracepoint *tp;
} probes[] = {
	{ "sched_process_exec", on_exec, PROBE_HOOK_EXEC },
	{ "sched_process_fork", on_fork, PROBE_HOOK_FORK },
	{ "sched_process_exit", on_exit, PROBE_HOOK_EXIT },
	{ "signal_deliver", on_signal, PROBE_HOOK_SIGNAL },
	{ "sys_exit", on_sys_exit, GYR_HOOK_CALLS },
};

static void found(struct tracepoint *tp, void *priv)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (!strcmp(tp->name, probes[i].name))
			probes[i].tp = tp;
}

int gyr_probes_find(void)
{
	u32 i;

	check_trace_callback_type_sched_process_exec(on_exec);
	check_trace_callback_type_sched_process_fork(on_fork);
	check_trace_callback_type_sched_process_exit(on_exit);
	check_trace_callback_type_signal_deliver(on_signal);
	check_trace_callback_type_sys_exit(on_sys_exit);
	for_each_kernel_tracepoint(found, NULL);
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (probes[i].tp)
			continue;
		pr_err("this kernel has no tracepoint %s\n", probes[i].name);
		return -ENOENT;
	}
	return 0;
}

void gyr_probes_off(u32 hooks)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		struct probe *p = &probes[i];

		if (!p->on || !(hooks & p->hook))
			continue;
		tracepoint_probe_unregister(p->tp, p->func, NULL);
		p->on = false;
	}
}

int gyr_probes_on(u32 hooks)
{
	u32 i, done = 0;
	int r;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		struct probe *p = &probes[i];

		if (p->on || !(hooks & p->hook))
			continue;
		r = tracepoint_probe_register(p->tp, p->func, NULL);
		if (r < 0) {
			gyr_probes_off(done);
			return r;
		}
		p->on = true;
		done |= p->hook;
	}
	return 0;
}

void gyr_probes_drain(void)
{
	tracepoint_synchronize_unregister();
}
