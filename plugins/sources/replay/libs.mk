# SPDX-License-Identifier: Apache-2.0
common.replay := syscall scap
libs.replay := -lz -lzstd
