/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file notify.h
 * @brief Telling a service manager how we are: sd_notify's datagrams. Main thread.
 *
 * Without $NOTIFY_SOCKET everything here does nothing.
 */
#ifndef SERVICE_NOTIFY_H
#define SERVICE_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd; /**< -1: nobody to tell */
    struct sockaddr_un to;
    socklen_t to_len;
    uint64_t watchdog_ns; /**< it wants to hear so often that we are well; 0: it does not */
};

/** From the environment, which forgets it: who we start shall not speak for us. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);
/** Lines of NAME=VALUE. What cannot be sent is dropped. */
__attribute__((format(printf, 2, 3))) void notify_send(const struct notify *n, const char *fmt,
                                                       ...);

#endif /* SERVICE_NOTIFY_H */
