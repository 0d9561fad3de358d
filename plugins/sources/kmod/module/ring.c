// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * ring.c - memory that the probes write and the reader maps
 *
 * Room is taken under a lock that is held for a few instructions and never
 * while anything else is called; the record is copied after that, marked as
 * not whole until it is. The reader's position is its own to write: whatever it
 * says, it decides only whether there is room, never where something goes.
 */
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/percpu.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#include "compat.h"
#include "encoders.h"
#include "gyr.h"

enum { META_PAGES = 2, TAKEN_PAGE = 0, MADE_PAGE = 1 };

struct ring {
	raw_spinlock_t lock;
	u64 head;		/* where the next record goes */
	u64 size;		/* of the data */
	const u64 *taken;	/* where the reader is, says the reader */
	u64 *made;		/* the head, for the reader */
	u8 *data;		/* twice in a row */
	void *map;
	struct page **pages;	/* as mapped: those of data come twice */
	unsigned long n_pages, n_mapped;
} ____cacheline_aligned;

struct ring_set {
	u32 pairs, n;
	struct ring ring[];
};

static struct ring_set *set;
static DEFINE_PER_CPU(u8 *, scratch);
static DEFINE_PER_CPU(struct probe_count, counts);

/* ---- waking the reader: its queue has a lock that a probe must not take ---- */

static DECLARE_WAIT_QUEUE_HEAD(queue);
static int waiting;

static void wake_reader(struct irq_work *work)
{
	wake_up_all(&queue);
}

static struct irq_work wake_work = { .func = wake_reader };

/* ---- writing ---- */

u8 *gyr_scratch(void)
{
	return this_cpu_read(scratch);
}

static bool ring_put(struct ring *r, const struct probe_event *ev)
{
	u64 need = (u64)ev->len + BPF_RINGBUF_HDR_SZ, used;
	unsigned long flags;
	u32 *at;

	raw_spin_lock_irqsave(&r->lock, flags);
	used = r->head - smp_load_acquire(r->taken);
	if (used > r->size || r->size - used < need) {
		raw_spin_unlock_irqrestore(&r->lock, flags);
		return false;
	}
	at = (u32 *)(r->data + (r->head & (r->size - 1)));
	WRITE_ONCE(at[0], ev->len | BPF_RINGBUF_BUSY_BIT);
	WRITE_ONCE(at[1], 0);
	r->head += need;
	smp_store_release(r->made, r->head);
	raw_spin_unlock_irqrestore(&r->lock, flags);

	memcpy((u8 *)at + BPF_RINGBUF_HDR_SZ, ev, ev->len);
	/* in order before the look at waiting, too: see gyr_rings_poll() */
	xchg(&at[0], ev->len);
	return true;
}

void gyr_send(const struct probe_event *ev, u32 class)
{
	struct ring_set *s = READ_ONCE(set);
	u32 pair = READ_ONCE(gyr_conf.ring[ev->cpu % PROBE_CPUS]);

	if (s && pair < s->pairs) {
		pair = array_index_nospec(pair, s->pairs);
		if (ring_put(&s->ring[pair * PROBE_CLASSES + class], ev)) {
			this_cpu_inc(counts.sent);
			if (READ_ONCE(waiting) && xchg(&waiting, 0))
				irq_work_queue(&wake_work);
			return;
		}
	}
	this_cpu_inc(counts.lost[class]);
}

/* ---- reading ---- */

static bool any_record(const struct ring_set *s)
{
	u32 i;

	for (i = 0; i < s->n; i++)
		if (READ_ONCE(*s->ring[i].made) != READ_ONCE(*s->ring[i].taken))
			return true;
	return false;
}

__poll_t gyr_rings_poll(struct file *file, struct poll_table_struct *wait)
{
	const struct ring_set *s = smp_load_acquire(&set);

	if (!s)
		return EPOLLERR;
	poll_wait(file, &queue, wait);
	WRITE_ONCE(waiting, 1);
	smp_mb(); /* either we see the record, or its writer sees us: ring_put() */
	return any_record(s) ? EPOLLIN | EPOLLRDNORM : 0;
}

int gyr_rings_map(struct vm_area_struct *vma)
{
	const struct ring_set *s = smp_load_acquire(&set);
	unsigned long first = vma->vm_pgoff & ((1ul << (GYR_RING_SHIFT - PAGE_SHIFT)) - 1);
	unsigned long i = vma->vm_pgoff >> (GYR_RING_SHIFT - PAGE_SHIFT);
	unsigned long n = vma_pages(vma);
	const struct ring *r;

	if (!s || i >= s->n)
		return -EINVAL;
	r = &s->ring[array_index_nospec(i, s->n)];
	if (!(vma->vm_flags & VM_SHARED) || n > r->n_mapped || first > r->n_mapped - n)
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (vma->vm_flags & VM_WRITE && (first != TAKEN_PAGE || n != 1))
		return -EPERM;
	compat_vma_flags(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
			 VM_MAYEXEC | (vma->vm_flags & VM_WRITE ? 0 : VM_MAYWRITE));
	return remap_vmalloc_range(vma, r->map, first);
}

