# SPDX-License-Identifier: Apache-2.0
common.scenario := containers names record syscall
libs.scenario := -ljansson
