# SPDX-License-Identifier: Apache-2.0
common.k8s := syscall http
libs.k8s := -lcurl -ljansson -lyaml
