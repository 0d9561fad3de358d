/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file service.h
 * @brief A detector as others see it: HTTP, the status socket, the service manager. Main thread.
 *
 * Opened before anything starts, while there are privileges; polled with the pipeline from then on.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "pipeline/pipeline.h"

struct service;

/** Open what the configuration names. @param c of the start; outlives us.
 *  @return 0; a negative errno with a sentence. */
int service_open(const struct config *c, struct service **ret, struct gyr_error *err);
/** Becomes readable when service_tick() has something to do; -1 without @p s. */
int service_fd(const struct service *s);
/** Answer who asks, tell who wants to be told. Each of these takes NULL, and then does nothing.
 *  @param stopping the end was asked for.
 *  @return nanoseconds until it wants to be called again. */
uint64_t service_tick(struct service *s, struct pipeline *p, bool stopping);
/** A reload begins; the next tick tells of its end. */
void service_reloading(struct service *s);
void service_close(struct service *s);

#endif /* SERVICE_SERVICE_H */
