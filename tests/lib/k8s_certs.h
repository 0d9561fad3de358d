/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file k8s_certs.h
 * @brief Certificates made for one test. What fails aborts.
 */
#ifndef TESTS_K8S_CERTS_H
#define TESTS_K8S_CERTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

/** A certificate that signs itself. @param alt its names, "IP:127.0.0.1,DNS:localhost". */
void k8s_cert_make(const char *name, const char *alt, X509 **ret_cert, EVP_PKEY **ret_key);
/** As PEM into a file, readable by its owner alone. */
void k8s_cert_write(const char *dir, const char *name, X509 *cert);
void k8s_key_write(const char *dir, const char *name, EVP_PKEY *key);

#endif /* TESTS_K8S_CERTS_H */
