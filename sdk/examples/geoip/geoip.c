/* SPDX-License-Identifier: Apache-2.0 */
/* The enricher "geoip": to which country and owner does an address belong? The database is a text
 * file of networks, read and sorted at the start; a look-up is a binary search in memory that
 * nothing changes any more: no allocation, no lock, no system call for an event. */
#include "geoip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the database ---- */

/* The text is kept: rows point into it. */
static int read_text(struct geo_db *db, const char *path, struct gyr_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    size_t n = 0;
    ssize_t r = 1;

    if (fd < 0)
        return gyr_fail(err, -errno, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > GEO_FILE_MAX) {
        close(fd);
        return gyr_fail(err, -EFBIG, "%s: not a file of at most %d MiB", path, GEO_FILE_MAX >> 20);
    }
    db->text = malloc((size_t)st.st_size + 1);
    while (db->text && n < (size_t)st.st_size && r > 0) {
        r = read(fd, db->text + n, (size_t)st.st_size - n);
        n += r > 0 ? (size_t)r : 0;
    }
    close(fd);
    if (!db->text || r < 0)
        return gyr_fail(err, db->text ? -EIO : -ENOMEM, "%s: it cannot be read", path);
    db->text[n] = 0;
    return 0;
}

/* An IPv4 address stands among those of IPv6, as ::ffff:a.b.c.d. */
static void widen(uint8_t to[16], const void *addr, uint32_t len)
{
    memset(to, 0, 16);
    if (len == 4)
        memset(to + 10, 0xff, 2);
    memcpy(to + 16 - len, addr, len);
}

static void last_of(uint8_t to[16], const uint8_t first[16], uint32_t bits)
{
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t kept = bits > i * 8 ? bits - i * 8 : 0;

        to[i] = kept >= 8 ? first[i] : (uint8_t)(first[i] | 0xffu >> kept);
    }
}

/* "192.0.2.0/24". @return 0; -1: it is none. */
static int parse_net(char *s, struct geo_row *row)
{
    char *slash = strchr(s, '/'), *p;
    uint8_t addr[16], low[16];
    uint32_t bits = 0, len;

    if (!slash)
        return -1;
    *slash = 0;
    len = strchr(s, ':') ? 16 : 4;
    if (inet_pton(len == 4 ? AF_INET : AF_INET6, s, addr) != 1)
        return -1;
    for (p = slash + 1; *p >= '0' && *p <= '9' && bits <= 128; p++)
        bits = bits * 10 + (uint32_t)(*p - '0');
    if (*p || p == slash + 1 || bits > len * 8)
        return -1;
    bits += len == 4 ? 96 : 0;
    widen(row->first, addr, len);
    last_of(row->last, row->first, bits);
    for (uint32_t i = 0; i < 16; i++) /* bits behind the prefix must be 0 */
        low[i] = bits >= (i + 1) * 8
                     ? 0
                     : (uint8_t)(row->first[i] & 0xffu >> (bits > i * 8 ? bits - i * 8 : 0));
    for (uint32_t i = 0; i < 16; i++)
        if (low[i])
            return -1;
    return 0;
}

static void set_text(struct gyr_value *v, const char *s)
{
    *v = s && *s ? gyr_str(s, strlen(s)) : gyr_num(GYR_T_NONE, 0);
}

/* "NETWORK,COUNTRY,OWNER": cut in place. */
static int parse_row(char *line, struct geo_row *row)
{
    char *country = strchr(line, ','), *owner;

    if (!country)
        return -1;
    *country++ = 0;
    owner = strchr(country, ',');
    if (owner)
        *owner++ = 0;
    set_text(&row->text[GEO_COUNTRY], country);
    set_text(&row->text[GEO_OWNER], owner);
    return parse_net(line, row);
}

static int add_row(struct geo_db *db, const struct geo_row *row)
{
    if (db->n == db->cap) {
        uint32_t cap = db->cap ? db->cap * 2 : 1024;
        struct geo_row *rows = cap <= GEO_ROWS_MAX ? realloc(db->rows, cap * sizeof(*rows)) : NULL;

        if (!rows)
            return -ENOMEM;
        db->rows = rows;
        db->cap = cap;
    }
    db->rows[db->n++] = *row;
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    return memcmp(((const struct geo_row *)a)->first, ((const struct geo_row *)b)->first, 16);
}

static int check_order(const struct geo_db *db, const char *path, struct gyr_error *err)
{
    for (uint32_t i = 1; i < db->n; i++)
        if (memcmp(db->rows[i - 1].last, db->rows[i].first, 16) >= 0)
            return gyr_fail(err, -EINVAL, "%s: the networks of lines %u and %u overlap", path,
                            db->rows[i - 1].line, db->rows[i].line);
    return 0;
}

int geo_load(struct geo_db *db, const char *path, struct gyr_error *err)
{
    uint32_t line = 0;
    char *next;
    int r;

    memset(db, 0, sizeof(*db));
    r = read_text(db, path, err);
    for (char *p = db->text; r == 0 && p && *p; p = next) {
        struct geo_row row = {.line = ++line};
        char *eol = strchr(p, '\n');

        next = eol ? eol + 1 : p + strlen(p);
        if (eol)
            *eol = 0;
        if (eol && eol > p && eol[-1] == '\r')
            eol[-1] = 0;
        if (!*p || *p == '#')
            continue;
        if (parse_row(p, &row) < 0)
            r = gyr_fail(err, -EINVAL, "%s:%u: NETWORK/BITS,COUNTRY,OWNER is wanted", path, line);
        else if (add_row(db, &row) < 0)
            r = gyr_fail(err, -ENOMEM, "%s:%u: more networks than there is room for", path, line);
    }
    if (r == 0) {
        qsort(db->rows, db->n, sizeof(*db->rows), compare_rows);
        r = check_order(db, path, err);
    }
    if (r < 0)
        geo_free(db);
    return r;
}

