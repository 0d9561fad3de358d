# SPDX-License-Identifier: Apache-2.0
common.ebpf := syscall record proc
libs.ebpf := -lbpf
