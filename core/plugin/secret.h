/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file secret.h
 * @brief Values of secret options that stand elsewhere: {file: PATH} or {env: NAME}. Main thread.
 */
#ifndef PLUGIN_SECRET_H
#define PLUGIN_SECRET_H

#include "base/yaml.h"

#include <gyr/util.h>

enum { SECRET_MAX = 64 << 10 };

/** Fetch the value. A path counts from the folder of the file that @p v stands in; a file's last
 *  line break is not part of it.
 *  @return 0 and a scalar in @p arena; -EINVAL with the end of a sentence; no message holds any
 *  part of a secret. */
int secret_fetch(const struct ynode *v, struct arena *arena, struct ynode *ret,
                 struct gyr_error *err);

/** What the files are, by inode, size and time, that {file: PATH} anywhere in @p options names: has
 *  a secret changed? NULL is fine. */
uint64_t secrets_stamp(const struct ynode *options);

#endif /* PLUGIN_SECRET_H */
