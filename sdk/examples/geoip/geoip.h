/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file geoip.h
 * @brief A table of networks, sorted; constant once loaded, then any thread may look something up.
 */
#ifndef GEOIP_H
#define GEOIP_H

#include <gyr/plugin.h>
#include <gyr/util.h>

enum { GEO_COUNTRY, GEO_OWNER, GEO_TEXTS };
enum { GEO_FILE_MAX = 256 << 20, GEO_ROWS_MAX = 1 << 22 };

struct geo_row {
    uint8_t first[16], last[16];      /* IPv4 as ::ffff:a.b.c.d */
    struct gyr_value text[GEO_TEXTS]; /* GYR_T_NONE: none */
    uint32_t line;
};

struct geo_db {
    char *text; /* the file; rows point into it */
    struct geo_row *rows;
    uint32_t n, cap;
};

/** Read a file of lines NETWORK/BITS,COUNTRY,OWNER; '#' begins a comment. Networks must not
 *  overlap. @return 0; or negative with a sentence, and nothing to free. */
int geo_load(struct geo_db *db, const char *path, struct gyr_error *err);
void geo_free(struct geo_db *db);
/** The network that an address of 4 or 16 bytes is in, or NULL. No allocation. */
const struct geo_row *geo_find(const struct geo_db *db, const void *addr, uint32_t len);

#endif /* GEOIP_H */
