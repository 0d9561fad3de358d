# SPDX-License-Identifier: Apache-2.0
common.ebpf := syscall record proc live
libs.ebpf := -lbpf
