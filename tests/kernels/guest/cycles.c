/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cycles MODULE N: load and unload the module N times while processes make calls, every other time
 * with a reader of everything in between, under which it must refuse to go. It must go at once when
 * the reader has, and leave no memory behind. The last line tells what was seen.
 */
#include "module.h"

#include <time.h>

/* How much more may be in use afterwards; a reader's rings alone are 288 KiB. */
enum { WARM = 10, LEAK_KIB = 1024 };

static unsigned refused, readers;
static unsigned long records;

static void fail(const char *what, int e)
{
    printf("%s: %s\n", what, strerror(-e));
    exit(1);
}

/* @return how often it is referred to, as /proc/modules has it; -1: it is not loaded */
static int references(void)
{
    FILE *f = fopen("/proc/modules", "re");
    char line[256];
    int n = -1;

    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "gyr ", 4) == 0) {
            char *size = strchr(line, ' ') + 1, *count = strchr(size, ' ');

            n = count ? (int)strtol(count, NULL, 10) : -1;
        }
    if (f)
        (void)fclose(f);
    return n;
}

static void read_for(struct reader *r, unsigned ms)
{
    for (unsigned i = 0; i <= ms; i++) {
        int n = reader_take(r);

        if (n < 0)
            fail("a record is none", n);
        records += (unsigned)n;
        usleep(1000);
    }
}

static void cycle(const char *module, unsigned i)
{
    struct reader r = {.fd = -1};
    const char *what;
    int e = module_load(module);

    if (e < 0)
        fail("it does not load", e);
    if (i % 2) {
        e = reader_open(&r, &what);
        if (e < 0)
            fail(what, e);
        readers++;
        read_for(&r, random32() % 20);
        e = module_unload();
        if (e != -EWOULDBLOCK || references() != 1)
            fail("with a reader it goes, or is not held once", e);
        refused++;
        if (random32() % 2) { /* closed, and mapped for a little longer */
            (void)close(r.fd);
            r.fd = -1;
            e = module_unload();
            if (e != -EWOULDBLOCK)
                fail("it goes while it is mapped", e);
        }
        reader_close(&r);
    }
    if (references() != 0)
        fail("nobody has it open, and it is referred to", -EBUSY);
    e = module_unload();
    if (e < 0)
        fail("it does not go", e);
    if (references() != -1)
        fail("it went, and is there", -EBUSY);
}

static const char *const kinds[] = {"MemAvailable", "Slab", "VmallocUsed", "Percpu", "KernelStack"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Pages that each CPU keeps to itself: free, and not counted as that. */
static long kept_kib(void)
{
    FILE *f = fopen("/proc/zoneinfo", "re");
    char line[128];
    long pages = 0;

    while (f && fgets(line, sizeof(line), f)) {
        const char *count = strstr(line, " count: ");

        if (count)
            pages += strtol(count + 8, NULL, 10);
    }
    if (f)
        (void)fclose(f);
    return pages * (PAGE / 1024);
}

/* KiB of each kind, once caches and what was put off are gone. */
static void measure(long kib[KINDS])
{
    FILE *f;
    char line[128];
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

    for (int i = 0; i < 3; i++) {
        sync();
        (void)!pwrite(fd, "3\n", 2, 0);
        sleep(1);
    }
    (void)close(fd);
    f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof(line), f))
        for (int i = 0; i < KINDS; i++) {
            size_t n = strlen(kinds[i]);

            if (strncmp(line, kinds[i], n) == 0 && line[n] == ':')
                kib[i] = strtol(line + n + 1, NULL, 10);
        }
    if (f)
        (void)fclose(f);
    kib[0] += kept_kib();
}

int main(int argc, char **argv)
{
    unsigned n = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    long before[KINDS] = {0}, after[KINDS] = {0};
    struct timespec begin, end;
    pid_t load;

    if (!n) {
        fprintf(stderr, "usage: cycles MODULE N\n");
        return 2;
    }
    /* What the first times fill, later ones find. */
    load = load_begin(2);
    for (unsigned i = 0; i < WARM; i++)
        cycle(argv[1], i);
    load_end(load);
    measure(before);
    refused = readers = 0;
    records = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    load = load_begin(2);
    for (unsigned i = 0; i < n; i++) {
        cycle(argv[1], i);
        if (i % 50 == 49)
            fprintf(stderr, "cycles: %u\n", i + 1);
    }
    load_end(load);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    measure(after);

    for (int i = 0; i < KINDS; i++)
        printf("%s: %ld KiB before, %ld KiB after\n", kinds[i], before[i], after[i]);
    if (records == 0)
        fail("no reader got a record", -ENODATA);
    for (int i = 0; i < KINDS; i++)
        if ((i ? after[i] - before[i] : before[i] - after[i]) > LEAK_KIB)
            fail("memory is gone", -ENOMEM);
    printf("%u times loaded and unloaded in %ld s, %u readers with %lu records, refused %u times; "
           "available %+ld KiB, slab %+ld, vmalloc %+ld, per CPU %+ld\n",
           n, (long)(end.tv_sec - begin.tv_sec), readers, records, refused, after[0] - before[0],
           after[1] - before[1], after[2] - before[2], after[3] - before[3]);
    return 0;
}
