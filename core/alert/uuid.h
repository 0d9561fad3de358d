/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file uuid.h
 * @brief Names for alerts that stay the same however often a capture is replayed.
 *
 * A version-5 UUID (RFC 9562) in Gyr's own namespace. Any thread, no allocation.
 */
#ifndef ALERT_UUID_H
#define ALERT_UUID_H

#include <stddef.h>
#include <stdint.h>

enum { UUID_TEXT = 37 }; /**< 36 characters and the NUL */

/** What an alert's name is made of, joined by NUL bytes, numbers in decimal. */
struct uuid_parts {
    const char *host, *source, *rule;
    uint64_t ts_ns, num;
    int64_t tid;
};

void uuid_make(const struct uuid_parts *parts, char ret[UUID_TEXT]);
/** SHA-1, as version-5 UUIDs want it; names, not security. */
struct sha1 {
    uint32_t h[5];
    uint64_t total;
    uint8_t block[64];
};
void sha1_init(struct sha1 *s);
void sha1_add(struct sha1 *s, const void *p, size_t n);
void sha1_final(struct sha1 *s, uint8_t ret[20]);

#endif /* ALERT_UUID_H */
