/* SPDX-License-Identifier: Apache-2.0 */
#include "rotate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { SAME_SECOND_MAX = 100, LIST_MAX = 10000, AGAIN_S = 60, CHUNK = 65536 };
static const char GZ[] = ".gz";

int rotate_init(struct rotate *r, const struct rotate_conf *conf, const struct gyr_host *host,
                struct gyr_error *err)
{
    memset(r, 0, sizeof(*r));
    r->conf = *conf;
    r->host = host;
    if (conf->names == ROTATE_NUMBERS && conf->keep == 0 && rotate_wanted(r))
        return gyr_fail(err, GYR_E_CONF, "keep: 0 (all) needs rotate_names: date");
    if (conf->interval_ns && conf->interval_ns < 1000000000)
        return gyr_fail(err, GYR_E_CONF, "rotate_interval is less than a second");
    return 0;
}

/* By local time, so that a day ends at midnight. */
static int64_t period_of(const struct rotate *r, int64_t t)
{
    time_t s = (time_t)t;
    struct tm tm = {0};

    if (!r->conf.interval_ns)
        return 0;
    (void)localtime_r(&s, &tm);
    return (t + tm.tm_gmtoff) / (int64_t)(r->conf.interval_ns / 1000000000);
}

void rotate_opened(struct rotate *r, const struct stat *st, int64_t now)
{
    r->period = period_of(r, st->st_size > 0 ? (int64_t)st->st_mtime : now);
}

bool rotate_due(const struct rotate *r, uint64_t size, uint64_t more, int64_t now)
{
    if (size == 0 || now < r->not_before || atomic_load(&r->packing))
        return false;
    return (r->conf.size && size + more > r->conf.size) ||
           (r->conf.interval_ns && period_of(r, now) != r->period);
}

static int make_name(char *ret, const char *path, const char *suffix, const char *ext)
{
    int n = snprintf(ret, PATH_MAX, "%s.%s%s", path, suffix, ext);

    return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* a file system that cannot refuse: look first */
    if (access(to, F_OK) == 0)
        return -EEXIST;
    return rename(from, to) < 0 ? -errno : 0;
}

/* path.1 becomes path.2, and so on; what would be one too many goes. */
static int shift_numbers(const struct rotate *r, char *aside)
{
    char from[PATH_MAX], to[PATH_MAX], number[24], next[24];

    for (int64_t i = r->conf.keep; i >= 1; i--) {
        (void)snprintf(number, sizeof(number), "%lld", (long long)i);
        (void)snprintf(next, sizeof(next), "%lld", (long long)i + 1);
        for (int gz = 0; gz < 2; gz++) {
            int e = make_name(from, r->conf.path, number, gz ? GZ : "");

            if (e == 0)
                e = make_name(to, r->conf.path, next, gz ? GZ : "");
            if (e == 0 && (i == r->conf.keep ? unlink(from) : rename(from, to)) < 0)
                e = errno == ENOENT ? 0 : -errno;
            if (e < 0)
                return e;
        }
    }
    return make_name(aside, r->conf.path, "1", "");
}

/* "20261126T042345Z", perhaps "-2", perhaps ".gz". @return length without ".gz"; 0: none of ours.
 */
static size_t dated(const char *s)
{
    static const char form[] = "00000000T000000Z";
    size_t n = strlen(s);

    if (n > sizeof(GZ) - 1 && strcmp(s + n - (sizeof(GZ) - 1), GZ) == 0)
        n -= sizeof(GZ) - 1;
    if (n < sizeof(form) - 1)
        return 0;
    for (size_t i = 0; i < sizeof(form) - 1; i++)
        if (form[i] == '0' ? s[i] < '0' || s[i] > '9' : s[i] != form[i])
            return 0;
    if (n == sizeof(form) - 1)
        return n;
    return s[sizeof(form) - 1] == '-' && strspn(s + sizeof(form), "0123456789") > 0 &&
                   sizeof(form) + strspn(s + sizeof(form), "0123456789") == n
               ? n
               : 0;
}

static int by_stem(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    size_t n = dated(x), m = dated(y);
    int c = memcmp(x, y, n < m ? n : m);

    return c ? c : (n > m) - (n < m);
}

/* Names in @p dir that begin with "@p base." and are dated: what follows the dot. */
static size_t list_dated(DIR *dir, const char *base, char **names)
{
    size_t len = strlen(base), n = 0;
    const struct dirent *e;

    while (n < LIST_MAX && (e = readdir(dir))) {
        if (strncmp(e->d_name, base, len) != 0 || e->d_name[len] != '.' ||
            !dated(e->d_name + len + 1))
            continue;
        names[n] = strdup(e->d_name + len + 1);
        if (!names[n])
            break;
        n++;
    }
    return n;
}

