/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s_certs.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void must(int ok)
{
    if (!ok)
        abort();
}

static void extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    must(e && X509_add_ext(cert, e, -1));
    X509_EXTENSION_free(e);
}

void k8s_cert_make(const char *name, const char *alt, X509 **ret_cert, EVP_PKEY **ret_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *n;

    must(key && cert && X509_set_version(cert, 2));
    must(ASN1_INTEGER_set(X509_get_serialNumber(cert), (long)getpid()));
    must(X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL);
    must(X509_gmtime_adj(X509_getm_notAfter(cert), 86400) != NULL);
    n = X509_get_subject_name(cert);
    must(
        X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0));
    must(X509_set_issuer_name(cert, n) && X509_set_pubkey(cert, key));
    extend(cert, NID_basic_constraints, "CA:TRUE");
    if (alt)
        extend(cert, NID_subject_alt_name, alt);
    must(X509_sign(cert, key, EVP_sha256()) > 0);
    *ret_cert = cert;
    *ret_key = key;
}

static FILE *create(const char *dir, const char *name)
{
    char path[PATH_MAX];
    FILE *f;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    f = fd >= 0 ? fdopen(fd, "w") : NULL;
    must(f != NULL);
    return f;
}

void k8s_cert_write(const char *dir, const char *name, X509 *cert)
{
    FILE *f = create(dir, name);

    must(PEM_write_X509(f, cert));
    (void)fclose(f);
}

void k8s_key_write(const char *dir, const char *name, EVP_PKEY *key)
{
    FILE *f = create(dir, name);

    must(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    (void)fclose(f);
}
