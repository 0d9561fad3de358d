/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file entry.h
 * @brief Configuration entries made from the command line. Main thread; memory is the arena's.
 */
#ifndef CLI_ENTRY_H
#define CLI_ENTRY_H

#include "config/config.h"

struct ynode *yaml_str(struct arena *a, const char *s);
/** A list or a mapping with room for @p n nodes. */
struct ynode *yaml_nodes(struct arena *a, enum ynode_kind kind, uint32_t n);
/** Is there no node that could not be made? */
bool yaml_is_whole(const struct ynode *n);
/** An entry of a plugin under its own name. */
struct plugin_conf plugin_alone(const char *plugin, const struct ynode *options);

#endif /* CLI_ENTRY_H */
