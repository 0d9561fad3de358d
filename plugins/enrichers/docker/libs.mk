# SPDX-License-Identifier: Apache-2.0
common.docker := containers http record syscall
libs.docker := -lcurl -ljansson
