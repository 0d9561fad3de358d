/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fds.h
 * @brief Descriptors: what is known of each, and the table of a process.
 *
 * A table is counted and shared after fork() until one side changes it, so that fork and exec do
 * not copy a thousand descriptors to close them again. At most PR_FDS_MAX entries each: then an old
 * one makes room.
 */
#ifndef PROCESS_FDS_H
#define PROCESS_FDS_H

#include "store.h"
#include "syscall/syscall.h"

enum { PR_FDS_MAX = 65536 };

/** No slot. */
#define PR_FDS_END UINT32_MAX

/* Bits of pr_fd.flags. */
enum {
    PR_FD_CLIENT = 1,
    PR_FD_SERVER = 2,
    PR_FD_CONNECTED = 4,
    PR_FD_UPPER = 8, /**< file in the upper layer of an overlay */
    PR_FD_LOWER = 16
};

/* Transport protocols, as captures number them. */
enum { PR_L4_UNKNOWN, PR_L4_NA, PR_L4_TCP, PR_L4_UDP, PR_L4_ICMP, PR_L4_RAW };

/** One descriptor. */
struct pr_fd {
    int64_t num; /**< -1: free slot of a table */
    struct pr_str *name, *raw;
    uint64_t ino;
    uint32_t dev, openflags;
    uint8_t flags, type, l4; /**< PR_FD_*, FD_* (syscall.h), PR_L4_* */
    uint16_t sport, dport;   /**< of a listening socket: dport, as it is the server's side */
    /** Addresses in network order, 4 or 16 bytes; of a unix socket the kernel's pointers; of a
     *  pidfd the process number in sip. */
    uint8_t sip[16], dip[16];
};

struct pr_fds {
    uint32_t refs, n, cap;
    uint32_t n_buckets, first, last; /**< fdorder.h */
    const void *owner; /**< the holder it was made for: the others are children of it, or NULL */
    struct pr_fd slots[];
};

/** The entry, to be read; NULL when there is none. @p t may be NULL. */
struct pr_fd *pr_fds_find(struct pr_fds *t, int64_t num);
/** The entry, to be changed: the table becomes its holder's own. */
struct pr_fd *pr_fds_edit(struct pr_store *s, struct pr_fds **t, int64_t num);
/** A blank entry in place of any old one; NULL without memory, or of no number. */
struct pr_fd *pr_fds_add(struct pr_store *s, struct pr_fds **t, int64_t num);
void pr_fds_del(struct pr_store *s, struct pr_fds **t, int64_t num);
/** Remove every entry that @p drop says yes to. */
void pr_fds_drop(struct pr_store *s, struct pr_fds **t,
                 bool (*drop)(struct pr_fd *fd, const void *arg), const void *arg);
/** For a child: to be held where it then stays. NULL without memory, or of nothing. */
struct pr_fds *pr_fds_share(struct pr_store *s, struct pr_fds **t);
void pr_fds_free(struct pr_store *s, struct pr_fds **t);
/** To another holder, in place of its own. */
void pr_fds_move(struct pr_store *s, struct pr_fds **to, struct pr_fds **from);
/** The table, in the order that fields show (fdorder.h). Entries found before may be another
 *  holder's then. */
struct pr_fds *pr_fds_in_order(struct pr_store *s, struct pr_fds **t);
/** Everything but the number. */
void pr_fd_copy(struct pr_store *s, struct pr_fd *to, const struct pr_fd *from);

static inline bool pr_fd_is_socket(const struct pr_fd *fd)
{
    return (fd->type >= FD_IPV4 && fd->type <= FD_IPV6_SERVER) || fd->type == FD_UNIX ||
           fd->type == FD_NETLINK;
}

static inline bool pr_fd_is_inet(const struct pr_fd *fd)
{
    return fd->type == FD_IPV4 || fd->type == FD_IPV6;
}

char pr_fd_char(uint8_t type);
const char *pr_fd_type_name(uint8_t type);
/** The protocol as fields tell it: PR_L4_NA while nobody knows which side is which. */
uint8_t pr_fd_l4(const struct pr_fd *fd);

#endif /* PROCESS_FDS_H */
