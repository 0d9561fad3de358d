/* SPDX-License-Identifier: Apache-2.0 */
#include "base/privilege.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/num.h"
#include "base/suggest.h"

#include <errno.h>
#include <gyr/capability.h>
#include <linux/capability.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[] = {GYR_CAPABILITY_NAMES};
_Static_assert(ARRAY_LEN(names) == CAP_CHECKPOINT_RESTORE + 1, "one is missing");

enum { CAPS_MAX = 64 };
static const char SPACE[] = " \t\n";

static _Atomic uint64_t planned = UINT64_MAX; /* all: there is no plan */

int privilege_parse(const char *text, struct privileges *ret, struct gyr_error *err)
{
    struct privileges p = {0};

    for (const char *at = text ? text + strspn(text, SPACE) : ""; *at; at += strspn(at, SPACE)) {
        size_t whole = strcspn(at, SPACE), n = whole - (at[whole - 1] == '?'), i = 0;
        struct suggest g;
        const char *best;

        suggest_init(&g, at, n);
        while (i < ARRAY_LEN(names) && (strlen(names[i]) != n || memcmp(names[i], at, n) != 0))
            suggest_offer(&g, names[i++]);
        best = suggest_best(&g);
        if (i == ARRAY_LEN(names))
            return gyr_fail(err, -EINVAL, "no capability is called '%.*s'%s%s%s",
                            n < 64 ? (int)n : 64, at, best ? "; did you mean '" : "",
                            best ? best : "", best ? "'?" : "");
        *(n < whole ? &p.useful : &p.needed) |= UINT64_C(1) << i;
        at += whole;
    }
    *ret = p;
    return 0;
}

void privilege_add_names(struct buf *b, uint64_t set)
{
    bool first = true;

    for (uint32_t i = 0; i < CAPS_MAX; i++) {
        if (!(set >> i & 1))
            continue;
        buf_adds(b, first ? "" : ", ");
        first = false;
        if (i < ARRAY_LEN(names))
            buf_adds(b, names[i]);
        else
            buf_addf(b, "capability %u", i);
    }
}

/* ---- of the calling thread ---- */

struct caps {
    uint64_t effective, permitted, inheritable;
};

/* @param tid 0: the calling thread. */
static int get_caps(int tid, struct caps *ret)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = tid};
    struct __user_cap_data_struct d[2] = {0};

    if (syscall(SYS_capget, &head, d) < 0)
        return -errno;
    *ret = (struct caps){.effective = d[0].effective | (uint64_t)d[1].effective << 32,
                         .permitted = d[0].permitted | (uint64_t)d[1].permitted << 32,
                         .inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32};
    return 0;
}

static int set_caps(const struct caps *c)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct d[2] = {
        {(uint32_t)c->effective, (uint32_t)c->permitted, (uint32_t)c->inheritable},
        {(uint32_t)(c->effective >> 32), (uint32_t)(c->permitted >> 32),
         (uint32_t)(c->inheritable >> 32)}};

    return syscall(SYS_capset, &head, d) < 0 ? -errno : 0;
}

uint64_t privilege_effective(void)
{
    struct caps c = {0};

    (void)get_caps(0, &c);
    return c.effective;
}

/* Without CAP_SETPCAP it stays as it is: a program that is executed gains nothing even so, because
 * of no_new_privs. */
static void drop_bounding(uint64_t keep)
{
    for (unsigned long i = 0; i < CAPS_MAX; i++)
        if (!(keep >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
            break;
}

int privilege_drop(uint64_t keep, struct gyr_error *err)
{
    struct caps c, now = {0};
    int r;

    drop_bounding(keep);
    r = get_caps(0, &c);
    if (r < 0)
        return gyr_fail(err, r, "cannot tell capabilities: %s", strerror(-r));
    c.effective &= keep;
    c.permitted &= keep;
    c.inheritable = 0; /* and with it the ambient set, which is part of both */
    r = set_caps(&c);
    if (r < 0)
        return gyr_fail(err, r, "cannot drop capabilities: %s", strerror(-r));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return gyr_fail(err, -errno, "cannot set no_new_privs: %s", strerror(errno));
    r = get_caps(0, &now);
    if (r < 0 || (now.permitted | now.inheritable) & ~keep)
        return gyr_fail(err, -EPERM, "capabilities are still there after they were dropped");
    return 0;
}

void privilege_plan(uint64_t keep)
{
    atomic_store(&planned, keep);
}

int privilege_enter_thread(void)
{
    uint64_t keep = atomic_load(&planned);
    struct gyr_error err = {0};
    int r = keep == UINT64_MAX ? 0 : privilege_drop(keep, &err);

    if (r < 0)
        log_error(NULL, "a thread keeps its privileges: %s", err.msg);
    return r;
}

/* ---- of other threads ---- */

int privilege_find_stray(uint64_t keep)
{
    char **tids = NULL;
    int n = list_dir("/proc/self/task", "", &tids, NULL), stray = 0;

    for (int i = 0; i < n && !stray; i++) {
        struct caps c = {0};
        uint64_t tid = 0;

        if (parse_u64(tids[i], strlen(tids[i]), &tid) == 0 && get_caps((int)tid, &c) == 0 &&
            c.permitted & ~keep)
            stray = (int)tid;
    }
    if (n >= 0)
        free_names(tids, n);
    return stray;
}