void geo_free(struct geo_db *db)
{
    free(db->rows);
    free(db->text);
    memset(db, 0, sizeof(*db));
}

const struct geo_row *geo_find(const struct geo_db *db, const void *addr, uint32_t len)
{
    uint32_t low = 0, high = db->n;
    uint8_t key[16];

    if (len != 4 && len != 16)
        return NULL;
    widen(key, addr, len);
    while (low < high) { /* the first row that begins behind the address */
        uint32_t mid = low + (high - low) / 2;

        if (memcmp(db->rows[mid].first, key, 16) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low && memcmp(key, db->rows[low - 1].last, 16) <= 0 ? &db->rows[low - 1] : NULL;
}

/* ---- the plugin ---- */

struct config {
    const char *database;
};

static const struct gyr_option options[] = {
    {GYR_OPT(struct config, database, GYR_O_STR, "database", NULL,
             "File of lines NETWORK/BITS,COUNTRY,OWNER."),
     .flags = GYR_OF_REQUIRED},
};

/* Whose addresses can be looked up: the argument of the fields. */
static const char *const addresses[] = {"fd.rip", "fd.sip", "fd.cip", "fd.lip"};
enum { N_ADDRESSES = 4 };

static const struct gyr_field fields[] = {
    [GEO_COUNTRY] = {"geo.country",
                     "Country of an address: geo.country is the remote one's, geo.country[fd.sip] "
                     "the server's (also fd.cip, fd.lip).",
                     GYR_T_STR, GYR_FF_KEY, GYR_F_DEC, 0, "geoip"},
    [GEO_OWNER] = {"geo.owner", "Owner of the network that an address is in; likewise.", GYR_T_STR,
                   GYR_FF_KEY, GYR_F_DEC, 0, "geoip"},
};

struct instance {
    const struct gyr_host *host;
    const struct config *cfg;
    struct geo_db db;
    uint32_t handles[N_ADDRESSES]; /* of the fields of others */
    uint8_t have[N_ADDRESSES];
};

static int create(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err)
{
    struct instance *s = calloc(1, sizeof(*s));

    if (!s)
        return gyr_fail(err, -ENOMEM, "out of memory");
    s->host = host;
    s->cfg = cfg;
    *ret_self = s;
    return 0;
}

static int start(void *self, struct gyr_error *err)
{
    struct instance *s = self;
    uint32_t n = 0;

    for (uint32_t i = 0; i < N_ADDRESSES; i++) {
        s->have[i] = s->host->field_bind(s->host->ctx, addresses[i], &s->handles[i]) == 0;
        n += s->have[i];
    }
    if (n == 0)
        gyr_logf(s->host, GYR_LOG_WARNING,
                 "no enricher tells addresses (fd.rip): 'process' does; nothing can be looked up");
    return geo_load(&s->db, s->cfg->database, err);
}

static void stop(void *self)
{
    geo_free(&((struct instance *)self)->db);
}

static void destroy(void *self)
{
    free(self);
}

/* A handle: which text, of which address. */
static int bind_field(void *self, uint32_t field, const char *arg, uint32_t *ret_handle,
                      uint32_t *ret_type, struct gyr_error *err)
{
    (void)self;
    (void)ret_type;
    for (uint32_t i = 0; i < N_ADDRESSES; i++)
        if (strcmp(arg ? arg : addresses[0], addresses[i]) == 0) {
            *ret_handle = field * N_ADDRESSES + i;
            return 0;
        }
    return gyr_fail(err, -EINVAL, "fd.rip, fd.sip, fd.cip or fd.lip is wanted");
}

static int get(void *self, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret)
{
    struct instance *s = self;
    uint32_t which = handle % N_ADDRESSES;
    const struct geo_row *row;
    struct gyr_value addr = {0};
    const struct gyr_value *one = &addr;

    if (!s->have[which] ||
        s->host->field(s->host->ctx, ev, s->handles[which], &addr) != GYR_PRESENT)
        return GYR_ABSENT;
    if (addr.type == GYR_T_LIST && addr.len > 0)
        one = addr.u.ptr;
    if (one->type != GYR_T_IP)
        return GYR_ABSENT;
    row = geo_find(&s->db, one->u.ptr, one->len);
    if (!row || row->text[handle / N_ADDRESSES].type == GYR_T_NONE)
        return GYR_ABSENT;
    *ret = row->text[handle / N_ADDRESSES];
    return GYR_PRESENT;
}

static const struct gyr_enricher_ops enricher = {
    .size = sizeof(enricher),
    .schema = "syscall",
    .fields = fields,
    .n_fields = sizeof(fields) / sizeof(fields[0]),
    .field_stride = sizeof(fields[0]),
    .bind = bind_field,
    .get = get,
};

static const struct gyr_plugin plugin = {
    GYR_PLUGIN_HEAD,
    .name = "geoip",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "country and owner of addresses, from a local file",
    .enricher = &enricher,
    GYR_PLUGIN_OPTIONS(options),
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

GYR_EXPORT_PLUGIN(plugin)
