/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * gyr.h - the parts of the module, to each other
 */
#ifndef GYR_H
#define GYR_H

#include <linux/types.h>

#include "device_abi.h"

struct file;
struct poll_table_struct;
struct vm_area_struct;

#define GYR_VERSION	"0.1.0"

/*
 * probes.c: the tracepoints. gyr_probes_find() once, before the others, which
 * are called one at a time and may sleep.
 */
#define GYR_HOOK_CALLS	(1u << 31)	/* beside PROBE_HOOK_*: exits of system calls */

int gyr_probes_find(void);
int gyr_probes_on(u32 hooks);	/* those that are not yet; on failure none of them */
void gyr_probes_off(u32 hooks);
/* Nobody is in a probe that was off before this was called. */
void gyr_probes_drain(void);

/*
 * ring.c: memory that writers and the reader share. gyr_rings_make() and
 * _free() one at a time; the latter when nobody writes or maps any more.
 */
int gyr_rings_make(const struct gyr_rings *r);
void gyr_rings_free(void);
u32 gyr_rings_pairs(void);	/* 0: there are none */
int gyr_rings_map(struct vm_area_struct *vma);
__poll_t gyr_rings_poll(struct file *file, struct poll_table_struct *wait);
int gyr_rings_counts(const struct gyr_counts *c);

/* device.c: what the reader opens. */
int gyr_device_make(void);
void gyr_device_remove(void);

#endif /* GYR_H */
