# SPDX-License-Identifier: Apache-2.0
common.docker := containers record syscall
libs.docker := -lcurl -ljansson
