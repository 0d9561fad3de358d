/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file addr.h
 * @brief Addresses to listen at. Any thread.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <gyr/util.h>
#include <stdbool.h>
#include <sys/socket.h>

/** "127.0.0.1:8765", "[::1]:8765", "localhost:8765"; a port alone is of 127.0.0.1.
 *  @return 0; -EINVAL with a sentence. */
int parse_listen(const char *s, struct sockaddr_storage *ret, socklen_t *ret_len,
                 struct gyr_error *err);
bool addr_is_loopback(const struct sockaddr_storage *a);

#endif /* BASE_ADDR_H */