static void prune_dates(const struct rotate *r)
{
    char dir[PATH_MAX], path[PATH_MAX];
    const char *base = strrchr(r->conf.path, '/');
    char **names = calloc(LIST_MAX, sizeof(*names));
    size_t n = 0;
    DIR *d = NULL;

    (void)snprintf(dir, sizeof(dir), "%.*s", base ? (int)(base - r->conf.path) + 1 : 1,
                   base ? r->conf.path : ".");
    if (names)
        d = opendir(dir);
    if (d) {
        n = list_dated(d, base ? base + 1 : r->conf.path, names);
        (void)closedir(d);
        qsort(names, n, sizeof(*names), by_stem);
    }
    for (size_t i = 0; i < n; i++) {
        if (i + (size_t)r->conf.keep < n && make_name(path, r->conf.path, names[i], "") == 0)
            (void)unlink(path);
        free(names[i]);
    }
    free(names);
}

static int put_aside_dated(struct rotate *r, int64_t now, char *aside)
{
    time_t s = (time_t)now;
    char stamp[32], suffix[48], packed[PATH_MAX];
    struct tm tm = {0};
    int e = -EEXIST;

    (void)gmtime_r(&s, &tm);
    (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
    for (int i = r->dated == now ? r->same_second + 1 : 1; e == -EEXIST && i < SAME_SECOND_MAX;
         i++) {
        r->same_second = i;
        if (i == 1)
            (void)snprintf(suffix, sizeof(suffix), "%s", stamp);
        else
            (void)snprintf(suffix, sizeof(suffix), "%s-%02d", stamp, i);
        e = make_name(aside, r->conf.path, suffix, "");
        if (e == 0)
            e = make_name(packed, r->conf.path, suffix, GZ);
        if (e == 0)
            e = access(packed, F_OK) == 0 ? -EEXIST : rename_new(r->conf.path, aside);
    }
    r->dated = now;
    return e;
}

void rotate_put_off(struct rotate *r, int64_t now)
{
    r->not_before = now + AGAIN_S;
}

int rotate_now(struct rotate *r, int64_t now, struct gyr_error *err)
{
    char aside[PATH_MAX];
    int e;

    rotate_stop(r); /* of a thread that has ended: only its id is left */
    if (access(r->conf.path, F_OK) < 0 && errno == ENOENT)
        return 0; /* somebody else put it aside: only a new one is needed */
    if (r->conf.names == ROTATE_NUMBERS) {
        e = shift_numbers(r, aside);
        if (e == 0)
            e = rename_new(r->conf.path, aside);
    } else {
        e = put_aside_dated(r, now, aside);
    }
    if (e < 0)
        return gyr_fail(err, e, "%s: cannot be rotated: %s", r->conf.path, strerror(-e));
    if (r->conf.names == ROTATE_DATES && r->conf.keep)
        prune_dates(r);
    if (r->conf.gzip)
        r->to_pack = strdup(aside);
    return 0;
}

/* @return 0 when the whole file is in @p gz. */
static int pack_into(struct rotate *r, int in, gzFile gz)
{
    char *chunk = malloc(CHUNK);
    ssize_t n = -1;

    while (chunk && !atomic_load(&r->quit) && (n = read(in, chunk, CHUNK)) > 0)
        if (gzwrite(gz, chunk, (unsigned)n) != (int)n)
            break;
    free(chunk);
    return n == 0 ? 0 : -EIO;
}

/* To another name first: what is called .gz is whole. */
static int pack(struct rotate *r, const char *path)
{
    char part[PATH_MAX], packed[PATH_MAX];
    struct stat st;
    gzFile gz;
    int in, out, e;

    if (make_name(packed, path, "gz", "") < 0 || make_name(part, path, "gz", ".part") < 0)
        return -ENAMETOOLONG;
    in = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0)
        return -errno;
    (void)unlink(part);
    out = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    gz = out >= 0 && fstat(in, &st) == 0 && fchmod(out, st.st_mode & 0777) == 0 ? gzdopen(out, "wb")
                                                                                : NULL;
    e = gz ? pack_into(r, in, gz) : -EIO;
    if (gz && gzclose(gz) != Z_OK)
        e = -EIO;
    else if (!gz && out >= 0)
        (void)close(out);
    (void)close(in);
    if (e == 0 && rename(part, packed) < 0)
        e = -errno;
    (void)unlink(e == 0 ? path : part);
    return e;
}

static void pack_main(void *arg)
{
    struct rotate *r = arg;
    int e = pack(r, r->to_pack);

    if (e < 0 && !atomic_load(&r->quit))
        gyr_logf(r->host, GYR_LOG_WARNING, "%s: cannot be compressed: %s", r->to_pack,
                 strerror(-e));
    atomic_store(&r->packing, false);
}

void rotate_pack(struct rotate *r)
{
    if (!r->to_pack)
        return;
    atomic_store(&r->quit, false);
    atomic_store(&r->packing, true);
    r->has_thread = r->host->thread_start(r->host->ctx, "gyr-gzip", pack_main, r, &r->thread) == 0;
    if (!r->has_thread) {
        atomic_store(&r->packing, false);
        gyr_logf(r->host, GYR_LOG_WARNING, "%s: no thread to compress it", r->to_pack);
    }
}

void rotate_stop(struct rotate *r)
{
    atomic_store(&r->quit, true);
    if (r->has_thread)
        (void)r->host->thread_join(r->host->ctx, r->thread);
    r->has_thread = false;
    free(r->to_pack);
    r->to_pack = NULL;
}
