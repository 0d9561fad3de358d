# SPDX-License-Identifier: Apache-2.0
common.replay := syscall record scap
libs.replay := -lz -lzstd
