/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file file.h
 * @brief What encoders ask of descriptors, files and inodes.
 */
#ifndef PROBE_FILE_H
#define PROBE_FILE_H

#include "enc.h"

enum {
    MAGIC_OVERLAY = 0x794c7630,
    MODE_CREATED = 0x100000, /* FMODE_CREATED: this very open made the file */
    LAYER_UPPER = 1,
    LAYER_LOWER = 2
};

/** As the schema has device numbers, which is what user space sees. */
static PRIM_INLINE u32 file_dev(u32 kdev)
{
    u32 major = kdev >> 20, minor = kdev & 0xfffff;

    return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

/** Where on an overlay the file is. @return LAYER_*, or 0 when it is on none. */
static PRIM_INLINE u32 file_layer(const struct inode *inode, const struct super_block *sb)
{
    void *upper = NULL;

    if (KREAD(sb, s_magic) != MAGIC_OVERLAY)
        return 0;
    /* struct ovl_inode has the upper dentry right behind the inode, on every kernel so far */
    if (prim_kernel_read(&upper, sizeof(upper), (const u8 *)inode + PRIM_SIZEOF(struct inode)) == 0 &&
        upper)
        return LAYER_UPPER;
    return LAYER_LOWER;
}

/** dev and ino of a descriptor; zeros for one that is not open. @return the file. */
static PRIM_INLINE struct file *file_numbers(s64 fd, u32 *ret_dev, u64 *ret_ino)
{
    struct file *file = prim_file(fd);
    struct inode *inode;

    *ret_dev = 0;
    *ret_ino = 0;
    if (!file)
        return NULL;
    inode = KREAD(file, f_inode);
    *ret_dev = file_dev(KREAD(inode, i_sb, s_dev));
    *ret_ino = KREAD(inode, i_ino);
    return file;
}

#endif /* PROBE_FILE_H */
