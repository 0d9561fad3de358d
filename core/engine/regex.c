/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pred.h"
#include "engine/re2_shim.h"

#include <errno.h>
#include <string.h>

int regex_check(const char *s, size_t n, struct gyr_error *err)
{
    char why[256];
    struct regex *re = regex_new(s, n, why, sizeof(why));

    if (!re && (memmem(s, n, "(?=", 3) || memmem(s, n, "(?!", 3) || memmem(s, n, "(?<", 3)))
        return gyr_fail(err, -EINVAL, "'%.*s': regular expressions here cannot look ahead or back",
                        (int)(n < 200 ? n : 200), s);
    if (!re)
        return gyr_fail(err, -EINVAL, "'%.*s' is not a regular expression: %s",
                        (int)(n < 200 ? n : 200), s, why);
    regex_free(re);
    return 0;
}
