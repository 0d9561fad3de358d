/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts: the device that events tell of their files, and the layers of overlays. */
#include "proc_priv.h"

#include <errno.h>
#include <fcntl.h>

/* As the kernel gives it to events: 12 bits of major between 8 and 12 bits of minor. */
static uint32_t dev_of(uint64_t major, uint64_t minor)
{
    return (uint32_t)((minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12);
}

/* Blanks and the like are written as "\040". @return the text's place in the table; 0: none. */
static uint32_t keep_path(struct proc_map *m, struct proc_text t)
{
    char out[PROC_PATH_MAX];
    size_t n = 0;

    while (t.p < t.end && n < sizeof(out)) {
        if (*t.p == '\\' && proc_left(&t) >= 4 && t.p[1] >= '0' && t.p[1] <= '3') {
            struct proc_text num = proc_text(t.p + 1, 3);

            out[n++] = (char)proc_num(&num, 8);
            t.p += 4;
        } else {
            out[n++] = *t.p++;
        }
    }
    return n < sizeof(out) ? proc_map_keep(m, out, n) : 0;
}

/* Of an overlay: where the layer is that it writes to. */
static void take_overlay(struct proc_map *m, struct proc_mount *mount, struct proc_text options,
                         struct proc_text root, struct proc_text point)
{
    static const char key[] = "upperdir=";
    struct proc_text o;

    while (proc_upto(&options, ',', &o)) {
        if (!proc_begins(&o, key))
            continue;
        o.p += sizeof(key) - 1;
        mount->upper = keep_path(m, o);
        mount->root = keep_path(m, root);
        mount->point = keep_path(m, point);
        return;
    }
}

/* "36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/sda1 rw" */
static void take_mount(struct proc_snapshot *s, struct proc_text t)
{
    struct proc_text dev, root, point, w, type = {NULL, NULL};
    uint64_t id = proc_word_num(&t, 10), major;
    struct proc_mount *mount;

    (void)proc_word_num(&t, 10);
    if (id == 0 || !proc_word(&t, &dev) || !proc_word(&t, &root) || !proc_word(&t, &point))
        return;
    while (proc_word(&t, &w) && !(proc_left(&w) == 1 && *w.p == '-'))
        ;
    if (!proc_word(&t, &type) || proc_map_find(&s->mounts, sizeof(*mount), id))
        return;
    mount = proc_map_add(&s->mounts, sizeof(*mount), id, PROC_MOUNTS_MAX);
    if (!mount) {
        s->stats.cut++;
        return;
    }
    major = proc_num(&dev, 10);
    dev.p += dev.p < dev.end;
    mount->dev = dev_of(major, proc_num(&dev, 10));
    if (proc_left(&type) == 7 && proc_begins(&type, "overlay") && proc_word(&t, &w) &&
        proc_word(&t, &w))
        take_overlay(&s->mounts, mount, w, root, point);
}

const struct proc_mount *proc_mount_find(struct proc_snapshot *s, uint64_t id)
{
    const struct proc_mount *mount = proc_map_find(&s->mounts, sizeof(*mount), id);
    const char *p;
    size_t len;
    uint64_t ns;

    if (mount || id == 0 || s->has_mounts)
        return mount;
    s->has_mounts = true;
    ns = proc_ns(s, s->live, "ns/mnt", "mnt:[");
    if (!proc_map_visit(&s->mounts, ns) || proc_lines_open(&s->lines, s->live, "mountinfo") < 0)
        return NULL;
    while (proc_lines_next(&s->lines, &p, &len))
        take_mount(s, proc_text(p, len));
    return proc_map_find(&s->mounts, sizeof(*mount), id);
}

uint32_t proc_dev_of(struct proc_snapshot *s, uint64_t mount, const struct statx *st)
{
    const struct proc_mount *m = proc_mount_find(s, mount);

    return m ? m->dev : dev_of(st->stx_dev_major, st->stx_dev_minor);
}

int proc_layer_of(struct proc_snapshot *s, uint64_t mount, const char *path, size_t len)
{
    const struct proc_mount *m = proc_mount_find(s, mount);
    const char *text = s->mounts.text, *upper, *root, *point;
    char full[3 * PROC_PATH_MAX];
    struct statx st;
    size_t n;

    if (!m || !m->upper || !m->root || !m->point)
        return 0;
    upper = text + m->upper;
    root = text + m->root;
    point = text + m->point;
    n = point[1] ? strlen(point) : 0;
    if (len <= n || memcmp(path, point, n) != 0 || path[n] != '/' || *upper != '/')
        return 0;
    (void)snprintf(full, sizeof(full), "%s%s%.*s", upper + 1, root[1] ? root : "", (int)(len - n),
                   path + n);
    if (statx(s->root_fd, full, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_TYPE, &st) == 0)
        return -1;
    return errno == ENOENT || errno == ENOTDIR ? 1 : 0;
}
