/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file findings.h
 * @brief What is wrong with rules and configuration, for programs: editors, CI. Main thread.
 */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include "base/diag.h"

/** One JSON object a line: file, line, column, end (the column behind what is meant), severity,
 *  code, message, hint. What is not known is null. */
void findings_print_json(const struct diags *d, FILE *f);

#endif /* CLI_FINDINGS_H */
