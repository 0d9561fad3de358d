# SPDX-License-Identifier: Apache-2.0
common.record := syscall scap
libs.record := -lz -lzstd
