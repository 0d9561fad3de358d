/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file prim_bpf.h
 * @brief The primitives of the encoders (plugins/common/probe), for eBPF.
 *
 * A driver defines, before it includes the encoders:
 *   PRIM_INLINE                 how every function of theirs is inlined
 *   PRIM_FUNCTION               how a function is declared that is called: it takes numbers only,
 *                               answers an int, and is verified once, not where it is called
 *   PRIM_TABLE                  how a table of constants is declared
 *   PRIM_BOUND(v, mask)         v &= mask, and nobody may optimise it away
 *   PRIM_SETTLE(v, mem, mask)   the same for a value that took several ways here: by way of the u64
 *                               at mem, so that the verifier sees one state instead of each way's
 *   PRIM_STORE(type, p, v)      an unaligned store
 *   KREAD(p, a, b.c, d)         p->a->b.c->d, each step safe against a bad pointer: 0 then
 *   KREAD_INTO(dst, p, a, …)    the same into a variable
 *   PRIM_TYPED(p, type)         p, so marked that KGET() can read it and what its members point to
 *   KGET(p, member)             as KREAD() of one step, where that matters: the quickest way
 *   KREAD_BIT(p, member)        a bit-field of *p
 *   PRIM_CHECKS                 only where the compiler inlines every primitive: encoders are
 *                               checked against the schema
 *   PRIM_SIZEOF(type), PRIM_OFFSETOF(type, member), PRIM_HAS(type, member)
 *                               as the running kernel has them
 *   prim_kernel_read(dst, n, p) 0, or negative
 *   prim_user_read(dst, n, u)   0, or negative: the page is not there; never sleeps
 *   prim_user_str(dst, n, u)    length with the NUL, at most n; negative: unreadable
 *   prim_kernel_str(dst, n, p)  likewise
 *   prim_task()                 the thread that runs
 *   prim_file(task, fd)         the open file of a descriptor of that one, as by PRIM_TYPED, or
 *                               NULL
 *   prim_now()                  nanoseconds since boot, sleep included
 *   prim_snaplen()              most bytes of read or written data, <= PROBE_DATA_MAX
 *   prim_send(e, class)         send the record now: encoders that make several do, and answer
 *                               false; they begin each with enc_begin()
 *   prim_scratch()              the memory that the record of this call is put into, or NULL
 *   ARCH_PAIRS_ALIGNED          1: 32-bit programs give 64 bits in an even pair of registers
 */
#ifndef EBPF_PRIM_BPF_H
#define EBPF_PRIM_BPF_H

#include "kernel.h"

#define PRIM_INLINE   __attribute__((always_inline, unused)) inline
#define PRIM_FUNCTION __attribute__((noinline, unused))
/* Not static: libbpf does not know where clang puts more than one table that is. */
#define PRIM_TABLE          const
#define PRIM_CHECKS         1
#define PRIM_BOUND(v, mask) asm volatile("%0 &= %1" : "+r"(v) : "i"(mask))
#define PRIM_SETTLE(v, mem, mask)                                                                  \
    do {                                                                                           \
        *(volatile u64 *)(mem) = (v);                                                              \
        (v) = *(volatile u64 *)(mem);                                                              \
        PRIM_BOUND(v, mask);                                                                       \
    } while (0)
#define PRIM_STORE(type, p, v) (*(type *)(p) = (v))

#define KREAD(p, ...)           BPF_CORE_READ((p), __VA_ARGS__)
#define KREAD_INTO(dst, p, ...) BPF_CORE_READ_INTO((dst), (p), __VA_ARGS__)

#define KREAD_BIT(p, member) BPF_CORE_READ_BITFIELD_PROBED((p), member)

#define PRIM_SIZEOF(type)           bpf_core_type_size(type)
#define PRIM_OFFSETOF(type, member) bpf_core_field_offset(type, member)
#define PRIM_HAS(type, member)      bpf_core_field_exists(type, member)

static PRIM_INLINE long prim_kernel_read(void *dst, u64 n, const void *p)
{
    return bpf_probe_read_kernel(dst, (u32)n, p);
}

static PRIM_INLINE long prim_user_read(void *dst, u64 n, u64 user)
{
    return bpf_probe_read_user(dst, (u32)n, (const void *)user);
}

static PRIM_INLINE long prim_user_str(void *dst, u32 n, u64 user)
{
    long len = bpf_probe_read_user_str(dst, n, (const void *)user);

    return len ? len : 1; /* before 6.15 the NUL of an empty string is not counted */
}

static PRIM_INLINE long prim_kernel_str(void *dst, u32 n, const void *p)
{
    return bpf_probe_read_kernel_str(dst, n, p);
}

static PRIM_INLINE u64 prim_now(void)
{
    return bpf_ktime_get_boot_ns();
}

/* From a typed pointer the kernel reads without a call of a helper. */
#define TASK_IS_TYPED                                                                              \
    bpf_core_enum_value_exists(enum bpf_func_id___here, BPF_FUNC_get_current_task_btf___here)
#define TASK_GET(task, member) (TASK_IS_TYPED ? (task)->member : KREAD(task, member))

/* Asked once where every nanosecond counts, and handed on: a return from a helper takes some 12 ns
 * on processors that must be careful with returns. */
static PRIM_INLINE struct task_struct *prim_task(void)
{
    if (TASK_IS_TYPED)
        return bpf_get_current_task_btf();
    return (struct task_struct *)bpf_get_current_task();
}

/* 6.2: any pointer becomes a typed one. */
extern void *bpf_rdonly_cast(const void *obj, u32 btf_id) __attribute__((section(".ksyms"), weak));

#define PRIM_TYPED(p, type)                                                                        \
    (bpf_rdonly_cast ? (type *)bpf_rdonly_cast((p), bpf_core_type_id_kernel(type)) : (p))
#define KGET(p, member)                                                                            \
    ({                                                                                             \
        __typeof__((p)->member) got_;                                                              \
        if (bpf_rdonly_cast)                                                                       \
            got_ = (p)->member;                                                                    \
        else                                                                                       \
            got_ = KREAD(p, member);                                                               \
        got_;                                                                                      \
    })

/* What stands at an address, as a typed pointer: by way of a type that has such a member. */
static PRIM_INLINE struct file *prim_file_at(struct file **slot)
{
    const struct vm_area_struct *with;
    struct file *file = NULL;

    if (bpf_rdonly_cast) {
        with = bpf_rdonly_cast((u8 *)slot - bpf_core_field_offset(struct vm_area_struct, vm_file),
                               bpf_core_type_id_kernel(struct vm_area_struct));
        return with->vm_file;
    }
    (void)prim_kernel_read(&file, sizeof(file), slot);
    return file;
}

static PRIM_INLINE struct file *prim_file(struct task_struct *task, s64 fd)
{
    struct fdtable *fdt;

    if (fd < 0)
        return NULL;
    if (TASK_IS_TYPED) {
        struct files_struct *files = task->files;

        fdt = files->fdt;
        return fd < fdt->max_fds ? prim_file_at(fdt->fd + fd) : NULL;
    }
    fdt = KREAD(task, files, fdt);
    return fd < KREAD(fdt, max_fds) ? prim_file_at(KREAD(fdt, fd) + fd) : NULL;
}

#endif /* EBPF_PRIM_BPF_H */
