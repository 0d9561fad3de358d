# SPDX-License-Identifier: Apache-2.0
common.process := syscall
libs.process :=
