/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file addr.h
 * @brief Addresses and pairs of them: from words, and as records have them. One thread.
 */
#ifndef SCENARIO_ADDR_H
#define SCENARIO_ADDR_H

#include "world.h"

/** "10.0.0.1:443", "[::1]:80", "10.0.0.1", "/run/x.sock". @return 0; -EINVAL with w->err. */
int sc_addr_of(struct sc_world *w, const json_t *n, struct sc_addr *ret);
/** Two of them with "->" between. */
int sc_pair_of(struct sc_world *w, const json_t *n, struct sc_addr *ret_from,
               struct sc_addr *ret_to);
/** As a K_SOCKADDR parameter. @return no bytes without memory, or for none. */
struct sc_bytes sc_sockaddr(struct sc_world *w, const struct sc_addr *a);
/** As a K_SOCKTUPLE parameter. */
struct sc_bytes sc_tuple(struct sc_world *w, const struct sc_addr *from, const struct sc_addr *to);
/** Our side of a connection to such an address. */
struct sc_addr sc_local_for(struct sc_world *w, const struct sc_addr *remote);

#endif /* SCENARIO_ADDR_H */
