/* SPDX-License-Identifier: Apache-2.0 */
/* What threads and processes share beyond what is usual: a folder with another process (CLONE_FS),
 * descriptors with one (CLONE_FILES); and what threads of a process do not share. A name is taken
 * from the folder its caller is in: who could mislead us about that would hide what he opens. */
#include "paths.h"
#include "state.h"

/* ---- folders ---- */

struct pr_thread *pr_fs_of(struct pr_thread *th)
{
    return th->marks & PR_OWN_FS ? th : pr_thread_main(th);
}

/* Each thread has a folder of its own from here on, which all of them change as before. */
static void split_fs(struct pr_state *s, struct pr_thread *th)
{
    struct pr_thread *main = pr_thread_main(th), *other;
    struct pr_link *l;

    if (!main || main->marks & PR_OWN_FS)
        return;
    main->marks |= PR_OWN_FS;
    for (l = th->group->threads.next; l != &th->group->threads; l = l->next) {
        other = pr_thread_in_group(l);
        if (other->marks & PR_OWN_FS)
            continue;
        other->marks |= PR_OWN_FS;
        pr_str_share(&s->store, &other->cwd, main->cwd);
        pr_link_after(&main->same_fs, &other->same_fs);
    }
}

static void leave_fs(struct pr_state *s, struct pr_thread *th)
{
    if (th->group && th->group->refs > 1)
        split_fs(s, th);
    pr_link_remove(&th->same_fs);
}

/* ---- descriptors ---- */

struct pr_fds **pr_thread_fds(struct pr_thread *th)
{
    struct pr_thread *at = th->flags & PR_CLONE_FILES ? pr_thread_main(th) : th;

    return !at ? NULL : at->files_of ? &at->files_of->fds : &at->fds;
}

void pr_files_hand_over(struct pr_store *store, struct pr_thread *th)
{
    struct pr_link *l = th->same_files.next;
    struct pr_thread *to = pr_thread_with_files(l);

    if (l == &th->same_files)
        return;
    pr_link_remove(&th->same_files);
    if (th->files_of) {
        th->files_of = NULL;
        return;
    }
    pr_fds_move(store, &to->fds, &th->fds);
    to->files_of = NULL;
    for (l = to->same_files.next; l != &to->same_files; l = l->next)
        pr_thread_with_files(l)->files_of = to;
}

static void share_files(struct pr_thread *th, struct pr_thread *with)
{
    th->files_of = with->files_of ? with->files_of : with;
    pr_link_after(&th->files_of->same_files, &th->same_files);
}

void pr_files_leave(struct pr_state *s, struct pr_thread *th)
{
    struct pr_fds *copy;

    if (th->same_files.next == &th->same_files)
        return;
    copy = pr_fds_share(&s->store, pr_thread_fds(th));
    pr_files_hand_over(&s->store, th);
    th->fds = copy;
}

void pr_files_unshare(struct pr_state *s, struct pr_thread *th)
{
    struct pr_fds **t = pr_thread_fds(th);

    if (!t || !th->group)
        return;
    if (th->flags & PR_CLONE_FILES) {
        th->flags &= ~(uint32_t)PR_CLONE_FILES;
        th->fds = pr_fds_share(&s->store, t);
        return;
    }
    /* what is the main thread's is not the others' any more */
    for (struct pr_link *l = th->group->threads.next; l != &th->group->threads; l = l->next) {
        struct pr_thread *other = pr_thread_in_group(l);

        if (!pr_thread_is_main(th) || other == th || !(other->flags & PR_CLONE_FILES))
            continue;
        other->flags &= ~(uint32_t)PR_CLONE_FILES;
        share_files(other, th);
    }
    pr_files_leave(s, th);
}

/* ---- both ---- */

static void thread_shares(struct pr_state *s, struct pr_thread *th, struct pr_thread *from)
{
    struct pr_fds **t = pr_thread_fds(from);
    struct pr_thread *fs;

    if (!(th->flags & PR_CLONE_FILES) && t)
        th->fds = pr_fds_share(&s->store, t);
    if (th->flags & PR_CLONE_FS && !(from->marks & PR_OWN_FS))
        return;
    split_fs(s, from);
    fs = pr_fs_of(from);
    th->marks |= PR_OWN_FS;
    pr_str_share(&s->store, &th->cwd, fs ? fs->cwd : NULL);
    if (fs && th->flags & PR_CLONE_FS)
        pr_link_after(&fs->same_fs, &th->same_fs);
}

void pr_shared_by_clone(struct pr_state *s, struct pr_thread *th, struct pr_thread *from)
{
    struct pr_thread *fs = pr_fs_of(from), *files = from;
    struct pr_fds **t = pr_thread_fds(from);

    if (th->flags & PR_CLONE_THREAD) {
        thread_shares(s, th, from);
        return;
    }
    if (from->flags & PR_CLONE_FILES)
        files = pr_thread_main(from);
    if (th->flags & PR_CLONE_FILES && files) {
        th->flags &= ~(uint32_t)PR_CLONE_FILES; /* that is for threads of one process */
        share_files(th, files);
    } else if (t) {
        th->fds = pr_fds_share(&s->store, t);
    }
    if (!fs)
        return;
    pr_str_share(&s->store, &th->cwd, fs->cwd);
    if (th->flags & PR_CLONE_FS)
        pr_link_after(&fs->same_fs, &th->same_fs);
}

void pr_on_namespace(struct pr_state *s, const struct gyr_event *ev)
{
    bool setns = ev->type == EV_SYSCALL_SETNS_X;
    uint64_t flags =
        pr_param_num(ev, setns ? P_SYSCALL_SETNS_X__nstype : P_SYSCALL_UNSHARE_X__flags, 0);
    struct pr_thread *th = s->now.thread;

    if (s->now.res < 0 || !th)
        return;
    if (flags & PR_CLONE_NEWUSER) /* in one of its own a thread has every right */
        th->cap_inheritable = th->cap_permitted = th->cap_effective = names_caps_all();
    if (!setns && flags & (PR_CLONE_FS | PR_CLONE_NEWNS | PR_CLONE_NEWUSER))
        leave_fs(s, th);
    if (!setns && flags & PR_CLONE_FILES)
        pr_files_unshare(s, th);
}
