/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gyr/output.h
 * @brief The output capability: where alerts go.
 *
 * An output accepts or refuses. Queue, thread, filter, retry, back-off, spool and drop counts
 * exist once, in the core, for each instance. All calls but start(), stop(), create() and
 * destroy() (main thread) are made on the instance's own thread, one at a time.
 */
#ifndef GYR_OUTPUT_H
#define GYR_OUTPUT_H

#include <gyr/types.h>

/** Priorities, as in syslog(3). */
enum {
    GYR_PRIO_EMERGENCY = 0,
    GYR_PRIO_ALERT,
    GYR_PRIO_CRITICAL,
    GYR_PRIO_ERROR,
    GYR_PRIO_WARNING,
    GYR_PRIO_NOTICE,
    GYR_PRIO_INFORMATIONAL,
    GYR_PRIO_DEBUG
};

/** A field of an alert. [frozen] */
struct gyr_alert_field {
    const char *name;       /**< as the rule wrote it: "proc.aname[2]" */
    struct gyr_value value; /**< GYR_T_NONE: absent */
    const char *text;       /**< as it stands in the text; "<NA>" when absent */
};

/** An alert. Everything it points to lives until the call returns (with GYR_V_LATER: until the
 *  core has been told). Strings are UTF-8, without control characters but for what JSON escapes,
 *  and NUL-terminated. [grows] */
struct gyr_alert {
    uint32_t size;
    uint32_t priority; /**< GYR_PRIO_* */
    uint64_t token;    /**< names the alert to host->ack() */
    uint64_t ts_ns;    /**< time of the event, nanoseconds since the epoch */
    uint64_t num;      /**< ordinal of the event in its source's stream */
    int64_t tid;       /**< thread of the event; -1: none */
    const char *uuid;  /**< the same for the same event and rule, however often replayed */
    const char *rule, *source, *hostname;
    const char *text; /**< the rule's output, expanded; without time and priority */
    const char *json; /**< one line, the keys that Falco's alerts have, and "metadata" where a value
                         was waited for */
    uint32_t text_len, json_len;
    uint32_t n_tags, n_fields;
    const char *const *tags;
    const struct gyr_alert_field *fields;
    uint32_t metadata; /**< GYR_MD_* */
    uint32_t attempt;  /**< 1 at the first offer */
};

enum {
    GYR_MD_FINAL = 0,  /**< every value was known */
    GYR_MD_MISSING = 1 /**< a value was still pending at the deadline */
};

/** Answers to an alert. */
enum {
    GYR_V_ACCEPTED = 0, /**< the far side has it */
    GYR_V_RETRY = 1,    /**< not now */
    GYR_V_FAILED = 2,   /**< never: offering it again is of no use */
    GYR_V_LATER = 3     /**< host->ack() will tell */
};

/** [frozen] Preset to GYR_V_RETRY. */
struct gyr_verdict {
    uint32_t verdict; /**< GYR_V_* */
    uint32_t reserved;
    uint64_t retry_after_ns; /**< with GYR_V_RETRY: shortest wait; 0: the core's back-off */
};

/** [grows] */
struct gyr_output_ops {
    uint32_t size, flags;

    /** Take alerts. @p v: one verdict for each, in order. Verdicts of GYR_V_RETRY up to the last
     *  alert: they are offered again in this order before any other.
     *  @return 0: the verdicts stand; @p err may say why some are not GYR_V_ACCEPTED. Negative: the
     * whole offer failed for the reason in @p err and counts as GYR_V_RETRY for each alert whose
     * verdict was not set to GYR_V_ACCEPTED or GYR_V_FAILED. */
    int (*write)(void *self, const struct gyr_alert *const *alerts, uint32_t n,
                 struct gyr_verdict *v, struct gyr_error *err);

    /** Optional: push out what is buffered, for at most @p timeout_ms. Called once, behind the last
     *  write() and before alerts without an answer are given up: those of GYR_V_LATER may still get
     *  theirs in it. Nothing need be held back to gather: the core does that before it offers
     *  (`digest` of an entry), and one write() has what belongs together. */
    int (*flush)(void *self, uint32_t timeout_ms, struct gyr_error *err);

    /** Optional: open files anew (log rotation). Called on the main thread too, once after start()
     *  when privileges have been dropped, so that a rotation cannot fail later for lack of them. */
    int (*reopen)(void *self, struct gyr_error *err);

    /** Optional. Any thread; never blocks: make a waiting write() return soon. */
    void (*wake)(void *self);
};

#endif /* GYR_OUTPUT_H */
