/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file web_rig.h
 * @brief A webhook output before a server of the test's own, and alerts for it.
 */
#ifndef TESTS_WEB_RIG_H
#define TESTS_WEB_RIG_H

#include "../../plugins/outputs/webhook/hook_setup.h"
#include "fake_host.h"
#include "web_server.h"

#include <gyr/plugin.h>

struct web_rig {
    struct fake_host host;
    const struct gyr_plugin *plugin;
    struct web_server *server;
    struct hook_config cfg; /**< the defaults; url is the server's */
    void *self;
    char url[64];
    struct gyr_error err;    /**< of the last call */
    struct gyr_verdict v[8]; /**< of the last web_rig_write() */
};

/** A server, and a configuration that may be changed before web_rig_open(). */
void web_rig_init(struct web_rig *r, SSL_CTX *tls);
/** Create and start the output. @return what failed. */
int web_rig_open(struct web_rig *r);
/** Offer the first @p n of eight alerts; all differ. @return as the output does. */
int web_rig_write(struct web_rig *r, uint32_t n);
void web_rig_free(struct web_rig *r);

/** The @p i th of the alerts: what they hold tries to break out of JSON. */
const struct gyr_alert *web_rig_alert(uint32_t i);

#endif /* TESTS_WEB_RIG_H */
