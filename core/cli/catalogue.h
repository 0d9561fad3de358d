/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file catalogue.h
 * @brief Everything there is to name in rules and configurations, without running anything: the
 * plugins of the configuration and of the plugin folders, their schemas and fields.
 *
 * For `gyr check` and `gyr list`. Main thread.
 */
#ifndef CLI_CATALOGUE_H
#define CLI_CATALOGUE_H

#include "config/config.h"
#include "plugin/plugin.h"

/** A file in a plugin folder that cannot be loaded. */
struct refused {
    const char *path, *why;
};

struct catalogue {
    struct arena *arena;
    struct diags diags; /**< what is wrong in the configuration or with a plugin it names */
    struct config *config;
    struct plugins plugins; /**< those of the configuration first */
    struct schemas schemas; /**< of every source there is; fields of the configured enrichers */
    struct plugin **sources, **enrichers, **outputs; /**< as configured; NULL: not loaded */
    struct refused *refused;
    uint32_t n_refused;
};

struct catalogue_conf {
    const char *config; /**< NULL: the usual place */
    const char **dirs;  /**< plugin folders, searched first */
    uint32_t n_dirs;
    bool lint;         /**< see struct diags */
    uint64_t silenced; /**< likewise */
};

/** @return 0; -EINVAL when c->diags has errors: the rest is as complete as it could be made;
 *  -ENOMEM. Free it either way. */
int catalogue_load(const struct catalogue_conf *conf, struct catalogue *c);
void catalogue_free(struct catalogue *c);

/** Does the enricher serve events of this schema? */
bool catalogue_serves(const struct plugin *enricher, const struct schema *s);
/** Who computes the field: "core", a configured enricher's name, or NULL. */
const char *catalogue_provider(const struct catalogue *c, const struct schema *s,
                               const struct field_def *f);
const struct plugin *catalogue_plugin(const struct catalogue *c, const char *name);

#endif /* CLI_CATALOGUE_H */
