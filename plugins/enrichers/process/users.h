/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file users.h
 * @brief Users and groups of the host and of containers, and the host's network addresses: what
 * snapshots and recorders' notes tell of them. Bounded.
 */
#ifndef PROCESS_USERS_H
#define PROCESS_USERS_H

#include "fds.h"

enum { PR_ACCOUNTS_MAX = 65536, PR_ADDRS_MAX = 256 };

/** A user; of a group only the name is used. */
struct pr_account {
    uint32_t id;
    struct pr_str *container; /**< its short id; NULL: the host */
    struct pr_str *name, *home, *shell;
};

struct pr_accounts {
    struct pr_store *store;
    struct pr_index users, groups;
    uint64_t refused;
};

void pr_accounts_init(struct pr_accounts *a, struct pr_store *store);
void pr_accounts_free(struct pr_accounts *a);
/** Of users (@p users) or groups; NULL when not known. */
const struct pr_account *pr_account_find(const struct pr_accounts *a, bool users,
                                         struct pr_text container, uint32_t id);
void pr_account_put(struct pr_accounts *a, bool users, struct pr_text container, uint32_t id,
                    const struct pr_text info[3]);
void pr_account_del(struct pr_accounts *a, bool users, struct pr_text container, uint32_t id);

/** Addresses of the machine's own interfaces. */
struct pr_addrs {
    struct pr_addr {
        uint8_t ip[16], mask[16];
        bool is6;
    } list[PR_ADDRS_MAX];
    uint32_t n;
};

void pr_addrs_add(struct pr_addrs *a, const uint8_t *ip, const uint8_t *mask, bool is6);
bool pr_addrs_is_local(const struct pr_addrs *a, const uint8_t *ip, bool is6);
/** Where an end of a connection is not told (all zero), the address of ours it must be. */
void pr_addrs_complete(const struct pr_addrs *a, struct pr_fd *fd);

#endif /* PROCESS_USERS_H */
