/* SPDX-License-Identifier: Apache-2.0 */
#include "conform/conform_priv.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <string.h>

enum { MOMENT_MS = 10000, WHILE_MS = 60000 };

int conform_run(const struct conform_conf *conf, struct conform_report *ret, struct gyr_error *err)
{
    static void (*const groups[])(struct trial *) = {group_options, group_create,   group_start,
                                                     group_source,  group_enricher, group_output};
    _cleanup_close_ int fd = open_trusted(conf->path, err);

    memset(ret, 0, sizeof(*ret));
    if (fd < 0)
        return fd;
    check_symbols(conf->path, ret);
    trial_run(conf, ret, group_load, false, MOMENT_MS);
    if (!*ret->plugin)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        trial_run(conf, ret, groups[i], true, WHILE_MS);
    return 0;
}
