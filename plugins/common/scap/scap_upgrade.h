/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file scap_upgrade.h
 * @brief Events of older layouts made current, as upgrades.def says.
 *
 * Only slices are moved; nothing is copied but enter events that must be kept. One thread.
 */
#ifndef SCAP_UPGRADE_H
#define SCAP_UPGRADE_H

#include "scap_enter.h"

#include "syscall/syscall.h"

enum {
    SCAP_TYPES = EV_SYSCALL_KEYCTL_X + 1, /**< types that captures may hold: [0, SCAP_TYPES) */
    SCAP_UPGRADE_PARAMS = 32,
    SCAP_JSON_MAX = 8192,
};

struct scap_upgrader {
    /** By type and number of parameters: row of upgrades.def + 1; 0: current. */
    uint16_t at[SCAP_TYPES][SCAP_UPGRADE_PARAMS];
    struct scap_enters enters;
    char json[SCAP_JSON_MAX];
};

void scap_upgrader_init(struct scap_upgrader *u);
void scap_upgrader_free(struct scap_upgrader *u);

static inline bool scap_is_current(const struct scap_upgrader *u, uint16_t type, uint32_t n)
{
    return n >= SCAP_UPGRADE_PARAMS || u->at[type][n] == 0;
}

/** Make @p v current, step by step. Its slices may then point into @p u, until the next call.
 *  @return 1: deliver it; 0: it was kept for the exit event; -ENOMEM. */
int scap_upgrade(struct scap_upgrader *u, struct scap_view *v);

#endif /* SCAP_UPGRADE_H */
