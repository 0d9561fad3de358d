/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/services.h"

#include "base/cleanup.h"

#include <stdint.h>
#include <string.h>

/* Names that IANA registered, and those that /etc/services has had beside them for long. */
static const struct {
    const char *name;
    uint16_t port;
} services[] = {
    {"echo", 7},           {"discard", 9},      {"daytime", 13},
    {"ftp-data", 20},      {"ftp", 21},         {"ssh", 22},
    {"telnet", 23},        {"smtp", 25},        {"mail", 25},
    {"time", 37},          {"whois", 43},       {"tacacs", 49},
    {"domain", 53},        {"bootps", 67},      {"bootpc", 68},
    {"tftp", 69},          {"gopher", 70},      {"finger", 79},
    {"http", 80},          {"www", 80},         {"kerberos", 88},
    {"pop3", 110},         {"sunrpc", 111},     {"portmapper", 111},
    {"auth", 113},         {"nntp", 119},       {"ntp", 123},
    {"epmap", 135},        {"netbios-ns", 137}, {"netbios-dgm", 138},
    {"netbios-ssn", 139},  {"imap2", 143},      {"imap", 143},
    {"snmp", 161},         {"snmp-trap", 162},  {"bgp", 179},
    {"irc", 194},          {"ldap", 389},       {"https", 443},
    {"microsoft-ds", 445}, {"kpasswd", 464},    {"submissions", 465},
    {"isakmp", 500},       {"syslog", 514},     {"shell", 514},
    {"printer", 515},      {"submission", 587}, {"ipp", 631},
    {"ldaps", 636},        {"domain-s", 853},   {"rsync", 873},
    {"ftps-data", 989},    {"ftps", 990},       {"telnets", 992},
    {"imaps", 993},        {"pop3s", 995},      {"socks", 1080},
    {"openvpn", 1194},     {"ms-sql-s", 1433},  {"ms-sql-m", 1434},
    {"l2f", 1701},         {"radius", 1812},    {"radius-acct", 1813},
    {"nfs", 2049},         {"mysql", 3306},     {"ms-wbt-server", 3389},
    {"svn", 3690},         {"epmd", 4369},      {"sip", 5060},
    {"sip-tls", 5061},     {"mdns", 5353},      {"postgresql", 5432},
    {"amqps", 5671},       {"amqp", 5672},      {"x11", 6000},
    {"redis", 6379},       {"ircs-u", 6697},    {"http-alt", 8080},
    {"git", 9418},
};

int service_port(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        if (strlen(services[i].name) == len && memcmp(services[i].name, name, len) == 0)
            return services[i].port;
    return -1;
}

void service_suggest(struct suggest *s)
{
    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        suggest_offer(s, services[i].name);
}
