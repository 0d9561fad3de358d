/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * device_abi.h - what the module and its reader share beside probe/abi.h
 *
 * The reader opens the device, says hello, asks for rings, maps them, and says
 * what it wants. All numbers are the kernel's own. One reader at a time.
 *
 * Ring i, of the class i % PROBE_CLASSES, is mapped from i << GYR_RING_SHIFT
 * on. It is laid out as the kernel's rings for eBPF are: a page with the
 * reader's position, which alone may be mapped writable, and by itself; a page
 * with the writers'; then the data, twice in a row. Before each record stand 8
 * bytes: its length, with BPF_RINGBUF_BUSY_BIT until it is whole, and nothing.
 */
#ifndef GYR_DEVICE_ABI_H
#define GYR_DEVICE_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "probe/abi.h"
#include "syscall/ids.h"

enum {
	GYR_ABI = 1,		/* of this file */
	GYR_RING_SHIFT = 32,
	GYR_RING_MAX = 1 << 30	/* most bytes of a ring's data */
};

struct gyr_hello {
	__u32 abi;		/* GYR_ABI */
	__u32 conf_size;	/* of struct probe_conf */
	__u32 fingerprint;	/* gyr_fingerprint() */
	__u32 n_cpus;		/* numbers of CPUs are below it */
	char version[32];	/* of the module, for people */
};

struct gyr_rings {
	__u32 pairs;		/* one of each class, in probe_conf.ring from 0 */
	__u32 reserved;		/* 0 */
	__u64 bytes[PROBE_CLASSES];	/* of one ring's data: a power of two of pages */
};

struct gyr_counts {
	__u32 first, n;		/* CPUs */
	__u64 to;		/* address of n struct probe_count */
};

#define GYR_IOC_HELLO	_IOR(0xc9, 0, struct gyr_hello)
/* Make the rings: once. -EBUSY later. */
#define GYR_IOC_RINGS	_IOW(0xc9, 1, struct gyr_rings)
/*
 * Trace this from now on. self_tgid, waiting, event_flags and reserved are not
 * the reader's to say: its own calls are left out, poll() tells that it waits.
 */
#define GYR_IOC_WANT	_IOW(0xc9, 2, struct probe_conf)
/* GYR_EVF_*, of every record from now on. */
#define GYR_IOC_FLAGS	_IOW(0xc9, 3, __u32)
#define GYR_IOC_COUNTS	_IOW(0xc9, 4, struct gyr_counts)

/*
 * Both sides number encoders and event types by lists that they were compiled
 * with, which have to be the same.
 */
static inline __u32 gyr_fingerprint(void)
{
	static const __u16 list[] = {
#define ENCODER(name, type, class) EV_##type, N_##type, (class),
#include "probe/encoders.def"
#undef ENCODER
	};
	__u32 i, hash = 2166136261u;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		hash = (hash ^ list[i]) * 16777619u;
	return hash;
}

#endif /* GYR_DEVICE_ABI_H */
