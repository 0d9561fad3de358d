/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/provider.h"

#include <string.h>

int provider_field(const struct provider *p, const char *name)
{
    const struct gyr_enricher_ops *ops = p->ops;
    const char *at = (const char *)ops->fields;

    for (uint32_t i = 0; i < ops->n_fields; i++, at += ops->field_stride) {
        const struct gyr_field *f = (const struct gyr_field *)(const void *)at;

        if (strcmp(f->name, name) == 0)
            return (int)i;
    }
    return -1;
}
