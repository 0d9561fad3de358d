/* SPDX-License-Identifier: Apache-2.0 */
#include "paths.h"

#include <string.h>

/* Go back to behind the slash before the last part; not past the first byte. */
static uint32_t up(const char *out, uint32_t n)
{
    if (n <= 1)
        return n;
    for (n--; n >= 1 && out[n - 1] != '/'; n--)
        ;
    return n;
}

/* How many bytes of @p p are a "." or ".." that ends here or at a slash. */
static uint32_t dots(struct pr_text p, uint32_t i, bool *ret_up)
{
    uint32_t left = p.len - i, n = left > 1 && p.p[i + 1] == '.' ? 2 : 1;

    *ret_up = n == 2;
    if (left == n)
        return n;
    return p.p[i + n] == '/' ? n + 1 : 0;
}

/* What counts is the length that is left: "./" a thousand times must not hide a name. */
static uint32_t too_long(char out[PR_PATH_MAX])
{
    static const char text[] = "/DIR_TOO_LONG/FILENAME_TOO_LONG";

    memcpy(out, text, sizeof(text));
    return sizeof(text) - 1;
}

uint32_t pr_path_join(char out[PR_PATH_MAX], struct pr_text dir, struct pr_text path)
{
    bool relative = path.len && path.p[0] != '/', has_dir;
    uint32_t n = 0, base, i = 0;

    if (relative && dir.len >= PR_PATH_MAX)
        return too_long(out);
    if (relative && dir.len) {
        memcpy(out, dir.p, dir.len);
        n = dir.len;
    }
    base = n;
    has_dir = base != 0;
    while (i < path.len) {
        char c = path.p[i];
        bool is_up = false;
        uint32_t skip = 0;

        if (c == '.' && (n == 0 || out[n - 1] == '/'))
            skip = dots(path, i, &is_up);
        if (skip) {
            n = is_up ? up(out, n) : n;
            i += skip;
        } else if (c == '/' && ((n && out[n - 1] == '/') || (n == 0 && has_dir))) {
            i++;
        } else if (n == PR_PATH_MAX - 1) {
            return too_long(out);
        } else {
            out[n++] = c;
            i++;
        }
    }
    if (n > 1 && out[n - 1] == '/')
        n--;
    out[n] = 0;
    return n;
}

static int64_t last_slash(struct pr_text path)
{
    int64_t i = (int64_t)path.len - 1;

    while (i >= 0 && path.p[i] != '/')
        i--;
    return i;
}

struct pr_text pr_path_dir(struct pr_text path)
{
    int64_t at = last_slash(path);

    if (at <= 0)
        return (struct pr_text){"/", 1};
    if (at < (int64_t)path.len - 1)
        path.len = (uint32_t)at;
    return path;
}

struct pr_text pr_path_name(struct pr_text path)
{
    int64_t at = last_slash(path);

    if (at < 0)
        return (struct pr_text){"/", 1};
    if (at < (int64_t)path.len - 1) {
        path.p += at + 1;
        path.len -= (uint32_t)at + 1;
    }
    return path;
}
