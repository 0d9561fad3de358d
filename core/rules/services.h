/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file services.h
 * @brief Names of services as ports: "ssh" is 22.
 *
 * A table of our own: what a rule means must not depend on the machine that loads it. Any thread.
 */
#ifndef RULES_SERVICES_H
#define RULES_SERVICES_H

#include "base/suggest.h"

/** @return the port, or -1. */
int service_port(const char *name, size_t len);
/** Offer all names. */
void service_suggest(struct suggest *s);

#endif /* RULES_SERVICES_H */
