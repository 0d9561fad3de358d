/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include "live/machine.h"

#include <errno.h>
#include <gyr/util.h>

int state_new(const struct gyr_host *host, enum snapshot_mode mode, uint64_t boot_ns,
              struct snap **ret_snap, struct proc_snapshot **ret, struct gyr_error *err)
{
    struct proc_conf pc = {.host_root = host->host_root, .boot_ns = boot_ns};
    bool foreign = live_proc_is_foreign(host);
    struct gyr_error why;
    int r;

    *ret_snap = NULL;
    if (mode == SNAPSHOT_KERNEL || (mode == SNAPSHOT_AUTO && foreign)) {
        r = snap_new(host, boot_ns, ret_snap, &why);
        if (r < 0 && mode == SNAPSHOT_KERNEL)
            return gyr_fail(err, r, "'snapshot' is kernel, but %.400s", why.msg);
        if (r < 0)
            gyr_logf(host, GYR_LOG_WARNING,
                     "/proc is not the machine's, and %.400s: of what ran before now nothing is "
                     "known until it starts another program",
                     why.msg);
        else
            gyr_logf(host, foreign ? GYR_LOG_WARNING : GYR_LOG_INFO,
                     "processes that run already are told by the kernel%s%s",
                     foreign ? ", as /proc does not show those of the machine" : "",
                     snap_has_texts(*ret_snap) ? ""
                                               : "; before 6.2 without arguments and environment");
    }
    if (*ret_snap)
        pc.teller = snap_teller(*ret_snap);
    else if (foreign && mode == SNAPSHOT_AUTO)
        pc.teller = &live_nobody;
    return proc_snapshot_new(&pc, ret, err);
}