int gyr_rings_counts(const struct gyr_counts *c)
{
	struct probe_count __user *to = (struct probe_count __user *)(unsigned long)c->to;
	u32 i;

	if (c->first > nr_cpu_ids || c->n > nr_cpu_ids - c->first)
		return -EINVAL;
	for (i = 0; i < c->n; i++) {
		struct probe_count one = {};

		if (cpu_possible(c->first + i))
			one = *per_cpu_ptr(&counts, c->first + i);
		if (copy_to_user(&to[i], &one, sizeof(one)))
			return -EFAULT;
	}
	return 0;
}

u32 gyr_rings_pairs(void)
{
	return set ? set->pairs : 0;
}

/* ---- memory ---- */

static void ring_free(struct ring *r)
{
	unsigned long i;

	vunmap(r->map);
	for (i = 0; i < r->n_pages; i++)
		__free_page(r->pages[i]);
	kvfree(r->pages);
}

static int ring_make(struct ring *r, u64 bytes)
{
	unsigned long n = bytes >> PAGE_SHIFT;

	raw_spin_lock_init(&r->lock);
	r->size = bytes;
	r->n_mapped = META_PAGES + 2 * n;
	r->pages = kvmalloc_array(r->n_mapped, sizeof(*r->pages), GFP_KERNEL_ACCOUNT);
	if (!r->pages)
		return -ENOMEM;
	for (r->n_pages = 0; r->n_pages < META_PAGES + n; r->n_pages++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		r->pages[r->n_pages] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO |
						  __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
		if (!r->pages[r->n_pages])
			return -ENOMEM;
	}
	memcpy(r->pages + META_PAGES + n, r->pages + META_PAGES, n * sizeof(*r->pages));
	r->map = vmap(r->pages, r->n_mapped, VM_MAP | VM_USERMAP, PAGE_KERNEL);
	if (!r->map)
		return -ENOMEM;
	r->taken = r->map + TAKEN_PAGE * PAGE_SIZE;
	r->made = r->map + MADE_PAGE * PAGE_SIZE;
	r->data = r->map + META_PAGES * PAGE_SIZE;
	return 0;
}

static void set_free(struct ring_set *s)
{
	u32 i;

	for (i = 0; s && i < s->n; i++)
		ring_free(&s->ring[i]);
	kvfree(s);
}

static int scratch_make(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		memset(per_cpu_ptr(&counts, cpu), 0, sizeof(struct probe_count));
		per_cpu(scratch, cpu) = kvmalloc_node(GYR_SCRATCH, GFP_KERNEL, cpu_to_node(cpu));
		if (!per_cpu(scratch, cpu))
			return -ENOMEM;
	}
	return 0;
}

static void scratch_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		kvfree(per_cpu(scratch, cpu));
		per_cpu(scratch, cpu) = NULL;
	}
}

/* A quarter of the machine's memory at most, whatever is asked for. */
static bool fits(const struct gyr_rings *r)
{
	u64 all = 0;
	u32 i;

	if (!r->pairs || r->pairs > nr_cpu_ids || r->pairs > PROBE_CPUS || r->reserved)
		return false;
	for (i = 0; i < PROBE_CLASSES; i++) {
		if (!is_power_of_2(r->bytes[i]) || r->bytes[i] < PAGE_SIZE ||
		    r->bytes[i] > GYR_RING_MAX)
			return false;
		all += r->pairs * ((r->bytes[i] >> PAGE_SHIFT) + META_PAGES);
	}
	return all <= totalram_pages() / 4;
}

int gyr_rings_make(const struct gyr_rings *r)
{
	struct ring_set *s;
	u32 n = r->pairs * PROBE_CLASSES;
	int ret;

	if (set)
		return -EBUSY;
	if (!fits(r))
		return -EINVAL;
	s = kvzalloc(struct_size(s, ring, n), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->pairs = r->pairs;
	ret = scratch_make();
	for (s->n = 0; !ret && s->n < n; s->n++)
		ret = ring_make(&s->ring[s->n], r->bytes[s->n % PROBE_CLASSES]);
	if (ret) {
		set_free(s);
		scratch_free();
		return ret;
	}
	smp_store_release(&set, s);
	return 0;
}

void gyr_rings_free(void)
{
	irq_work_sync(&wake_work);
	set_free(set);
	set = NULL;
	scratch_free();
}
