/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file version.h
 * @brief The version of Gyr.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define GYR_VERSION "0.1.0"

#endif /* BASE_VERSION_H */
