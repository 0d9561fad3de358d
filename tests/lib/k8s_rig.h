/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file k8s_rig.h
 * @brief The enricher "k8s" on a made-up host, its server, and processes in made-up containers. One
 * at a time; what fails to set up aborts or fails the test.
 */
#ifndef TESTS_K8S_RIG_H
#define TESTS_K8S_RIG_H

#include "fake_host.h"
#include "k8s_server.h"

#include <gyr/plugin.h>

enum { RIG_FIELDS = 64 };

struct k8s_rig {
    struct fake_host host;
    const struct gyr_plugin *plugin;
    void *self, *cfg;
    char dir[64]; /**< of certificates, kubeconfig and token; removed at the end */
    char kubeconfig[128];
    struct {
        const char *name;
        uint32_t handle;
    } bound[RIG_FIELDS];
    uint32_t n_bound;
    const char *container, *cgroups; /**< of the process at hand; NULL: the host's */
    uint64_t ts_ns;
};

#define RIG_ID(x) x x x x x x x x x x x x x x x x /* 64 digits of four */

void k8s_rig_dir(struct k8s_rig *r);
/** A kubeconfig for a server at a port, with what more stands in its cluster and user. */
void k8s_rig_kubeconfig(struct k8s_rig *r, unsigned port, const char *cluster, const char *user);
void k8s_rig_file(struct k8s_rig *r, const char *name, const char *text);
/** create() and start(). @param node "all", or a node. @return what start() said. */
int k8s_rig_start(struct k8s_rig *r, const char *node, bool live, struct gyr_error *err);
void k8s_rig_stop(struct k8s_rig *r);

/** A process in a container does something. @param cgroups NULL: tells no pod. */
void k8s_rig_in(struct k8s_rig *r, const char *container, const char *cgroups);
/** A field as text of that process ("(a,b)" of lists), "<NA>", or "<pending>". */
const char *k8s_rig_get(struct k8s_rig *r, const char *field);
/** Wait for a field to be @p want, by ticket as the core does, for at most 5 s. */
void k8s_rig_expect(struct k8s_rig *r, const char *field, const char *want);
/** How often a text stands in the log. */
unsigned k8s_rig_said(struct k8s_rig *r, const char *text);
/** Wait, at most 5 s, until it does. */
void k8s_rig_expect_said(struct k8s_rig *r, const char *text);
/** Hand the first events that were emitted to another's on_event(). @return how many. */
uint32_t k8s_rig_replay(struct k8s_rig *from, struct k8s_rig *to, uint32_t max);

#endif /* TESTS_K8S_RIG_H */
