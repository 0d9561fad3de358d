/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives every typed event: makes each system call in known ways and writes which events must come.
 *     drive FILE             make the calls; the expectations go to FILE
 *     drive --compare FILE CAME    compare them with what tap.so wrote to CAME
 *     drive --sync CAME SECONDS    wait until what happens now is in CAME
 */
#include "expect.h"
#include "facts.h"
#include "shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char dir[64];

static const struct {
    const char *name;
    void (*run)(void);
} families[] = {
    {"files", drive_files},   {"paths", drive_paths},       {"fds", drive_fds},
    {"net", drive_net},       {"sockopts", drive_sockopts}, {"memory", drive_memory},
    {"kernel", drive_kernel}, {"proc", drive_proc},         {"exec", drive_exec},
    {"ids", drive_ids},       {"compat", drive_compat},
};

/* The whole set, or one family. */
static int drive(const char *to, const char *only)
{
    FILE *f = fopen(to, "we");
    const char *text;
    size_t len;

    snprintf(dir, sizeof(dir), "/tmp/gyr-live-%d", getpid());
    if (!f || mkdir(dir, 0755) < 0 || chdir(dir) < 0) {
        perror(f ? dir : to);
        return 2;
    }
    umask(0);
    said_open();
    self_learn();
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (!only || strcmp(only, families[i].name) == 0)
            families[i].run();
    text = said_text(&len);
    if (fwrite(text, 1, len, f) != len || fclose(f) != 0) {
        perror(to);
        return 2;
    }
    if (chdir("/") == 0)
        (void)rmdir(dir);
    return 0;
}

/* Whether a file has this text; the tail of a long one. */
static bool has_text(const char *path, const char *text)
{
    static char buf[1 << 20];
    FILE *f = fopen(path, "re");
    size_t n;

    if (!f)
        return false;
    if (fseek(f, -(long)(sizeof(buf) - 1), SEEK_END) < 0)
        rewind(f);
    n = fread(buf, 1, sizeof(buf) - 1, f);
    (void)fclose(f);
    return memmem(buf, n, text, strlen(text));
}

/* Wait until what is done now has come to a file: the source is up, or has given all. */
static int sync_with(const char *came, int seconds)
{
    char path[96];

    for (int i = 0; i < seconds * 10; i++) {
        (void)snprintf(path, sizeof(path), "/" TAP_SYNC "-%d-%d", getpid(), i);
        (void)open(path, O_RDONLY); /* there is no such file */
        usleep(100000);
        if (has_text(came, path))
            return 0;
    }
    fprintf(stderr, "drive: nothing came to %s in %d s\n", came, seconds);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--compare") == 0)
        return compare(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "--sync") == 0)
        return sync_with(argv[2], (int)strtol(argv[3], NULL, 10));
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: drive FILE [FAMILY] | --compare FILE CAME | --sync CAME SECONDS\n");
        return 2;
    }
    if (facts_learn(argc, argv) < 0)
        return 77;
    return drive(argv[1], argv[2]);
}
