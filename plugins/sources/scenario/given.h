/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file given.h
 * @brief What there is before anything happens: users, containers, processes. One thread.
 */
#ifndef SCENARIO_GIVEN_H
#define SCENARIO_GIVEN_H

#include "program.h"

/** Read one `given` after the other into the world; what a later one names anew replaces it.
 *  @param list of mappings; NULL: nothing is given. @return 0; negative with w->err. */
int sc_given(struct sc_world *w, const json_t *list);
/** Put the records of a snapshot: all of it, from begin to end. */
int sc_snapshot(struct sc_world *w);

/** A container's facts from their words. @param name its handle. */
int sc_container_read(struct sc_world *w, const char *name, const json_t *map,
                      struct sc_container **ret);
/** The record of a `container` event about it. @param flags of the record. */
int sc_container_put(struct sc_world *w, const struct sc_container *c, const char *event,
                     uint32_t flags);
/** The processes's rights as its user and container have them. */
void sc_default_caps(struct sc_proc *p);

#endif /* SCENARIO_GIVEN_H */
