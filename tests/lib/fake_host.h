/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fake_host.h
 * @brief The SDK's host for tests of one plugin, under the names that our own tests use: of an
 * enricher, of a recording.
 */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include <gyr/testing.h>
#include <stdbool.h>

#define fake_host            gyr_fake_host
#define fake_ack             gyr_fake_ack
#define fake_host_init(h)    gyr_fake_host_init((h), GYR_CAP_ENRICHER)
#define fake_host_free       gyr_fake_host_free
#define fake_host_event_done gyr_fake_host_event_done
#define fake_host_says       gyr_fake_host_says
#define fake_host_metric     gyr_fake_host_metric

#endif /* TESTS_FAKE_HOST_H */
