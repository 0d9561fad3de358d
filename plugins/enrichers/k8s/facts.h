/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file facts.h
 * @brief Everything the fields tell of one pod: one block of memory, never changed, counted.
 *
 * Made by the thread that asks the API (or from an event of a capture), read by the source's.
 */
#ifndef K8S_FACTS_H
#define K8S_FACTS_H

#include <gyr/util.h>
#include <stdatomic.h>
#include <stdbool.h>

/** The texts of a pod. Those named LABELS are name, zero byte, value, zero byte, … */
enum fact {
    FACT_POD_NAME,
    FACT_POD_UID,
    FACT_POD_ALIAS, /**< uid in control groups, where that is another */
    FACT_POD_IP,
    FACT_POD_NODE,
    FACT_POD_LABELS,
    FACT_NS_NAME,
    FACT_NS_UID,
    FACT_NS_LABELS,
    FACT_RS_NAME,
    FACT_RS_UID,
    FACT_RS_LABELS,
    FACT_DEPLOYMENT_NAME,
    FACT_DEPLOYMENT_UID,
    FACT_DEPLOYMENT_LABELS,
    FACT_RC_NAME,
    FACT_RC_UID,
    FACT_RC_LABELS,
    FACT_OWNER_KIND, /**< whoever stands at the top: Deployment, StatefulSet, CronJob, … */
    FACT_OWNER_NAME,
    FACT_OWNER_UID,
    FACT_OWNER_LABELS,
    N_FACTS
};

enum { SVC_NAME, SVC_UID, SVC_LABELS, N_SVC };
enum { FACTS_SERVICES_MAX = 32, FACTS_CONTAINERS_MAX = 64, FACTS_JSON_MAX = 256 << 10 };

struct fact_text {
    const char *p; /**< NULL: not known */
    uint32_t len;
};

/** What facts are made of, borrowed. */
struct facts_from {
    struct fact_text text[N_FACTS];
    struct fact_text services[FACTS_SERVICES_MAX][N_SVC];
    struct fact_text containers[FACTS_CONTAINERS_MAX]; /**< 64 digits each */
    uint32_t n_services, n_containers;
};

struct facts {
    atomic_uint refs;
    uint32_t n_services, n_containers;
    uint64_t hash; /**< of all texts; never 0 */
    struct fact_text text[N_FACTS];
    const struct fact_text (*services)[N_SVC];
    const struct fact_text *containers;
};

/** @return with one reference; NULL: no memory. */
struct facts *facts_new(const struct facts_from *from);
/** What facts_new() would give as the hash. */
uint64_t facts_hash(const struct facts_from *from);
/** Any thread. */
struct facts *facts_ref(struct facts *f);
void facts_unref(struct facts *f); /**< NULL is fine */

/** As one line of JSON, which facts_parse() reads. @return to be freed; NULL: no memory, or longer
 *  than FACTS_JSON_MAX. */
char *facts_json(const struct facts *f, size_t *ret_len);
/** @return NULL: it makes no sense, or there is no memory. */
struct facts *facts_parse(const char *json, size_t len);

#endif /* K8S_FACTS_H */
