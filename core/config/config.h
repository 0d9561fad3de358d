/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file config.h
 * @brief gyr.yaml: which plugins run with which options, which rules, and the core's settings.
 *
 * Main thread. Constant after the load; lives in the arena given.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/yaml.h"
#include "rules/adjust.h"

#include "alert/delivery.h"
#include "alert/redact.h"

#include <gyr/output.h>

enum on_full { ON_FULL_DEFAULT, ON_FULL_DROP, ON_FULL_WAIT };

/** An entry under sources, enrichers or outputs. */
struct plugin_conf {
    const char *plugin; /**< name or path */
    const char *name;   /**< instance name; the plugin's when not given */
    const struct ynode *options;
    struct loc loc;
    const char *filter; /**< enrichers only: a condition; NULL: every event */
    struct loc filter_loc;
    /* outputs only */
    uint32_t min_priority;    /**< GYR_PRIO_*: this urgent or more */
    const char *const *rules; /**< globs, NULL-terminated; NULL: all */
    const char *const *tags;  /**< any of these; NULL: all */
    enum on_full on_full;
    uint32_t queue; /**< alerts; default 4,096 */
    struct {
        uint64_t min_ns, max_ns, give_up_ns; /**< 0: the default; give_up: never */
    } retry;
    struct digest_conf digest;
    const char *dead_letters; /**< file; NULL: none */
    struct noise_conf noise;  /**< without the mutes */
    struct spool_conf spool;  /**< dir NULL: none */
};

struct config {
    const char *path;            /**< NULL: built-in defaults */
    const char *const *drop_ins; /**< read after it, NULL-terminated */
    const char **plugin_dirs;
    uint32_t n_plugin_dirs;
    const char **live_sources; /**< plugins to try, in order, when there are no sources */
    uint32_t n_live_sources;
    struct plugin_conf *sources, *enrichers, *outputs;
    uint32_t n_sources, n_enrichers, n_outputs;
    const char **rule_files;
    uint32_t n_rule_files;
    uint32_t min_priority; /**< rules less urgent are not loaded */
    struct rule_adjust adjust;
    bool first_match_only; /**< rule_matching: first */
    const char *host_root; /**< without a slash at its end; NULL: to be found */
    const char *hostname;  /**< NULL: ask the machine */
    bool drop_privileges;
    int log_level;
    struct redact_rule *redact; /**< see config_release() */
    uint32_t n_redact;
    struct mute *mutes;
    uint32_t n_mutes;
    uint64_t park_deadline_ns;
    uint32_t park_events;
    uint64_t park_bytes;
    bool watch_files; /**< watch_config_files: load anew what changed */

    const char *http_listen;   /**< see parse_listen(); NULL: no HTTP */
    const char *status_socket; /**< absolute path; NULL: none */
    bool status_socket_named;  /**< by the configuration: without it we do not start */
    uint64_t stuck_after_ns;   /**< a source so long in one batch hangs; 0: none does */

    struct arena *arena; /**< its own, see config_own(); NULL: somebody else's */
    uint32_t refs;
};

/** Load a file and its drop-ins (`NAME.d/` + `*.yaml` beside `NAME.yaml`, in order; lists of
 * plugins, steps of a selection and appended outputs are added to, the rest replaced). What neither
 * says is as in config_defaults(). Paths of plugins, of plugin folders and of rules count from the
 * folder of the file that names them.
 *  @param path NULL: etc/gyr/gyr.yaml of the prefix the program is installed under, else
 *  /etc/gyr/gyr.yaml, else the defaults.
 *  @return 0; -EINVAL after telling @p d everything that is wrong. */
int config_load(const char *path, struct arena *arena, struct diags *d, struct config **ret);
/** The same from a text, without drop-ins (tests, fuzzers). */
int config_load_text(const char *path, const char *text, size_t len, struct arena *arena,
                     struct diags *d, struct config **ret);

/** Free what is not in the arena; before it. NULL is fine. */
void config_release(struct config *c);

/** @p c owns the arena it lives in; the first reference is the caller's. */
void config_own(struct config *c, struct arena *arena);
/** Counted where it owns its arena, else nothing. Main thread. */
struct config *config_ref(struct config *c);
void config_unref(struct config *c); /**< the last one frees. NULL is fine */

/** Where HTTP is answered when `http` says nothing else. */
#define HTTP_LISTEN_DEFAULT "127.0.0.1:8765"
/** Where a detector listens for `gyr status` when nobody says otherwise. */
#define STATUS_SOCKET_DEFAULT "/run/gyr/gyr.sock"

/** The folder of the drop-ins of the file @p path. @return NULL without memory. */
const char *config_drop_in_dir(struct arena *arena, const char *path);

/** Would the two make the same output: plugin, name, options, queue, spool, dead letters? What is
 *  left can change while it runs. */
bool config_same_output(const struct plugin_conf *a, const struct plugin_conf *b);
/** Its place for a message that says nothing of its options: without the line where these begin in
 *  it, as they may hold secrets. */
struct loc plugin_conf_loc(const struct plugin_conf *c, struct diags *d);
/** Warn of what @p next has otherwise than @p running and only a restart can change: sources,
 *  enrichers, and some settings. */
void config_tell_fixed(const struct config *running, const struct config *next, struct diags *d);

/** Built-in: no source (ebpf and kmod to be tried), the enricher "process", the output "stdout",
 *  and the plugins and rules of this program, found from where it stands (EXE is its folder):
 *  installed, when EXE/../lib/gyr/plugins exists: that, and EXE/../share/gyr/rules;
 *  else, a build folder: EXE/../plugins, and the first folder `rules` that EXE/.. or one of the
 *  three folders above it has.
 *  @return 0, -ENOMEM. */
int config_defaults(struct arena *arena, struct config **ret);

#endif /* CONFIG_CONFIG_H */
