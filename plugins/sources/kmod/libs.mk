# SPDX-License-Identifier: Apache-2.0
common.kmod := syscall record proc live
