/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file hook_preset.h
 * @brief What services expect: presets/NAME.yaml, built into the plugin.
 */
#ifndef WEBHOOK_HOOK_PRESET_H
#define WEBHOOK_HOOK_PRESET_H

#include <gyr/util.h>

enum { HOOK_HEADERS_MAX = 16 };

/** How alerts become requests; NULL: not said. */
struct hook_preset {
    const char *url, *path, *method, *content_type, *body, *body_begin, *body_end;
    const char *batch, *max_batch, *answer;
    const char *headers[2 * HOOK_HEADERS_MAX + 1]; /**< name, value, …, NULL */
    void *document;                                /**< holds the texts above */
};

/** @return 0, to be freed; GYR_E_CONF with the names that there are; -ENOMEM. */
int hook_preset_load(const char *name, struct hook_preset *ret, struct gyr_error *err);
void hook_preset_free(struct hook_preset *p);

/** The name of the @p i th preset; NULL behind the last. */
const char *hook_preset_name(unsigned i);

#endif /* WEBHOOK_HOOK_PRESET_H */
