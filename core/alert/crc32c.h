/* SPDX-License-Identifier: Apache-2.0 */
/** @file crc32c.h
 *  @brief CRC-32C (Castagnoli), by the processor's instruction where it has one. Any thread. */
#ifndef ALERT_CRC32C_H
#define ALERT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** @param crc of what came before; 0 at first. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/** The same, without the instruction. */
uint32_t crc32c_by_table(uint32_t crc, const void *p, size_t n);

#endif /* ALERT_CRC32C_H */
