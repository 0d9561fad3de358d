/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fields.h
 * @brief The fields: their declarations, bindings, and how facts become values. Of the source's
 * thread, but binding.
 */
#ifndef K8S_FIELDS_H
#define K8S_FIELDS_H

#include "facts.h"

#include <gyr/enricher.h>

enum { K8S_N_FIELDS = 56, BINDINGS_MAX = 4096, LABEL_NAME_MAX = 512 };

struct k8s_field {
    struct gyr_field field; /**< first: the core walks these by stride */
    uint8_t form;           /**< FORM_* of fields.c */
    uint8_t fact;           /**< enum fact, or SVC_* */
};
extern const struct k8s_field k8s_fields[K8S_N_FIELDS];

struct binding {
    const struct k8s_field *field; /**< NULL: free */
    uint32_t key_len;
    char *key; /**< name of a label; NULL: none */
};

struct bindings {
    struct binding *list;
    uint32_t n, cap;
};

int bindings_add(struct bindings *b, uint32_t field, const char *arg, uint32_t *ret_handle,
                 struct gyr_error *err);
void bindings_del(struct bindings *b, uint32_t handle);
void bindings_free(struct bindings *b);

/** @return GYR_PRESENT; GYR_ABSENT; -ENOMEM. The value may point into @p f. */
int field_value(const struct gyr_host *host, const struct binding *b, const struct facts *f,
                struct gyr_value *ret);

#endif /* K8S_FIELDS_H */
