/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <errno.h>
#include <gyr/util.h>

static void tell_nobody(void *self, int64_t only)
{
    (void)self;
    (void)only;
}

static int tell_nothing(void *self, struct scap_view *ret)
{
    (void)self;
    (void)ret;
    return 0;
}

const struct proc_teller live_nobody = {.begin = tell_nobody, .next = tell_nothing};

bool live_proc_is_foreign(const struct gyr_host *host)
{
    struct gyr_error why;
    int r = proc_check(host->host_root, &why);
    bool foreign = r == -EXDEV || r == -ENOENT;

    if (r < 0)
        gyr_logf(host, foreign ? GYR_LOG_INFO : GYR_LOG_WARNING, "%s", why.msg);
    return foreign;
}
