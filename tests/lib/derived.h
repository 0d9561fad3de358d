/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file derived.h
 * @brief The process enricher and the core as providers, fed with made-up events: what do fields
 * say then? For tests; what cannot be set up fails the running test.
 */
#ifndef TESTS_DERIVED_H
#define TESTS_DERIVED_H

#include "event_build.h"
#include "fake_host.h"

#include "base/buf.h"
#include "engine/provider.h"

#include <gyr/plugin.h>

/** A parameter of an event by its place; the others are absent. */
struct derived_param {
    uint32_t place;
    const char *text; /**< NULL: a number */
    size_t len;
    int64_t num;
};
#define D_NUM(place, num)         ((struct derived_param){(place), NULL, 0, (num)})
#define D_STR(place, text)        ((struct derived_param){(place), (text), strlen(text) + 1, 0})
#define D_BYTES(place, text, len) ((struct derived_param){(place), (text), (len), 0})

struct derived {
    struct fake_host host;
    const struct gyr_plugin *plugin;
    void *self;
    struct provider providers[2]; /**< the core, then the enricher */
    struct schemas schemas;
    struct scratch scratch;
    struct stream_pos pos; /**< ts_ns and num move on with each event */
    struct corefields_conf core;
    struct event_build build;
    const struct gyr_event *now; /**< at hand until the next event */
    bool wants_after;
    uint64_t step_ns; /**< between two events: 1000 unless set */
    uint16_t cpu;     /**< of the next event */
    uint32_t subtype; /**< of the next event */
    uint32_t flags;   /**< of the next event */
    struct buf texts[4];
    unsigned turn;
};

void derived_init(struct derived *d);
void derived_free(struct derived *d);
void derived_event(struct derived *d, uint16_t type, int64_t tid, const struct derived_param *p,
                   size_t n);
#define DERIVED(d, type, tid, ...)                                                                 \
    derived_event((d), (type), (tid), (const struct derived_param[]){__VA_ARGS__},                 \
                  sizeof((const struct derived_param[]){__VA_ARGS__}) /                            \
                      sizeof(struct derived_param))

/** What an output shows of a field, "(absent)" if it has no value. Good for three more calls. */
const char *derived_get(struct derived *d, const char *field, const char *arg);
/** The same as a comparison reads it: all the values of a field that has several. */
const char *derived_many(struct derived *d, const char *field);

/** In a snapshot, outside of one too: a thread of that comm, whose parent is 1. */
void derived_process(struct derived *d, int64_t tid, int64_t pid, const char *comm);
/** One of its descriptors. @p type is FD_*. */
void derived_fd(struct derived *d, int64_t tid, int64_t fd, int64_t type, const char *name);
/** An address of the machine. */
void derived_address(struct derived *d, const char *addr, const char *mask);
/** Calls of it: a connection made, or taken from a client. Addresses as text, both of a family. */
void derived_connect(struct derived *d, int64_t tid, int64_t fd, const char *from, uint16_t sport,
                     const char *to, uint16_t dport);
void derived_accept(struct derived *d, int64_t tid, int64_t fd, const char *from, uint16_t sport,
                    const char *to, uint16_t dport);
/** A socket that listens there. */
void derived_listen(struct derived *d, int64_t tid, int64_t fd, const char *on, uint16_t port);

#endif /* TESTS_DERIVED_H */
