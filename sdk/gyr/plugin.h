/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/plugin.h
 * @brief The plugin ABI: the one header a plugin includes, and the one contract.
 *
 * A plugin is a shared object that exports one symbol, gyr_plugin_query(), and reaches the core
 * only through `struct gyr_host`.
 *
 * Memory.  Whoever allocates frees. A pointer handed over is borrowed for the call unless its
 *   comment says longer. What the descriptor points to is constant and lives for ever: plugins
 *   stay loaded.
 * Threads. query, create, start, stop, destroy: main thread, one at a time. Every other call on
 *   an instance is serialised, on the thread its header names; instances run in parallel. wake()
 *   and all of `struct gyr_host` may be called from any thread.
 * Errors.  int: >= 0 success, < 0 a negated errno or GYR_E_*. `err` is written on failure only,
 *   `ret_*` on success only.
 */
#ifndef GYR_PLUGIN_H
#define GYR_PLUGIN_H

#include <gyr/enricher.h>
#include <gyr/event.h>
#include <gyr/host.h>
#include <gyr/option.h>
#include <gyr/output.h>
#include <gyr/schema.h>
#include <gyr/source.h>
#include <gyr/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GYR_MAGIC 0x31525947u /* "GYR1" */
/** Minor versions only add. A plugin built for the same major loads in every core whose minor is
 *  not below its abi_min_minor. */
#define GYR_ABI_MAJOR 1u
#define GYR_ABI_MINOR 0u
/** Lowest minor of the core that a plugin can live with: one that tests with GYR_HAS() for what
 * came later defines it lower than what it is built with. */
#ifndef GYR_ABI_MIN_MINOR
#define GYR_ABI_MIN_MINOR GYR_ABI_MINOR
#endif

/** What gyr_plugin_query() returns: static and const. [grows] */
struct gyr_plugin {
    uint32_t magic, size;
    uint16_t abi_major, abi_minor; /**< compiled against */
    uint16_t abi_min_minor;        /**< lowest minor of the core it can live with */
    uint16_t event_size;           /**< sizeof(struct gyr_event): what its events have at least */
    const char *name;              /**< [a-z][a-z0-9_-]*, and the file's name less ".so" */
    const char *version, *license;
    const char *summary; /**< one line */
    /** Capabilities; NULL when absent, at least one set. */
    const struct gyr_source_ops *source;
    const struct gyr_enricher_ops *enricher;
    const struct gyr_output_ops *output;
    const struct gyr_option *options;
    uint32_t n_options, option_stride;
    uint32_t config_size; /**< the core zeroes and fills so many bytes from the options */
    uint32_t flags;       /**< 0 */

    /** Make an instance: cheap, no threads, no connections, so that `gyr check` may do it.
     *  @param host valid until destroy() returns. @param cfg config_size bytes, likewise. */
    int (*create)(const struct gyr_host *host, const void *cfg, void **ret_self,
                  struct gyr_error *err);
    /** Optional: open, connect, start threads. */
    int (*start)(void *self, struct gyr_error *err);
    /** Optional: undo start(), whatever it got to. Called only after a start() that succeeded.
     *  start() may follow again (a source that is restarted). */
    void (*stop)(void *self);
    /** NULL is fine. */
    void (*destroy)(void *self);

    /** Capabilities of the kernel (gyr/capability.h) that it needs, while it starts and afterwards:
     *  "CAP_BPF CAP_PERFMON CAP_SYS_PTRACE?"; one with '?' is only of use: kept where it is, not
     *  missed where it is not. What no plugin in use names is dropped once all have started.
     *  NULL: none. */
    const char *capabilities;
};

/* The first members of a descriptor. C++ wants designators in the order of the members, so there
 * the stride of the options comes with them. */
#define GYR_PLUGIN_HEAD_                                                                           \
    .magic = GYR_MAGIC, .size = (uint32_t)sizeof(struct gyr_plugin), .abi_major = GYR_ABI_MAJOR,   \
    .abi_minor = GYR_ABI_MINOR, .abi_min_minor = GYR_ABI_MIN_MINOR,                                \
    .event_size = (uint16_t)sizeof(struct gyr_event)
#define GYR_PLUGIN_OPTIONS_(table)                                                                 \
    .options = (table), .n_options = (uint32_t)(sizeof(table) / sizeof((table)[0]))
/** Of a descriptor: GYR_PLUGIN_HEAD, first of all; GYR_PLUGIN_OPTIONS(table) after its tables of
 *  capabilities. */
#ifdef __cplusplus
#define GYR_PLUGIN_HEAD GYR_PLUGIN_HEAD_
#define GYR_PLUGIN_OPTIONS(table)                                                                  \
    GYR_PLUGIN_OPTIONS_(table), .option_stride = (uint32_t)sizeof(struct gyr_option)
#define GYR_EXTERN_C extern "C"
#else
#define GYR_PLUGIN_HEAD                                                                            \
    GYR_PLUGIN_HEAD_, .option_stride = (uint32_t)sizeof(struct gyr_option) /* in any order */
#define GYR_PLUGIN_OPTIONS(table) GYR_PLUGIN_OPTIONS_(table)
#define GYR_EXTERN_C              extern
#endif

/** Discovery. Pure: no allocation, no I/O, no thread, so describing is always safe.
 *  @param host_abi major << 16 | minor of the core. @return NULL to refuse. */
#define GYR_QUERY_SYMBOL "gyr_plugin_query"
typedef const struct gyr_plugin *(*gyr_plugin_query_fn)(uint32_t host_abi);

#ifdef GYR_STATIC /* the plugin's name: linked into a test or a fuzzer */
#define GYR_CAT_(a, b) a##b
#define GYR_CAT(a, b)  GYR_CAT_(a, b)
#define GYR_QUERY_NAME GYR_CAT(gyr_plugin_query_, GYR_STATIC)
#else
#define GYR_QUERY_NAME gyr_plugin_query
#endif

#define GYR_EXPORT_PLUGIN(desc)                                                                    \
    GYR_EXTERN_C __attribute__((visibility("default"))) const struct gyr_plugin *GYR_QUERY_NAME(   \
        uint32_t host_abi);                                                                        \
    const struct gyr_plugin *GYR_QUERY_NAME(uint32_t host_abi)                                     \
    {                                                                                              \
        (void)host_abi;                                                                            \
        return &(desc);                                                                            \
    }

#ifdef __cplusplus
}
#endif
#endif /* GYR_PLUGIN_H */
