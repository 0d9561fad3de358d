# SPDX-License-Identifier: Apache-2.0
common.process := names syscall
libs.process :=
