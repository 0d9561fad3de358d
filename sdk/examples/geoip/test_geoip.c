/* SPDX-License-Identifier: Apache-2.0 */
/* The enricher "geoip" on a host of the test's own. */
#include <gyr/testing.h>

#include "geoip.c"

static char path[] = "./test_geoip.XXXXXX";

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");

    GYR_CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* The country of an address, "-" when it has none. */
static const char *country(const struct geo_db *db, const char *text)
{
    static char out[64];
    const struct geo_row *row;
    uint8_t addr[16];
    int six = strchr(text, ':') != NULL;

    GYR_CHECK(inet_pton(six ? AF_INET6 : AF_INET, text, addr) == 1);
    row = geo_find(db, addr, six ? 16 : 4);
    if (!row || row->text[GEO_COUNTRY].type != GYR_T_STR)
        return "-";
    (void)snprintf(out, sizeof(out), "%.*s", (int)row->text[GEO_COUNTRY].len,
                   (const char *)row->text[GEO_COUNTRY].u.ptr);
    return out;
}

static void test_find(void)
{
    struct gyr_error err = {0};
    struct geo_db db;

    write_file("# networks\n203.0.113.0/24,AA,Alpha\n\n192.0.2.0/25,BB,Beta\r\n192.0.2.128/25,CC\n"
               "198.51.100.7/32,DD,Delta\n2001:db8::/32,EE,Epsilon\n100.64.0.0/10,,Shared");
    GYR_CHECK(geo_load(&db, path, &err) == 0);
    GYR_CHECK(strcmp(country(&db, "203.0.113.0"), "AA") == 0);
    GYR_CHECK(strcmp(country(&db, "203.0.113.255"), "AA") == 0);
    GYR_CHECK(strcmp(country(&db, "203.0.114.0"), "-") == 0);
    GYR_CHECK(strcmp(country(&db, "203.0.112.255"), "-") == 0);
    GYR_CHECK(strcmp(country(&db, "192.0.2.127"), "BB") == 0);
    GYR_CHECK(strcmp(country(&db, "192.0.2.128"), "CC") == 0);
    GYR_CHECK(strcmp(country(&db, "198.51.100.7"), "DD") == 0);
    GYR_CHECK(strcmp(country(&db, "198.51.100.8"), "-") == 0);
    GYR_CHECK(strcmp(country(&db, "2001:db8:ffff::1"), "EE") == 0);
    GYR_CHECK(strcmp(country(&db, "2001:db9::"), "-") == 0);
    GYR_CHECK(strcmp(country(&db, "::ffff:192.0.2.1"), "BB") == 0);
    GYR_CHECK(strcmp(country(&db, "100.64.0.1"), "-") == 0); /* an owner only */
    GYR_CHECK(strcmp(country(&db, "0.0.0.0"), "-") == 0);
    geo_free(&db);
}

static void test_wrong(void)
{
    static const char *const wrong[] = {
        "192.0.2.0/33,AA\n",   "192.0.2.0,AA\n",
        "192.0.2.1/24,AA\n",   "192.0.2.0/24\n",
        "nowhere/8,AA\n",      "192.0.2.0/,AA\n",
        "2001:db8::/129,AA\n", "192.0.2.0/24,AA\n192.0.0.0/16,BB\n"};
    struct geo_db db;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct gyr_error err = {0};

        write_file(wrong[i]);
        GYR_CHECK(geo_load(&db, path, &err) < 0 && strstr(err.msg, path));
    }
}

static void test_fields(void)
{
    static const uint8_t addr[4] = {203, 0, 113, 9};
    struct gyr_fake_host *host = calloc(1, sizeof(*host));
    struct config cfg = {path};
    struct gyr_error err = {0};
    struct gyr_value v = {0};
    uint32_t h = 0, type = GYR_T_STR;
    void *self = NULL;

    write_file("203.0.113.0/24,AA,Alpha\n");
    gyr_fake_host_init(host, GYR_CAP_ENRICHER);
    host->peers[0].name = "fd.sip";
    host->peers[0].answer = GYR_PRESENT;
    host->peers[0].v.type = GYR_T_IP;
    host->peers[0].v.len = 4;
    host->peers[0].v.u.ptr = addr;
    GYR_CHECK(create(&host->host, &cfg, &self, &err) == 0 && start(self, &err) == 0);
    GYR_CHECK(bind_field(self, GEO_COUNTRY, "proc.name", &h, &type, &err) == -EINVAL);
    GYR_CHECK(bind_field(self, GEO_COUNTRY, "fd.sip", &h, &type, &err) == 0);
    GYR_CHECK(get(self, NULL, h, &v) == GYR_PRESENT && v.len == 2 && memcmp(v.u.ptr, "AA", 2) == 0);
    GYR_CHECK(bind_field(self, GEO_OWNER, "fd.sip", &h, &type, &err) == 0);
    GYR_CHECK(get(self, NULL, h, &v) == GYR_PRESENT && v.len == 5);
    GYR_CHECK(bind_field(self, GEO_OWNER, NULL, &h, &type, &err) == 0); /* nobody has fd.rip */
    GYR_CHECK(get(self, NULL, h, &v) == GYR_ABSENT);
    stop(self);
    destroy(self);
    GYR_CHECK(gyr_fake_host_free(host) == 0);
    free(host);
}

int main(void)
{
    int fd = mkstemp(path);

    GYR_CHECK(fd >= 0 && close(fd) == 0);
    test_find();
    test_wrong();
    test_fields();
    (void)remove(path);
    return gyr_test_done();
}
