/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/**
 * @file kernel_net.h
 * @brief The kernel's types of sockets: the part of kernel.h, which includes it, that is theirs.
 */
#ifndef EBPF_KERNEL_NET_H
#define EBPF_KERNEL_NET_H

#ifndef EBPF_KERNEL_H
#error "include kernel.h"
#endif

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
    union {
        u8 u6_addr8[16];
    } in6_u;
};

struct sock_common {
    u32 skc_daddr, skc_rcv_saddr;
    u16 skc_dport, skc_num; /* the other's in network order, our own in the host's */
    unsigned short skc_family;
    u8 skc_state;
    struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr; /* with IPv6 */
};

struct sock {
    struct sock_common __sk_common;
    u8 sk_userlocks; /* 5.10: four bits of one */
    u16 sk_type, sk_protocol;
    u32 sk_ack_backlog, sk_max_ack_backlog;
};

struct socket {
    struct file *file;
    struct sock *sk;
};

struct sockaddr_un {
    unsigned short sun_family;
    char sun_path[108];
};

struct unix_address {
    int len;
    struct sockaddr_un name[1];
};

struct unix_sock {
    struct unix_address *addr;
    struct sock *peer;
};

#pragma clang attribute pop

#endif /* EBPF_KERNEL_NET_H */
