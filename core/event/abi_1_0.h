/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file abi_1_0.h
 * @brief Sizes of the ABI's growing structs as version 1.0 had them: a peer may send more, never
 * less. The members named are the last of that version; what has been added since is behind them.
 */
#ifndef EVENT_ABI_1_0_H
#define EVENT_ABI_1_0_H

#include <gyr/plugin.h>

#define ABI_UP_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

enum {
    ABI_1_0_EVENT = ABI_UP_TO(struct gyr_event, reserved),
    ABI_1_0_PLUGIN = ABI_UP_TO(struct gyr_plugin, capabilities),
    ABI_1_0_SOURCE = ABI_UP_TO(struct gyr_source_ops, snapshot_thread),
    ABI_1_0_ENRICHER = ABI_UP_TO(struct gyr_enricher_ops, param_text),
    ABI_1_0_OUTPUT = ABI_UP_TO(struct gyr_output_ops, wake),
    ABI_1_0_SCHEMA = ABI_UP_TO(struct gyr_schema, field_stride),
    ABI_1_0_TYPE = ABI_UP_TO(struct gyr_event_type, traits),
    ABI_1_0_FIELD = ABI_UP_TO(struct gyr_field, provider),
    ABI_1_0_OPTION = ABI_UP_TO(struct gyr_option, max),
};

#endif /* EVENT_ABI_1_0_H */
