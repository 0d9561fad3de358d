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
static PRIM_INLINE u32 file_layer(const struct inode *inode, u64 magic)
{
    void *upper = NULL;

    if (magic != MAGIC_OVERLAY)
        return 0;
    /* struct ovl_inode has the upper dentry right behind the inode, on every kernel so far */
    if (prim_kernel_read(&upper, sizeof(upper), (const u8 *)inode + PRIM_SIZEOF(struct inode)) ==
            0 &&
        upper)
        return LAYER_UPPER;
    return LAYER_LOWER;
}

/** What an open file shows of itself; zeros for a descriptor that is not open. */
struct file_facts {
    u64 ino;
    u32 dev, mode, layer;
};

static PRIM_INLINE void file_look(struct task_struct *task, s64 fd, struct file_facts *r)
{
    struct file *file = prim_file(task, fd);
    struct inode *inode;
    struct super_block *sb;

    r->ino = 0;
    r->dev = r->mode = r->layer = 0;
    if (!file)
        return;
    inode = KGET(file, f_inode);
    sb = KGET(inode, i_sb);
    r->ino = KGET(inode, i_ino);
    r->dev = file_dev(KGET(sb, s_dev));
    r->mode = KGET(file, f_mode);
    r->layer = file_layer(inode, KGET(sb, s_magic));
}

#endif /* PROBE_FILE_H */
