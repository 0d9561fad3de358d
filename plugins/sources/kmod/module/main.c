// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * main.c - loading and unloading
 */
#include <linux/init.h>
#include <linux/module.h>

#include "gyr.h"

static int __init gyr_init(void)
{
	int r = gyr_probes_find();

	return r < 0 ? r : gyr_device_make();
}

/* No reader is left, and with the last one went the probes: device.c */
static void __exit gyr_exit(void)
{
	gyr_device_remove();
}

module_init(gyr_init);
module_exit(gyr_exit);

MODULE_DESCRIPTION("Gyr: system calls, processes and signals as events");
MODULE_AUTHOR("The Gyr authors");
MODULE_VERSION(GYR_VERSION);
MODULE_LICENSE("GPL");
