/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file hook_setup.h
 * @brief Options and preset put together: what the requests of an instance look like.
 */
#ifndef WEBHOOK_HOOK_SETUP_H
#define WEBHOOK_HOOK_SETUP_H

#include "hook_preset.h"
#include "template/template.h"

enum { HOOK_LINES_MAX = 48 };

/** Places of "batch" and "answer" among their choices; 0: as the preset has it. */
enum { HOOK_BATCH_NONE = 1, HOOK_BATCH_ARRAY, HOOK_BATCH_LINES };
enum { HOOK_ANSWER_STATUS = 1, HOOK_ANSWER_BULK, HOOK_ANSWER_PARTIAL };
extern const char *const hook_batches[], *const hook_answers[];

/** As the option table fills it; NULL and 0: not given. */
struct hook_config {
    const char *url, *preset, *method, *content_type, *body, *body_begin, *body_end, *key;
    const char *const *headers;
    int64_t batch, max_batch, answer;
    uint64_t max_body, interval, timeout;
    const char *bearer, *user, *password, *sign_key, *sign_header;
    const char *tls_ca, *tls_cert, *tls_key;
    uint8_t tls_verify, gzip;
};

struct hook_setup {
    struct hook_preset preset;
    char *url;
    char shown[128]; /**< scheme and host: paths and users of webhooks are secrets */
    const char *method, *content_type, *between;
    char *headers[HOOK_LINES_MAX + 1]; /**< "Name: value", ended by NULL */
    struct template *body, *begin, *end;
    uint32_t max_batch;
    int64_t batch, answer;
};

/** @param c borrowed for as long as @p ret is used. @return 0; GYR_E_CONF; -ENOMEM. */
int hook_setup_init(const struct hook_config *c, struct hook_setup *ret, struct gyr_error *err);
void hook_setup_free(struct hook_setup *s); /**< one that was only zeroed is fine */

#endif /* WEBHOOK_HOOK_SETUP_H */
