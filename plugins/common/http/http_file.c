/* SPDX-License-Identifier: Apache-2.0 */
#include "http_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int http_file(const char *path, size_t max, char **ret, size_t *ret_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    size_t n = 0, cap = 4096;
    char *p, *q;
    int r = 0;

    if (fd < 0)
        return -errno;
    p = malloc(cap + 1);
    while (p && r == 0) {
        ssize_t got = read(fd, p + n, cap - n);

        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            r = -errno;
        n += got > 0 ? (size_t)got : 0;
        if (n < cap)
            continue;
        if (n >= max) {
            r = -EFBIG;
            break;
        }
        cap = cap * 2 < max ? cap * 2 : max;
        q = realloc(p, cap + 1);
        if (!q)
            r = -ENOMEM;
        else
            p = q;
    }
    (void)close(fd);
    if (!p)
        return -ENOMEM;
    if (r < 0) {
        free(p);
        return r;
    }
    p[n] = '\0';
    *ret = p;
    if (ret_len)
        *ret_len = n;
    return 0;
}
