/* SPDX-License-Identifier: Apache-2.0 */
/* Running the programs that tell of state, and making snapshot records of their answers. */
#include "snap.h"

#include "probe.h"
#include "snap_abi.h"
#include "syscall/syscall.h"
#include "texts_abi.h"

#include "ebpf/snap.skel.h"
#include "ebpf/texts.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <gyr/util.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_MAX = 131072, FDS_MAX = 65536, RESTARTS_MAX = 8 };

struct snap {
    struct snap_bpf *skel;
    struct texts_bpf *texts; /* NULL: this kernel cannot */
    struct bpf_link *texts_link;
    struct proc_teller teller;
    struct snap_task *list;
    uint32_t n, cap, at;
    int64_t only;          /* not -1: the one thread to tell of */
    struct snap_task main; /* whose descriptors are told before the next process is */
    bool in_fds;
    uint32_t n_fds;
};

/* ---- life ---- */

static int load_state(struct snap *s, uint64_t boot_ns, struct gyr_error *err)
{
    int r;

    s->skel = snap_bpf__open();
    if (!s->skel)
        return gyr_fail(err, -errno, "the programs that tell of state cannot be read: %s",
                        strerror(errno));
    r = snap_bpf__load(s->skel);
    if (r < 0)
        return gyr_fail(err, r, "the kernel refuses the programs that tell of state: %s",
                        strerror(-r));
    s->skel->bss->run.epoch_ns = boot_ns;
    return 0;
}

/* Without them names of programs are told, and no arguments. */
static void load_texts(struct snap *s)
{
    union bpf_iter_link_info info = {.task.tid = (uint32_t)getpid()};
    LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

    s->texts = texts_bpf__open_and_load();
    if (s->texts)
        s->texts_link = bpf_program__attach_iter(s->texts->progs.texts, &opts);
    if (s->texts_link)
        return;
    texts_bpf__destroy(s->texts);
    s->texts = NULL;
}

static int run(const struct bpf_program *prog)
{
    LIBBPF_OPTS(bpf_test_run_opts, opts);

    return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) < 0 ? -errno : 0;
}

void snap_free(struct snap *s)
{
    if (!s)
        return;
    (void)bpf_link__destroy(s->texts_link);
    texts_bpf__destroy(s->texts);
    snap_bpf__destroy(s->skel);
    free(s->list);
    free(s);
}

bool snap_has_texts(const struct snap *s)
{
    return s->texts != NULL;
}

const struct proc_teller *snap_teller(const struct snap *s)
{
    return &s->teller;
}

/* ---- who there is ---- */

static int keep(struct snap *s, const struct snap_task *t)
{
    /* a main thread that has ended stays as long as others of its process live */
    bool is_there = !t->exiting || (t->tid == t->pid && t->live > 0);

    if (!is_there || s->n == THREADS_MAX || (s->only >= 0 && s->only != t->tid && t->tid != t->pid))
        return 0;
    if (s->n == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 1024;
        struct snap_task *list = realloc(s->list, cap * sizeof(*list));

        if (!list)
            return -ENOMEM;
        s->list = list;
        s->cap = cap;
    }
    s->list[s->n++] = *t;
    return 0;
}

/* One process alone, its main thread first. */
static void narrow(struct snap *s)
{
    struct snap_task found[2];
    uint32_t n = 0, at = s->n;

    for (uint32_t i = 0; i < s->n && at == s->n; i++)
        if (s->list[i].tid == s->only)
            at = i;
    for (uint32_t i = 0; i < s->n && at < s->n && n == 0; i++)
        if (s->list[i].tid == s->list[at].pid)
            found[n++] = s->list[i];
    if (n && s->list[at].tid != s->list[at].pid)
        found[n++] = s->list[at];
    for (uint32_t i = 0; i < n; i++)
        s->list[i] = found[i];
    s->n = n;
}

static int list_all(struct snap *s)
{
    struct snap_run *q = &s->skel->bss->run;
    int r = 0;

    q->cursor = 0;
    s->n = 0;
    for (uint32_t restarts = 0; r == 0 && restarts < RESTARTS_MAX;) {
        r = run(s->skel->progs.snap_list);
        if (r == 0 && q->lost) {
            restarts++;
            q->cursor = 0;
            s->n = 0;
            continue;
        }
        for (uint32_t i = 0; r == 0 && i < q->n; i++)
            r = keep(s, &s->skel->bss->list[i]);
        if (!q->cursor || s->n == THREADS_MAX)
            break;
    }
    if (s->only >= 0)
        narrow(s);
    return r;
}

