/* SPDX-License-Identifier: Apache-2.0 */
#include "proc_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int proc_open(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    return fd < 0 ? -errno : fd;
}

int proc_open_dir(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

void proc_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static int read_some(int fd, char *buf, size_t cap)
{
    ssize_t n;

    do
        n = read(fd, buf, cap);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : (int)n;
}

int proc_read_file(int dir, const char *name, char *buf, size_t cap)
{
    int fd = proc_open(dir, name), n = 1;
    size_t len = 0;

    if (fd < 0)
        return fd;
    while (len < cap && n > 0) {
        n = read_some(fd, buf + len, cap - len);
        if (n > 0)
            len += (size_t)n;
    }
    proc_close(&fd);
    return n < 0 ? n : (int)len;
}

int proc_read_link(int dir, const char *name, char *buf, size_t cap)
{
    ssize_t n = readlinkat(dir, name, buf, cap);

    if (n < 0)
        return -errno;
    if ((size_t)n == cap)
        return -ENAMETOOLONG;
    buf[n] = 0;
    return (int)n;
}

int proc_lines_open(struct proc_lines *l, int dir, const char *name)
{
    proc_close(&l->fd);
    l->at = l->end = 0;
    l->eof = l->skip = false;
    l->fd = proc_open(dir, name);
    return l->fd < 0 ? l->fd : 0;
}

/* Read on behind what is left of the buffer, which moves to its front. */
static void refill(struct proc_lines *l)
{
    int n;

    if (l->at > 0) {
        memmove(l->buf, l->buf + l->at, l->end - l->at);
        l->end -= l->at;
        l->at = 0;
    }
    n = read_some(l->fd, l->buf + l->end, sizeof(l->buf) - l->end);
    if (n <= 0)
        l->eof = true;
    else
        l->end += (size_t)n;
}

int proc_lines_next(struct proc_lines *l, const char **ret, size_t *ret_len)
{
    while (l->fd >= 0) {
        const char *p = l->buf + l->at, *nl = memchr(p, '\n', l->end - l->at);
        bool whole = nl != NULL, full = l->at == 0 && l->end == sizeof(l->buf);

        if (!whole && !full && !l->eof) {
            refill(l);
            continue;
        }
        if (!whole && l->at == l->end) {
            proc_close(&l->fd);
            return 0;
        }
        *ret = p;
        *ret_len = whole ? (size_t)(nl - p) : l->end - l->at;
        l->at = whole ? (size_t)(nl + 1 - l->buf) : l->end;
        if (!l->skip) {
            l->skip = !whole;
            return 1;
        }
        l->skip = !whole; /* the rest of a line that was cut */
    }
    return 0;
}

int proc_dir_open(struct proc_dir *d, int dir, const char *name)
{
    proc_close(&d->fd);
    d->at = d->end = 0;
    d->fd = proc_open_dir(dir, name);
    return d->fd < 0 ? d->fd : 0;
}

/* Numbers without zeros in front, that fit. */
static bool is_number(const char *s, uint32_t *ret)
{
    uint64_t v = 0;

    if (*s < '0' || *s > '9' || (*s == '0' && s[1]))
        return false;
    for (; *s >= '0' && *s <= '9' && v <= UINT32_MAX; s++)
        v = v * 10 + (uint64_t)(*s - '0');
    *ret = (uint32_t)v;
    return *s == 0 && v <= INT32_MAX;
}

int proc_dir_next(struct proc_dir *d, uint32_t *ret)
{
    while (d->fd >= 0) {
        const struct dirent64 *e;

        if (d->at == d->end) {
            long n = syscall(SYS_getdents64, d->fd, d->buf, sizeof(d->buf));
            int r = n < 0 ? -errno : 0;

            if (n <= 0) {
                proc_close(&d->fd);
                return r;
            }
            d->at = 0;
            d->end = (size_t)n;
        }
        e = (const void *)(d->buf + d->at);
        d->at += e->d_reclen;
        if (is_number(e->d_name, ret))
            return 1;
    }
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool proc_word(struct proc_text *t, struct proc_text *ret)
{
    while (t->p < t->end && is_blank(*t->p))
        t->p++;
    ret->p = t->p;
    while (t->p < t->end && !is_blank(*t->p))
        t->p++;
    ret->end = t->p;
    return ret->p < ret->end;
}

bool proc_upto(struct proc_text *t, char end_char, struct proc_text *ret)
{
    const char *at;

    if (t->p == t->end)
        return false;
    at = memchr(t->p, end_char, proc_left(t));
    ret->p = t->p;
    ret->end = at ? at : t->end;
    t->p = at ? at + 1 : t->end;
    return true;
}

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 99;
}

uint64_t proc_num(struct proc_text *t, unsigned base)
{
    uint64_t v = 0;
    unsigned d;

    for (; t->p < t->end && (d = digit(*t->p)) < base; t->p++)
        v = v > (UINT64_MAX - d) / base ? UINT64_MAX : v * base + d;
    return v;
}

uint64_t proc_word_num(struct proc_text *t, unsigned base)
{
    struct proc_text w;

    return proc_word(t, &w) ? proc_num(&w, base) : 0;
}

bool proc_begins(const struct proc_text *t, const char *with)
{
    size_t n = strlen(with);

    return proc_left(t) >= n && memcmp(t->p, with, n) == 0;
}

bool proc_ends(const struct proc_text *t, const char *with)
{
    size_t n = strlen(with);

    return proc_left(t) >= n && memcmp(t->end - n, with, n) == 0;
}

bool proc_bracketed(const struct proc_text *t, const char *before, uint64_t *ret)
{
    struct proc_text in = *t;

    if (!proc_begins(t, before) || !proc_ends(t, "]"))
        return false;
    in.p += strlen(before);
    *ret = proc_num(&in, 10);
    return in.p + 1 == in.end;
}

struct proc_name proc_name_of(uint64_t num)
{
    struct proc_name n;
    char *p = n.s + sizeof(n.s) - 1;
    size_t len;

    *p = 0;
    do {
        *--p = (char)('0' + num % 10);
        num /= 10;
    } while (num);
    len = (size_t)(n.s + sizeof(n.s) - p);
    memmove(n.s, p, len);
    return n;
}
