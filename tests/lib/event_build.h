/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file event_build.h
 * @brief Events made by hand, for tests.
 */
#ifndef TESTS_EVENT_BUILD_H
#define TESTS_EVENT_BUILD_H

#include <gyr/event.h>

enum { EVENT_BUILD_SIZE = 8192 };

/** A record with its memory. Add parameters in order. */
struct event_build {
    _Alignas(8) uint8_t bytes[EVENT_BUILD_SIZE];
    uint32_t params_len;
    uint32_t off[GYR_PARAMS_MAX + 1];
    uint8_t params[EVENT_BUILD_SIZE / 2];
    struct gyr_event ev; /**< header fields may be set before event_build_end() */
};

void event_build_begin(struct event_build *b, uint16_t type);
void event_build_add(struct event_build *b, const void *p, size_t n);
void event_build_int(struct event_build *b, uint64_t v, size_t width); /**< 1, 2, 4 or 8 bytes */
void event_build_str(struct event_build *b, const char *s);            /**< with its NUL */
/** @return the record, inside @p b. */
struct gyr_event *event_build_end(struct event_build *b);

#endif /* TESTS_EVENT_BUILD_H */
