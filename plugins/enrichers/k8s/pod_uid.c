/* SPDX-License-Identifier: Apache-2.0 */
#include "pod_uid.h"

#include <stdbool.h>
#include <string.h>

/* A uid, dashes or (where systemd would take them for folders) underscores within; of pods that the
 * kubelet has from a file, 32 digits. @return its length, and that it ends there; else 0. */
static uint32_t uid_at(const char *p, const char *end)
{
    uint32_t n = 0;

    while (p + n < end && n <= POD_UID_MAX) {
        char c = p[n];
        bool dash = n == 8 || n == 13 || n == 18 || n == 23;

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (dash && (c == '-' || c == '_'))))
            break;
        n++;
    }
    if (n != POD_UID_MAX && n != 32)
        return 0;
    return p + n == end || strchr("/. \n", p[n]) ? n : 0;
}

uint32_t pod_uid_of(const char *cgroups, uint32_t len, char ret[POD_UID_MAX])
{
    const char *end = cgroups + len, *p = memmem(cgroups, len, "kubepods", 8);
    uint32_t found = 0;

    while (p && p < end) {
        uint32_t n;

        p = memmem(p, (size_t)(end - p), "pod", 3);
        if (!p)
            break;
        p += 3;
        n = p[-4] == '/' || p[-4] == '-' ? uid_at(p, end) : 0;
        if (!n)
            continue;
        found = n;
        for (uint32_t i = 0; i < n; i++)
            ret[i] = (char)(p[i] == '_' ? '-' : p[i]);
    }
    return found;
}