static void snap_begin(void *self, int64_t only)
{
    struct snap *s = self;

    s->only = only;
    s->n = s->at = 0;
    s->in_fds = false;
    s->main = (struct snap_task){0};
}

/* ---- what they are ---- */

static uint32_t take_text(uint8_t *to, const uint8_t *from, uint32_t len)
{
    if (len == 0 || len > TEXTS_MAX)
        return 0;
    memcpy(to, from, len);
    if (to[len - 1] && len == TEXTS_MAX) /* cut off */
        to[len - 1] = 0;
    else if (to[len - 1])
        to[len++] = 0;
    return len;
}

static void read_texts(struct snap *s, uint32_t pid)
{
    struct snap_run *q = &s->skel->bss->run;
    const struct texts_bpf__bss *t = s->texts ? s->texts->bss : NULL;
    int fd = t ? bpf_iter_create(bpf_link__fd(s->texts_link)) : -1;
    char none;

    q->args_len = q->env_len = 0;
    if (fd < 0)
        return;
    s->texts->bss->run = (struct texts_run){.pid = (int32_t)pid};
    if (read(fd, &none, 1) == 0) {
        q->args_len = take_text(s->skel->bss->args, t->args, t->run.args_len);
        q->env_len = take_text(s->skel->bss->env, t->env, t->run.env_len);
    }
    (void)close(fd);
}

/* The record that was written, as a view of the same. @return 0: it is none. */
static int take_record(const struct snap *s, struct scap_view *v)
{
    const struct gyr_event *ev = (const void *)s->skel->bss->record;
    const struct snap_run *q = &s->skel->bss->run;
    uint32_t off, next;

    if (q->len < sizeof(*ev) || q->len > sizeof(s->skel->bss->record))
        return 0;
    scap_view_start(v, ev->type, ev->nparams, GYR_EVF_SNAPSHOT);
    v->tid = q->is.tid;
    memcpy(&off, ev + 1, sizeof(off));
    v->bulk = s->skel->bss->record + off;
    for (uint32_t i = 0; i < v->n; i++) {
        memcpy(&next, (const uint8_t *)(ev + 1) + (i + 1) * sizeof(next), sizeof(next));
        v->par[i].len = next - off;
        off = next;
    }
    return 1;
}

static int next_fd(struct snap *s, struct scap_view *v)
{
    struct snap_run *q = &s->skel->bss->run;
    int r;

    q->is = s->main;
    do {
        r = run(s->skel->progs.snap_fd);
        if (r == 0)
            r = take_record(s, v);
    } while (r == 0 && q->more);
    s->in_fds = r > 0 && q->more && ++s->n_fds < FDS_MAX;
    return r;
}

static void begin_fds(struct snap *s)
{
    s->in_fds = true;
    s->n_fds = 0;
    s->skel->bss->run.fd = 0;
}

static int next_thread(struct snap *s, struct scap_view *v)
{
    const struct snap_task *t = &s->list[s->at];
    int r;

    if (t->tid == t->pid) {
        read_texts(s, t->pid);
        s->main = *t;
    }
    s->at++;
    if (s->main.pid != t->pid) /* its main thread was not listed: it has just ended */
        return 0;
    s->skel->bss->run.is = *t;
    r = run(s->skel->progs.snap_thread);
    if (r == 0)
        r = take_record(s, v);
    if (s->at == s->n || s->list[s->at].pid != t->pid)
        begin_fds(s);
    return r;
}

static int snap_next(void *self, struct scap_view *v)
{
    struct snap *s = self;
    int r = 0;

    if (s->n == 0 && s->at == 0)
        r = list_all(s);
    while (r == 0 && (s->in_fds || s->at < s->n))
        r = s->in_fds ? next_fd(s, v) : next_thread(s, v);
    return r;
}

int snap_new(const struct gyr_host *host, uint64_t boot_ns, struct snap **ret,
             struct gyr_error *err)
{
    struct snap *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return gyr_fail(err, -ENOMEM, "no memory");
    s->teller = (struct proc_teller){.self = s, .begin = snap_begin, .next = snap_next};
    s->only = -1;
    probe_tell_to(host);
    r = load_state(s, boot_ns, err);
    if (r == 0 && (r = run(s->skel->progs.snap_list)) < 0)
        gyr_fail(err, r, "the kernel does not run programs on demand (5.10 and newer do): %s",
                 strerror(-r));
    if (r == 0)
        load_texts(s);
    probe_tell_to(NULL);
    if (r < 0) {
        snap_free(s);
        return r;
    }
    *ret = s;
    return 0;
}
