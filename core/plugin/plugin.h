/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file plugin.h
 * @brief Plugins: found, checked, loaded, and their instances.
 *
 * Main thread only, but for what the host struct of an instance offers to the plugin.
 */
#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H

#include "base/buf.h"
#include "base/yaml.h"
#include "event/schema.h"

#include <gyr/plugin.h>
#include <stdbool.h>

/** A loaded plugin: its tables widened to our sizes, so that call sites test for NULL only. */
struct plugin {
    struct gyr_plugin desc;
    struct gyr_source_ops source;     /**< valid when desc.source */
    struct gyr_enricher_ops enricher; /**< valid when desc.enricher; fields widened */
    struct gyr_output_ops output;     /**< valid when desc.output */
    struct gyr_option *options;       /**< desc.n_options, widened */
    struct gyr_field *fields;         /**< of the enricher, widened */
    const char *path;
    uint64_t dev, ino;
};

struct plugins {
    const char *const *dirs; /**< searched in order */
    uint32_t n_dirs;
    struct plugin **list;
    uint32_t n;
};

/** Check and adopt a descriptor that is already in memory (loader, tests, fuzzers).
 *  @param file_name base name of the file without ".so", NULL: not checked.
 *  @return 0; -ENOEXEC with one sentence that says what is wrong with it. */
int plugin_adopt(const struct gyr_plugin *desc, const char *file_name, struct plugin *ret,
                 struct gyr_error *err);
void plugin_release(struct plugin *p); /**< free what plugin_adopt() made */

/** Find by name in dirs, or take a path (anything with a slash); trust check on the descriptor
 *  that is loaded; dlopen, query, adopt. The same file is loaded once, and the
 *  same path: one that was replaced goes on as it was.
 *  @return 0; -ENOENT (with the nearest name there is); -EPERM; -ENOEXEC; -EEXIST: another file
 *  with a plugin of that name is loaded. */
int plugins_load(struct plugins *ps, const char *name_or_path, struct plugin **ret,
                 struct gyr_error *err);
void plugins_free(struct plugins *ps); /**< objects stay loaded */

/** Everything a plugin says about itself, as text: capabilities, options with their defaults,
 *  fields, event types. */
void plugin_describe(const struct plugin *p, struct buf *out);

/** What the pipeline does for an instance's host calls. Members may be NULL: then the call
 *  fails or is ignored. */
struct host_hooks {
    void *ctx;
    void *(*event_alloc)(void *ctx, size_t size);
    int (*emit)(void *ctx, const struct gyr_event *ev);
    void (*resolved)(void *ctx, uint64_t ticket);
    void (*ack)(void *ctx, uint64_t token, uint32_t verdict, uint64_t retry_after_ns);
    int (*snapshot)(void *ctx);
    int (*snapshot_thread)(void *ctx, int64_t tid);
    int (*field_bind)(void *ctx, const char *name, uint32_t *ret_handle);
    int (*field)(void *ctx, const struct gyr_event *ev, uint32_t handle, struct gyr_value *ret);
};

struct instance_conf {
    struct plugin *plugin;
    uint32_t capability;         /**< GYR_CAP_* */
    const char *name;            /**< instance name; copied */
    const struct ynode *options; /**< mapping from the configuration; NULL: none */
    struct loc loc;              /**< of the entry, for messages about missing options */
    const struct schemas *schemas;
    const char *host_root;
    bool is_live;
    struct host_hooks hooks;
};

struct instance {
    struct plugin *plugin;
    uint32_t capability;
    char *name;
    void *self;
    struct gyr_host host;
    bool started;
    struct instance_private *priv;
};

/** Parse options into the plugin's configuration struct and call create().
 *  Every wrong option is told to @p d with its place and the nearest name.
 *  @return 0; -EINVAL after telling @p d. */
int instance_new(const struct instance_conf *conf, struct diags *d, struct instance **ret);
int instance_start(struct instance *i, struct gyr_error *err);
/** Late binding of the pipeline (an enricher's source is made after it). Before instance_start():
 *  threads of the plugin read the hooks without a lock. */
void instance_set_hooks(struct instance *i, const struct host_hooks *hooks);
void instance_stop(struct instance *i); /**< when started; NULL is fine */
/** Stops, destroys, checks that its threads are gone (logs which are not). An instance whose thread
 *  still runs is leaked: that is better than pulling its memory away. NULL is fine. */
void instance_free(struct instance *i);
/** Its counters as they are now: @return how many; names and values are borrowed, until the next
 *  call. One caller at a time. */
uint32_t instance_metrics(struct instance *i, const char *const **names, const uint64_t **values);

/** Parse one option table against a mapping into @p cfg (config_size bytes; zeroed here). Strings
 *  go to @p arena. @param loc for what is missing. @param who "plugin stdout", for messages.
 *  @return 0; -EINVAL after telling @p d. */
int options_parse(const struct gyr_option *options, uint32_t n, const struct ynode *map,
                  struct loc loc, const char *who, struct arena *arena, void *cfg,
                  uint32_t config_size, struct diags *d);

#endif /* PLUGIN_PLUGIN_H */
