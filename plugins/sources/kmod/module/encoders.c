// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * encoders.c - the encoders of plugins/common/probe, compiled for the kernel,
 * and what the tracepoints make of them; the same as probe.bpf.c does in eBPF
 */
#include "encoders.h"
#include "prim_kernel.h"

#include "probe/enc.h"

static_assert(GYR_SCRATCH == ENC_ROOM + ENC_SLACK);
static_assert(sizeof(struct probe_event) % 8 == 0);

static void send(struct enc *e, u32 class, u64 ts, s64 tid)
{
	struct probe_event *ev = (struct probe_event *)e->buf;
	u64 len = ALIGN(e->pos, 8);

	if (WARN_ON_ONCE(len > GYR_SCRATCH - sizeof(u64)))
		return;
	PRIM_STORE(u64, e->buf + e->pos, 0); /* no more than 7 of them count */
	ev->len = len;
	ev->ts_ns = ts + READ_ONCE(gyr_conf.epoch_ns);
	ev->tid = tid;
	ev->flags = e->flags | READ_ONCE(gyr_conf.event_flags);
	ev->cpu = raw_smp_processor_id();
	gyr_send(ev, class);
}

static inline void prim_send(struct enc *e, u32 class)
{
	send(e, class, prim_now(), task_pid_nr(current));
}

#include "arch_kernel.h"
#include "walk_kernel.h"

#include "probe/encode_files.h"
#include "probe/encode_process.h"
#include "probe/encode_creds.h"
#include "probe/encode_fds.h"
#include "probe/encode_memory.h"
#include "probe/encode_paths.h"
#include "probe/encode_sockets.h"
#include "probe/encode_io.h"
#include "probe/encode_messages.h"
#include "probe/hooks.h"

/* What sock_ends() reads at once holds what it takes from there. */
static_assert(offsetofend(struct sock_common, skc_family) <= SOCK_HEAD);
static_assert(offsetofend(struct sock_common, skc_daddr) <= SOCK_HEAD);
static_assert(offsetofend(struct sock_common, skc_rcv_saddr) <= SOCK_HEAD);
static_assert(offsetofend(struct sock_common, skc_dport) <= SOCK_HEAD);
static_assert(offsetofend(struct sock_common, skc_num) <= SOCK_HEAD);
/* Numbers of the kernel's that the encoders have by themselves. */
static_assert((int)PIDTYPE_PGID == PIDS_PGID);
static_assert(MM_FILEPAGES == 0 && MM_ANONPAGES == 1);
static_assert((int)MM_SWAPENTS == RSS_SWAP && (int)MM_SHMEMPAGES == RSS_SHMEM);
static_assert(sizeof(kernel_cap_t) == sizeof(u64));

/* By their numbers in struct probe_conf, which are from 1. */
static const struct encoder {
	bool (*encode)(struct enc *e, const struct call *c);
	u16 type, n, first;
	u8 class;
} encoders[] = {
	{ NULL },
#define ENCODER(name, event, ring)		\
	{					\
		.encode = encode_##name,	\
		.type = EV_##event,		\
		.n = N_##event,			\
		.first = FLAT_##event,		\
		.class = ring,			\
	},
#include "probe/encoders.def"
#undef ENCODER
};

/* See prim_kernel.h for what these two give. */
static void begin(void)
{
	preempt_disable_notrace();
	rcu_read_lock();
}

static void end(void)
{
	rcu_read_unlock();
	preempt_enable_notrace();
}

static void sys_exit(const struct encoder *encoder, const struct pt_regs *regs, long ret,
		     bool table32)
{
	u64 ts = prim_now();
	u8 *buf = gyr_scratch();
	struct call c;
	struct enc e;

	if (!buf)
		return;
	arch_call(current, regs, ret, table32, &c);
	enc_begin(&e, buf, encoder->type, encoder->n, encoder->first);
	if (encoder->encode(&e, &c))
		send(&e, encoder->class, ts, task_pid_nr(current));
}

void gyr_on_sys_exit(const struct pt_regs *regs, long ret)
{
	bool table32 = arch_is_compat(current);
	u32 i = table32 ? hook_encoder32(regs) : hook_encoder64(regs);

	if (!i || i >= ARRAY_SIZE(encoders) ||
	    task_tgid_nr(current) == READ_ONCE(gyr_conf.self_tgid))
		return;
	begin();
	sys_exit(&encoders[array_index_nospec(i, ARRAY_SIZE(encoders))], regs, ret,
		 table32);
	end();
}

void gyr_on_exec(struct linux_binprm *bprm)
{
	u64 ts = prim_now();
	struct enc e;
	u8 *buf;

	if (!(READ_ONCE(gyr_conf.hooks) & PROBE_HOOK_EXEC))
		return;
	begin();
	buf = gyr_scratch();
	if (buf) {
		hook_exec(&e, buf, bprm, arch_is_execveat());
		send(&e, PROBE_STATE, ts, task_pid_nr(current));
	}
	end();
}

void gyr_on_fork(struct task_struct *child)
{
	u64 ts = prim_now();
	struct enc e;
	u8 *buf;

	if (!(READ_ONCE(gyr_conf.hooks) & PROBE_HOOK_FORK))
		return;
	begin();
	buf = gyr_scratch();
	if (buf && hook_fork(&e, buf, child))
		send(&e, PROBE_STATE, ts, task_pid_nr(child));
	end();
}

void gyr_on_exit(struct task_struct *task)
{
	u64 ts = prim_now();
	struct enc e;
	u8 *buf;

	if (!(READ_ONCE(gyr_conf.hooks) & PROBE_HOOK_EXIT))
		return;
	begin();
	buf = gyr_scratch();
	if (buf) {
		hook_exit(&e, buf, task);
		send(&e, PROBE_STATE, ts, task_pid_nr(task));
	}
	end();
}

void gyr_on_signal(int sig, const struct kernel_siginfo *info)
{
	u64 ts = prim_now();
	struct enc e;
	u8 *buf;

	if (!(READ_ONCE(gyr_conf.hooks) & PROBE_HOOK_SIGNAL) ||
	    task_tgid_nr(current) == READ_ONCE(gyr_conf.self_tgid))
		return;
	begin();
	buf = gyr_scratch();
	if (buf) {
		hook_signal(&e, buf, sig, info);
		send(&e, PROBE_OTHER, ts, task_pid_nr(current));
	}
	end();
}
