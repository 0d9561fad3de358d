// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * device.c - /dev/gyr
 *
 * Nothing is traced but for a reader that has the device open. Its last
 * descriptor or mapping gone, all that was made for it goes; until then the
 * module cannot.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "encoders.h"
#include "gyr.h"

struct probe_conf gyr_conf;

static DEFINE_MUTEX(lock);	/* requests of the reader, one at a time */
static unsigned long opened;	/* bit 0: there is a reader */

static int device_open(struct inode *inode, struct file *file)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (test_and_set_bit_lock(0, &opened))
		return -EBUSY;
	return nonseekable_open(inode, file);
}

static int device_release(struct inode *inode, struct file *file)
{
	mutex_lock(&lock);
	gyr_probes_off(~0u);
	gyr_probes_drain();
	gyr_rings_free();
	memset(&gyr_conf, 0, sizeof(gyr_conf));
	mutex_unlock(&lock);
	clear_bit_unlock(0, &opened);
	return 0;
}

static long say_hello(void __user *arg)
{
	struct gyr_hello h = {
		.abi = GYR_ABI,
		.conf_size = sizeof(struct probe_conf),
		.fingerprint = gyr_fingerprint(),
		.n_cpus = min_t(u32, nr_cpu_ids, PROBE_CPUS),
		.version = GYR_VERSION,
	};

	return copy_to_user(arg, &h, sizeof(h)) ? -EFAULT : 0;
}

static long make_rings(void __user *arg)
{
	struct gyr_rings r;
	long ret;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	if (mutex_lock_killable(&lock))
		return -EINTR;
	ret = gyr_rings_make(&r);
	mutex_unlock(&lock);
	return ret;
}

static u32 hooks_of(const struct probe_conf *c)
{
	bool calls = memchr_inv(c->calls, 0, sizeof(c->calls)) ||
		     memchr_inv(c->calls32, 0, sizeof(c->calls32)) ||
		     memchr_inv(c->socketcalls, 0, sizeof(c->socketcalls));

	return c->hooks | (calls ? GYR_HOOK_CALLS : 0);
}

static bool conf_is_fine(const struct probe_conf *c)
{
	u32 i, pairs = gyr_rings_pairs();

	if (!pairs || c->snaplen > PROBE_DATA_MAX ||
	    c->hooks & ~(PROBE_HOOK_EXEC | PROBE_HOOK_FORK | PROBE_HOOK_EXIT | PROBE_HOOK_SIGNAL))
		return false;
	for (i = 0; i < PROBE_CPUS; i++)
		if (c->ring[i] >= pairs)
			return false;
	return true;
}

/* Member by member, as probes are reading it. What a call is named by comes before its encoder. */
static void conf_take(const struct probe_conf *c)
{
	u32 i;

	WRITE_ONCE(gyr_conf.epoch_ns, c->epoch_ns);
	WRITE_ONCE(gyr_conf.self_tgid, task_tgid_nr(current));
	WRITE_ONCE(gyr_conf.snaplen, c->snaplen);
	for (i = 0; i < ARRAY_SIZE(c->ring); i++)
		WRITE_ONCE(gyr_conf.ring[i], c->ring[i]);
	for (i = 0; i < ARRAY_SIZE(c->codes); i++)
		WRITE_ONCE(gyr_conf.codes[i], c->codes[i]);
	for (i = 0; i < ARRAY_SIZE(c->codes32); i++)
		WRITE_ONCE(gyr_conf.codes32[i], c->codes32[i]);
	smp_wmb();
	for (i = 0; i < ARRAY_SIZE(c->calls); i++)
		WRITE_ONCE(gyr_conf.calls[i], c->calls[i]);
	for (i = 0; i < ARRAY_SIZE(c->calls32); i++)
		WRITE_ONCE(gyr_conf.calls32[i], c->calls32[i]);
	for (i = 0; i < ARRAY_SIZE(c->socketcalls); i++)
		WRITE_ONCE(gyr_conf.socketcalls[i], c->socketcalls[i]);
	WRITE_ONCE(gyr_conf.hooks, c->hooks);
}

static long want_locked(const struct probe_conf *c)
{
	u32 hooks = hooks_of(c);
	int r;

	if (!conf_is_fine(c))
		return -EINVAL;
	r = gyr_probes_on(hooks);
	if (r < 0)
		return r;
	conf_take(c);
	gyr_probes_off(~hooks);
	return 0;
}

static long want(void __user *arg)
{
	struct probe_conf *c = memdup_user(arg, sizeof(*c));
	long ret;

	if (IS_ERR(c))
		return PTR_ERR(c);
	ret = -EINTR;
	if (!mutex_lock_killable(&lock)) {
		ret = want_locked(c);
		mutex_unlock(&lock);
	}
	kfree(c);
	return ret;
}

static long set_flags(void __user *arg)
{
	u32 flags;

	if (copy_from_user(&flags, arg, sizeof(flags)))
		return -EFAULT;
	WRITE_ONCE(gyr_conf.event_flags, flags);
	return 0;
}

static long tell_counts(void __user *arg)
{
	struct gyr_counts c;

	if (copy_from_user(&c, arg, sizeof(c)))
		return -EFAULT;
	return gyr_rings_counts(&c);
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case GYR_IOC_HELLO:
		return say_hello(p);
	case GYR_IOC_RINGS:
		return make_rings(p);
	case GYR_IOC_WANT:
		return want(p);
	case GYR_IOC_FLAGS:
		return set_flags(p);
	case GYR_IOC_COUNTS:
		return tell_counts(p);
	default:
		return -ENOTTY;
	}
}

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	return gyr_rings_map(vma);
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.unlocked_ioctl = device_ioctl,
	.mmap = device_mmap,
	.poll = gyr_rings_poll,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "gyr",
	.mode = 0600,
	.fops = &operations,
};

int gyr_device_make(void)
{
	return misc_register(&device);
}

void gyr_device_remove(void)
{
	misc_deregister(&device);
}
