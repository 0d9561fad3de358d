# SPDX-License-Identifier: Apache-2.0
common.record := syscall record scap
libs.record := -lz -lzstd
